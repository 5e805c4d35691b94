//! Every builtin call goes through here: sizes are capped before the call, errors are written down, time is the request's.
//!
//! WHY: the RVM swallows an error inside a rule (`deny contains 1 if to_number("abc") > 1` gives an empty set), so a
//! failing guard would silently not deny. The wrapper notes the error where the evaluation looks for it afterwards.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::{LimitError, Source, Value};

use super::{caps, own, signatures};

/// The shape of a builtin in regorus.
pub type Function = fn(&Span, &[Ref<Expr>], &[Value], bool) -> anyhow::Result<Value>;

/// What sort of error a builtin raised, in OPA's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Builtin,
    Type,
    Conflict,
    /// Past one of our caps.
    Limit,
    /// What OPA has and this core does not.
    Unsupported,
}

/// An error with its class.
#[derive(Debug)]
pub struct Raised {
    pub class: Class,
    pub message: String,
}

impl std::fmt::Display for Raised {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Raised {}

impl Raised {
    pub fn error(class: Class, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { class, message: message.into() })
    }
}

/// What an error in a builtin means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The rule has failed, and so has the decision.
    Policy,
    /// As OPA without strict errors: the expression is undefined. Conflicts are errors all the same.
    Lenient,
    /// As OPA with strict errors.
    Strict,
}

/// An error written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub class: Class,
    pub builtin: String,
    pub message: String,
}

thread_local! {
    static FIRST_ERROR: RefCell<Option<Noted>> = const { RefCell::new(None) };
    static NOW: Cell<i64> = const { Cell::new(0) };
    static MODE: Cell<Mode> = const { Cell::new(Mode::Policy) };
}

/// Sets the request's time and forgets earlier errors; to be called before each entry point.
pub fn begin(now_ns: i64, mode: Mode) {
    NOW.set(now_ns);
    MODE.set(mode);
    FIRST_ERROR.with_borrow_mut(|error| *error = None);
    own::operators::reset();
}

/// The first error since `begin`.
pub fn take_error() -> Option<Noted> {
    FIRST_ERROR.with_borrow_mut(Option::take)
}

pub fn now() -> i64 {
    NOW.get()
}

pub fn is_policy() -> bool {
    MODE.get() == Mode::Policy
}

/// Writes an error down; the first one since `begin` is kept.
fn note(name: &str, error: &anyhow::Error) {
    FIRST_ERROR.with_borrow_mut(|first| {
        if first.is_none() {
            let class = error.downcast_ref::<Raised>().map_or(Class::Builtin, |raised| raised.class);
            let message = error.to_string();
            let line = message.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("failed");
            let line = line.strip_prefix("error: ").unwrap_or(line);
            *first = Some(Noted { class, builtin: name.to_owned(), message: line.chars().take(300).collect() });
        }
    });
}

/// The function behind a name, ours before regorus', with its number of arguments.
pub fn find(name: &str) -> Option<BuiltinFcn> {
    own::find(name).or_else(|| BUILTINS.get(name).copied())
}

/// Calls a builtin with caps before and the error noted after.
fn call(name: &str, function: Function, span: &Span, params: &[Ref<Expr>], args: &[Value]) -> anyhow::Result<Value> {
    let typed = signatures::check(name, args).map_err(|message| Raised::error(Class::Type, message));
    let bounded = typed.and_then(|()| caps::check(name, args).map_err(|message| Raised::error(Class::Limit, message)));
    let result = bounded.and_then(|()| contained(name, || function(span, params, args, true)));
    if let Err(error) = &result {
        let class = error.downcast_ref::<Raised>().map_or(Class::Builtin, |raised| raised.class);
        if MODE.get() == Mode::Lenient
            && matches!(class, Class::Builtin | Class::Type)
            && error.downcast_ref::<LimitError>().is_none()
        {
            return Ok(Value::Undefined);
        }
        note(name, error);
    }
    result
}

/// Runs a builtin; a panic in it is its error, and so is an answer it does not have where OPA raises one.
fn contained(name: &str, call: impl FnOnce() -> anyhow::Result<Value>) -> anyhow::Result<Value> {
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
    match answer.unwrap_or_else(|_| Err(Raised::error(Class::Builtin, "the builtin stopped itself")))? {
        Value::Undefined if matches!(name, "json.patch" | "array.slice" | "time.add_date") => {
            Err(Raised::error(Class::Builtin, "there is no answer for these operands"))
        }
        answer => Ok(answer),
    }
}

/// Calls a builtin whose arguments stand in one array: how regorus hands over calls of what only we have.
fn call_packed(name: &str, span: &Span, args: &[Value]) -> anyhow::Result<Value> {
    let (Some((function, _)), Some(Value::Array(items))) = (find(name), args.first()) else {
        anyhow::bail!("no builtin is named `{name}`");
    };
    let params = placeholder().map(|(_, expr)| vec![expr.clone(); items.len()]).unwrap_or_default();
    call(name, function, span, &params, items.as_slice())
}

/// Calls a builtin by name from outside a VM: for the interpreter's extensions.
pub fn call_by_name(name: &str, args: &[Value]) -> anyhow::Result<Value> {
    let (function, _) = find(name).ok_or_else(|| anyhow::anyhow!("no builtin is named `{name}`"))?;
    let (span, expr) = placeholder().ok_or_else(|| anyhow::anyhow!("no placeholder"))?;
    let params = vec![expr.clone(); args.len()];
    call(name, function, span, &params, args)
}

