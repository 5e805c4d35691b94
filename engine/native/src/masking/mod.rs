//! What masking methods make of one value, by the family of its type: the same bytes as `engine/masking` in Python (docs/masks.md).
//!
//! `ff1` is the cipher, `permute` its use on ranks, `classes` what of a text may become what, `texts` tokens of text, `numbers`, `numeric`,
//! `moments`, `fixed` (UUIDs, bytes), `addresses` the other families, `documents` JSON. Not here: rows and their formats (`postgres::mask`).

pub mod addresses;
pub mod classes;
pub mod documents;
pub mod ff1;
pub mod fixed;
pub mod keyed;
pub mod method;
pub mod moments;
pub mod numbers;
pub mod numeric;
pub mod permute;
pub mod texts;
