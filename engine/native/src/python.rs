//! The border to Python: this file and those below it are the only ones that name PyO3. Bytes in, bytes out, the GIL released, no panic across.

use std::sync::Arc;

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::failure::{guarded, Failure};
use crate::memory::counted;
use crate::rego::program;
use crate::scan;
use crate::shell;
use crate::sql;

mod audit;
mod leave;
mod postgres;
mod taps;
mod tls;
mod web;
mod wire;

create_exception!(_native, NativeError, PyException);

fn raise(py: Python<'_>, failure: Failure) -> PyErr {
    let payload = failure.payload.map(|bytes| PyBytes::new(py, &bytes).unbind());
    let error = NativeError::new_err((failure.message, payload));
    // A failure to set the attribute leaves an error without a code, still an error.
    let _ = error.value(py).setattr("code", failure.code);
    error
}

/// Runs `work` without the GIL, contains panics, hands bytes back.
fn bytes<'py>(
    py: Python<'py>,
    work: impl FnOnce() -> Result<Vec<u8>, Failure> + Send,
) -> PyResult<Bound<'py, PyBytes>> {
    let result = py.detach(|| guarded(work));
    result.map(|data| PyBytes::new(py, &data)).map_err(|failure| raise(py, failure))
}

/// Compiled policies with the candidate index.
#[pyclass(frozen, module = "engine._native")]
struct Program(Option<program::Program>);

impl Program {
    fn held(&self) -> Result<&program::Program, Failure> {
        self.0.as_ref().ok_or_else(|| Failure::new("ENDED", "these policies have been freed"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let program = self.0.take();
        // WHY without the GIL: a big set of policies takes milliseconds to free, and nobody who decides shall wait for it.
        // Where there is no interpreter any more, the closure is dropped with what it holds.
        let _ = Python::try_attach(|py| py.detach(|| counted(|| drop(program))));
    }
}

#[pymethods]
impl Program {
    #[staticmethod]
    fn compile(py: Python<'_>, modules: &[u8], data: &[u8], options: &[u8]) -> PyResult<Self> {
        let compiled = py.detach(|| guarded(|| program::Program::compile(modules, data, options)));
        compiled.map(|program| Self(Some(program))).map_err(|failure| raise(py, failure))
    }

    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || Ok(self.held()?.describe()))
    }

    fn evaluate<'py>(&self, py: Python<'py>, input: &[u8], now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.evaluate(input, now_ns))
    }

    fn candidates<'py>(&self, py: Python<'py>, input: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.candidates(input))
    }

    fn part<'py>(&self, py: Python<'py>, command: &[u8]) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let part = py.detach(|| guarded(|| Ok(self.held()?.part(command))));
        part.map(|found| found.map(|data| PyBytes::new(py, &data))).map_err(|failure| raise(py, failure))
    }

    fn evaluate_all<'py>(&self, py: Python<'py>, input: &[u8], now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.evaluate_all(input, now_ns))
    }

    fn evaluate_interpreted<'py>(&self, py: Python<'py>, input: &[u8], now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.evaluate_interpreted(input, now_ns))
    }

    fn run_tests<'py>(&self, py: Python<'py>, now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.run_tests(now_ns))
    }

    fn conditions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.conditions())
    }

    fn observe<'py>(&self, py: Python<'py>, input: &[u8], now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.observe(input, now_ns))
    }

    fn observe_tests<'py>(&self, py: Python<'py>, now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.held()?.observe_tests(now_ns))
    }
}

/// What the names in SQL mean on one database.
#[pyclass(frozen, weakref, module = "engine._native")]
struct Catalog(Arc<sql::catalog::Catalog>);

#[pymethods]
impl Catalog {
    #[new]
    fn new(py: Python<'_>, encoded: &[u8]) -> PyResult<Self> {
        let catalog = py.detach(|| guarded(|| sql::catalog::Catalog::from_msgpack(encoded)));
        catalog.map(|catalog| Self(Arc::new(catalog))).map_err(|failure| raise(py, failure))
    }

    fn for_session(&self, py: Python<'_>, encoded: &[u8]) -> PyResult<Self> {
        let catalog = guarded(|| self.0.for_session(encoded));
        catalog.map(|catalog| Self(Arc::new(catalog))).map_err(|failure| raise(py, failure))
    }

    #[getter]
    fn version(&self) -> &str {
        self.0.version()
    }

    #[getter]
    fn source<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.source())
    }

    #[getter]
    fn session<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.session())
    }
}

#[pyfunction]
#[pyo3(signature = (text, catalog=None))]
fn parse_sql<'py>(
    py: Python<'py>,
    text: &[u8],
    catalog: Option<&Bound<'py, Catalog>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let catalog = catalog.map(|catalog| Arc::clone(&catalog.get().0));
    bytes(py, || Ok(sql::parse_sql(text, catalog.as_ref())))
}

#[pyfunction]
fn split_sql<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    bytes(py, || Ok(sql::encode::ranges(&sql::split_sql(text))))
}

