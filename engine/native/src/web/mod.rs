//! What of HTTP is hot: documents of JSON under masks, whole answers on their way to clients, requests that were granted before. Not here:
//! what a mask or a path means (`engine/masking`), what comes piece by piece or is out of the ordinary (`adapters/web`).

pub mod answer;
pub mod json;
pub mod lane;
mod token;
