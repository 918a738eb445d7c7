//! A host and a port.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::refusal::{can_be_repeated, quoted, refused};
use crate::{Error, Result};

/// The longest name that the domain name system knows (RFC 1035, section 2.3.4), as text.
const MAX_HOST: usize = 253;

/// A host and a port: `localhost:7000`, `127.0.0.1:7000`, `[::1]:7000`, `[fe80::1%eth0]:7000`.
///
/// The host is a name, an IPv4 address, or an IPv6 address in brackets, with a zone where it needs
/// one; it is looked up by the verb, not here. Port 0 asks the system for a free one when listening.
///
/// # Examples
///
/// ```
/// use framewire::HostPort;
///
/// # fn main() -> framewire::Result<()> {
/// let there: HostPort = "[::1]:7000".parse()?;
/// assert_eq!((there.host.as_str(), there.port), ("::1", 7000));
/// assert_eq!(there.to_string(), "[::1]:7000");
///
/// let error = "localhost".parse::<HostPort>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"no port in "localhost" (write a host and a port, such as localhost:7000)"#
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// The port; 0 leaves the choice to the system.
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => bracketed(text, rest)?,
            None => plain(text)?,
        };
        Ok(Self { host: host.into(), port: number(port)? })
    }
}

/// As it is parsed: an IPv6 address in brackets.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The address as text; a scope id becomes a zone.
impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            _ => address.ip().to_string(),
        };
        Self { host, port: address.port() }
    }
}

/// Splits what follows the opening bracket into an IPv6 address and the text of a port.
fn bracketed<'a>(text: &str, rest: &'a str) -> Result<(&'a str, &'a str)> {
    let Some((host, after)) = rest.split_once(']') else {
        return Err(refused(
            format!("no closing bracket in {}", quoted(text)),
            "write an IPv6 address as [::1]:7000",
        ));
    };
    let (address, zone) = match host.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (host, None),
    };
    if address.parse::<Ipv6Addr>().is_err() {
        return Err(refused(
            format!("{} is not an IPv6 address", quoted(address)),
            "write brackets around IPv6 addresses only, such as [::1]:7000",
        ));
    }
    if zone.is_some_and(|zone| zone.is_empty() || !zone.chars().all(is_of_a_name)) {
        return Err(refused(
            format!("a bad zone in {}", quoted(host)),
            "write the name or the number of a network interface, such as [fe80::1%eth0]:7000",
        ));
    }
    match after.strip_prefix(':') {
        Some(port) => Ok((host, port)),
        None if after.is_empty() => Err(no_port(text)),
        None => Err(refused(
            format!("{} behind the closing bracket", quoted(after)),
            "write a colon and the port there, such as [::1]:7000",
        )),
    }
}

/// Splits a name or an IPv4 address from the text of a port.
fn plain(text: &str) -> Result<(&str, &str)> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(if text.is_empty() { no_host() } else { no_port(text) });
    };
    if host.is_empty() {
        return Err(no_host());
    }
    if host.contains(':') {
        let whole = text.parse::<IpAddr>().is_ok();
        return Err(refused(
            format!("more than one colon in {}", quoted(text)),
            match (whole, can_be_repeated(text)) {
                (true, true) => format!("write brackets around an IPv6 address: [{text}]:7000"),
                _ => "write brackets around an IPv6 address, such as [::1]:7000".into(),
            },
        ));
    }
    if host.len() > MAX_HOST {
        return Err(refused(
            format!("a host name of {} bytes, limit {MAX_HOST}", host.len()),
            "write the name of a host, such as localhost:7000",
        ));
    }
    match host.chars().find(|&c| !is_of_a_name(c)) {
        None => Ok((host, port)),
        Some('*') => Err(refused(
            "the host is *",
            "write 0.0.0.0 or [::] to listen on all interfaces, and nothing else to connect to",
        )),
        Some(c) => Err(refused(
            format!("{c:?} in the host {}", quoted(host)),
            "write a host and a port and nothing else, such as localhost:7000",
        )),
    }
}

/// What names of hosts and of network interfaces are made of; a name in another script is written
/// in its ASCII form, which is what resolvers ask for.
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// A port has one spelling, so that what is printed is what was parsed: no sign, no leading zero.
fn number(text: &str) -> Result<u16> {
    let is_canonical = text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
        && !text.is_empty();
    match text.parse() {
        Ok(port) if is_canonical => Ok(port),
        _ if text.is_empty() => Err(refused("the port is missing", "write it behind the colon")),
        _ => Err(refused(
            format!("{} is not a port", quoted(text)),
            "write a number from 0 to 65535 without leading zeros",
        )),
    }
}

fn no_host() -> Error {
    refused("no host", "write a host and a port, such as localhost:7000")
}

fn no_port(text: &str) -> Error {
    refused(
        format!("no port in {}", quoted(text)),
        match can_be_repeated(text) && !text.contains('/') {
            true => format!("write a host and a port, such as {text}:7000"),
            false => "write a host and a port, such as localhost:7000".into(),
        },
    )
}
