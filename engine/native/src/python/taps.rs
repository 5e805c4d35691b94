//! Sockets that Python holds, for `wire` to read and write by itself: the same sockets under other numbers.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::{io, sync::Mutex};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use rustix::net::{recv, recvmsg, send, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags};

/// One socket. It blocks or not as it does where it came from.
pub struct Tap(OwnedFd);

impl Tap {
    /// Reads what is there.
    pub fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.0, room, RecvFlags::DONTWAIT)?.0)
    }

    /// Writes what it takes at the moment.
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        Ok(send(&self.0, data, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
    }
}

impl AsRawFd for Tap {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Both sockets of a connection.
pub struct Taps {
    pub client: Tap,
    pub target: Tap,
}

/// The way of two sockets from Python to here: over a pair of sockets, as from process to process. WHY that: a number that somebody names may be
/// anything by now, and to take it for a socket of ours is `unsafe`. WHY one for each connection: so nobody can be handed another's.
#[pyclass(frozen, module = "engine._native")]
pub struct Passage {
    near: UnixStream,
    far: Mutex<Option<UnixStream>>,
}

impl Passage {
    /// What was sent: the client's socket and the target's.
    pub fn received(&self) -> PyResult<Taps> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let (mut sent, mut room) = (RecvAncillaryBuffer::new(&mut space), [0; 1]);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        recvmsg(&self.near, &mut [IoSliceMut::new(&mut room)], &mut sent, flags).map_err(io::Error::from)?;
        let mut sockets = sent.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
            _ => None,
        });
        let mut sockets = sockets.next().into_iter().flatten();
        match (sockets.next(), sockets.next()) {
            (Some(client), Some(target)) => Ok(Taps { client: Tap(client), target: Tap(target) }),
            // So it is where no more files may be opened.
            _ => Err(PyOSError::new_err("the sockets did not come through")),
        }
    }
}

#[pymethods]
impl Passage {
    #[new]
    fn new() -> PyResult<Self> {
        let (near, far) = UnixStream::pair()?;
        Ok(Self { near, far: Mutex::new(Some(far)) })
    }

    /// The number of the end to send into, which is the caller's from now on; once.
    fn far(&self) -> PyResult<RawFd> {
        let far = self.far.lock().ok().and_then(|mut far| far.take());
        far.map(IntoRawFd::into_raw_fd).ok_or_else(|| PyOSError::new_err("somebody has it already"))
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Passage>()
}
