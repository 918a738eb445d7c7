//! Addresses: the whole table of schemes, the way back, and what is refused with which remedy.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use framewire::{Endpoint, ErrorKind, HostPort, Profile, SignalName, SocketName};
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    let error = match text.parse::<Endpoint>() {
        Ok(endpoint) => panic!("{text:?} parsed as {endpoint:?}"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Address, "{text}");
    let line = error.to_string();
    assert!(line.ends_with(')'), "no remedy: {line}");
    assert!(!line.chars().any(char::is_control), "{line:?}");
    line
}

fn host(host: &str, port: u16) -> HostPort {
    HostPort { host: host.into(), port }
}

#[test]
fn the_table_of_schemes() {
    let path = || PathBuf::from("/a/b");
    let socket = || SocketName::from("/a/b");
    let name = || SocketName::from("@a/b");
    let signal = |text: &str| text.parse::<SignalName>().expect(text);
    for (text, endpoint) in [
        ("unix:///a/b", Endpoint::Unix(socket())),
        ("unix://@a/b", Endpoint::Unix(name())),
        ("seqpacket:///a/b", Endpoint::Seqpacket(socket())),
        ("seqpacket://@a/b", Endpoint::Seqpacket(name())),
        ("datagram:///a/b", Endpoint::Datagram(socket())),
        ("datagram://@a/b", Endpoint::Datagram(name())),
        ("fifo:///a/b", Endpoint::Fifo(path())),
        ("tcp://localhost:0", Endpoint::Tcp(host("localhost", 0))),
        ("tcp://[::1]:7000", Endpoint::Tcp(host("::1", 7000))),
        ("tls://example.org:65535", Endpoint::Tls(host("example.org", 65535))),
        ("udp://[fe80::1%eth0]:7", Endpoint::Udp(host("fe80::1%eth0", 7))),
        ("shm:///a/b", Endpoint::Shm(socket())),
        ("shm://@a/b", Endpoint::Shm(name())),
        ("shm+named://a.b-c_d", Endpoint::ShmNamed("a.b-c_d".into())),
        ("shm+broadcast:///a/b", Endpoint::ShmBroadcast(path())),
        ("shm+latest:///a/b", Endpoint::ShmLatest(path())),
        ("mq:///jobs", Endpoint::Mq("/jobs".into())),
        ("semaphore:///gate", Endpoint::Semaphore("/gate".into())),
        ("lease:///a/b", Endpoint::Lease(path())),
        ("signal://USR1", Endpoint::Signal(signal("USR1"))),
        ("signal://RTMIN+3@4711", Endpoint::Signal(signal("RTMIN+3@4711"))),
        ("file:///a/b", Endpoint::File(path())),
        ("mmap:///a/b", Endpoint::Mmap(path())),
        ("mailslot://jobs", Endpoint::Mailslot("jobs".into())),
        ("mailslot://*/jobs", Endpoint::Mailslot("*/jobs".into())),
        ("grpc://127.0.0.1:5000", Endpoint::Grpc(host("127.0.0.1", 5000))),
        ("grpc+unix:///a/b", Endpoint::GrpcUnix(socket())),
        ("grpc+shm://@a/b", Endpoint::GrpcShm(name())),
    ] {
        assert_eq!(text.parse::<Endpoint>().expect(text), endpoint);
        assert_eq!(endpoint.to_string(), text);
        assert!(text.starts_with(&format!("{}://", endpoint.scheme())));
        assert_eq!(Profile::of(endpoint.scheme()), Some(endpoint.profile()));
    }
}

#[test]
fn the_rest_is_taken_as_it_is() {
    for text in ["unix:///a//b/../%20 ?x=1#y", "file:///ü/\u{1F980}", "unix://@ \n", "fifo:////"] {
        assert_eq!(text.parse::<Endpoint>().expect(text).to_string(), text);
    }
}

