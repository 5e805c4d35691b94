//! The border of what is recorded and counted: lines of the audit, its tree, the numbers that operators see.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::raise;
use crate::audit::pause;
use crate::failure::guarded;
use crate::merkle::{self, stored};
use crate::{audit, meters};

/// What the audit's line of one verdict says that stays the same.
#[pyclass(frozen, module = "engine._native")]
pub struct EntryForm(pub(super) Arc<audit::Form>);

#[pymethods]
impl EntryForm {
    #[new]
    #[pyo3(signature = (before, after, protocol, own, hides))]
    fn new(before: &[u8], after: &[u8], protocol: &str, own: Option<(String, Vec<u8>)>, hides: bool) -> Self {
        Self(Arc::new(audit::Form::new(before, after, protocol, own, hides)))
    }

    #[getter]
    fn size(&self) -> usize {
        self.0.size()
    }

    /// The GIL stays held, as in `skip_rows`: the text is a short one.
    fn fill<'py>(
        &self,
        py: Python<'py>,
        decision_id: &str,
        now: i64,
        text: &[u8],
        parameters: Option<Vec<Option<String>>>,
    ) -> Option<Bound<'py, PyBytes>> {
        Some(PyBytes::new(py, &self.0.fill(decision_id, now, text, parameters.as_deref())?))
    }
}

/// The GIL stays held, as in `skip_rows`.
#[pyfunction]
fn outcome_body<'py>(
    py: Python<'py>,
    decision_id: &str,
    now: i64,
    counts: (u64, u64, u64),
    duration: f64,
    error: Option<&str>,
) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &audit::outcome(decision_id, now, counts, duration, error))
}

/// The audit's tree as it grows.
#[pyclass(module = "engine._native")]
struct AuditTree(stored::Tree);

#[pymethods]
impl AuditTree {
    #[new]
    fn new(py: Python<'_>, folder: PathBuf, frontier: Vec<(u32, merkle::Hash)>) -> PyResult<Self> {
        let frontier = merkle::Frontier::of(frontier).map_err(|failure| raise(py, failure))?;
        Ok(Self(stored::Tree::new(folder, frontier)))
    }
    #[getter]
    fn size(&self) -> u64 {
        self.0.frontier().size()
    }
    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.frontier().root())
    }
    fn grow(&mut self, py: Python<'_>, segment: PathBuf, place: u64, upto: u64) -> PyResult<(u64, u64)> {
        let taken = py.detach(|| guarded(|| self.0.grow(&segment, place, upto)));
        taken.map(|taken| (taken.count, taken.length)).map_err(|failure| raise(py, failure))
    }
}

/// The lines that the log has taken and not written. The GIL stays held, as in `skip_rows`.
#[pyclass(module = "engine._native")]
pub struct Unwritten(pub(super) audit::unwritten::Unwritten);

#[pymethods]
impl Unwritten {
    #[new]
    fn new(next: u64, most: usize) -> Self {
        Self(audit::unwritten::Unwritten::new(next, most))
    }
    #[getter]
    fn next(&self) -> u64 {
        self.0.next()
    }
    #[getter]
    fn waiting(&self) -> usize {
        self.0.waiting()
    }
    #[getter]
    fn size(&self) -> u64 {
        self.0.size()
    }
    #[getter]
    fn written(&self) -> u64 {
        self.0.written()
    }
    #[getter]
    fn is_torn(&self) -> bool {
        self.0.is_torn()
    }
    fn begin(&mut self, size: u64) {
        self.0.begin(size);
    }
    fn mended(&mut self) {
        self.0.mended();
    }
    fn failed(&mut self) {
        self.0.failed();
    }
    /// To whose end nothing is added is no segment: it is opened as the log opens it.
    fn lend(&mut self, path: PathBuf, upto: u64) -> PyResult<()> {
        let file = OpenOptions::new().append(true).open(path)?;
        self.0.lend(Some((file, upto)));
        Ok(())
    }
    fn keep(&mut self) {
        self.0.lend(None);
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    fn note(&mut self, body: &[u8]) -> Option<u64> {
        self.0.note(|line| put(line, body))
    }
    fn with_line<'py>(&mut self, py: Python<'py>, body: &[u8]) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.with_line(|line| put(line, body)).unwrap_or_default())
    }
    fn noted<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.noted())
    }
    fn let_out(&mut self) -> bool {
        self.0.let_out()
    }
    fn wrote(&mut self) -> u64 {
        self.0.wrote()
    }
}

fn put(line: &mut Vec<u8>, body: &[u8]) -> bool {
    line.extend_from_slice(body);
    true
}

/// Pauses, each with a look at the free space at its end.
#[pyclass(frozen, module = "engine._native")]
struct Pauses {
    folder: PathBuf,
    pauses: pause::Pauses,
}

#[pymethods]
impl Pauses {
    #[new]
    fn new(folder: PathBuf) -> Self {
        Self { folder, pauses: pause::Pauses::default() }
    }
    fn wait(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<u64>> {
        let length = Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let look = || (!self.pauses.wait(length)).then(|| pause::free_bytes(&self.folder)).transpose();
        Ok(py.detach(look)?)
    }
    fn end(&self) -> bool {
        self.pauses.end()
    }
}

/// A number that grows.
#[pyclass(frozen, module = "engine._native")]
pub struct Count(pub(super) meters::Count);

#[pymethods]
impl Count {
    #[new]
    fn new() -> Self {
        Self(meters::Count::default())
    }
    fn add(&self) {
        self.0.add();
    }
    #[getter]
    fn value(&self) -> u64 {
        self.0.value()
    }
}

/// How many values there were up to each limit.
#[pyclass(frozen, module = "engine._native")]
pub struct Histogram(pub(super) meters::Histogram);

#[pymethods]
impl Histogram {
    #[new]
    fn new(limits: Vec<f64>) -> Self {
        Self(meters::Histogram::new(limits))
    }
    fn observe(&self, value: f64) {
        self.0.observe(value);
    }
    fn moment(&self) -> f64 {
        meters::moment()
    }
    fn observe_since(&self, began: f64, count: &Bound<'_, Count>) {
        self.0.observe(meters::moment() - began);
        count.get().0.add();
    }
    fn read(&self) -> (Vec<u64>, f64) {
        self.0.read()
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<EntryForm>()?;
    module.add_class::<Unwritten>()?;
    module.add_class::<Pauses>()?;
    module.add_class::<Count>()?;
    module.add_class::<Histogram>()?;
    module.add_class::<AuditTree>()?;
    module.add_function(wrap_pyfunction!(outcome_body, module)?)
}
