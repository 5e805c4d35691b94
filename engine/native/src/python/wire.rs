//! Both sides of a connection whose lane is open, from wire to wire: what came on one side is carried by the lane, and what goes
//! out on the other is written there. `adapters/core/joint.py` says when; docs/decisions/0070, 0071.
//!
//! INVARIANT: nothing here grants anything. Bytes go to the target only when the lane has written their line, with leave of the
//! gate; whatever is not the lane's is given back in clear, and nothing has happened.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::postgres::PostgresLane;
use super::raise;
use super::taps::{Passage, Taps};
use super::tls::TlsConnection;
use crate::meters::moment;
use crate::postgres::lane::Up;

/// Where one side's bytes are written, and the TLS over it.
pub type WayOut = (Py<PyAny>, Option<Py<TlsConnection>>);

/// The most that is read of a socket at once.
const MOST_READ: usize = 64 * 1024;
/// Above this much room, it is given back.
const MOST_KEPT: usize = 256 * 1024;

/// Room for what came and for what goes out, of all connections of a thread: what the processor has at hand.
#[derive(Default)]
struct Room {
    clear: Vec<u8>,
    out: Vec<u8>,
}

thread_local! {
    static CAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ROOM: RefCell<Room> = const { RefCell::new(Room { clear: Vec::new(), out: Vec::new() }) };
}

/// What its sockets are read and written by while it is tapped, and who is told of what is not the lane's.
struct Tapped {
    taps: Arc<Taps>,
    others: Py<PyAny>,
}

/// How many pieces more are carried before somebody is called.
struct After {
    pieces: u32,
    call: Py<PyAny>,
}

/// Both sides. The GIL stays held, as in `skip_rows`; nothing is locked while Python is called, for it may call back.
#[pyclass(frozen, module = "engine._native")]
pub struct Wire {
    lane: Py<PostgresLane>,
    client: WayOut,
    target: WayOut,
    /// What the loop's clock is ahead of ours.
    ahead: f64,
    heard: AtomicBool,
    tapped: Mutex<Option<Tapped>>,
    after: Mutex<Option<After>>,
}

/// A side of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Target,
}

/// What became of what came.
enum Found {
    /// It went out.
    Sent,
    /// It went out as far as the socket takes it now; its transport has the rest.
    Waits,
    /// It is for others, and nothing has happened: as it came, or in clear as the room has it.
    AsItCame,
    InClear,
}

impl Wire {
    pub fn new(lane: Py<PostgresLane>, client: WayOut, target: WayOut, now: f64) -> Self {
        Self {
            lane,
            client,
            target,
            ahead: now - moment(),
            heard: AtomicBool::new(false),
            tapped: Mutex::new(None),
            after: Mutex::new(None),
        }
    }

    /// Carries what came on a side out at the other.
    fn pass(&self, py: Python<'_>, from: Side, data: &[u8], room: &mut Room) -> PyResult<Found> {
        let now = moment() + self.ahead;
        let way_in = match from {
            Side::Client => &self.client,
            Side::Target => &self.target,
        };
        let (clear, others) = match &way_in.1 {
            None => (data, Found::AsItCame),
            Some(tls) => {
                room.clear.clear();
                let mut tls = tls.bind(py).try_borrow_mut()?;
                tls.opened(data, &mut room.clear).map_err(|failure| raise(py, failure))?;
                if !tls.opened_plainly() {
                    return Ok(Found::InClear);
                }
                (room.clear.as_slice(), Found::InClear)
            }
        };
        let mut lane = self.lane.bind(py).try_borrow_mut()?;
        match from {
            Side::Client => {
                self.heard.store(true, Ordering::Relaxed);
                let found = lane.carried(py, clear, now)?;
                drop(lane);
                match found {
                    None => Ok(others),
                    Some(Up::AsItCame) => self.send(py, Side::Target, clear, &mut room.out),
                    Some(Up::Instead(up)) => self.send(py, Side::Target, &up, &mut room.out),
                }
            }
            Side::Target => {
                let found = lane.answered(py, clear, now)?;
                drop(lane);
                match found {
                    None => Ok(others),
                    Some(shown) => self.send(py, Side::Client, clear.get(shown..).unwrap_or_default(), &mut room.out),
                }
            }
        }
    }

    fn send(&self, py: Python<'_>, to: Side, data: &[u8], out: &mut Vec<u8>) -> PyResult<Found> {
        let (write, tls) = match to {
            Side::Client => &self.client,
            Side::Target => &self.target,
        };
        let sealed = match tls {
            None => data,
            Some(tls) => {
                out.clear();
                tls.bind(py).try_borrow_mut()?.sealed(data, out).map_err(|failure| raise(py, failure))?;
                out.as_slice()
            }
        };
        let taps = self.taps();
        // WHY what fails is none of it: the transport meets the same, and says so to whom it concerns.
        let done = match (&taps, to) {
            (None, _) => 0,
            (Some(taps), Side::Client) => taps.client.send(sealed).unwrap_or(0),
            (Some(taps), Side::Target) => taps.target.send(sealed).unwrap_or(0),
        };
        let rest = sealed.get(done..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(Found::Sent);
        }
        write.bind(py).call1((PyBytes::new(py, rest),))?;
        Ok(if taps.is_some() { Found::Waits } else { Found::Sent })
    }