#[pyfunction]
fn sql_shape<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Option<Bound<'py, PyBytes>>> {
    // WHY the GIL stays held: a text that has a shape is short, and giving it up costs as much as reading it.
    let shape = guarded(|| Ok(sql::shape::shape(text))).map_err(|failure| raise(py, failure))?;
    Ok(shape.map(|key| PyBytes::new(py, &key)))
}

#[pyfunction]
fn sql_kinds(py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
    bytes(py, || Ok(sql::encode::vocabulary()))
}

/// The command tree of a shell text.
#[pyfunction]
fn parse_shell<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    bytes(py, || Ok(shell::parse_shell(text)))
}

#[pyfunction]
fn shell_kinds(py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
    bytes(py, || Ok(shell::encode::vocabulary()))
}

/// One OPA conformance case to its answer line, both JSON.
#[pyfunction]
fn conformance<'py>(py: Python<'py>, case: &[u8], now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
    bytes(py, || Ok(crate::rego::conformance::answer(case, now_ns)))
}

/// A text's spans and the text with them hidden.
#[pyfunction]
fn scan_text<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    bytes(py, || {
        let engine = scan::engine()?;
        Ok(scan::encode::scanned(engine, text, &scan::scan(engine, text)))
    })
}

/// A text's spans alone, in bytes.
#[pyfunction]
fn scan_spans<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    bytes(py, || {
        let engine = scan::engine()?;
        Ok(scan::encode::places(&scan::scan(engine, text)))
    })
}

/// The types that a text has.
#[pyfunction]
fn scan_types<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    bytes(py, || {
        let engine = scan::engine()?;
        Ok(scan::encode::seen(&scan::detect(engine, text)))
    })
}

/// The text with every secret replaced; None when it has none.
#[pyfunction]
fn hide_secrets<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let hide = || guarded(|| Ok(scan::mask::without_secrets(scan::engine()?, text)));
    let hidden = py.detach(hide).map_err(|failure| raise(py, failure))?;
    Ok(hidden.map(|hidden| PyBytes::new(py, &hidden)))
}

/// The detectors there are.
#[pyfunction]
fn scan_detectors(py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
    bytes(py, || Ok(scan::encode::described(scan::engine()?)))
}

/// A text that comes in pieces.
#[pyclass(module = "engine._native")]
struct ScanStream(Option<scan::Stream<'static>>);

#[pymethods]
impl ScanStream {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let engine = py.detach(|| guarded(scan::engine)).map_err(|failure| raise(py, failure))?;
        Ok(Self(Some(scan::Stream::new(engine))))
    }

    fn push<'py>(&mut self, py: Python<'py>, piece: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let stream = self.0.as_mut().ok_or_else(|| raise(py, Failure::new("ENDED", "the text has ended")))?;
        bytes(py, || Ok(scan::encode::places(&stream.push(piece))))
    }

    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let stream = self.0.take().ok_or_else(|| raise(py, Failure::new("ENDED", "the text has ended")))?;
        bytes(py, || Ok(scan::encode::places(&stream.finish())))
    }

    #[getter]
    fn settled(&self) -> usize {
        self.0.as_ref().map_or(0, scan::Stream::settled)
    }
}

#[pyclass(module = "engine._native")]
struct ScanOutput(scan::Output<'static>);

#[pymethods]
impl ScanOutput {
    #[new]
    fn new(py: Python<'_>, types: Vec<u16>, is_terminal: bool) -> PyResult<Self> {
        let engine = py.detach(|| guarded(scan::engine)).map_err(|failure| raise(py, failure))?;
        let wanted = (0_u16..).zip(&engine.types).map(|(number, _)| types.contains(&number)).collect();
        Ok(Self(scan::Output::new(engine, &wanted, is_terminal)))
    }

    fn take<'py>(&mut self, py: Python<'py>, piece: Option<&[u8]>, is_over: bool) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || Ok(scan::encode::shown(&self.0.take(piece, is_over))))
    }
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("NativeError", module.py().get_type::<NativeError>())?;
    module.add_class::<Program>()?;
    module.add_class::<Catalog>()?;
    audit::add_to(module)?;
    leave::add_to(module)?;
    postgres::add_to(module)?;
    tls::add_to(module)?;
    web::add_to(module)?;
    taps::add_to(module)?;
    wire::add_to(module)?;
    module.add_function(wrap_pyfunction!(parse_sql, module)?)?;
    module.add_function(wrap_pyfunction!(split_sql, module)?)?;
    module.add_function(wrap_pyfunction!(sql_shape, module)?)?;
    module.add_function(wrap_pyfunction!(sql_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(parse_shell, module)?)?;
    module.add_function(wrap_pyfunction!(shell_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(conformance, module)?)?;
    module.add_function(wrap_pyfunction!(scan_text, module)?)?;
    module.add_function(wrap_pyfunction!(scan_spans, module)?)?;
    module.add_function(wrap_pyfunction!(scan_types, module)?)?;
    module.add_function(wrap_pyfunction!(hide_secrets, module)?)?;
    module.add_function(wrap_pyfunction!(scan_detectors, module)?)?;
    module.add_class::<ScanStream>()?;
    module.add_class::<ScanOutput>()?;
    Ok(())
}
