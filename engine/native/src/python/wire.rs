//! Both sides of a connection whose lane is open, from wire to wire: what came on one side is carried by the lane, and what goes
//! out on the other is written there. `adapters/core/joint.py` says when; docs/decisions/0070.
//!
//! INVARIANT: nothing here grants anything. Bytes go to the target only when the lane has written their line, with leave of the
//! gate; whatever is not the lane's is given back as it came, and nothing has happened.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::postgres::{rest, shown_as, PostgresLane};
use crate::meters::moment;

/// Where one side's bytes are written.
struct Side {
    write: Py<PyAny>,
}

impl Side {
    fn send(&self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<()> {
        self.write.bind(py).call1((data,))?;
        Ok(())
    }
}

/// The GIL stays held, as in `skip_rows`; nothing is borrowed while a side is written to, for it may call back.
#[pyclass(frozen, module = "engine._native")]
pub struct Wire {
    lane: Py<PostgresLane>,
    client: Side,
    target: Side,
    /// What the loop's clock is ahead of ours.
    ahead: f64,
    heard: AtomicBool,
}

impl Wire {
    pub fn new(lane: Py<PostgresLane>, client: Py<PyAny>, target: Py<PyAny>, now: f64) -> Self {
        let (client, target) = (Side { write: client }, Side { write: target });
        Self { lane, client, target, ahead: now - moment(), heard: AtomicBool::new(false) }
    }

    fn now(&self) -> f64 {
        moment() + self.ahead
    }
}

#[pymethods]
impl Wire {
    /// What came from the client. `None`: it went up; else the clear text that is for others.
    fn up<'py>(&self, data: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let py = data.py();
        self.heard.store(true, Ordering::Relaxed);
        let found = self.lane.bind(py).try_borrow_mut()?.carried(py, data.as_bytes(), self.now())?;
        let Some(up) = found else {
            return Ok(Some(data.clone()));
        };
        self.target.send(py, &shown_as(up, data))?;
        Ok(None)
    }

    /// What came from the target. `None`: the client was shown it; else the clear text that is for others.
    fn down<'py>(&self, data: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let py = data.py();
        let found = self.lane.bind(py).try_borrow_mut()?.answered(py, data.as_bytes(), self.now())?;
        let Some(shown) = found else {
            return Ok(Some(data.clone()));
        };
        self.client.send(py, &rest(data, shown))?;
        Ok(None)
    }

    fn was_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Wire>()
}
