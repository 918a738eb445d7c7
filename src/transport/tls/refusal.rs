//! What went wrong with TLS, who refused, and what to do about it.

use std::io;

use tokio_rustls::rustls::{self, AlertDescription as Alert, CertificateError};

use crate::{Error, ErrorKind};

/// Which side we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// How far the two sides have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Handshake,
    Messages,
}

impl Side {
    /// What the other side is called.
    pub(super) fn peer(self) -> &'static str {
        match self {
            Self::Client => "the server",
            Self::Server => "the client",
        }
    }
}

/// The error of a TLS stream as one of ours.
pub(super) fn explained(error: io::Error, side: Side, phase: Phase) -> Error {
    let peer = side.peer();
    if let Some(reason) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return refused(reason, side, phase);
    }
    match (error.kind(), phase) {
        (io::ErrorKind::UnexpectedEof, Phase::Messages) => Error::new(
            ErrorKind::Truncated,
            format!("{peer} ended without saying so: what it sent may have been cut"),
        )
        .remedy("it was killed, or somebody on the way cut the connection"),
        (
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
            Phase::Handshake,
        ) => Error::new(ErrorKind::Closed, format!("{peer} ended during the handshake"))
            .remedy("does it speak TLS? its own events say why"),
        _ => error.into(),
    }
}

fn refused(reason: &rustls::Error, side: Side, phase: Phase) -> Error {
    use rustls::Error::*;
    let peer = side.peer();
    match reason {
        InvalidCertificate(why) => untrusted(why, side),
        NoCertificatesPresented => {
            Error::new(ErrorKind::Denied, format!("{peer} showed no certificate"))
                .remedy("give it one that we trust: `tls::Options::identity` at its end")
        }
        AlertReceived(alert) => alerted(*alert, side),
        PeerIncompatible(why) => {
            Error::new(ErrorKind::Unsupported, format!("{peer} has nothing in common: {why:?}"))
                .remedy("both ends need TLS 1.3")
        }
        DecryptError if phase == Phase::Messages => {
            Error::new(ErrorKind::Malformed, "what came is not what was sent: it was changed")
                .remedy("somebody on the way alters the bytes")
        }
        FailedToGetCurrentTime | FailedToGetRandomBytes => {
            Error::new(ErrorKind::Io, reason.to_string())
        }
        _ => Error::new(ErrorKind::Malformed, format!("what came is not TLS: {reason}"))
            .remedy(format!("does {peer} speak TLS?")),
    }
}

/// We do not believe the peer.
fn untrusted(why: &CertificateError, side: Side) -> Error {
    use CertificateError::*;
    let remedy = match (why, side) {
        // Where an issuer of the same name has another key, its signature is what is wrong.
        (UnknownIssuer | BadSignature, Side::Client) => {
            "give `tls::Options::trust` its issuer's certificate, or itself if it is self-signed"
        }
        (UnknownIssuer | BadSignature, Side::Server) => {
            "give `tls::Options::require_client` its issuer's certificate, or itself if it is \
             self-signed"
        }
        (NotValidForName | NotValidForNameContext { .. }, _) => {
            "connect by a name that it has, or say which with `tls::Options::server_name`"
        }
        (Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }, _) => {
            "have it renewed, or is a clock wrong?"
        }
        _ => "have another one issued",
    };
    let peer = side.peer();
    Error::new(ErrorKind::Denied, format!("we refused {peer}'s certificate: {why}")).remedy(remedy)
}

/// The peer has told us what it does not like.
fn alerted(alert: Alert, side: Side) -> Error {
    let peer = side.peer();
    match alert {
        Alert::CertificateRequired | Alert::NoCertificate => Error::new(
            ErrorKind::Denied,
            format!("{peer} refused us, since we showed no certificate"),
        )
        .remedy("give `tls::Options::identity` one that it trusts"),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::DecryptError => {
            let remedy = match side {
                Side::Client => "show one that the server's `tls::Options::require_client` knows",
                Side::Server => "have the client trust it, and connect by a name that it has",
            };
            Error::new(ErrorKind::Denied, format!("{peer} refused our certificate: {alert:?}"))
                .remedy(remedy)
        }
        Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            Error::new(ErrorKind::Unsupported, format!("{peer} has nothing in common: {alert:?}"))
                .remedy("both ends need TLS 1.3")
        }
        _ => Error::new(ErrorKind::Closed, format!("{peer} gave up: {alert:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reason: rustls::Error, side: Side) -> Error {
        let error = io::Error::new(io::ErrorKind::InvalidData, reason);
        explained(error, side, Phase::Handshake)
    }

    #[test]
    fn it_is_said_which_side_refused() {
        let theirs = of(rustls::Error::AlertReceived(Alert::UnknownCA), Side::Client).to_string();
        assert!(theirs.starts_with("the server refused our certificate"), "{theirs}");
        let ours = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let ours = of(ours, Side::Client).to_string();
        assert!(ours.starts_with("we refused the server's certificate"), "{ours}");
        assert!(ours.contains("tls::Options::trust"), "{ours}");
    }

    #[test]
    fn an_end_without_notice_is_no_end() {
        let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let error = explained(end(), Side::Client, Phase::Messages);
        assert_eq!(error.kind(), ErrorKind::Truncated);
        let error = explained(end(), Side::Client, Phase::Handshake);
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert!(error.to_string().contains("the server ended during the handshake"), "{error}");
    }

    #[test]
    fn what_is_not_of_tls_stays_what_it_is() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(explained(reset, Side::Server, Phase::Messages).kind(), ErrorKind::Closed);
        let full = io::Error::from_raw_os_error(12);
        assert_eq!(explained(full, Side::Server, Phase::Handshake).raw_os_error(), Some(12));
    }
}
