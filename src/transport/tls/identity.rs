//! Who we are, and what shows it.

use std::{fmt, sync::Arc};

use pem::Pem;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use tokio_rustls::rustls::{
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::{Certificate, config};
use crate::{BoxError, Error, ErrorKind, Result};

/// A private key and the certificates that say whose it is: what a listener must have, and a
/// client where the listener [demands](super::Options::require_client) it.
///
/// # Examples
///
/// See [`self_signed`](Self::self_signed) and [`from_pem`](Self::from_pem).
#[derive(Clone)]
pub struct Identity {
    chain: Arc<[Certificate]>,
    key: Arc<PrivateKeyDer<'static>>,
    /// The same as rustls uses it.
    certified: Arc<CertifiedKey>,
}

impl Identity {
    /// A new key, and a certificate for these names that it signs itself: for private networks and
    /// for tests, where both ends can be told which certificate to trust. Names are host names and
    /// IP addresses; the certificate serves listeners and clients, and does not expire.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::tls::Identity;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let identity = Identity::self_signed(["build.internal", "10.0.0.7"])?;
    /// println!("{}", identity.certificate().to_pem());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address): a name that cannot be one. [`Io`](ErrorKind::Io): the
    /// system has no random numbers.
    pub fn self_signed(names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let common = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).map_err(|error| {
            let refused = Error::new(ErrorKind::Address, error).doing("make a certificate");
            refused.remedy("name hosts and IP addresses, such as localhost and 127.0.0.1")
        })?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let failed = |error| Error::new(ErrorKind::Io, error).doing("make a certificate");
        let pair = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&pair).map_err(failed)?;
        let key = PrivatePkcs8KeyDer::from(pair.serialize_der());
        Self::new(vec![certificate.der().clone().into()], key.into())
    }

    /// A key and its chain of certificates, each the bytes of a PEM file: its own certificate
    /// first, then those between it and a root. Both may be in one file. The key is PKCS#8, SEC1 or
    /// PKCS#1, and not encrypted.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use framewire::tls::Identity;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let chain = std::fs::read("/etc/app/fullchain.pem")?;
    /// let key = std::fs::read("/etc/app/privkey.pem")?;
    /// let identity = Identity::from_pem(chain, key)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](ErrorKind::Malformed): one of them is not there, or is no PEM.
    /// [`Denied`](ErrorKind::Denied): the key is of another certificate, or of a kind that is not
    /// supported.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let chain = Certificate::from_pem(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref()).map_err(|error| {
            let refused = Error::new(ErrorKind::Malformed, error.to_string());
            refused.doing("read a private key").remedy(
                "give the bytes of a file in PEM form, not encrypted: -----BEGIN PRIVATE KEY-----",
            )
        })?;
        Self::new(chain, key)
    }

    /// Its own certificate, for others to trust.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    pub fn certificate(&self) -> Certificate {
        // There is one, or this was not made: the key was compared with it.
        self.chain.first().cloned().unwrap_or_else(|| Certificate::from_der([]))
    }

    /// The key and the certificates as one PEM file, which [`from_pem`](Self::from_pem) reads. Who
    /// can read it can pretend to be this identity: keep it 0600.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::tls::Identity;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let pem = Identity::self_signed(["localhost"])?.to_pem();
    /// let again = Identity::from_pem(&pem, &pem)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_pem(&self) -> String {
        let tag = match &*self.key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        let mut text = pem::encode(&Pem::new(tag, self.key.secret_der()));
        for certificate in &*self.chain {
            text.push_str(&certificate.to_pem());
        }
        text
    }

    fn new(chain: Vec<Certificate>, key: PrivateKeyDer<'static>) -> Result<Self> {
        let shown = chain.iter().map(|certificate| certificate.inner().clone()).collect();
        let certified = CertifiedKey::from_der(shown, key.clone_key(), &config::provider());
        let certified = certified.map_err(|error| {
            Error::new(ErrorKind::Denied, BoxError::from(error))
                .doing("use a certificate")
                .remedy("give the key that the first certificate was made for")
        })?;
        Ok(Self { chain: chain.into(), key: Arc::new(key), certified: Arc::new(certified) })
    }

    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }
}

/// Without the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("chain", &self.chain).finish_non_exhaustive()
    }
}
