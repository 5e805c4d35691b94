//! Rego: policies compiled to RVM programs with an index over their rules, evaluated with every limit on.
//!
//! Read in this order: `spelling`, `sources` (texts to trees) - `names`, `scope`, `conditions`, `reads`, `rules` (what a tree says) -
//! `checks` (what is wrong with it) - `split`, `harden`, `builtins`, `caps`, `own` (a tree to a program that
//! cannot swallow errors) - `part` (what rules can read of a command) - `index`, `clock`, `machine` (a request to results) - `program` (all of it). `interpret` is the twin
//! for tests; `stated`, `focus` and `trial` run `test_` rules by it; `observe` says which conditions held, `conformance` answers OPA's cases. This folder alone names regorus' unstable syntax tree: the exact pin
//! in Cargo.toml and the equality tests guard an upgrade.

pub mod builtins;
mod caps;
mod checks;
mod clock;
mod conditions;
pub mod conformance;
pub mod decode;
mod diagnostic;
pub mod encode;
mod focus;
mod harden;
mod heads;
mod index;
mod interpret;
pub mod limits;
mod machine;
mod names;
mod observe;
mod options;
mod own;
mod part;
mod places;
pub mod program;
mod reads;
mod rules;
mod schema;
mod scope;
mod signatures;
mod sources;
mod spelling;
mod split;
mod stated;
mod trial;
mod visit;
