//! How TLS is done: what we show, whom we trust, what is spoken inside. Read once from what files hold, then good for any number of connections.

use std::sync::{Arc, OnceLock};

use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::{ring, CryptoProvider};
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoClientAuth, NoServerSessionStorage, UnbufferedServerConnection};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, ConfigSide, Error, ServerConfig, WantsVerifier};

use super::authorities::Authorities;
use super::connection::{Side, Tls};
use super::verifiers::{OfClients, OfTargets};
use super::words;
use super::x509::Purpose;
use crate::failure::Failure;

/// What we show: a chain of certificates, our own first, and its key. Both PEM.
#[derive(Clone, Copy)]
pub struct Own<'a> {
    pub chain: &'a [u8],
    pub key: &'a [u8],
}

/// How a server does it.
#[derive(Clone)]
pub struct Server(Arc<ServerConfig>);

/// How a client does it.
#[derive(Clone)]
pub struct Client {
    config: Arc<ClientConfig>,
    checks_name: bool,
}

impl Server {
    /// `clients` (PEM): the authorities of certificates that clients may show; none is needed. `protocols`: what is spoken inside (ALPN); who offers
    /// others only is turned away.
    pub fn new(own: Own<'_>, clients: Option<&[u8]>, protocols: &[&[u8]]) -> Result<Self, Failure> {
        let builder = of_any_version(ServerConfig::builder_with_provider(provider()))?;
        let builder = match clients {
            Some(clients) => {
                let algorithms = provider().signature_verification_algorithms;
                let authorities = Authorities::new(Purpose::Client, algorithms, &[clients])?;
                builder.with_client_cert_verifier(Arc::new(OfClients(Arc::new(authorities))))
            }
            None => builder.with_client_cert_verifier(Arc::new(NoClientAuth)),
        };
        let mut made = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified(own)?)));
        made.alpn_protocols = listed(protocols);
        // WHY none: who resumes is not looked at again, and authorities that are gone would live on in what was handed out.
        made.session_storage = Arc::new(NoServerSessionStorage {});
        made.send_tls13_tickets = 0;
        Ok(Self(Arc::new(made)))
    }

    /// Its side of a new connection.
    pub fn connection(&self) -> Result<Tls, Failure> {
        let made = UnbufferedServerConnection::new(Arc::clone(&self.0)).map_err(|error| words::failure(&error))?;
        Ok(Tls::new(Side::Server(made)))
    }
}

impl Client {
    /// `authorities` (PEM): whose certificates are taken; `checks_name`: only for the name that is asked for. `own`: what we show where a server asks.
    pub fn new(
        authorities: &[&[u8]],
        checks_name: bool,
        own: Option<Own<'_>>,
        protocols: &[&[u8]],
    ) -> Result<Self, Failure> {
        let algorithms = provider().signature_verification_algorithms;
        let authorities = Arc::new(Authorities::new(Purpose::Server, algorithms, authorities)?);
        let builder = of_any_version(ClientConfig::builder_with_provider(provider()))?;
        let verifier = Arc::new(OfTargets { authorities, checks_name });
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut made = match own {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified(own)?))),
            None => builder.with_no_client_auth(),
        };
        made.alpn_protocols = listed(protocols);
        made.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(made), checks_name })
    }

    /// Its side of a new connection to a host: a name of DNS or an address.
    pub fn connection(&self, host: &str) -> Result<Tls, Failure> {
        if self.checks_name && host.ends_with('.') {
            // WHY: rustls takes the dot away, and OpenSSL compares it.
            return Err(Failure::new("TLS", "no certificate is for a host with a dot behind it: leave it out"));
        }
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| {
            Failure::new("TLS", "the host is neither a name of DNS nor an address: it cannot be asked for")
        })?;
        let made =
            UnbufferedClientConnection::new(Arc::clone(&self.config), name).map_err(|error| words::failure(&error))?;
        Ok(Tls::new(Side::Client(made)))
    }
}

/// The arithmetic of all connections.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

fn of_any_version<S: ConfigSide>(
    builder: ConfigBuilder<S, rustls::WantsVersions>,
) -> Result<ConfigBuilder<S, WantsVerifier>, Failure> {
    builder.with_safe_default_protocol_versions().map_err(|error| words::failure(&error))
}

fn listed(protocols: &[&[u8]]) -> Vec<Vec<u8>> {
    protocols.iter().map(|protocol| protocol.to_vec()).collect()
}

/// A chain and its key, once it is sure that they are of each other.
fn certified(own: Own<'_>) -> Result<CertifiedKey, Failure> {
    let no = |why: &str| Failure::new("CONFIG", why);
    let chain: Vec<_> = CertificateDer::pem_slice_iter(own.chain)
        .collect::<Result<_, _>>()
        .map_err(|_| no("the certificate is broken PEM"))?;
    if chain.is_empty() {
        return Err(no("there is no certificate: expected PEM (`BEGIN CERTIFICATE`)"));
    }
    CertifiedKey::from_der(chain, key(own.key)?, &provider()).map_err(|error| match error {
        Error::InconsistentKeys(_) => no("the key is not the certificate's"),
        Error::InvalidCertificate(_) => no("the certificate cannot be read: expected X.509, version 3"),
        // WHY nothing of the error itself: it was made where the key was.
        _ => no("the key is of a kind that is not taken: expected RSA of 2048 to 4096 bits, ECDSA (P-256, P-384) or Ed25519"),
    })
}

/// The first private key of a text.
fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Failure> {
    let no = |why: &str| Failure::new("CONFIG", why);
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|_| no("the key is broken PEM, or has a passphrase"))?;
        if let Some(found) = PrivateKeyDer::from_pem(kind, der) {
            return Ok(found);
        }
    }
    Err(no("there is no key: expected PEM (`BEGIN PRIVATE KEY`) without a passphrase"))
}
