//! The addresses of a host, and which of them other machines can reach.

use std::{io, net::SocketAddr};

use tokio::net::lookup_host;

use crate::{Error, ErrorKind, HostPort, Result, runtime};

/// The addresses of a host, of which there is at least one.
pub(crate) async fn resolve(address: &HostPort) -> Result<Vec<SocketAddr>> {
    runtime::here()?;
    match lookup_host(address.to_string()).await {
        Ok(found) => match found.collect::<Vec<_>>() {
            found if found.is_empty() => Err(no_address()),
            found => Ok(found),
        },
        Err(error) => Err(Error::new(ErrorKind::Address, error).remedy("is the host name right?")),
    }
}

/// Binds to the first address that can be bound to. One that other machines can reach is none of
/// those unless that was asked for.
pub(crate) fn bind_first<T>(
    found: Vec<SocketAddr>,
    exposed: bool,
    remedy: &'static str,
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> Result<T> {
    let mut last = None;
    for addr in found {
        if !exposed && !addr.ip().is_loopback() {
            let cause = format!("{addr} can be reached from other machines");
            last = Some(Error::new(ErrorKind::Denied, cause).remedy(remedy));
            continue;
        }
        match bind(addr) {
            Ok(bound) => return Ok(bound),
            Err(error) => last = Some(not_bound(error)),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

/// Says what can be done where an address cannot be listened on.
fn not_bound(error: io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "stop who listens there, or choose another port",
        io::ErrorKind::AddrNotAvailable => "choose an address that this machine has",
        io::ErrorKind::PermissionDenied => "choose a port from 1024 up",
        _ => return error.into(),
    };
    Error::from(error).remedy(remedy)
}

pub(crate) fn no_address() -> Error {
    Error::new(ErrorKind::Address, "the host has no address")
}
