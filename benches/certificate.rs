//! What both subjects of a TLS row are told: the same certificate, the same configuration.

use std::sync::Arc;

use framewire::tls::Identity;
use framewire::tls::rustls::pki_types::pem::PemObject;
use framewire::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use framewire::tls::rustls::version::TLS13;
use framewire::tls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};

use crate::trial::Fault;

/// Whom the certificate is for.
pub(crate) const HOST: &str = "127.0.0.1";

/// A server's configuration with a certificate of its own.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) config: Arc<ServerConfig>,
    certificate: String,
}

impl Served {
    pub(crate) fn new() -> Result<Self, Fault> {
        let identity = Identity::self_signed([HOST])?;
        let (certificate, pem) = (identity.certificate().to_pem(), identity.to_pem());
        let shown = vec![CertificateDer::from_pem_slice(certificate.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())?;
        let builder =
            ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_protocol_versions(&[&TLS13])?
                .with_no_client_auth();
        let mut config = builder.with_single_cert(shown, key)?;
        // A driver that only sends would have them unread when it closes, and reset the connection.
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// What the client needs to know to connect.
    pub(crate) fn announcement(&self, address: impl std::fmt::Display) -> String {
        format!("{address} {}", self.certificate)
    }
}

/// The address and the client's configuration of an announcement.
pub(crate) fn announced(announcement: &str) -> Result<(&str, Arc<ClientConfig>), Fault> {
    let (address, certificate) = announcement.split_once(' ').ok_or("no certificate")?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes())?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots);
    Ok((address, Arc::new(builder.with_no_client_auth())))
}
