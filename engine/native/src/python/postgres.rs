//! The border of `postgres`: what of the wire is read, masked and carried in the core.

use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::audit::{EntryForm, Unwritten};
use super::leave::Leave;
use super::wire::{WayOut, Wire};
use super::{bytes, raise};
use crate::failure::guarded;
use crate::postgres;
use crate::postgres::lane::Up;

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

/// A command under way in a lane: (answer, decision, began, text, run).
type UnderWay<'py> = (Py<PyAny>, String, f64, Bound<'py, PyBytes>, Option<(Bound<'py, PyBytes>, bool, bool)>);
type LaneLeft<'py> = (Option<UnderWay<'py>>, Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>);

/// Commands that a session was granted before. The GIL stays held, as in `skip_rows`.
#[pyclass(module = "engine._native")]
pub struct PostgresLane {
    lane: postgres::lane::Lane<Arc<Py<PyAny>>>,
    names: Option<Names>,
    leave: Option<Py<Leave>>,
}

/// What was known of names when the lane was opened, and where it is seen whether that still is so.
struct Names {
    known_by: Py<PyAny>,
    current: Py<PyAny>,
    until: f64,
}

impl Names {
    fn are_good(&self, py: Python<'_>, now: f64) -> PyResult<bool> {
        // A time that is no number is none before `until`.
        Ok(now < self.until && self.known_by.bind(py).getattr(intern!(py, "current"))?.is(&self.current))
    }
}

#[pymethods]
impl PostgresLane {
    #[new]
    fn new() -> Self {
        Self { lane: postgres::lane::Lane::default(), names: None, leave: None }
    }
    #[getter]
    fn is_used(&self) -> bool {
        self.lane.is_used()
    }
    #[getter]
    fn is_under_way(&self) -> bool {
        self.lane.is_under_way()
    }
    fn forget(&mut self) {
        self.lane.forget();
        self.leave = None;
    }
    fn forget_names(&mut self) {
        self.lane.forget_names();
    }
    fn learn(&mut self, text: &[u8], form: &Bound<'_, EntryForm>, for_shape: bool, answer: Py<PyAny>) {
        self.lane.learn(text, Arc::clone(&form.get().0), for_shape, Arc::new(answer));
    }
    fn name(&mut self, statement: &[u8], text: &[u8]) {
        self.lane.name(statement, text);
    }
    fn open(&mut self, status: u8, simple: bool, extended: bool, until: f64, names: Bound<'_, PyAny>) -> PyResult<()> {
        let current = names.getattr(intern!(names.py(), "current"))?.unbind();
        self.names = Some(Names { known_by: names.unbind(), current, until });
        self.leave = None;
        self.lane.open(status, simple, extended);
        Ok(())
    }
    fn leave<'py>(&mut self, py: Python<'py>) -> LaneLeft<'py> {
        let postgres::lane::Rest { under_way, parsed } = self.lane.leave();
        let left = under_way.map(|left| {
            let run = left.run.map(|(name, parsed, described)| (PyBytes::new(py, &name), parsed, described));
            (left.answer.clone_ref(py), left.id, left.began, PyBytes::new(py, &left.text), run)
        });
        (left, parsed.iter().map(|(name, text)| (PyBytes::new(py, name), PyBytes::new(py, text))).collect())
    }
    fn ask<'py>(&mut self, data: &Bound<'py, PyBytes>, now: f64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.asked(data.py(), data.as_bytes(), now)?.map(|up| shown_as(up, data)))
    }
    fn take_back(&mut self) {
        self.lane.take_back();
    }
    fn grant(&mut self, leave: Option<Py<Leave>>) {
        self.leave = leave;
    }
    fn carry<'py>(&mut self, data: &Bound<'py, PyBytes>, now: f64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let found = self.carried(data.py(), data.as_bytes(), now)?;
        Ok(found.map(|up| shown_as(up, data)))
    }
    fn answer<'py>(&mut self, data: &Bound<'py, PyBytes>, now: f64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.answered(data.py(), data.as_bytes(), now)?.map(|shown| rest(data, shown)))
    }
    fn wire(this: Py<Self>, client: WayOut, target: WayOut, now: f64) -> Wire {
        Wire::new(this, client, target, now)
    }
    fn line<'py>(
        &mut self,
        py: Python<'py>,
        log: &Bound<'py, Unwritten>,
        decision_id: &str,
        clock: i64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let mut log = log.try_borrow_mut()?;
        let line =
            guarded(|| Ok(self.lane.line(&mut log.0, decision_id, clock))).map_err(|failure| raise(py, failure))?;
        Ok(line.map(|line| PyBytes::new(py, &line)))
    }
    fn reply<'py>(&mut self, data: &Bound<'py, PyBytes>, now: f64) -> Option<Bound<'py, PyBytes>> {
        self.lane.reply(data.as_bytes(), now).map(|shown| rest(data, shown))
    }
    fn outcome(&mut self, log: &Bound<'_, Unwritten>, clock: i64) -> PyResult<bool> {
        Ok(self.lane.outcome(&mut log.try_borrow_mut()?.0, clock))
    }
}

