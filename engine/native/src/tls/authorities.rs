//! Whose certificates are taken: those of the authorities that were given, as Python's `ssl` (3.11) takes them, or fewer.
//!
//! rustls-webpki builds the chain and looks at signatures, times, purposes and limits of names. It asks nothing of the first certificate of a chain,
//! and nothing of key usages; OpenSSL does, so a chain that webpki found is looked at again here. INVARIANT: nothing is taken that OpenSSL refuses.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, Der, TrustAnchor, UnixTime};
use rustls::{CertificateError, OtherError};
use webpki::{anchor_from_trusted_cert, EndEntityCert, ExtendedKeyUsageValidator, KeyUsage, VerifiedPath};

use super::words::Said;
use super::x509::{Outline, Purpose};
use crate::failure::Failure;

/// The most certificates that are given as authorities.
const MOST: usize = 10_000;

/// Authorities, for one purpose.
#[derive(Debug)]
pub struct Authorities {
    purpose: Purpose,
    algorithms: WebPkiSupportedAlgorithms,
    /// Whatever was given, sorted.
    given: Vec<CertificateDer<'static>>,
    /// Those that sign themselves and may sign others.
    anchors: Vec<TrustAnchor<'static>>,
    /// The certificate of each of these.
    roots: Vec<CertificateDer<'static>>,
    /// Those that somebody else signed: part of a chain, never its end.
    between: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Those of some texts (PEM, as files have it). Raises where there is none in them.
    pub fn new(purpose: Purpose, algorithms: WebPkiSupportedAlgorithms, texts: &[&[u8]]) -> Result<Self, Failure> {
        let mut given = Vec::new();
        for text in texts {
            for found in CertificateDer::pem_slice_iter(text) {
                given.push(found.map_err(|_| Failure::new("CONFIG", "an authority's certificate is broken PEM"))?);
            }
        }
        given.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
        given.dedup();
        if given.is_empty() {
            return Err(Failure::new(
                "CONFIG",
                "there is no certificate of an authority: expected PEM (`BEGIN CERTIFICATE`)",
            ));
        }
        if given.len() > MOST {
            return Err(Failure::new("CONFIG", "these are more authorities than anybody has"));
        }
        let mut own = Self { purpose, algorithms, given, anchors: Vec::new(), roots: Vec::new(), between: Vec::new() };
        for one in &own.given {
            let Some(outline) = Outline::of(one) else { continue };
            if !outline.is_of_itself() {
                own.between.push(one.clone());
            } else if outline.may_sign(purpose) {
                if let Some(anchor) = anchor(one, &outline) {
                    own.anchors.push(anchor);
                    own.roots.push(one.clone());
                }
            }
        }
        Ok(own)
    }

