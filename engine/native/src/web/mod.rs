//! What of HTTP is hot: documents of JSON under masks. Not here: what a mask or a path means (`engine/masking`), the documents that have
//! to be read piece by piece (`adapters/web/json_masks.py`).

pub mod json;
mod token;
