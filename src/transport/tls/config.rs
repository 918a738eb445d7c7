//! What rustls is told: TLS 1.3 alone, with ring.

use std::sync::Arc;

use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::ServerName,
    server::WebPkiClientVerifier,
    sign::SingleCertAndKey,
    version::TLS13,
};

use super::{Certificate, Identity};
use crate::{BoxError, Error, ErrorKind, Result};

/// Named wherever it is needed: a default of the process would be somebody else's choice.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What a listener shows, and whom it lets in; without `clients` everybody.
pub(super) fn server(
    identity: &Identity,
    clients: Option<&[Certificate]>,
) -> Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[&TLS13]).map_err(unusable)?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let roots = Arc::new(given(clients)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            builder.with_client_cert_verifier(verifier.build().map_err(unusable)?)
        }
    };
    let shown = SingleCertAndKey::from(identity.certified());
    let mut config = builder.with_cert_resolver(Arc::new(shown));
    // A client that never reads would have the tickets unread when it closes, which resets the
    // connection and can cost us its last messages.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Whom a client believes, and what it shows where it is asked.
pub(super) fn client(
    identity: Option<&Identity>,
    roots: RootCertStore,
) -> Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[&TLS13]).map_err(unusable)?;
    let builder = builder.with_root_certificates(roots);
    Ok(Arc::new(match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let shown = SingleCertAndKey::from(identity.certified());
            builder.with_client_cert_resolver(Arc::new(shown))
        }
    }))
}

/// The roots that a program gave.
pub(super) fn given(certificates: &[Certificate]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.inner().clone()).map_err(unusable)?;
    }
    if roots.is_empty() {
        return Err(Error::new(ErrorKind::Denied, "no certificate is trusted")
            .remedy("name one at least, or leave the option out"));
    }
    Ok(roots)
}

/// The roots of the system. Reads files, and on some platforms asks other processes.
pub(super) fn systems() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // One that cannot be parsed is no reason not to believe the others.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
        let cause = format!("the system has no root certificates{why}");
        return Err(Error::new(ErrorKind::NotFound, cause).remedy(
            "install them (ca-certificates), set SSL_CERT_FILE, or name some with `tls::Options::trust`",
        ));
    }
    tracing::debug!(count = roots.len(), "read the system's root certificates");
    Ok(roots)
}

fn unusable(error: impl Into<BoxError>) -> Error {
    let cause = format!("a certificate cannot be used: {}", error.into());
    Error::new(ErrorKind::Denied, cause)
}

/// The name that a server's certificate must have: as `address` says it, without a zone.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>> {
    let host = host.split('%').next().unwrap_or(host);
    ServerName::try_from(host.to_owned()).map_err(|error| {
        Error::new(ErrorKind::Address, format!("{host:?} cannot be in a certificate: {error}"))
            .remedy("say which name is in it with `tls::Options::server_name`")
    })
}
