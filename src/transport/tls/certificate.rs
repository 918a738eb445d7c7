//! Who somebody is, signed by who vouches for it.

use std::fmt;

use pem::Pem;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::{Error, ErrorKind, Result};

/// What a PEM file calls one.
const TAG: &str = "CERTIFICATE";

/// An X.509 certificate: a name and a public key, and a signature over both.
///
/// # Examples
///
/// ```
/// use framewire::tls::{Certificate, Identity};
///
/// # fn main() -> framewire::Result<()> {
/// let certificate = Identity::self_signed(["localhost"])?.certificate();
/// assert_eq!(Certificate::from_pem(certificate.to_pem())?, [certificate]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Certificate(CertificateDer<'static>);

impl Certificate {
    /// All certificates of a PEM file, of which there is one at least; what else is in it is passed
    /// over.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use framewire::tls::{self, Certificate};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let roots = Certificate::from_pem(std::fs::read("/etc/app/roots.pem")?)?;
    /// let options = tls::Options::new().trust(roots);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](ErrorKind::Malformed): it is no PEM, or has no certificate.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Vec<Self>> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_ref()).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found.into_iter().map(Self).collect()),
            Ok(_) => Err(refused("there is no certificate in it")),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// The certificate whose DER form this is. Whether it is one shows when it is used.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::tls::{Certificate, Identity};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let certificate = Identity::self_signed(["localhost"])?.certificate();
    /// assert_eq!(Certificate::from_der(certificate.as_der().to_vec()), certificate);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_der(der: impl Into<Vec<u8>>) -> Self {
        Self(CertificateDer::from(der.into()))
    }

    /// Its DER form, of which fingerprints are made.
    ///
    /// # Examples
    ///
    /// See [`from_der`](Self::from_der).
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// Its PEM form, for a file that others trust.
    ///
    /// # Examples
    ///
    /// See [`Certificate`].
    pub fn to_pem(&self) -> String {
        pem::encode(&Pem::new(TAG, self.as_der()))
    }

    pub(super) fn inner(&self) -> &CertificateDer<'static> {
        &self.0
    }
}

impl From<CertificateDer<'static>> for Certificate {
    fn from(der: CertificateDer<'static>) -> Self {
        Self(der)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} bytes)", self.as_der().len())
    }
}

fn refused(cause: impl Into<crate::BoxError>) -> Error {
    Error::new(ErrorKind::Malformed, cause)
        .doing("read certificates")
        .remedy("give the bytes of a file in PEM form: -----BEGIN CERTIFICATE-----")
}
