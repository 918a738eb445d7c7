//! TLS as the suite sees it.

use std::io::Write;

use async_trait::async_trait;
use framewire::{Profile, Result, tls};
use futures::StreamExt;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

use super::{
    both,
    common::{Bare, End, Subject, role::ENDPOINT},
};

/// A port for each channel, at one loopback address.
pub(crate) struct Tls {
    /// Where anybody may come, as roles do: they connect with the default options.
    open: tls::Options,
    listening: tls::Options,
    calling: tls::Options,
    address: &'static str,
    /// For other processes to trust.
    certificate: NamedTempFile,
}

impl Tls {
    /// The server alone shows a certificate.
    pub(crate) fn new(address: &'static str) -> Self {
        let identity = tls::Identity::self_signed(["localhost", "127.0.0.1", "::1"]).unwrap();
        let mut certificate = NamedTempFile::new().unwrap();
        certificate.write_all(identity.certificate().to_pem().as_bytes()).unwrap();
        let calling = tls::Options::new().trust([identity.certificate()]);
        let open = tls::Options::new().identity(identity);
        Self { listening: open.clone(), open, calling, address, certificate }
    }

    /// Both do.
    pub(crate) fn mutual(address: &'static str) -> Self {
        let mut subject = Self::new(address);
        let identity = tls::Identity::self_signed(["a client"]).unwrap();
        subject.listening = subject.listening.require_client([identity.certificate()]);
        subject.calling = subject.calling.identity(identity);
        subject
    }

    async fn connected(
        &self,
        near: usize,
        far: usize,
    ) -> Result<(tls::Connection, tls::Connection)> {
        let mut listener = self.listening.clone().max_len(far).listen(self.address).await?;
        both(&self.calling.clone().max_len(near), &mut listener).await
    }
}

#[async_trait]
impl Subject for Tls {
    fn profile(&self) -> &'static Profile {
        Profile::of("tls").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let (near, far) = self.connected(near, far).await?;
        Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, max_len: usize) -> Result<(Bare, End)> {
        let (near, far) = self.connected(max_len, max_len).await?;
        Ok((Box::new(near.into_io().0), End::Both(Box::pin(far))))
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let mut listener = self.open.listen(self.address).await?;
        command.env(ENDPOINT, listener.endpoint().to_string());
        let child = command.env("SSL_CERT_FILE", self.certificate.path()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn tells_of_death(&self) -> bool {
        true
    }
}
