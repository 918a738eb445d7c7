//! What can be chosen about UDP.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
    sync::Arc,
    time::Duration,
};

use tracing::Instrument;

use super::{Connection, Listener, Receiver, Sender};
use crate::{
    Endpoint, Error, ErrorKind, HostPort, Peer, Result, sys,
    transport::{
        datagram::{Limits, Open, Policy},
        host::{bind_first, no_address, resolve},
    },
    wait::Strategy,
};

/// The largest datagram of IPv4: 65,535 bytes less the headers of IP (20) and UDP (8).
const LARGEST: usize = 65_507;
const EXPOSE: &str = "bind to 127.0.0.1 or [::1], or say `udp::Options::exposed(true)`";

/// Options of listeners, connections, receivers and senders.
///
/// # Examples
///
/// Everybody on this machine who has joined the group hears it:
///
/// ```
/// use framewire::udp;
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
/// let group = format!("239.255.77.1:{port}");
/// let mut one = udp::receiver(&*group).await?;
/// let mut two = udp::receiver(&*group).await?;
/// udp::Options::new().hops(0).sender(&*group).await?.send("to all".into()).await?;
/// assert_eq!(one.next().await.expect("it has no end")?, "to all");
/// assert_eq!(two.next().await.expect("it has no end")?, "to all");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    max_len: usize,
    strategy: Strategy,
    limits: Limits,
    pub(super) exposed: bool,
    pub(super) interface: Option<Ipv4Addr>,
    pub(super) interface_index: Option<u32>,
    pub(super) hops: u32,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            max_len: LARGEST,
            strategy: Strategy::default(),
            limits: Limits::default(),
            exposed: false,
            interface: None,
            interface_index: None,
            hops: 1,
        }
    }

    /// The largest message that is sent and accepted, in bytes: 65,507, and no more.
    ///
    /// # Examples
    ///
    /// One that no network has to cut up:
    ///
    /// ```
    /// let options = framewire::udp::Options::new().max_len(1200);
    /// ```
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len.min(LARGEST);
        self
    }

    /// How they wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{udp, wait::Strategy};
    ///
    /// let options = udp::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// After how long without a message from its peer a listener's connection ends: 60 s, and up
    /// to half as long again. What the peer sends later makes a connection anew.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let options = framewire::udp::Options::new().idle(Duration::from_secs(10));
    /// ```
    pub fn idle(mut self, idle: Duration) -> Self {
        self.limits.idle = idle;
        self
    }

    /// How many peers a listener has at once: 1024. What others send is dropped, and an event says
    /// so. A connection holds 128 messages or 256 KiB that were not received yet; then messages are
    /// dropped, and it is told how many.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::udp::Options::new().peers(16);
    /// ```
    pub fn peers(mut self, peers: usize) -> Self {
        self.limits.peers = peers;
        self
    }

    /// Whether an address is bound to that other machines can reach, and groups are joined and sent
    /// to beyond the loopback interface: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, udp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let refused = udp::listen("0.0.0.0:0").await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Denied);
    /// # }
    /// ```
    pub fn exposed(mut self, exposed: bool) -> Self {
        self.exposed = exposed;
        self
    }

    /// The address of the interface on which groups of IPv4 are joined and sent to: the loopback
    /// interface's, or the system's choice where [`exposed`](Self::exposed).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    ///
    /// let lan = framewire::udp::Options::new().exposed(true).interface(Ipv4Addr::new(192, 168, 1, 7));
    /// ```
    pub fn interface(mut self, address: Ipv4Addr) -> Self {
        self.interface = Some(address);
        self
    }

    /// The number of the interface (if_nametoindex(3)) on which groups of IPv6 are joined and sent
    /// to: 1, the loopback interface's, or the system's choice where [`exposed`](Self::exposed).
    ///
    /// Linux has no route to such groups on the loopback interface unless somebody has made one.
    ///
    /// # Examples
    ///
    /// ```
    /// let lan = framewire::udp::Options::new().exposed(true).interface_index(2);
    /// ```
    pub fn interface_index(mut self, index: u32) -> Self {
        self.interface_index = Some(index);
        self
    }

    /// How many routers what is sent to a group may pass, itself included: 1, the local network.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn hops(mut self, hops: u32) -> Self {
        self.hops = hops;
        self
    }

    /// Binds `host:port` and makes a connection for each who sends to it; port 0 lets the system
    /// choose.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`InUse`](ErrorKind::InUse): somebody has the port. [`Denied`](ErrorKind::Denied): the
    /// address can be reached from other machines and [`exposed`](Self::exposed) does not allow
    /// that, or the port needs privileges. [`Address`](ErrorKind::Address): not `host:port`, or a
    /// host that has no address.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing is bound before it is done.
    pub async fn listen(&self, address: impl Into<String>) -> Result<Listener> {
        let address = address.into().parse()?;
        let bound = self.bind(&address).await.and_then(|open| open.listener(self.limits, false));
        bound.map_err(|error| error.doing("listen on").on(Endpoint::Udp(address)))
    }

    /// Connects to `host:port`, so as to send to it and to be answered. Nobody has to be there.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address): not `host:port`, a host that has no address, or a group,
    /// which nobody can be connected to.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a socket that is being connected is closed.
    pub async fn connect(&self, address: impl Into<String>) -> Result<Connection> {
        let (open, to) = self.connect_to(address.into().parse()?).await?;
        if to.ip().is_multicast() {
            let error = Error::new(ErrorKind::Address, format!("{to} is a group"))
                .remedy("use `receiver` to hear what is sent to it and `sender` to send to it");
            return Err(error.doing("connect to").on(open.endpoint));
        }
        open.connection(Peer { addr: Some(to), ..Peer::default() })
    }

    /// Binds `host:port`, or joins that group, and receives from whoever sends to it.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing is bound before it is done.
    pub async fn receiver(&self, address: impl Into<String>) -> Result<Receiver> {
        let address = address.into().parse()?;
        let bound = self.bind(&address).await.and_then(Open::receiver);
        bound.map_err(|error| error.doing("receive on").on(Endpoint::Udp(address)))
    }

    /// Sends to `host:port`, or to that group. Nobody has to be there.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address): not `host:port`, or a host that has no address.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a socket that is being connected is closed.
    pub async fn sender(&self, address: impl Into<String>) -> Result<Sender> {
        self.connect_to(address.into().parse()?).await?.0.sender()
    }

    async fn bind(&self, address: &HostPort) -> Result<Open> {
        let (found, groups) = groups_or_all(resolve(address).await?);
        // A group is joined where the options say, and bound to wherever it is joined.
        let socket = bind_first(found, self.exposed || groups, EXPOSE, |addr| self.bound(addr))?;
        let addr = socket.local_addr()?.as_socket().ok_or_else(no_address)?;
        // Where the system was to choose the port, the endpoint tells which it chose.
        let endpoint = HostPort { host: address.host.clone(), port: addr.port() };
        self.open(socket, endpoint)
    }

    async fn connect_to(&self, address: HostPort) -> Result<(Open, SocketAddr)> {
        let endpoint = Arc::new(Endpoint::Udp(address.clone()));
        let connecting = async {
            let mut last = None;
            for addr in resolve(&address).await? {
                match self.connected(addr) {
                    Ok(socket) => return Ok((self.open(socket, address)?, addr)),
                    Err(error) => last = Some(not_connected(error, addr)),
                }
            }
            Err(last.unwrap_or_else(no_address))
        };
        let span = tracing::debug_span!("connect", %endpoint);
        let failed = |error: Error| error.doing("connect to").on(Arc::clone(&endpoint));
        connecting.instrument(span).await.map_err(failed)
    }

    fn open(&self, socket: socket2::Socket, address: HostPort) -> Result<Open> {
        sys::fit_send_buffer(socket.as_fd(), Some(self.max_len))?;
        Ok(Open {
            fd: socket.into(),
            endpoint: Arc::new(Endpoint::Udp(address)),
            strategy: self.strategy,
            max_len: self.max_len,
            policy: Policy::anyone(),
            placed: None,
        })
    }
}

