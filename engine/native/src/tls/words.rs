//! Why TLS does not come about or go on, in words: what was wrong and, where something can be done, what. Never a byte of what the peer sent.

use std::fmt;

use rustls::{AlertDescription, CertificateError, Error};

use crate::failure::Failure;

/// What is wrong with a certificate, in words of ours.
#[derive(Debug)]
pub struct Said(pub &'static str);

impl fmt::Display for Said {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.0)
    }
}

impl std::error::Error for Said {}

/// The error as everybody else has it: `CERTIFICATE` where the peer's is not taken, else `TLS`.
pub fn failure(error: &Error) -> Failure {
    match error {
        Error::InvalidCertificate(why) => {
            Failure::new("CERTIFICATE", format!("the certificate is refused: {}", refused(why)))
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) => Failure::new(
            "TLS",
            "the other side ended it: HandshakeFailure. Not spoken here are keys but RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519, and TLS 1.2 \
             without ECDHE and GCM or ChaCha20",
        ),
        Error::AlertReceived(alert) => Failure::new("TLS", format!("the other side ended it: {alert:?}")),
        Error::DecryptError => {
            Failure::new("TLS", "a record cannot be opened: it was altered, or sealed with other keys")
        }
        Error::NoApplicationProtocol => {
            Failure::new("TLS", "none of the protocols that the client offers (ALPN) is served here")
        }
        Error::PeerIncompatible(how) => {
            Failure::new("TLS", format!("the other side speaks no TLS that is spoken here: {how:?}"))
        }
        Error::PeerMisbehaved(how) => Failure::new("TLS", format!("the other side broke the rules of TLS: {how:?}")),
        Error::InvalidMessage(how) => Failure::new("TLS", format!("this is no TLS: {how:?}")),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            Failure::new("TLS", "the other side said something out of turn")
        }
        Error::PeerSentOversizedRecord => Failure::new("TLS", "a record is longer than records are"),
        Error::FailedToGetRandomBytes => Failure::new("TLS", "the system has no random bytes"),
        Error::FailedToGetCurrentTime => Failure::new("TLS", "the system has no time"),
        other => Failure::new("TLS", format!("TLS failed: {other}")),
    }
}

fn refused(why: &CertificateError) -> String {
    let known = match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it does not count yet",
        CertificateError::UnknownIssuer => "no authority that is trusted here signed it",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name than was asked for"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it, or one of its chain, is not for this use (its key usages)"
        }
        CertificateError::BadSignature => "whoever shows it does not have its key",
        CertificateError::BadEncoding => "it, or one of its chain, cannot be read",
        CertificateError::UnhandledCriticalExtension => {
            "it, or one of its chain, has a critical extension that is not known here"
        }
        CertificateError::Other(said) => return said.0.to_string(),
        other => return format!("{other:?}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved};

    use super::*;

    #[test]
    fn each_error_is_a_sentence() {
        for error in [
            Error::AlertReceived(AlertDescription::BadCertificate),
            Error::AlertReceived(AlertDescription::HandshakeFailure),
            Error::DecryptError,
            Error::NoApplicationProtocol,
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::PeerSentOversizedRecord,
            Error::FailedToGetRandomBytes,
            Error::FailedToGetCurrentTime,
            Error::HandshakeNotComplete,
        ] {
            let told = failure(&error);
            assert_eq!(told.code, "TLS");
            assert!(told.message.len() > 20, "{}", told.message);
        }
        for why in [
            CertificateError::Expired,
            CertificateError::NotValidYet,
            CertificateError::UnknownIssuer,
            CertificateError::NotValidForName,
            CertificateError::InvalidPurpose,
            CertificateError::BadSignature,
            CertificateError::BadEncoding,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::Revoked,
            CertificateError::Other(OtherError(Arc::new(Said("it is green")))),
        ] {
            let told = failure(&Error::InvalidCertificate(why));
            assert_eq!(told.code, "CERTIFICATE");
            assert!(told.message.starts_with("the certificate is refused: "), "{}", told.message);
        }
    }
}
