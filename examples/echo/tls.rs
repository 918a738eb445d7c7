//! TLS: the server makes its certificate, and the client learns it from a file between them.

use std::{env, fs, path::Path};

use framewire::{
    BoxDuplex, BoxListener, Endpoint, Error, ErrorKind, Result,
    tls::{Certificate, Identity, Options},
};

/// Tells the server where the file is to be.
pub(crate) const CERTIFICATE: &str = "FRAMEWIRE_ECHO_CERTIFICATE";

/// The file's name, in the row's private directory.
pub(crate) const FILE: &str = "certificate.pem";

/// Listens with a new certificate, and leaves it in the file for the client.
pub(crate) async fn listen(endpoint: &Endpoint) -> Result<BoxListener> {
    let (host, address) = of(endpoint)?;
    let identity = Identity::self_signed([host])?;
    let certificate = identity.certificate().to_pem();
    let listener = Options::new().identity(identity).listen(address).await?;
    let path = env::var_os(CERTIFICATE);
    let path = path.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no {CERTIFICATE}")))?;
    fs::write(path, certificate)?;
    Ok(BoxListener::new(listener.endpoint().clone(), listener))
}

/// Connects, trusting what is in the file, and removes it.
pub(crate) async fn connect(endpoint: &Endpoint, path: &Path) -> Result<BoxDuplex> {
    let (_, address) = of(endpoint)?;
    let trusted = Certificate::from_pem(fs::read(path)?)?;
    fs::remove_file(path)?;
    Ok(Box::pin(Options::new().trust(trusted).connect(address).await?))
}

/// The host, and the address as the verbs take it.
fn of(endpoint: &Endpoint) -> Result<(String, String)> {
    match endpoint {
        Endpoint::Tls(address) => Ok((address.host.clone(), address.to_string())),
        other => Err(Error::new(ErrorKind::Address, format!("{other} is not for TLS"))),
    }
}
