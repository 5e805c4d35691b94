//! What a value is made of: the base columns in it, whether it is more than a copy, and whether that is certain.

use crate::sql::tree::{Name, Output};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Sorted, without repetitions.
    pub origins: Vec<Name>,
    pub derived: bool,
    /// The outermost function of a derived value.
    pub function: Option<Name>,
    /// Every function, operator (`op:||`), cast (`cast:int4`) and column that the server computes (`column:generated`) on the
    /// way, sorted, without repetitions.
    pub calls: Vec<Name>,
    pub proven: bool,
}

impl Flow {
    /// A constant: nothing of the database is in it.
    pub fn constant() -> Self {
        Self { origins: Vec::new(), derived: false, function: None, calls: Vec::new(), proven: true }
    }

    /// Nobody can say.
    pub fn unknown() -> Self {
        Self { proven: false, ..Self::constant() }
    }

    pub fn column(origin: Name, proven: bool) -> Self {
        Self { origins: vec![origin], proven, ..Self::constant() }
    }

    /// The value of a function over what is in this flow. `call` is as it stands in `calls`.
    pub fn derive(mut self, call: &str) -> Self {
        let plain = ["op:", "cast:", "column:", "pg_catalog."]
            .iter()
            .find_map(|prefix| call.strip_prefix(prefix))
            .unwrap_or(call);
        let call = Name::from(call);
        self.derived = true;
        self.function = Some(if plain.len() == call.len() { call.clone() } else { Name::from(plain) });
        insert(&mut self.calls, call);
        self
    }

    /// Takes in what is in another value; the result is certain only if both are.
    pub fn absorb(&mut self, other: Flow) {
        self.proven &= other.proven;
        union(&mut self.origins, other.origins);
        union(&mut self.calls, other.calls);
    }

    /// Everything in many values. Sorts once: a list of a hundred thousand must not be inserted one by one.
    pub fn gather(flows: impl IntoIterator<Item = Flow>) -> Self {
        let mut all = Self::constant();
        for flow in flows {
            all.proven &= flow.proven;
            all.origins.extend(flow.origins);
            all.calls.extend(flow.calls);
        }
        for names in [&mut all.origins, &mut all.calls] {
            names.sort_unstable();
            names.dedup();
        }
        all
    }

    /// The same column of two queries put together.
    pub fn merge(&mut self, other: &Flow) {
        self.absorb(other.clone());
        self.derived |= other.derived;
        if self.function.is_none() {
            self.function.clone_from(&other.function);
        }
    }

    /// Whether everything in another value, and everything done to it on the way, is in this one too.
    pub fn holds(&self, other: &Flow) -> bool {
        let has = |names: &[Name], wanted: &[Name]| wanted.iter().all(|name| names.binary_search(name).is_ok());
        has(&self.origins, &other.origins) && has(&self.calls, &other.calls)
    }

    pub fn unproven(mut self) -> Self {
        self.proven = false;
        self
    }

    pub fn output(&self, name: Option<Name>) -> Output {
        Output {
            name,
            origins: self.origins.clone(),
            derived: self.derived,
            function: self.function.clone(),
            calls: self.derived.then(|| self.calls.clone()),
            proven: self.proven,
        }
    }
}

fn insert(names: &mut Vec<Name>, name: Name) {
    if let Err(at) = names.binary_search(&name) {
        names.insert(at, name);
    }
}

fn union(names: &mut Vec<Name>, others: Vec<Name>) {
    if names.is_empty() {
        *names = others;
        return;
    }
    for name in others {
        insert(names, name);
    }
}
