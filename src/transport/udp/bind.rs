//! Making UDP sockets: bound, connected, members of a group.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::Options;

/// The loopback interface's index.
const LOOPBACK: u32 = 1;

impl Options {
    /// A socket bound to an address, which receives what is sent there; of a group, a member.
    pub(super) fn bound(&self, addr: SocketAddr) -> io::Result<Socket> {
        let socket = new(addr)?;
        if !addr.ip().is_multicast() {
            socket.bind(&addr.into())?;
            return Ok(socket);
        }
        // All members on this machine bind the same address and port.
        socket.set_reuse_address(true)?;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        socket.set_reuse_port(true)?;
        // Otherwise it receives what others have joined the group for, on their interfaces.
        #[cfg(target_os = "linux")]
        match addr.ip() {
            IpAddr::V4(_) => socket.set_multicast_all_v4(false)?,
            IpAddr::V6(_) => socket.set_multicast_all_v6(false)?,
        }
        socket.bind(&addr.into())?;
        match addr.ip() {
            IpAddr::V4(group) => socket.join_multicast_v4(&group, &self.interface_v4())?,
            IpAddr::V6(group) => socket.join_multicast_v6(&group, self.interface_v6())?,
        }
        Ok(socket)
    }

    /// A socket connected to an address, or to a group to send to.
    pub(super) fn connected(&self, addr: SocketAddr) -> io::Result<Socket> {
        let socket = new(addr)?;
        match addr.ip() {
            IpAddr::V4(group) if group.is_multicast() => {
                socket.set_multicast_if_v4(&self.interface_v4())?;
                socket.set_multicast_ttl_v4(self.hops)?;
            }
            IpAddr::V6(group) if group.is_multicast() => {
                socket.set_multicast_if_v6(self.interface_v6())?;
                socket.set_multicast_hops_v6(self.hops)?;
            }
            _ => {}
        }
        socket.connect(&addr.into())?;
        Ok(socket)
    }

    fn interface_v4(&self) -> Ipv4Addr {
        let usual = if self.exposed { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        self.interface.unwrap_or(usual)
    }

    fn interface_v6(&self) -> u32 {
        self.interface_index.unwrap_or(if self.exposed { 0 } else { LOOPBACK })
    }
}

/// Close-on-exec and non-blocking.
fn new(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if addr.is_ipv6() {
        // As TCP's listeners: an IPv6 address is that and nothing else.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}
