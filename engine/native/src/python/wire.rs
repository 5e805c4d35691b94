//! Both sides of a connection whose lane is open, from wire to wire: what came on one side is carried by the lane, and what goes
//! out on the other is written there. `adapters/core/joint.py` says when; docs/decisions/0070.
//!
//! INVARIANT: nothing here grants anything. Bytes go to the target only when the lane has written their line, with leave of the
//! gate; whatever is not the lane's is given back in clear, and nothing has happened.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::postgres::PostgresLane;
use super::raise;
use super::tls::TlsConnection;
use crate::meters::moment;
use crate::postgres::lane::Up;

/// Where one side's bytes are written, and the TLS over it.
pub type WayOut = (Py<PyAny>, Option<Py<TlsConnection>>);

/// The GIL stays held, as in `skip_rows`; nothing is borrowed while a side is written to, for it may call back.
#[pyclass(frozen, module = "engine._native")]
pub struct Wire {
    lane: Py<PostgresLane>,
    client: WayOut,
    target: WayOut,
    /// What the loop's clock is ahead of ours.
    ahead: f64,
    heard: AtomicBool,
}

impl Wire {
    pub fn new(lane: Py<PostgresLane>, client: WayOut, target: WayOut, now: f64) -> Self {
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
        let came = opened(&self.client, data)?;
        if !came.is_all {
            return Ok(Some(came.given_back(data)));
        }
        let found = self.lane.bind(py).try_borrow_mut()?.carried(py, came.clear(data), self.now())?;
        match found {
            None => return Ok(Some(came.given_back(data))),
            Some(Up::AsItCame) => send(&self.target, py, came.clear(data))?,
            Some(Up::Instead(up)) => send(&self.target, py, &up)?,
        }
        Ok(None)
    }

    /// What came from the target. `None`: the client was shown it; else the clear text that is for others.
    fn down<'py>(&self, data: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let py = data.py();
        let came = opened(&self.target, data)?;
        if !came.is_all {
            return Ok(Some(came.given_back(data)));
        }
        let found = self.lane.bind(py).try_borrow_mut()?.answered(py, came.clear(data), self.now())?;
        let Some(shown) = found else {
            return Ok(Some(came.given_back(data)));
        };
        send(&self.client, py, came.clear(data).get(shown..).unwrap_or_default())?;
        Ok(None)
    }

    fn was_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }
}

/// What came on a side.
struct Came {
    /// What TLS made of it; `None` without TLS.
    opened: Option<Vec<u8>>,
    /// Nothing else happened to the connection.
    is_all: bool,
}

impl Came {
    fn clear<'a>(&'a self, data: &'a Bound<'_, PyBytes>) -> &'a [u8] {
        self.opened.as_deref().unwrap_or(data.as_bytes())
    }

    fn given_back<'py>(&self, data: &Bound<'py, PyBytes>) -> Bound<'py, PyBytes> {
        match &self.opened {
            None => data.clone(),
            Some(clear) => PyBytes::new(data.py(), clear),
        }
    }
}

fn opened((_, tls): &WayOut, data: &Bound<'_, PyBytes>) -> PyResult<Came> {
    let Some(tls) = tls else {
        return Ok(Came { opened: None, is_all: true });
    };
    let (py, mut clear) = (data.py(), Vec::with_capacity(data.as_bytes().len()));
    let mut tls = tls.bind(py).try_borrow_mut()?;
    tls.opened(data.as_bytes(), &mut clear).map_err(|failure| raise(py, failure))?;
    Ok(Came { opened: Some(clear), is_all: tls.opened_plainly() })
}

fn send((write, tls): &WayOut, py: Python<'_>, data: &[u8]) -> PyResult<()> {
    let bytes = match tls {
        None => PyBytes::new(py, data),
        Some(tls) => {
            let mut out = Vec::with_capacity(data.len().saturating_add(64));
            tls.bind(py).try_borrow_mut()?.sealed(data, &mut out).map_err(|failure| raise(py, failure))?;
            PyBytes::new(py, &out)
        }
    };
    write.bind(py).call1((bytes,))?;
    Ok(())
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Wire>()
}
