//! An environment that says what is not so.

use std::{
    fs,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener},
    },
    process::Stdio,
};

use framewire::{ErrorKind, handover::Sockets};
use tempfile::TempDir;

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role,
    },
    starter::activated,
};

/// Tells the names that it inherits, or why it does not, and what it makes of each name that it is
/// ordered to listen on.
pub(crate) fn tells() {
    role::block_on(async {
        let mut sockets = match Sockets::inherited() {
            Ok(sockets) => sockets,
            Err(error) => return answer(&format!("{:?}: {error}", error.kind())),
        };
        answer(&format!("{:?}", sockets.names().collect::<Vec<_>>()));
        assert_eq!(Sockets::inherited().unwrap_err().kind(), ErrorKind::NotFound, "once only");
        while let Some(name) = next_order() {
            answer(&match sockets.listener(&name) {
                Ok(listener) => listener.endpoint().to_string(),
                Err(error) => format!("{:?}: {error}", error.kind()),
            });
        }
    });
}

struct Scene {
    directory: TempDir,
    sockets: Vec<OwnedFd>,
}

impl Scene {
    /// One Unix listener and one of TCP.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let web = UnixListener::bind(directory.path().join("web.sock")).unwrap();
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { directory, sockets: vec![web.into(), api.into()] }
    }

    fn start(&self, names: &str, variables: &[(&str, &str)]) -> Process {
        let sockets = self.sockets.iter().map(|socket| socket.try_clone().unwrap()).collect();
        let command = role::command("tells what it inherits");
        let mut command = activated(&command, sockets, names, variables);
        command.stderr(Stdio::null());
        Process::start(command)
    }

    /// What it says to these variables.
    fn says(&self, variables: &[(&str, &str)]) -> String {
        let mut process = self.start("web:api", variables);
        let said = process.answer();
        assert!(process.wait().success());
        said
    }
}

#[test]
fn what_is_meant_for_another_process_is_left_alone() {
    let scene = Scene::new();
    assert_eq!(scene.says(&[]), r#"["web", "api"]"#);
    assert_eq!(scene.says(&[("LISTEN_FDNAMES", "")]), r#"["unknown", "unknown"]"#);
    assert_eq!(scene.says(&[("LISTEN_PID", "")]), "[]");
    assert_eq!(scene.says(&[("LISTEN_PID", "1")]), "[]");
    assert_eq!(scene.says(&[("LISTEN_FDS", "")]), "[]");
    // A descriptor that is open, and is not what the previous version has left.
    for meant in ["3:1", "4:18446744073709551615", "77:1", "2000000000:1", "3:1 web=4"] {
        assert_eq!(scene.says(&[("FRAMEWIRE_SOCKETS", meant)]), r#"["web", "api"]"#);
    }
}

#[test]
fn what_cannot_be_is_a_typed_error() {
    let scene = Scene::new();
    for (variable, value, says) in [
        ("LISTEN_PID", "many", "LISTEN_PID"),
        ("LISTEN_PID", "-1", "LISTEN_PID"),
        ("LISTEN_FDS", "many", "LISTEN_FDS"),
        ("LISTEN_FDS", "1000000000", "limit 1024"),
        ("LISTEN_FDS", "99999999999999999999", "LISTEN_FDS"),
        ("LISTEN_FDNAMES", "web", "for each of 2"),
        ("LISTEN_FDNAMES", "web:api:more", "for each of 2"),
        ("LISTEN_FDNAMES", "web:\u{1b}[2J", "is no name"),
        ("FRAMEWIRE_SOCKETS", "web=3", "FRAMEWIRE_SOCKETS"),
        ("FRAMEWIRE_SOCKETS", "3:1 web=0", "FRAMEWIRE_SOCKETS"),
        ("FRAMEWIRE_SOCKETS", "$(reboot)", "FRAMEWIRE_SOCKETS"),
    ] {
        let said = scene.says(&[(variable, value)]);
        assert!(said.starts_with("Malformed: inherit sockets:"), "{value}: {said}");
        assert!(said.contains(says), "{value}: {said}");
    }
}

/// Numbers of descriptors that nobody has left here.
#[test]
fn more_descriptors_than_there_are_is_a_typed_error() {
    let scene = Scene::new();
    let names = ["a"; 1000].join(":");
    let said = scene.says(&[("LISTEN_FDS", "1000"), ("LISTEN_FDNAMES", &names)]);
    assert!(said.starts_with("Malformed: inherit sockets: descriptor "), "{said}");
    assert!(said.contains("is not open") || said.contains("was not inherited"), "{said}");
}

#[test]
fn each_name_tells_what_it_is() {
    let mut scene = Scene::new();
    let path = scene.directory.path().display().to_string();
    scene.sockets.push(UnixDatagram::unbound().unwrap().into());
    scene.sockets.push(fs::File::open("/").unwrap().into());
    let mut process = scene.start("same:same:log:state", &[]);
    assert_eq!(process.answer(), r#"["same", "same", "log", "state"]"#);
    let mut told = |name: &str| {
        process.order(name);
        process.answer()
    };
    // Several share a name: in order, until there are none left.
    assert_eq!(told("same"), format!("unix://{path}/web.sock"));
    assert!(told("same").starts_with("tcp://127.0.0.1:"));
    let none = told("same");
    assert!(none.starts_with("NotFound: "), "{none}");
    assert!(none.contains(r#"["log", "state"]"#), "{none}");
    for (name, is) in [("log", "a Unix datagram socket"), ("state", "a directory")] {
        for _ in 0..2 {
            let said = told(name);
            assert!(said.starts_with("Malformed: "), "{said}");
            assert!(said.contains(&format!("{name:?} is {is}, not a listening")), "{said}");
        }
    }
    assert!(process.wait().success());
}
