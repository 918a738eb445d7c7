//! The rows of the table: one a mechanism, and how its echo server is reached.

use std::{env, path::Path, process};

use framewire::{
    BoxDuplex, Endpoint, Profile, Result,
    pipe::{self, Child},
};
use tokio::process::Command;

use crate::client::LARGEST;
#[cfg(unix)]
use crate::halves;
#[cfg(target_os = "linux")]
use crate::objects;

/// How the client comes to a connection with the server, which is always a process of its own.
#[derive(Clone, Copy)]
pub(crate) enum Reach {
    /// By an address, made of a private directory; the server listens on it.
    Address(fn(&Path) -> String),
    /// Over two FIFOs in a private directory, one each way.
    #[cfg(unix)]
    Fifos,
    /// Over an object of the kernel's each way.
    #[cfg(target_os = "linux")]
    Objects,
    /// Over two pipes that the server inherits.
    Inherited,
    /// Over the server's standard input and output.
    Stdio,
}

/// One row: its name is the module's, variants behind a colon.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) reach: Reach,
}

/// A mechanism joins by a row here.
pub(crate) const ROWS: &[Row] = &[
    Row { name: "pipe", reach: Reach::Inherited },
    Row { name: "pipe:child", reach: Reach::Stdio },
    Row {
        name: "unix",
        reach: Reach::Address(|dir| format!("unix://{}", dir.join("echo.sock").display())),
    },
    #[cfg(target_os = "linux")]
    Row { name: "unix:abstract", reach: Reach::Address(|_| format!("unix://@{}", segment())) },
    #[cfg(target_os = "linux")]
    Row {
        name: "unix:seqpacket",
        reach: Reach::Address(|dir| format!("seqpacket://{}", dir.join("echo.sock").display())),
    },
    #[cfg(unix)]
    Row {
        name: "unix:datagram",
        reach: Reach::Address(|dir| format!("datagram://{}", dir.join("echo.sock").display())),
    },
    #[cfg(target_os = "linux")]
    Row {
        name: "shm",
        reach: Reach::Address(|dir| format!("shm://{}", dir.join("echo.sock").display())),
    },
    #[cfg(target_os = "linux")]
    Row { name: "shm:named", reach: Reach::Address(|_| format!("shm+named://{}", segment())) },
    #[cfg(unix)]
    Row { name: "fifo", reach: Reach::Fifos },
    #[cfg(target_os = "linux")]
    Row { name: "mq", reach: Reach::Objects },
    #[cfg(target_os = "linux")]
    Row { name: "mq:pair", reach: Reach::Address(|_| format!("mq:///{}", segment())) },
    #[cfg(target_os = "linux")]
    Row { name: "signal", reach: Reach::Objects },
    #[cfg(target_os = "linux")]
    Row { name: "semaphore", reach: Reach::Objects },
    Row { name: "tcp", reach: Reach::Address(|_| "tcp://127.0.0.1:0".into()) },
    #[cfg(unix)]
    Row { name: "udp", reach: Reach::Address(|_| "udp://127.0.0.1:0".into()) },
    #[cfg(feature = "tls")]
    Row { name: "tls", reach: Reach::Address(|_| "tls://127.0.0.1:0".into()) },
];

/// A name that no other process uses, for what has its names in a directory of its own.
pub(crate) fn segment() -> String {
    format!("framewire-echo-{}", process::id())
}

/// A server that runs, and the client's connection to it.
pub(crate) struct Pair {
    pub(crate) endpoint: String,
    pub(crate) connection: BoxDuplex,
    pub(crate) server: Server,
}

/// The server's process, and what ends it.
pub(crate) struct Server {
    pub(crate) pid: u32,
    /// It drains and ends when this does.
    control: Option<Child>,
    process: Option<tokio::process::Child>,
}

impl Row {
    /// Whether `--only` names this row or its module.
    pub(crate) fn is_named(&self, only: &str) -> bool {
        self.name == only || self.name.split(':').next() == Some(only)
    }

