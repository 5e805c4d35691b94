//! The core of Sallyport's engine: what is hot and simple to state. Bytes in, bytes out.
//!
//! `python` is the only module that names PyO3; all others build and test without it. Nothing here may panic on
//! hostile bytes: `failure::guarded` contains what still does, and `stack::with_room` gives deep work a big stack.

pub mod audit;
mod der;
pub mod failure;
pub mod masking;
pub mod memory;
pub mod merkle;
pub mod meters;
pub mod postgres;
pub mod rego;
pub mod scan;
pub mod shell;
pub mod sql;
pub mod stack;
pub mod tls;
pub mod web;

#[cfg(feature = "python")]
mod python;