    pub fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.algorithms
    }

    /// Whether a certificate that somebody shows, with others beside it, is taken now. What it is for is not asked here.
    pub fn check(
        &self,
        leaf: &CertificateDer<'_>,
        beside: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let outline = Outline::of(leaf).ok_or(CertificateError::BadEncoding)?;
        if outline.version != 3 {
            return Err(said("it is of X.509 version 1, which is not read here: make one of version 3"));
        }
        if !outline.may_be_shown(self.purpose) {
            return Err(CertificateError::InvalidPurpose);
        }
        if outline.is_strange {
            return Err(CertificateError::UnhandledCriticalExtension);
        }
        if outline.is_of_itself() {
            return self.check_given(leaf, &outline, now);
        }
        self.check_chain(leaf, &outline, beside, now)
    }

    /// Of itself: it is one of those that were given, to the byte, or nobody's.
    fn check_given(
        &self,
        leaf: &CertificateDer<'_>,
        outline: &Outline<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let now = Duration::from_secs(now.as_secs());
        if self.given.binary_search_by(|one| one.as_ref().cmp(leaf.as_ref())).is_err() {
            return Err(said("it signs itself, and is none of the authorities"));
        }
        if outline.is_before_its_time(now) {
            return Err(CertificateError::NotValidYet);
        }
        if outline.is_past_its_time(now) {
            return Err(CertificateError::Expired);
        }
        Ok(())
    }

    fn check_chain(
        &self,
        leaf: &CertificateDer<'_>,
        outline: &Outline<'_>,
        beside: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let shown = EndEntityCert::try_from(leaf).map_err(|error| self.told(outline, &error, None))?;
        let between: Vec<_> = beside.iter().chain(&self.between).cloned().collect();
        let why = Cell::new(None);
        let look = |path: &VerifiedPath<'_>| {
            self.look_at(path, outline, now).map_err(|found| {
                why.set(Some(found));
                webpki::Error::UnknownIssuer
            })
        };
        shown
            .verify_for_usage(self.algorithms.all, &self.anchors, &between, now, self.usage(), None, Some(&look))
            .map(|_| ())
            .map_err(|error| self.told(outline, &error, why.get()))
    }

    fn usage(&self) -> impl ExtendedKeyUsageValidator {
        match self.purpose {
            Purpose::Server => KeyUsage::server_auth(),
            Purpose::Client => KeyUsage::client_auth(),
        }
    }

    /// What OpenSSL asks of a chain, and webpki did not.
    fn look_at(&self, path: &VerifiedPath<'_>, leaf: &Outline<'_>, now: UnixTime) -> Result<(), &'static str> {
        const UNREAD: &str = "a certificate of its chain cannot be read";
        let found = self.anchors.iter().position(|one| std::ptr::eq(one, path.anchor()));
        let root = found.and_then(|at| self.roots.get(at)).and_then(|root| Outline::of(root)).ok_or(UNREAD)?;
        let seconds = Duration::from_secs(now.as_secs());
        if root.is_before_its_time(seconds) || root.is_past_its_time(seconds) {
            return Err("the authority's own certificate has expired, or does not count yet");
        }
        let (mut below, mut limits_names, mut count) = (leaf.clone(), root.limits_names, 0_u64);
        let between: Vec<_> = path.intermediate_certificates().map(webpki::Cert::der).collect();
        for one in &between {
            let one = Outline::of(one).ok_or(UNREAD)?;
            if one.is_strange {
                return Err("a certificate of its chain has an extension that is not known here");
            }
            if !one.may_certify() {
                return Err("the key usage of a certificate of its chain does not let it sign others");
            }
            if !one.is_meant_by(&below) {
                return Err("a certificate of its chain was issued by another key of that name");
            }
            limits_names |= one.limits_names;
            count = count.saturating_add(u64::from(!one.is_of_itself()));
            below = one;
        }
        if !root.is_meant_by(&below) {
            return Err("it was issued by another key of the authority's name");
        }
        if !root.may_stand_above(count) {
            return Err("its chain is longer than the authority allows");
        }
        // WHY: webpki holds names in the subject against no limit.
        let is_in_subject =
            || leaf.common_names().iter().any(|name| name.as_ref().is_none_or(|name| name.contains('.')));
        if limits_names && (leaf.has_mail() || (!leaf.has_name() && is_in_subject())) {
            return Err("its authority limits names, and it has its own in the subject: name it in the subjectAltName");
        }
        Ok(())
    }

    /// An error of webpki in the words of rustls, or in ours where those say more.
    fn told(&self, leaf: &Outline<'_>, error: &webpki::Error, why: Option<&'static str>) -> CertificateError {
        use webpki::Error as E;
        match error {
            E::CertExpired { .. } => CertificateError::Expired,
            E::CertNotValidYet { .. } => CertificateError::NotValidYet,
            E::UnknownIssuer => match why {
                Some(why) => said(why),
                None if self.is_half_known(leaf) => {
                    said("its authority is given, but not the one that signed that: give the whole chain up to its root")
                }
                None => CertificateError::UnknownIssuer,
            },
            E::CaUsedAsEndEntity => said("it says that it is an authority itself (CA:TRUE): make one that does not, or give it as it is as the authority"),
            E::EndEntityUsedAsCa => said("a certificate of its chain is no authority (CA:FALSE)"),
            E::PathLenConstraintViolated | E::MaximumPathDepthExceeded => said("its chain is longer than allowed"),
            E::NameConstraintViolation => said("its authority may not sign certificates for that name"),
            E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => CertificateError::InvalidPurpose,
            E::UnsupportedCriticalExtension => CertificateError::UnhandledCriticalExtension,
            E::UnsupportedCertVersion => said("its chain has a certificate of X.509 version 1: make one of version 3"),
            E::InvalidSignatureForPublicKey => said("it, or one of its chain, is signed by another key than its authority has here, or by RSA below 2048 bits"),
            E::UnsupportedSignatureAlgorithmContext(_) | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                said("its signature, or one of its chain, is of a kind that is not taken (SHA-1, or curves but P-256, P-384, Ed25519)")
            }
            _ => CertificateError::BadEncoding,
        }
    }

    /// Whether who signed it was given, but is signed by somebody who was not.
    fn is_half_known(&self, leaf: &Outline<'_>) -> bool {
        self.between
            .iter()
            .filter_map(|one| Outline::of(one))
            .any(|one| one.subject == leaf.issuer || one.subject == leaf.subject)
    }
}

/// A certificate as the end of chains.
fn anchor(certificate: &CertificateDer<'_>, outline: &Outline<'_>) -> Option<TrustAnchor<'static>> {
    if outline.version == 3 {
        return anchor_from_trusted_cert(certificate).ok().map(|anchor| anchor.to_owned());
    }
    // WHY by hand: webpki reads none of version 1. They have no extensions, so no limits either.
    let (subject, key) = (Der::from(outline.subject), Der::from(outline.key));
    Some(TrustAnchor { subject, subject_public_key_info: key, name_constraints: None }.to_owned())
}

/// A reason in words of ours.
fn said(why: &'static str) -> CertificateError {
    CertificateError::Other(OtherError(Arc::new(Said(why))))
}
