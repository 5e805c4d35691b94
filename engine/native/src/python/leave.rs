//! Leave to give one answer again: what has to stand for that, compared here before each command, and how it is recorded.
//! Who gives leave (`gateway.doors.session`, `gateway.gate`) says what decided; `gateway.remembering` says why objects are compared.

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString, PyWeakrefMethods, PyWeakrefReference};

use super::audit::{Count, Histogram, Unwritten as PyUnwritten};
use crate::audit::unwritten::Unwritten;
use crate::meters::moment;

/// What an attribute has to be, the very object. Weak: of what is replaced while sessions stay, and is large.
enum Wanted {
    Strong(Py<PyAny>),
    Weak(Py<PyWeakrefReference>),
}

struct Stand {
    owner: Py<PyAny>,
    name: Py<PyString>,
    wanted: Wanted,
}

impl Stand {
    fn holds(&self, py: Python<'_>) -> PyResult<bool> {
        let found = self.owner.bind(py).getattr(self.name.bind(py))?;
        // INVARIANT: an object that is gone decided nothing that counts; neither does the absence of one.
        Ok(match &self.wanted {
            Wanted::Strong(wanted) => found.is(wanted),
            Wanted::Weak(wanted) => {
                !found.is_none() && wanted.bind(py).upgrade().is_some_and(|wanted| found.is(&wanted))
            }
        })
    }
}

/// Leave to give one answer again. The GIL stays held, as in `skip_rows`.
#[pyclass(frozen, module = "engine._native")]
pub struct Leave {
    stands: Vec<Stand>,
    clock: Py<PyAny>,
    until: i64,
    /// By `moment`.
    ends: f64,
    /// What a decision's name begins with, and where its number comes from.
    names: (String, Py<PyIterator>),
    log: Py<PyUnwritten>,
    seconds: Py<Histogram>,
    count: Py<Count>,
}

#[pymethods]
impl Leave {
    #[new]
    fn new(
        stands: Vec<(Py<PyAny>, Bound<'_, PyString>, Bound<'_, PyAny>)>,
        time: (Py<PyAny>, i64, f64),
        names: (String, Py<PyIterator>),
        log: Py<PyUnwritten>,
        counted: (Py<Histogram>, Py<Count>),
    ) -> Self {
        let ((clock, until, lasts), (seconds, count)) = (time, counted);
        let stands = stands.into_iter().map(|(owner, name, wanted)| {
            let wanted = match wanted.cast_into::<PyWeakrefReference>() {
                Ok(weak) => Wanted::Weak(weak.unbind()),
                Err(other) => Wanted::Strong(other.into_inner().unbind()),
            };
            Stand { owner, name: name.unbind(), wanted }
        });
        Self { stands: stands.collect(), clock, until, ends: moment() + lasts, names, log, seconds, count }
    }
}

impl Leave {
    /// Whether all that decided stands: the time of the entry then, in nanoseconds.
    fn time(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        for stand in &self.stands {
            if !stand.holds(py)? {
                return Ok(None);
            }
        }
        let now: i64 = self.clock.bind(py).call0()?.extract()?;
        // A time that is no number is none before the end.
        Ok((now < self.until && moment() < self.ends).then_some(now))
    }

    /// Writes the line of one command more by `write`, which is given its decision's name and time. No: it is not written, and
    /// whoever gave leave is to be asked.
    pub fn record(&self, py: Python<'_>, write: impl FnOnce(&mut Unwritten, &str, i64) -> bool) -> PyResult<bool> {
        let began = moment();
        let Some(now) = self.time(py)? else {
            return Ok(false);
        };
        let (begin, numbers) = &self.names;
        let Some(number) = numbers.bind(py).clone().next() else {
            return Ok(false);
        };
        let id = format!("{begin}{:x}", number?.extract::<u64>()?);
        let mut log = self.log.bind(py).try_borrow_mut()?;
        if !write(&mut log.0, &id, now) {
            return Ok(false);
        }
        self.seconds.get().0.observe(moment() - began);
        self.count.get().0.add();
        Ok(true)
    }

    /// Lets the line of what became of it wait by `note`, which is given the time, where it may: what `note` says.
    pub fn note<T>(&self, py: Python<'_>, note: impl FnOnce(&mut Unwritten, i64) -> Option<T>) -> PyResult<Option<T>> {
        let now: i64 = self.clock.bind(py).call0()?.extract()?;
        let mut log = self.log.bind(py).try_borrow_mut()?;
        Ok(if log.0.has_room() { note(&mut log.0, now) } else { None })
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Leave>()
}