    /// What the mechanism promises: that of the variant where it is one of its own.
    pub(crate) fn profile(&self) -> &'static Profile {
        let (module, variant) = self.name.split_once(':').unwrap_or((self.name, self.name));
        let found = Profile::of(&format!("{module}+{variant}"));
        let found = found.or_else(|| Profile::of(variant)).or_else(|| Profile::of(module));
        found.expect("a row is named after its mechanism")
    }

    /// The length of the smallest and of the largest message, in bytes.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        match self.name {
            // A value is an integer of four bytes.
            "signal" => (4, 4),
            _ => (0, self.profile().max_len.by_default().min(LARGEST)),
        }
    }

    /// Starts the server and connects to it.
    pub(crate) async fn start(&self, directory: &Path) -> Result<Pair> {
        let mut command = Command::new(env::current_exe()?);
        command.kill_on_drop(true);
        match self.reach {
            Reach::Address(address) => {
                let endpoint = address(directory);
                #[cfg(feature = "tls")]
                command.env(crate::tls::CERTIFICATE, directory.join(crate::tls::FILE));
                let mut control = {
                    command.args(["--serve", &endpoint]);
                    pipe::spawn(command)
                }?;
                let pid = control.id().unwrap_or_default();
                let endpoint = crate::server::address_of(&mut control).await?;
                let parsed: Endpoint = endpoint.parse()?;
                let connection = match &parsed {
                    #[cfg(feature = "tls")]
                    it @ Endpoint::Tls(_) => {
                        crate::tls::connect(it, &directory.join(crate::tls::FILE)).await?
                    }
                    other => other.connect().await?,
                };
                let server = Server { pid, control: Some(control), process: None };
                Ok(Pair { endpoint, connection, server })
            }
            #[cfg(unix)]
            Reach::Fifos => {
                let process = command.args(["--serve", "fifos"]).arg(directory).spawn()?;
                let pid = process.id().unwrap_or_default();
                let connection = halves::fifos(directory, false).await?;
                let server = Server { pid, control: None, process: Some(process) };
                let endpoint = format!("fifo://{}", directory.join("there").display());
                Ok(Pair { endpoint, connection, server })
            }
            #[cfg(target_os = "linux")]
            Reach::Objects => {
                // Before the server is there, which may send as soon as it is.
                let receiver = objects::receiving(self.name).await?;
                command.args(["--serve", "objects", self.name]);
                let mut control = pipe::spawn(command)?;
                let pid = control.id().unwrap_or_default();
                let endpoint = crate::server::address_of(&mut control).await?;
                let sender = objects::sending(self.name, &endpoint).await?;
                let connection = Box::pin(halves::Halves { receiver, sender });
                let server = Server { pid, control: Some(control), process: None };
                Ok(Pair { endpoint, connection, server })
            }
            Reach::Inherited | Reach::Stdio => {
                let stdio = matches!(self.reach, Reach::Stdio);
                command.args(["--serve", if stdio { "stdio" } else { "inherited" }]);
                let child = pipe::Options::new().stdio(stdio).spawn(command)?;
                let pid = child.id().unwrap_or_default();
                let Child { connection, process } = child;
                let server = Server { pid, control: None, process: Some(process) };
                let endpoint = if stdio { "stdin/stdout" } else { "two descriptors" };
                let (endpoint, connection) = (endpoint.into(), Box::pin(connection));
                Ok(Pair { endpoint, connection, server })
            }
        }
    }
}

impl Server {
    /// Waits for the server to end, which it does once its connections have.
    pub(crate) async fn end(self) -> Result<bool> {
        let status = match (self.control, self.process) {
            (Some(control), _) => control.finish().await?,
            (None, Some(mut process)) => process.wait().await?,
            (None, None) => return Ok(false),
        };
        Ok(status.success())
    }
}