/// Notes that a builtin was called that there is not.
pub fn lacking(name: &str) -> anyhow::Result<Value> {
    let error = Raised::error(Class::Unsupported, "is not there");
    note(name, &error);
    Err(error)
}

/// A span and an expression for calls that stand nowhere in a source.
fn placeholder() -> Option<&'static (Span, Ref<Expr>)> {
    static PLACEHOLDER: OnceLock<Option<(Span, Ref<Expr>)>> = OnceLock::new();
    let made = PLACEHOLDER.get_or_init(|| {
        let source = Source::from_contents("builtin".to_owned(), String::new()).ok()?;
        let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
        let expr = Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
        Some((span, expr))
    });
    made.as_ref()
}

// A wrapper must be a plain function pointer, yet know which builtin it wraps: one instance of `slot` for each number.
const SLOTS: usize = 512;
static TAKEN: OnceLock<Mutex<HashMap<String, usize>>> = OnceLock::new();
static WRAPPED: [OnceLock<(String, Function)>; SLOTS] = [const { OnceLock::new() }; SLOTS];

fn slot<const N: usize>(span: &Span, params: &[Ref<Expr>], args: &[Value], _strict: bool) -> anyhow::Result<Value> {
    match WRAPPED.get(N).and_then(OnceLock::get) {
        Some((name, function)) => match name.strip_suffix(" [packed]") {
            Some(own) => call_packed(own, span, args),
            None => call(name, *function, span, params, args),
        },
        None => Err(anyhow::anyhow!("an empty builtin slot was called")),
    }
}

macro_rules! sixteen {
    ($start:expr) => {
        [
            slot::<{ $start }>,
            slot::<{ $start + 1 }>,
            slot::<{ $start + 2 }>,
            slot::<{ $start + 3 }>,
            slot::<{ $start + 4 }>,
            slot::<{ $start + 5 }>,
            slot::<{ $start + 6 }>,
            slot::<{ $start + 7 }>,
            slot::<{ $start + 8 }>,
            slot::<{ $start + 9 }>,
            slot::<{ $start + 10 }>,
            slot::<{ $start + 11 }>,
            slot::<{ $start + 12 }>,
            slot::<{ $start + 13 }>,
            slot::<{ $start + 14 }>,
            slot::<{ $start + 15 }>,
        ]
    };
}

static POINTERS: [[Function; 16]; SLOTS / 16] = [
    sixteen!(0),
    sixteen!(16),
    sixteen!(32),
    sixteen!(48),
    sixteen!(64),
    sixteen!(80),
    sixteen!(96),
    sixteen!(112),
    sixteen!(128),
    sixteen!(144),
    sixteen!(160),
    sixteen!(176),
    sixteen!(192),
    sixteen!(208),
    sixteen!(224),
    sixteen!(240),
    sixteen!(256),
    sixteen!(272),
    sixteen!(288),
    sixteen!(304),
    sixteen!(320),
    sixteen!(336),
    sixteen!(352),
    sixteen!(368),
    sixteen!(384),
    sixteen!(400),
    sixteen!(416),
    sixteen!(432),
    sixteen!(448),
    sixteen!(464),
    sixteen!(480),
    sixteen!(496),
];

/// The wrapper of `name` around `original`; None when all slots are taken.
pub fn wrapped(name: &str, original: Function) -> Option<Function> {
    let taken = TAKEN.get_or_init(|| Mutex::new(HashMap::new()));
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    let next = taken.len();
    let number = *taken.entry(name.to_owned()).or_insert(next);
    WRAPPED.get(number)?.get_or_init(|| (name.to_owned(), own::find(name).map_or(original, |(function, _)| function)));
    POINTERS.iter().flatten().nth(number).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_error_of_a_builtin_is_written_down() {
        begin(0, Mode::Policy);
        assert!(call_by_name("to_number", &[Value::from("abc")]).is_err());
        assert!(call_by_name("lower", &[Value::from(1_u64)]).is_err());
        assert_eq!(take_error().unwrap().builtin, "to_number");
        assert!(take_error().is_none());
    }

    #[test]
    fn a_lenient_call_is_undefined_and_a_cap_is_an_error_all_the_same() {
        begin(0, Mode::Lenient);
        assert_eq!(call_by_name("to_number", &[Value::from("abc")]).unwrap(), Value::Undefined);
        assert!(take_error().is_none());
        assert!(call_by_name("numbers.range", &[Value::from(0_u64), Value::from(1_000_000_000_u64)]).is_err());
        assert_eq!(take_error().unwrap().class, Class::Limit);
    }

    #[test]
    fn time_is_the_requests() {
        begin(42, Mode::Policy);
        assert_eq!(call_by_name("time.now_ns", &[]).unwrap(), Value::from(42_i64));
    }

    #[test]
    fn a_builtin_keeps_its_slot() {
        let (lower, upper) = (find("lower").unwrap().0, find("upper").unwrap().0);
        let (first, other, again) =
            (wrapped("lower", lower).unwrap(), wrapped("upper", upper).unwrap(), wrapped("lower", lower).unwrap());
        assert_eq!(first as usize, again as usize);
        assert_ne!(first as usize, other as usize);
    }
}