    fn taps(&self) -> Option<Arc<Taps>> {
        locked(&self.tapped).as_ref().map(|tapped| Arc::clone(&tapped.taps))
    }

    /// What came on a side as Python has it. `None`: it went out; else the clear text that is for others.
    fn given<'py>(&self, data: &Bound<'py, PyBytes>, from: Side) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let py = data.py();
        let found = in_room(|room| {
            Ok::<_, PyErr>(match self.pass(py, from, data.as_bytes(), room)? {
                Found::Sent | Found::Waits => None,
                Found::AsItCame => Some(data.clone()),
                Found::InClear => Some(PyBytes::new(py, &room.clear)),
            })
        })?;
        if found.is_none() {
            self.count(py)?;
        }
        Ok(found)
    }

    /// Calls who wanted to be called after so many pieces.
    fn count(&self, py: Python<'_>) -> PyResult<()> {
        let due = {
            let mut after = locked(&self.after);
            let Some(waiting) = after.as_mut() else { return Ok(()) };
            waiting.pieces = waiting.pieces.saturating_sub(1);
            if waiting.pieces > 0 {
                return Ok(());
            }
            after.take()
        };
        if let Some(due) = due {
            due.call.bind(py).call0()?;
        }
        Ok(())
    }

    /// Reads what came on a side and carries it on; whatever else there is, others are told.
    fn turn(&self, py: Python<'_>, from: Side) -> PyResult<()> {
        // WHY whom to tell is known before: a write may part the ends, and what came is not lost for it.
        let tapped = locked(&self.tapped);
        let Some((taps, others)) = tapped.as_ref().map(|it| (Arc::clone(&it.taps), it.others.clone_ref(py))) else {
            return Ok(());
        };
        drop(tapped);
        let tap = if from == Side::Client { &taps.client } else { &taps.target };
        let told = CAME.with(|came| {
            let mut came = came.try_borrow_mut().map_err(|_| PyRuntimeError::new_err("a wire was turned in a turn"))?;
            came.resize(MOST_READ, 0);
            let data = match tap.read(&mut came) {
                // The end is for the transport to meet.
                Ok(0) => return Ok(Some((None, None))),
                Ok(size) => came.get(..size).unwrap_or_default(),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    return Ok(None);
                }
                Err(error) => return Ok(Some((None, Some(PyOSError::new_err(error.to_string()))))),
            };
            Ok::<_, PyErr>(in_room(|room| match self.pass(py, from, data, room) {
                Ok(Found::Sent) => None,
                Ok(Found::Waits) => Some((None, None)),
                Ok(Found::AsItCame) => Some((Some(PyBytes::new(py, data)), None)),
                Ok(Found::InClear) => Some((Some(PyBytes::new(py, &room.clear)), None)),
                Err(error) => Some((None, Some(error))),
            }))
        })?;
        if let Some((clear, error)) = told {
            others.bind(py).call1((from == Side::Client, clear, error.map(|error| error.into_value(py))))?;
        }
        Ok(())
    }
}

/// Nothing is half done in there.
fn locked<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// With room of the thread; with other room where that is in use.
fn in_room<T>(use_it: impl FnOnce(&mut Room) -> T) -> T {
    ROOM.with(|room| match room.try_borrow_mut() {
        Ok(mut room) => {
            let used = use_it(&mut room);
            if room.clear.capacity().saturating_add(room.out.capacity()) > MOST_KEPT {
                *room = Room::default();
            }
            used
        }
        Err(_) => use_it(&mut Room::default()),
    })
}

#[pymethods]
impl Wire {
    fn up<'py>(&self, data: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.given(data, Side::Client)
    }

    fn down<'py>(&self, data: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.given(data, Side::Target)
    }

    fn was_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }

    fn call_after(&self, pieces: u32, call: Py<PyAny>) {
        let before = locked(&self.after).replace(After { pieces, call });
        drop(before);
    }

    fn tap(&self, passage: &Passage, others: Py<PyAny>) -> PyResult<(i32, i32)> {
        let taps = passage.received()?;
        let numbers = (taps.client.as_raw_fd(), taps.target.as_raw_fd());
        let before = locked(&self.tapped).replace(Tapped { taps: Arc::new(taps), others });
        drop(before);
        Ok(numbers)
    }

    fn untap(&self) {
        let gone = locked(&self.tapped).take();
        drop(gone);
    }

    fn hear_client(&self, py: Python<'_>) -> PyResult<()> {
        self.turn(py, Side::Client)
    }

    fn hear_target(&self, py: Python<'_>) -> PyResult<()> {
        self.turn(py, Side::Target)
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Wire>()
}
