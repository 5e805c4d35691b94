//! The border of `web`: documents of JSON under masks, and requests that were granted before.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::audit::{EntryForm, Unwritten};
use super::raise;
use crate::failure::{guarded, Failure};
use crate::web::answer::Show;
use crate::web::{json, lane};

type Path = Vec<(Option<String>, bool)>;
/// (path, method, keep_first, keep_last, key, kind)
type Mask = (Path, String, usize, usize, Vec<u8>, u32);

/// The masks of one plan, as documents of JSON are rewritten by them. The GIL stays held: documents are short ones.
#[pyclass(frozen, module = "engine._native")]
pub struct JsonMasks(Arc<json::Masks>);

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
        Ok(Self(Arc::new(json::Masks::new(made))))
    }

    fn rewritten<'py>(&self, py: Python<'py>, document: &[u8]) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let made = guarded(|| Ok(self.0.rewritten(document))).map_err(|failure| raise(py, failure))?;
        Ok(made.map(|made| PyBytes::new(py, &made)))
    }
}

/// Requests that a session was granted before. The GIL stays held, as in `skip_rows`.
#[pyclass(module = "engine._native")]
pub struct WebLane(lane::Lane<Arc<(Py<PyAny>, Py<PyAny>)>>);

/// What is under way in a lane: (what the session knows of it, decision, began).
type UnderWay = (Py<PyAny>, String, f64);

#[pymethods]
impl WebLane {
    #[new]
    fn new() -> Self {
        Self(lane::Lane::default())
    }
    #[getter]
    fn is_under_way(&self) -> bool {
        self.0.is_under_way()
    }
    #[getter]
    fn last(&self) -> f64 {
        self.0.last
    }
    #[getter]
    fn lasts(&self) -> f64 {
        self.0.lasts
    }
    #[getter]
    fn again(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.under_way().map(|own| own.0.clone_ref(py))
    }
    fn forget(&mut self) {
        self.0.forget();
    }
    #[allow(clippy::too_many_arguments)]
    fn learn(
        &mut self,
        request: &[u8],
        text: Vec<u8>,
        up: Vec<u8>,
        form: &Bound<'_, EntryForm>,
        again: Py<PyAny>,
        own: Py<PyAny>,
        masks: Option<&Bound<'_, JsonMasks>>,
        secrets: Vec<Vec<u8>>,
        signs_in: bool,
    ) {
        let masks = masks.map(|masks| Arc::clone(&masks.get().0));
        let show = Show { masks, secrets, signs_in };
        let form = Arc::clone(&form.get().0);
        self.0.learn(request, lane::Known { text, up, form, show, own: Arc::new((again, own)) });
    }
    fn open(&mut self, now: f64) {
        self.0.open(now);
    }
    fn leave(&mut self, py: Python<'_>) -> Option<UnderWay> {
        self.0.leave().map(|(own, id, began)| (own.1.clone_ref(py), id, began))
    }
    fn ask<'py>(&mut self, py: Python<'py>, data: &[u8], now: f64) -> Option<Bound<'py, PyBytes>> {
        self.0.ask(data, now).map(|up| PyBytes::new(py, up))
    }
    fn take_back(&mut self) {
        self.0.take_back();
    }
    fn line<'py>(
        &mut self,
        py: Python<'py>,
        log: &Bound<'py, Unwritten>,
        decision_id: &str,
        clock: i64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let mut log = log.try_borrow_mut()?;
        let line = guarded(|| Ok(self.0.line(&mut log.0, decision_id, clock))).map_err(|failure| raise(py, failure))?;
        Ok(line.map(|line| PyBytes::new(py, &line)))
    }
    fn reply<'py>(&mut self, py: Python<'py>, data: &[u8], now: f64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let shown = guarded(|| Ok(self.0.reply(data, now))).map_err(|failure| raise(py, failure))?;
        Ok(shown.map(|shown| PyBytes::new(py, &shown)))
    }
    fn outcome(&mut self, log: &Bound<'_, Unwritten>, clock: i64) -> PyResult<bool> {
        Ok(self.0.outcome(&mut log.try_borrow_mut()?.0, clock))
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<JsonMasks>()?;
    module.add_class::<WebLane>()
}
