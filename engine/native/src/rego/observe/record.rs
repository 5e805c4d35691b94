//! What the conditions of one run came to, written down as they are evaluated. One run at a time on a thread.

use std::cell::RefCell;

use regorus::Value;

/// How one condition came out so far. `locals`: the names it uses, as they were when it first did not hold.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub held: bool,
    pub failed: bool,
    pub locals: Option<Value>,
}

thread_local! {
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

/// Forgets what was seen before.
pub fn begin(conditions: usize) {
    SEEN.with_borrow_mut(|seen| {
        seen.clear();
        seen.resize(conditions, Seen::default());
    });
}

pub fn take() -> Vec<Seen> {
    SEEN.with_borrow_mut(std::mem::take)
}

/// The call itself: [condition, one element for each time it holds, the names it uses]. Answers whether it holds.
pub fn write_down(arguments: &[Value]) -> Value {
    let [condition, times, locals] = arguments else {
        return Value::Bool(false);
    };
    let holds = times.as_array().is_ok_and(|times| !times.is_empty());
    let number = condition.as_u64().ok().and_then(|number| usize::try_from(number).ok());
    SEEN.with_borrow_mut(|seen| {
        if let Some(one) = number.and_then(|number| seen.get_mut(number)) {
            one.held |= holds;
            if !holds && !one.failed {
                one.failed = true;
                one.locals = Some(locals.clone());
            }
        }
    });
    Value::Bool(holds)
}
