//! Another user: only root can start a process of one.

use std::{
    env, fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;

use super::role;

/// The user that is nobody, wherever there are users.
pub(crate) const NOBODY: u32 = 65_534;

/// Whether there can be another user; where not, whoever asks has to skip what it would show.
pub(crate) fn can_be() -> bool {
    let root = geteuid().is_root();
    if !root {
        eprintln!("!!! skipped: only root can start a process of another user");
    }
    root
}

/// This program where another user can start it, which may not be so of our target directory.
pub(crate) fn for_everyone(directory: &Path) -> PathBuf {
    fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).unwrap();
    let ours = env::current_exe().unwrap();
    let theirs = directory.join("program");
    fs::hard_link(&ours, &theirs).or_else(|_| fs::copy(&ours, &theirs).map(drop)).unwrap();
    theirs
}

/// A role of this program, as another user.
pub(crate) fn command(program: &Path, role: &str) -> Command {
    let role = role::command(role);
    let mut command = Command::new(program);
    command.args(role.get_args()).uid(NOBODY).gid(NOBODY).current_dir("/");
    for (name, value) in role.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
}