#[test]
fn a_refusal_says_what_to_write() {
    for (text, part) in [
        ("", "no scheme (write SCHEME://NAME with one of unix, seqpacket, "),
        ("/tmp/e.sock", "(write unix:///tmp/e.sock for a Unix socket, "),
        ("@e", "(write unix://@e for an abstract Unix socket)"),
        ("localhost:80", "(write tcp://localhost:80)"),
        ("unix:/tmp/e.sock", "(write unix:///tmp/e.sock)"),
        ("tcp:localhost:80", "(write tcp://localhost:80)"),
        ("unx:///tmp/e", r#"unknown scheme "unx" (did you mean unix:///tmp/e?)"#),
        ("TCP://h:1", "(did you mean tcp://h:1?)"),
        ("uds:///tmp/e", r#"unknown scheme "uds" (write SCHEME://NAME"#),
        ("pipe://x", "a pipe has no address (use the functions of the module `pipe`"),
        ("carrier-pigeon://x", "grpc, grpc+unix, grpc+shm)"),
        ("unix://tmp/x", "(write three slashes: unix:///tmp/x)"),
        ("unix://", "the path is missing (write three slashes and the path, such as unix:///"),
        ("unix://@", "an abstract name is missing"),
        ("unix:///a\0b", "a NUL byte"),
        ("mailslot://a\0", "a NUL byte"),
        ("file://var/log", "(write three slashes: file:///var/log)"),
        ("lease://@x", "(write three slashes: lease:///@x)"),
        ("tcp://", "no host"),
        ("tcp://:80", "no host"),
        ("tcp://localhost", "such as localhost:7000)"),
        ("tcp://localhost:", "the port is missing"),
        ("tcp://localhost:080", r#""080" is not a port"#),
        ("tcp://localhost:+80", r#""+80" is not a port"#),
        ("tcp://localhost:65536", r#""65536" is not a port"#),
        ("tcp://localhost:80/", r#""80/" is not a port"#),
        ("tcp://user@host:80", "'@' in the host"),
        ("tcp://*:80", "write 0.0.0.0 or [::]"),
        ("tcp://::1", "(write brackets around an IPv6 address: [::1]:7000)"),
        ("tcp://::1:80", "write brackets around an IPv6 address"),
        ("tcp://[::1]", "no port"),
        ("tcp://[::1]80", r#""80" behind the closing bracket"#),
        ("tcp://[::1:80", "no closing bracket"),
        ("tcp://[localhost]:80", "is not an IPv6 address"),
        ("tcp://[127.0.0.1]:80", "is not an IPv6 address"),
        ("tcp://[fe80::1%]:80", "a bad zone"),
        ("tcp://[fe80::1%a b]:80", "a bad zone"),
        ("mq://jobs", "(write three slashes: mq:///jobs)"),
        ("mq:///", "the name is missing"),
        ("mq:///a/b", "more than one slash"),
        ("mq:///..", "is a directory"),
        ("semaphore://", "write three slashes and a name, such as semaphore:///jobs"),
        ("shm+named:///a", "'/' in the name"),
        ("shm+named://", "the name is missing"),
        ("shm+named://.a", "starts with a dot"),
        ("mailslot://*", "'*' in the name"),
        ("mailslot://*/", "the name is missing"),
        ("mailslot://host/a", "mailslot://*/NAME"),
        ("signal://", "one of ABRT, "),
        ("signal://SIGUSR1", "(write USR1)"),
        ("signal://sigusr1", "(write USR1)"),
        ("signal://hup", "(write HUP)"),
        ("signal://USR3", "unknown signal"),
        ("signal://TEM", "(did you mean TERM?)"),
        ("signal://KILL", "KILL cannot be caught"),
        ("signal://SIGSTOP", "STOP cannot be caught"),
        ("signal://SEGV", "SEGV reports a fault"),
        ("signal://RTMIN+", "write RTMIN+n or RTMAX-n"),
        ("signal://RTMIN-1", "write RTMIN+n or RTMAX-n"),
        ("signal://RTMIN+03", "write RTMIN+n or RTMAX-n"),
        ("signal://RTMAX-63", "write RTMIN+n or RTMAX-n"),
        ("signal://USR1@", "is not a process"),
        ("signal://USR1@0", "is not a process"),
        ("signal://USR1@-1", "is not a process"),
        ("signal://USR1@2147483648", "is not a process"),
        ("signal://USR1@1@2", "is not a process"),
    ] {
        let line = refusal(text);
        assert!(line.contains(part), "{text:?}: {line}\n does not contain {part}");
    }
}

#[test]
fn names_have_limits() {
    for (front, max) in
        [("unix://@", 107), ("mq:///", 255), ("semaphore:///", 251), ("shm+named://", 200)]
    {
        let longest = front.to_owned() + &"x".repeat(max);
        assert_eq!(longest.parse::<Endpoint>().expect(&longest).to_string(), longest);
        let line = refusal(&(longest + "x"));
        assert!(line.contains(&format!("name of {} bytes, limit {max}", max + 1)), "{line}");
    }
    // A socket's path is limited by the platform, and only where it is used.
    assert!(format!("unix:///{}", "x".repeat(4000)).parse::<Endpoint>().is_ok());
}

#[test]
fn a_refusal_is_short_whatever_was_written() {
    for text in ["x".repeat(1 << 20), format!("tcp://{}", "é".repeat(1 << 20)), "\n".repeat(9999)]
    {
        assert!(refusal(&text).len() < 1500);
    }
}

#[test]
fn socket_names_convert() {
    assert_eq!(SocketName::from("@a"), SocketName::Abstract("a".into()));
    assert_eq!(SocketName::from(String::from("a/b")), SocketName::Path("a/b".into()));
    assert_eq!(SocketName::from(Path::new("@a")), SocketName::Path("@a".into()));
    assert_eq!(SocketName::from(PathBuf::from("/a")), SocketName::Path("/a".into()));
    assert_eq!(SocketName::from("@a").to_string(), "@a");
    assert!("a/b".parse::<SocketName>().is_err());
    assert!("/a\0".parse::<SocketName>().is_err());
}

fn socket() -> impl Strategy<Value = SocketName> {
    prop_oneof![
        "/[^\0]{0,200}".prop_map(|path| SocketName::Path(path.into())),
        "[^\0]{1,26}".prop_map(SocketName::Abstract),
    ]
}

fn file() -> impl Strategy<Value = PathBuf> {
    "/[^\0]{0,200}".prop_map(PathBuf::from)
}

fn host_port() -> impl Strategy<Value = HostPort> {
    prop_oneof![
        ("[A-Za-z0-9._-]{1,253}", any::<u16>()).prop_map(|(name, port)| host(&name, port)),
        (any::<Ipv4Addr>(), any::<u16>()).prop_map(|pair| SocketAddr::from(pair).into()),
        (any::<Ipv6Addr>(), any::<u16>()).prop_map(|pair| SocketAddr::from(pair).into()),
        (any::<std::net::SocketAddrV6>()).prop_map(|v6| SocketAddr::V6(v6).into()),
    ]
}

fn signal() -> impl Strategy<Value = SignalName> {
    let name = prop_oneof![
        prop::sample::select(vec!["USR1", "TERM", "XFSZ", "RTMIN", "RTMAX"]).prop_map(String::from),
        (0..=62).prop_map(|n| format!("RTMIN+{n}")),
        (0..=62).prop_map(|n| format!("RTMAX-{n}")),
    ];
    (name, prop::option::of(1..=i32::MAX)).prop_map(|(name, pid)| {
        let text = pid.map_or_else(|| name.clone(), |pid| format!("{name}@{pid}"));
        text.parse().expect("a signal")
    })
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    prop_oneof![
        (socket(), 0..6).prop_map(|(name, kind)| match kind {
            0 => Endpoint::Unix(name),
            1 => Endpoint::Seqpacket(name),
            2 => Endpoint::Datagram(name),
            3 => Endpoint::Shm(name),
            4 => Endpoint::GrpcUnix(name),
            _ => Endpoint::GrpcShm(name),
        }),
        (file(), 0..6).prop_map(|(path, kind)| match kind {
            0 => Endpoint::Fifo(path),
            1 => Endpoint::ShmBroadcast(path),
            2 => Endpoint::ShmLatest(path),
            3 => Endpoint::Lease(path),
            4 => Endpoint::File(path),
            _ => Endpoint::Mmap(path),
        }),
        (host_port(), 0..4).prop_map(|(host, kind)| match kind {
            0 => Endpoint::Tcp(host),
            1 => Endpoint::Tls(host),
            2 => Endpoint::Udp(host),
            _ => Endpoint::Grpc(host),
        }),
        "[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}".prop_map(Endpoint::ShmNamed),
        "/[^\0/.][^\0/]{0,62}".prop_map(Endpoint::Mq),
        "/[^\0/.][^\0/]{0,61}".prop_map(Endpoint::Semaphore),
        signal().prop_map(Endpoint::Signal),
        "(\\*/)?[^\0/\\\\*.][^\0/\\\\*]{0,49}".prop_map(Endpoint::Mailslot),
    ]
}

/// Texts near to addresses, which find more than arbitrary ones do.
fn nearly() -> impl Strategy<Value = String> {
    let schemes: Vec<_> = Profile::all().iter().map(|row| row.scheme).collect();
    (prop::sample::select(schemes), "(://?/?)?", r"[@/\[\]:.%*+A-Z0-9a-f\PC]{0,30}")
        .prop_map(|(scheme, colon, rest)| format!("{scheme}{colon}{rest}"))
}

fn prints_back(text: &str) {
    match text.parse::<Endpoint>() {
        Ok(endpoint) => assert_eq!(endpoint.to_string(), text),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Address),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_is_printed_parses(endpoint in endpoint()) {
        let text = endpoint.to_string();
        prop_assert_eq!(text.parse::<Endpoint>().expect(&text), endpoint);
    }

    #[test]
    fn what_parses_is_printed_back(text in any::<String>(), near in nearly()) {
        prints_back(&text);
        prints_back(&near);
    }

    #[test]
    fn parts_print_back_too(text in r"[@/\[\]:.%A-Z0-9a-f\PC]{0,30}") {
        if let Ok(name) = text.parse::<SocketName>() {
            prop_assert_eq!(name.to_string(), &*text);
        }
        if let Ok(host) = text.parse::<HostPort>() {
            prop_assert_eq!(host.to_string(), &*text);
        }
        if let Ok(signal) = text.parse::<SignalName>() {
            prop_assert_eq!(signal.to_string(), &*text);
        }
    }
}
