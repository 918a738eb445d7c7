//! What systemd does, for tests to do: sockets from descriptor 3 on, and three variables.

use std::{
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use command_fds::{CommandFdExt, FdMapping};

/// A command as `systemd-socket-activate` would run it, with these descriptors from 3 on. The
/// variables that are given win over those that systemd would set; an empty one is unset.
pub(crate) fn activated(
    command: &Command,
    sockets: Vec<OwnedFd>,
    names: &str,
    variables: &[(&str, &str)],
) -> Command {
    let set = |variable: &str, usual: &str| {
        let given = variables.iter().find(|(own, _)| *own == variable);
        match given.map_or(usual, |(_, value)| *value) {
            "" => String::new(),
            // Only the process itself knows its number: it becomes the command.
            "$$" => format!("{variable}=$$; export {variable}; "),
            value => format!("{variable}='{value}'; export {variable}; "),
        }
    };
    let mut script = set("LISTEN_PID", "$$");
    script += &set("LISTEN_FDS", &sockets.len().to_string());
    script += &set("LISTEN_FDNAMES", names);
    script += &set("FRAMEWIRE_SOCKETS", "");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!(r#"{script} exec "$@""#), "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let mappings = sockets.into_iter().zip(3..);
    let mappings = mappings.map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd });
    shell.fd_mappings(mappings.collect()).expect("numbers that differ");
    shell.stdin(Stdio::null()).stdout(Stdio::null());
    shell
}
