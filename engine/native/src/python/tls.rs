//! The border of `tls`: how TLS is done, read once, and its connections, with the words of `adapters.core.tls.Tls`.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::raise;
use crate::failure::{guarded, Failure};
use crate::tls::configured::Own;
use crate::tls::x509::Outline;
use crate::tls::{Client, Server, Tls};

/// How a server does it.
#[pyclass(frozen, module = "engine._native")]
pub struct TlsServer(Server);

#[pymethods]
impl TlsServer {
    #[new]
    #[pyo3(signature = (chain, key, clients=None, protocols=Vec::new()))]
    fn new(
        py: Python<'_>,
        chain: &[u8],
        key: &[u8],
        clients: Option<&[u8]>,
        protocols: Vec<Vec<u8>>,
    ) -> PyResult<Self> {
        let protocols: Vec<_> = protocols.iter().map(Vec::as_slice).collect();
        let made = py.detach(|| guarded(|| Server::new(Own { chain, key }, clients, &protocols)));
        made.map(Self).map_err(|failure| raise(py, failure))
    }
}

/// How a client does it.
#[pyclass(frozen, module = "engine._native")]
pub struct TlsClient(Client);

#[pymethods]
impl TlsClient {
    #[new]
    #[pyo3(signature = (authorities, checks_name, own=None, protocols=Vec::new()))]
    fn new(
        py: Python<'_>,
        authorities: Vec<Vec<u8>>,
        checks_name: bool,
        own: Option<(Vec<u8>, Vec<u8>)>,
        protocols: Vec<Vec<u8>>,
    ) -> PyResult<Self> {
        let made = py.detach(|| {
            let authorities: Vec<_> = authorities.iter().map(Vec::as_slice).collect();
            let protocols: Vec<_> = protocols.iter().map(Vec::as_slice).collect();
            let own = own.as_ref().map(|(chain, key)| Own { chain, key });
            guarded(|| Client::new(&authorities, checks_name, own, &protocols))
        });
        made.map(Self).map_err(|failure| raise(py, failure))
    }
}

/// One connection.
#[pyclass(subclass, module = "engine._native")]
pub struct TlsConnection {
    tls: Tls,
    /// What it has to say itself and was not asked for yet.
    words: Vec<u8>,
    is_plain: bool,
}

impl TlsConnection {
    /// As `take`, behind `clear`.
    pub(super) fn opened(&mut self, data: &[u8], clear: &mut Vec<u8>) -> Result<(), Failure> {
        let (was_secure, begin) = (self.tls.is_secure(), clear.len());
        self.is_plain = false;
        guarded(|| self.tls.open(data, clear, &mut self.words))?;
        self.is_plain = was_secure && clear.len() > begin && self.words.is_empty() && !self.tls.is_over();
        Ok(())
    }

    /// Whether what was opened last is all that came.
    pub(super) fn opened_plainly(&self) -> bool {
        self.is_plain
    }

    /// As `seal`, behind `out`, which is empty: what cannot be sent with `data` stays to be said.
    pub(super) fn sealed(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        out.append(&mut self.words);
        guarded(|| self.tls.seal(data, out)).inspect_err(|_| self.words.append(out))
    }
}

#[pymethods]
impl TlsConnection {
    #[new]
    fn new(py: Python<'_>, how: &Bound<'_, PyAny>, host: Option<&str>) -> PyResult<Self> {
        let made = if let Ok(server) = how.cast::<TlsServer>() {
            guarded(|| server.get().0.connection())
        } else {
            let client = how.cast::<TlsClient>()?;
            let none = || Failure::new("TLS", "a client names the host that it connects to");
            guarded(|| client.get().0.connection(host.ok_or_else(none)?))
        };
        let tls = made.map_err(|failure| raise(py, failure))?;
        Ok(Self { tls, words: Vec::new(), is_plain: false })
    }

    fn start(&mut self, py: Python<'_>) -> PyResult<()> {
        guarded(|| self.tls.start(&mut self.words)).map_err(|failure| raise(py, failure))
    }

    fn take<'py>(&mut self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let (is_secure, mut clear) = (self.tls.is_secure(), Vec::new());
        let mut open = || self.opened(data, &mut clear);
        // WHY: a handshake takes as long as a hundred commands, and who decides has no part in it.
        let opened = if is_secure { open() } else { py.detach(open) };
        opened.map_err(|failure| raise(py, failure))?;
        Ok(PyBytes::new(py, &clear))
    }

    fn seal<'py>(&mut self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = Vec::new();
        self.sealed(data, &mut out).map_err(|failure| raise(py, failure))?;
        Ok(PyBytes::new(py, &out))
    }

    #[pyo3(name = "to_send")]
    fn say<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &std::mem::take(&mut self.words))
    }

    fn farewell<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = std::mem::take(&mut self.words);
        let said = guarded(|| {
            self.tls.farewell(&mut out);
            Ok(())
        });
        said.map_err(|failure| raise(py, failure))?;
        Ok(PyBytes::new(py, &out))
    }

    #[getter]
    fn has_words(&self) -> bool {
        !self.words.is_empty()
    }
    #[getter]
    fn is_plain(&self) -> bool {
        self.is_plain
    }
    #[getter]
    fn is_secure(&self) -> bool {
        self.tls.is_secure()
    }
    #[getter]
    fn is_over(&self) -> bool {
        self.tls.is_over()
    }
    #[getter]
    fn peer_certificate<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.tls.peer_leaf().map(|leaf| PyBytes::new(py, leaf))
    }
    #[getter]
    fn peer_name(&self) -> Option<String> {
        let mut names = Outline::of(self.tls.peer_leaf()?)?.common_names();
        names.pop().filter(|_| names.is_empty())?
    }
    #[getter]
    fn chosen_protocol(&self) -> Option<String> {
        self.tls.protocol().and_then(|protocol| String::from_utf8(protocol.to_vec()).ok())
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TlsServer>()?;
    module.add_class::<TlsClient>()?;
    module.add_class::<TlsConnection>()?;
    Ok(())
}
