//! The verbs of an address.

use async_trait::async_trait;
#[cfg(target_os = "linux")]
use bytes::Bytes;
#[cfg(target_os = "linux")]
use futures::TryStreamExt;

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::shm;
#[cfg(feature = "tls")]
use crate::tls;
use crate::{
    BoxDuplex, BoxListener, BoxReceiver, BoxSender, Dial, Endpoint, Error, ErrorKind, Result,
    profile::Built, tcp,
};
#[cfg(unix)]
use crate::{fifo, signal, udp, unix};
#[cfg(target_os = "linux")]
use crate::{mq, semaphore, semaphore::lease};

/// What a program asks of an address that it was configured with.
///
/// Where the mechanism has the verb and this build can do it, it is the same as calling the
/// mechanism's own module with default options.
impl Endpoint {
    /// Connects.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::Endpoint;
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let listener = framewire::tcp::listen("127.0.0.1:0").await?;
    /// # let address = listener.endpoint().to_string();
    /// # tokio::spawn(listener.take(1).for_each(|peer| async {
    /// #     let (sink, stream) = peer.unwrap().split();
    /// #     let _ = stream.forward(sink).await;
    /// # }));
    /// let endpoint: Endpoint = address.parse()?;
    /// let mut connection = endpoint.connect().await?;
    /// connection.send("hello".into()).await?;
    /// assert_eq!(connection.next().await.expect("an echo server is there")?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) with the reason, where this cannot be done here;
    /// else as the mechanism's own `connect`.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn connect(&self) -> Result<BoxDuplex> {
        match self {
            #[cfg(unix)]
            Self::Unix(name) => Ok(Box::pin(unix::connect(name.clone()).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Seqpacket(name) => Ok(Box::pin(unix::seqpacket::connect(name.clone()).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Shm(name) => Ok(Box::pin(shm::connect(name.clone()).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmNamed(name) => Ok(Box::pin(shm::named::connect(name).await?)),
            #[cfg(target_os = "linux")]
            Self::Mq(name) => Ok(Box::pin(mq::connect(name).await?)),
            #[cfg(unix)]
            Self::Datagram(name) => Ok(Box::pin(unix::datagram::connect(name.clone()).await?)),
            Self::Tcp(address) => Ok(Box::pin(tcp::connect(address.to_string()).await?)),
            #[cfg(unix)]
            Self::Udp(address) => Ok(Box::pin(udp::connect(address.to_string()).await?)),
            #[cfg(feature = "tls")]
            Self::Tls(address) => Ok(Box::pin(tls::connect(address.to_string()).await?)),
            other => Err(other.cannot("connect")),
        }
    }

    /// Listens.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::Endpoint;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let endpoint: Endpoint = "tcp://127.0.0.1:0".parse()?;
    /// let listener = endpoint.listen().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) with the reason, where this cannot be done here;
    /// else as the mechanism's own `listen`.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a name that was taken is given back.
    pub async fn listen(&self) -> Result<BoxListener> {
        match self {
            #[cfg(unix)]
            Self::Unix(name) => Ok(unix::listen(name.clone()).await?.into()),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Seqpacket(name) => Ok(unix::seqpacket::listen(name.clone()).await?.into()),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Shm(name) => Ok(shm::listen(name.clone()).await?.into()),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmNamed(name) => Ok(shm::named::listen(name).await?.into()),
            #[cfg(target_os = "linux")]
            Self::Mq(name) => Ok(mq::listen(name).await?.into()),
            #[cfg(unix)]
            Self::Datagram(name) => Ok(unix::datagram::listen(name.clone()).await?.into()),
            Self::Tcp(address) => Ok(tcp::listen(address.to_string()).await?.into()),
            #[cfg(unix)]
            Self::Udp(address) => Ok(udp::listen(address.to_string()).await?.into()),
            #[cfg(feature = "tls")]
            Self::Tls(address) => {
                let listener = tls::Options::new().listen(address.to_string()).await?;
                Ok(BoxListener::new(listener.endpoint().clone(), listener))
            }
            other => Err(other.cannot("listen")),
        }
    }

    /// Opens the receiving end.
    ///
    /// The messages of `lease` are permits: each is held until it is dropped, and is the four bytes,
    /// big-endian, of which of them it is. A file that is there says how many there are; where there is
    /// none, one is made for a single one.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Endpoint, ErrorKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let endpoint: Endpoint = "tcp://127.0.0.1:0".parse()?;
    /// // TCP has connections, and no receivers.
    /// assert_eq!(endpoint.receiver().await.err().map(|e| e.kind()), Some(ErrorKind::Unsupported));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) with the reason, where this cannot be done here;
    /// else as the mechanism's own `receiver`.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: what was opened is closed.
    pub async fn receiver(&self) -> Result<BoxReceiver> {
        match self {
            #[cfg(unix)]
            Self::Datagram(name) => Ok(Box::pin(unix::datagram::receiver(name.clone()).await?)),
            #[cfg(unix)]
            Self::Udp(address) => Ok(Box::pin(udp::receiver(address.to_string()).await?)),
            #[cfg(unix)]
            Self::Fifo(path) => Ok(Box::pin(fifo::receiver(path).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmBroadcast(path) => Ok(Box::pin(shm::broadcast::receiver(path).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmLatest(path) => Ok(Box::pin(shm::latest::receiver(path).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmNamed(name) => Ok(Box::pin(shm::named::receiver(name).await?)),
            #[cfg(target_os = "linux")]
            Self::Mq(name) => Ok(Box::pin(mq::receiver(name).await?)),
            #[cfg(target_os = "linux")]
            Self::Semaphore(name) => {
                let permits = semaphore::receiver(name).await?;
                // What comes was handed on to us: nobody gives it back.
                Ok(Box::pin(permits.map_ok(|permit| {
                    permit.forget();
                    Bytes::new()
                })))
            }
            #[cfg(target_os = "linux")]
            Self::Lease(path) => {
                let leases = lease::Options::new().open_any(path).await?;
                Ok(Box::pin(leases.receiver().map_ok(Bytes::from)))
            }
            #[cfg(target_os = "linux")]
            Self::Signal(name) if name.is_real_time() => {
                Ok(signal::queued(name.to_string()).await?.bytes())
            }
            #[cfg(unix)]
            Self::Signal(name) => Ok(signal::receiver(name.to_string()).await?.bytes()),
            other => Err(other.cannot("receiver")),
        }
    }

    /// Opens the sending end.
    ///
    /// # Examples
    ///
    /// See [`receiver`](Self::receiver).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) with the reason, where this cannot be done here;
    /// else as the mechanism's own `sender`.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: what was opened is closed.
    pub async fn sender(&self) -> Result<BoxSender> {
        match self {
            #[cfg(unix)]
            Self::Datagram(name) => Ok(Box::pin(unix::datagram::sender(name.clone()).await?)),
            #[cfg(unix)]
            Self::Udp(address) => Ok(Box::pin(udp::sender(address.to_string()).await?)),
            #[cfg(unix)]
            Self::Fifo(path) => Ok(Box::pin(fifo::sender(path).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmBroadcast(path) => Ok(Box::pin(shm::broadcast::sender(path).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmLatest(path) => Ok(Box::pin(shm::latest::sender(path).await?)),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::ShmNamed(name) => Ok(Box::pin(shm::named::sender(name).await?)),
            #[cfg(target_os = "linux")]
            Self::Mq(name) => Ok(Box::pin(mq::sender(name).await?)),
            #[cfg(target_os = "linux")]
            Self::Semaphore(name) => {
                Ok(Box::pin(semaphore::Bodiless(semaphore::sender(name).await?)))
            }
            #[cfg(target_os = "linux")]
            Self::Signal(name) => Ok(signal::sender(name.to_string()).await?.bytes()),
            #[cfg(all(unix, not(target_os = "linux")))]
            Self::Signal(_) => {
                let cause = "signals are sent on Linux, and this is not";
                let error = Error::new(ErrorKind::Unsupported, cause);
                Err(error.doing("sender").on(self.clone()))
            }
            other => Err(other.cannot("sender")),
        }
    }

    /// Why a verb cannot be done here.
    fn cannot(&self, verb: &'static str) -> Error {
        let profile = self.profile();
        let scheme = self.scheme();
        let cause = match profile.built {
            Built::Yes | Built::Feature { on: true, .. } => {
                format!("{scheme} has no `{verb}`, only: {}", profile.verbs.join(", "))
            }
            Built::Feature { name, .. } => {
                format!("{scheme} needs the feature `{name}` of framewire, and it is not on")
            }
            Built::NotYet => format!("this version of framewire does not have {scheme} yet"),
            Built::Elsewhere(platform) => format!("{scheme} is for {platform}, and this is not"),
        };
        Error::new(ErrorKind::Unsupported, cause).doing(verb).on(self.clone())
    }
}

#[async_trait]
impl Dial for Endpoint {
    async fn dial(&self) -> Result<BoxDuplex> {
        self.connect().await
    }
}
