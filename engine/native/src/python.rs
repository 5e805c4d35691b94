//! The border to Python, the only file that names PyO3. Bytes in, bytes out, the GIL released, no panic across.

use std::sync::Arc;

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::audit;
use crate::failure::{guarded, Failure};
use crate::memory::counted;
use crate::merkle;
use crate::postgres;
use crate::rego::program;
use crate::scan;
use crate::shell;
use crate::sql;

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

/// The statements of a text as carrying them needs it.
#[pyfunction]
fn outline_sql<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    bytes(py, || Ok(postgres::outline::encoded(text)))
}

/// Where the run of whole rows that begins at `start` ends. The GIL stays held: the work is shorter than giving it up.
#[pyfunction]
fn skip_rows(buffer: &[u8], start: usize) -> usize {
    postgres::rows::skip_rows(buffer, start)
}

/// A run of the extended protocol with nothing out of the ordinary: (statement, text, parameters, described).
type ShortRun<'py> = (Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>, Bound<'py, PyTuple>, bool);

/// The one execution that is all of `data`, or None. The GIL stays held, as in `skip_rows`.
#[pyfunction]
fn short_run<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Option<ShortRun<'py>>> {
    let Some(run) = postgres::short::run(data) else {
        return Ok(None);
    };
    let text = run.text.map(|text| PyBytes::new(py, text));
    let parameters = PyTuple::new(py, run.parameters)?;
    Ok(Some((PyBytes::new(py, run.statement), text, parameters, run.described)))
}

/// A simple query: (text, the messages that run it as one statement).
type ShortQuery<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// The simple query that is all of `data`, or None. The GIL stays held, as in `skip_rows`.
#[pyfunction]
fn short_query<'py>(py: Python<'py>, data: &[u8]) -> Option<ShortQuery<'py>> {
    let found = postgres::short::query(data)?;
    Some((PyBytes::new(py, found.text), PyBytes::new(py, &found.run)))
}

/// The reply to one execution that is all of `data`, or None: (parsed, described, shown, rows, tag, status).
#[pyfunction]
fn short_reply(data: &[u8]) -> Option<(bool, u8, usize, usize, u64, u8)> {
    let found = postgres::short::reply(data)?;
    Some((found.parsed, found.described, found.shown, found.rows, found.tag, found.status))
}

/// What the audit's line of one verdict says that stays the same.
#[pyclass(frozen, module = "engine._native")]
struct EntryForm(Arc<audit::Form>);

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

/// A command under way in a lane: (answer, decision, began, text, run).
type UnderWay<'py> = (Py<PyAny>, String, f64, Bound<'py, PyBytes>, Option<(Bound<'py, PyBytes>, bool, bool)>);
type LaneLeft<'py> = (Option<UnderWay<'py>>, Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>);

/// Commands that a session was granted before. The GIL stays held, as in `skip_rows`.
#[pyclass(module = "engine._native")]
struct PostgresLane(postgres::lane::Lane<Arc<Py<PyAny>>>);

#[pymethods]
impl PostgresLane {
    #[new]
    fn new() -> Self {
        Self(postgres::lane::Lane::default())
    }
    #[getter]
    fn is_used(&self) -> bool {
        self.0.is_used()
    }
    #[getter]
    fn is_under_way(&self) -> bool {
        self.0.is_under_way()
    }
    fn forget(&mut self) {
        self.0.forget();
    }
    fn forget_names(&mut self) {
        self.0.forget_names();
    }
    fn learn(&mut self, text: &[u8], form: &Bound<'_, EntryForm>, for_shape: bool, answer: Py<PyAny>) {
        self.0.learn(text, Arc::clone(&form.get().0), for_shape, Arc::new(answer));
    }
    fn name(&mut self, statement: &[u8], text: &[u8]) {
        self.0.name(statement, text);
    }
    fn open(&mut self, status: u8, simple: bool, extended: bool) {
        self.0.open(status, simple, extended);
    }
    fn leave<'py>(&mut self, py: Python<'py>) -> LaneLeft<'py> {
        let postgres::lane::Rest { under_way, parsed } = self.0.leave();
        let left = under_way.map(|left| {
            let run = left.run.map(|(name, parsed, described)| (PyBytes::new(py, &name), parsed, described));
            (left.answer.clone_ref(py), left.id, left.began, PyBytes::new(py, &left.text), run)
        });
        (left, parsed.iter().map(|(name, text)| (PyBytes::new(py, name), PyBytes::new(py, text))).collect())
    }
    fn ask<'py>(&mut self, data: &Bound<'py, PyBytes>, now: f64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let found = guarded(|| Ok(self.0.ask(data.as_bytes(), now))).map_err(|failure| raise(data.py(), failure))?;
        Ok(found.map(|up| match up {
            postgres::lane::Up::AsItCame => data.clone(),
            postgres::lane::Up::Instead(up) => PyBytes::new(data.py(), &up),
        }))
    }
    fn take_back(&mut self) {
        self.0.take_back();
    }
    fn line<'py>(&mut self, py: Python<'py>, decision_id: &str, clock: i64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = guarded(|| Ok(self.0.line(decision_id, clock))).map_err(|failure| raise(py, failure))?;
        Ok(line.map(|line| PyBytes::new(py, &line)))
    }
    fn reply(&mut self, data: &[u8], now: f64) -> Option<usize> {
        self.0.reply(data, now)
    }
    fn outcome<'py>(&mut self, py: Python<'py>, clock: i64) -> Option<Bound<'py, PyBytes>> {
        self.0.outcome(clock).map(|line| PyBytes::new(py, &line))
    }
}

