//! TLS over bytes, in the core: what PostgreSQL's clients and targets speak it with. No socket, no loop, no Python; `python::tls` is its border.
//!
//! The records and the handshake are rustls', the arithmetic ring's. What is ours: which certificates are taken, which is what Python's `ssl`
//! takes, or less (`authorities`, `names`, `x509`; docs/decisions/0069). Resumption there is none: who connects shows again who they are.

pub mod authorities;
pub mod configured;
pub mod connection;
pub mod names;
mod verifiers;
mod words;
pub mod x509;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "../../tests/targets/made.rs"]
mod made;

pub use configured::{Client, Server};
pub use connection::Tls;