/// Says what can be done where an address cannot be sent to.
fn not_connected(error: io::Error, addr: SocketAddr) -> Error {
    let unreachable = error.kind() == io::ErrorKind::NetworkUnreachable;
    let error = Error::from(error);
    if unreachable && addr.is_ipv6() && addr.ip().is_multicast() {
        return error.remedy("choose an interface that has groups with `interface_index`");
    }
    error
}

/// The groups alone, if there are any, and whether there are: a name that stands for one must not
/// open another address besides.
fn groups_or_all(found: Vec<SocketAddr>) -> (Vec<SocketAddr>, bool) {
    let (groups, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|addr| addr.ip().is_multicast());
    if groups.is_empty() { (others, false) } else { (groups, true) }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever answers for a host name has no say in what is exposed.
    #[test]
    fn a_group_among_the_addresses_opens_none_of_the_others() {
        let addrs = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let mixed: Vec<SocketAddr> = addrs(&["192.0.2.1:7", "239.1.2.3:7", "[ff15::1]:7"]);
        let groups = addrs(&["239.1.2.3:7", "[ff15::1]:7"]);
        assert_eq!(groups_or_all(mixed), (groups, true));
        let usual: Vec<SocketAddr> = addrs(&["127.0.0.1:7", "[::1]:7"]);
        assert_eq!(groups_or_all(usual.clone()), (usual, false));
    }
}