type Nodes<'py> = (Vec<Bound<'py, PyBytes>>, Vec<(u32, Bound<'py, PyBytes>)>);

#[pyfunction]
fn audit_leaves<'py>(
    py: Python<'py>,
    lines: &[u8],
    place: u64,
    next: u64,
    upto: u64,
) -> PyResult<(u64, Bound<'py, PyBytes>, Bound<'py, PyBytes>, usize)> {
    let found = py.detach(|| guarded(|| merkle::leaves(lines, place, next, upto)));
    let found = found.map_err(|failure| raise(py, failure))?;
    Ok((found.count, PyBytes::new(py, &found.places), PyBytes::new(py, &found.hashes), found.length))
}

#[pyfunction]
fn grow_tree<'py>(py: Python<'py>, frontier: Vec<(u32, merkle::Hash)>, leaves: &[u8]) -> PyResult<Nodes<'py>> {
    let grown = py.detach(|| guarded(|| merkle::grow(frontier, leaves)));
    let (levels, frontier) = grown.map_err(|failure| raise(py, failure))?;
    let levels = levels.iter().map(|row| PyBytes::new(py, row)).collect();
    Ok((levels, frontier.iter().map(|(level, node)| (*level, PyBytes::new(py, node))).collect()))
}

/// Rewrites the rows of one result.
#[pyclass(frozen, module = "engine._native")]
struct RowMasker(postgres::mask::RowMasker);

#[pymethods]
impl RowMasker {
    #[new]
    fn new(py: Python<'_>, plan: &[u8]) -> PyResult<Self> {
        guarded(|| postgres::mask::RowMasker::new(plan)).map(Self).map_err(|failure| raise(py, failure))
    }

    fn mask<'py>(&self, py: Python<'py>, rows: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.0.mask(rows))
    }

    #[getter]
    fn cells(&self) -> u64 {
        self.0.cells()
    }
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
    module.add_function(wrap_pyfunction!(parse_sql, module)?)?;
    module.add_function(wrap_pyfunction!(split_sql, module)?)?;
    module.add_function(wrap_pyfunction!(sql_shape, module)?)?;
    module.add_function(wrap_pyfunction!(sql_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(parse_shell, module)?)?;
    module.add_function(wrap_pyfunction!(shell_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(conformance, module)?)?;
    module.add_function(wrap_pyfunction!(outline_sql, module)?)?;
    module.add_function(wrap_pyfunction!(skip_rows, module)?)?;
    module.add_function(wrap_pyfunction!(short_query, module)?)?;
    module.add_function(wrap_pyfunction!(short_run, module)?)?;
    module.add_class::<EntryForm>()?;
    module.add_class::<PostgresLane>()?;
    module.add_function(wrap_pyfunction!(outcome_body, module)?)?;
    module.add_function(wrap_pyfunction!(audit_leaves, module)?)?;
    module.add_function(wrap_pyfunction!(grow_tree, module)?)?;
    module.add_function(wrap_pyfunction!(short_reply, module)?)?;
    module.add_class::<RowMasker>()?;
    module.add_function(wrap_pyfunction!(scan_text, module)?)?;
    module.add_function(wrap_pyfunction!(scan_spans, module)?)?;
    module.add_function(wrap_pyfunction!(scan_types, module)?)?;
    module.add_function(wrap_pyfunction!(hide_secrets, module)?)?;
    module.add_function(wrap_pyfunction!(scan_detectors, module)?)?;
    module.add_class::<ScanStream>()?;
    module.add_class::<ScanOutput>()?;
    Ok(())
}
