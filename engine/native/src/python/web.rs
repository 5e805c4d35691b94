//! The border of `web`: documents of JSON under masks.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::raise;
use crate::failure::{guarded, Failure};
use crate::web::json;

type Path = Vec<(Option<String>, bool)>;
/// (path, method, keep_first, keep_last, key, kind)
type Mask = (Path, String, usize, usize, Vec<u8>, u32);

/// The masks of one plan, as documents of JSON are rewritten by them. The GIL stays held: documents are short ones.
#[pyclass(frozen, module = "engine._native")]
pub struct JsonMasks(pub(super) std::sync::Arc<json::Masks>);

#[pymethods]
impl JsonMasks {
    #[new]
    fn new(py: Python<'_>, masks: Vec<Mask>) -> PyResult<Self> {
        let mut made = Vec::with_capacity(masks.len());
        for (path, method, first, last, key, kind) in masks {
            let path = path.into_iter().map(|(name, is_deep)| json::Step { name, is_deep }).collect();
            let method = match method.as_str() {
                "drop" => json::Method::Drop,
                "null" => json::Method::Null,
                "redact" => json::Method::Redact,
                "hash" => json::Method::hash(&key),
                "partial" => json::Method::Partial { first, last },
                _ => return Err(raise(py, Failure::new("INPUT", "a mask of a kind that is not known here"))),
            };
            made.push(json::Mask { path, method, kind });
        }
        Ok(Self(std::sync::Arc::new(json::Masks::new(made))))
    }

    fn rewritten<'py>(&self, py: Python<'py>, document: &[u8]) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let made = guarded(|| Ok(self.0.rewritten(document))).map_err(|failure| raise(py, failure))?;
        Ok(made.map(|made| PyBytes::new(py, &made)))
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<JsonMasks>()
}
