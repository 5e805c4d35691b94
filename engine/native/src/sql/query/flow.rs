//! What a value is made of: the base columns in it, whether it is more than a copy, and whether that is certain.

use crate::sql::tree::{Name, Output};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Sorted, without repetitions.
    pub origins: Vec<Name>,
    pub derived: bool,
    /// The outermost function of a derived value.
    pub function: Option<Name>,
    pub proven: bool,
}

impl Flow {
    /// A constant: nothing of the database is in it.
    pub fn constant() -> Self {
        Self { origins: Vec::new(), derived: false, function: None, proven: true }
    }

    /// Nobody can say.
    pub fn unknown() -> Self {
        Self { proven: false, ..Self::constant() }
    }

    pub fn column(origin: Name, proven: bool) -> Self {
        Self { origins: vec![origin], derived: false, function: None, proven }
    }

    /// The value of a function over what is in this flow.
    pub fn derive(mut self, function: &str) -> Self {
        self.derived = true;
        self.function = Some(Name::from(function));
        self
    }

    /// Takes in what is in another value; the result is certain only if both are.
    pub fn absorb(&mut self, other: Flow) {
        self.proven &= other.proven;
        if self.origins.is_empty() {
            self.origins = other.origins;
            return;
        }
        for origin in other.origins {
            if let Err(at) = self.origins.binary_search(&origin) {
                self.origins.insert(at, origin);
            }
        }
    }

    /// Everything in many values. Sorts once: a list of a hundred thousand must not be inserted one by one.
    pub fn gather(flows: impl IntoIterator<Item = Flow>) -> Self {
        let mut all = Self::constant();
        for flow in flows {
            all.proven &= flow.proven;
            all.origins.extend(flow.origins);
        }
        all.origins.sort_unstable();
        all.origins.dedup();
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
            proven: self.proven,
        }
    }
}