impl PostgresLane {
    fn asked(&mut self, py: Python<'_>, data: &[u8], now: f64) -> PyResult<Option<Up>> {
        match &self.names {
            Some(names) if names.are_good(py, now)? => {}
            _ => return Ok(None),
        }
        guarded(|| Ok(self.lane.ask(data, now))).map_err(|failure| raise(py, failure))
    }

    /// What goes up for a command, with leave: its line is written. `None`: nothing has changed. WHY that where something fails, too:
    /// who is asked without leave makes a denial of it.
    pub(super) fn carried(&mut self, py: Python<'_>, data: &[u8], now: f64) -> PyResult<Option<Up>> {
        let Some(leave) = self.leave.as_ref().map(|leave| leave.clone_ref(py)) else {
            return Ok(None);
        };
        let Some(up) = self.asked(py, data, now)? else {
            return Ok(None);
        };
        let lane = &mut self.lane;
        let recorded = guarded(|| Ok(leave.get().record(py, |log, id, clock| lane.write(log, id, clock))));
        if matches!(recorded, Ok(Ok(true))) {
            return Ok(Some(up));
        }
        self.lane.take_back();
        self.leave = None;
        Ok(None)
    }

    /// From where on the client is shown a plain answer, with leave: its outcome waits in the log. `None`: nothing has changed.
    pub(super) fn answered(&mut self, py: Python<'_>, data: &[u8], now: f64) -> PyResult<Option<usize>> {
        let (lane, Some(leave)) = (&mut self.lane, self.leave.as_ref()) else {
            return Ok(None);
        };
        leave.get().note(py, |log, clock| {
            let shown = lane.reply(data, now)?;
            // There is room for it.
            lane.outcome(log, clock);
            Some(shown)
        })
    }
}

fn shown_as<'py>(up: Up, data: &Bound<'py, PyBytes>) -> Bound<'py, PyBytes> {
    match up {
        Up::AsItCame => data.clone(),
        Up::Instead(up) => PyBytes::new(data.py(), &up),
    }
}

fn rest<'py>(data: &Bound<'py, PyBytes>, shown: usize) -> Bound<'py, PyBytes> {
    match shown {
        0 => data.clone(),
        shown => PyBytes::new(data.py(), data.as_bytes().get(shown..).unwrap_or_default()),
    }
}

/// Rewrites the rows of one result.
#[pyclass(frozen, module = "engine._native")]
pub struct RowMasker(postgres::mask::RowMasker);

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

/// A COPY to the client as far as hiding columns in it needs it.
#[pyclass(frozen, module = "engine._native")]
pub struct CopyOut(postgres::copy::CopyOut);

#[pymethods]
impl CopyOut {
    /// The COPY that is all of a text, or None.
    #[staticmethod]
    fn read(py: Python<'_>, text: &[u8], columns: Vec<String>) -> PyResult<Option<Self>> {
        let found = py.detach(|| guarded(|| Ok(postgres::copy::copy_out(text, &columns))));
        Ok(found.map_err(|failure| raise(py, failure))?.map(Self))
    }

    #[getter]
    fn query<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.query.as_bytes())
    }

    #[getter]
    fn is_binary(&self) -> bool {
        matches!(self.0.layout.form, postgres::copy::Form::Binary)
    }

    fn masker(&self, py: Python<'_>, plan: &[u8], names: Vec<String>) -> PyResult<CopyMasker> {
        let made = guarded(|| postgres::mask::copied::CopyMasker::new(self.0.layout.clone(), plan, names));
        made.map(CopyMasker).map_err(|failure| raise(py, failure))
    }
}

/// Rewrites what one COPY sends.
#[pyclass(frozen, module = "engine._native")]
pub struct CopyMasker(postgres::mask::copied::CopyMasker);

#[pymethods]
impl CopyMasker {
    fn fits(&self, announced: &[u8]) -> bool {
        self.0.fits(announced)
    }

    fn mask<'py>(&self, py: Python<'py>, rows: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, || self.0.mask(rows))
    }

    #[getter]
    fn cells(&self) -> u64 {
        self.0.cells()
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(outline_sql, module)?)?;
    module.add_function(wrap_pyfunction!(skip_rows, module)?)?;
    module.add_function(wrap_pyfunction!(short_query, module)?)?;
    module.add_function(wrap_pyfunction!(short_run, module)?)?;
    module.add_function(wrap_pyfunction!(short_reply, module)?)?;
    module.add_class::<PostgresLane>()?;
    module.add_class::<CopyOut>()?;
    module.add_class::<CopyMasker>()?;
    module.add_class::<RowMasker>()
}
