//! Whatever can stand where a name should go: each is refused, and left as it was.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        net::{UnixListener, UnixStream},
    },
    path::Path,
    process::Command,
};

use framewire::{
    ErrorKind,
    names::{Directory, FileKind, SocketPath},
};

use super::{
    census, is_root, listen,
    peer::{Peer, Reports},
};

/// Some user that is neither root nor, in all likelihood, us.
const STRANGER: u32 = 54_321;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Lays a trap in an empty directory, walks into it, and sees that nothing has changed there.
fn refuses(trap: &str, says: &str, lay: impl FnOnce(&Path)) {
    let outer = tempfile::tempdir().unwrap();
    let directory = &outer.path().join("d");
    fs::create_dir(directory).unwrap();
    chmod(directory, 0o700);
    lay(directory);
    let before = (census(outer.path()), census(directory));
    let error = listen(&directory.join("e.sock")).expect_err(trap);
    assert_eq!(error.kind(), ErrorKind::Denied, "{trap}: {error}");
    assert!(error.to_string().contains(says), "{trap}: {error}");
    assert_eq!((census(outer.path()), census(directory)), before, "{trap}");
}

#[test]
fn what_is_not_a_socket_of_ours_is_refused() {
    for name in ["e.sock", "e.sock.lock"] {
        refuses("symlink", "e.sock", |at| {
            fs::write(at.join("victim"), "").unwrap();
            symlink("victim", at.join(name)).unwrap();
        });
        let link = format!("{name} is a symbolic link");
        refuses("dangling symlink", &link, |at| {
            symlink("nowhere", at.join(name)).unwrap();
        });
        refuses("symlink to a directory", &link, |at| symlink("/tmp", at.join(name)).unwrap());
        refuses("symlink to a socket", &link, |at| {
            drop(UnixListener::bind(at.join("s")).unwrap());
            symlink("s", at.join(name)).unwrap();
        });
        refuses("directory", &format!("{name} is a directory"), |at| {
            fs::create_dir(at.join(name)).unwrap();
        });
        refuses("FIFO", &format!("{name} is a FIFO"), |at| fifo(&at.join(name)));
    }
    refuses("file", "e.sock is a regular file, not a socket", |at| {
        fs::write(at.join("e.sock"), "a thesis").unwrap();
    });
    refuses("socket as lock", "e.sock.lock is a socket, not a regular file", |at| {
        drop(UnixListener::bind(at.join("e.sock.lock")).unwrap());
    });
}

#[test]
fn what_is_not_a_lock_file_of_ours_is_refused() {
    let lay = |at: &Path, content: &str, mode| {
        let lock = at.join("e.sock.lock");
        fs::write(&lock, content).unwrap();
        chmod(&lock, mode);
    };
    refuses("data", "is not a lock file of ours", |at| lay(at, "[[package]]\n", 0o600));
    refuses("open to all", "(mode 0644)", |at| lay(at, "", 0o644));
    refuses("hard link", "has 2 names", |at| {
        lay(at, "", 0o600);
        fs::hard_link(at.join("e.sock.lock"), at.join("victim")).unwrap();
    });
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    if !is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let says = &format!("of user {STRANGER}");
    refuses("socket", says, |at| {
        drop(UnixListener::bind(at.join("e.sock")).unwrap());
        chown(at.join("e.sock"), Some(STRANGER), None).unwrap();
    });
    refuses("lock file", says, |at| {
        fs::write(at.join("e.sock.lock"), "").unwrap();
        chmod(&at.join("e.sock.lock"), 0o600);
        chown(at.join("e.sock.lock"), Some(STRANGER), None).unwrap();
    });
    refuses("directory", &format!("belongs to user {STRANGER}"), |at| {
        chown(at, Some(STRANGER), None).unwrap();
    });
    refuses("sticky directory", &format!("belongs to user {STRANGER}"), |at| {
        chmod(at, 0o1777);
        chown(at, Some(STRANGER), None).unwrap();
    });
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    for mode in [0o777, 0o770, 0o720, 0o702, 0o2775] {
        refuses("writable", "others can write", |at| chmod(at, mode));
    }
    let outer = tempfile::tempdir().unwrap();
    let sticky = outer.path().join("d");
    fs::create_dir(&sticky).unwrap();
    chmod(&sticky, 0o1777);
    let allowed = listen(&sticky.join("e.sock"));
    // A sticky one is root's alone to open to all.
    assert_eq!(allowed.is_ok(), is_root());
    drop(allowed);
    assert_eq!(census(&sticky), []);

    let missing = outer.path().join("missing/e.sock");
    assert_eq!(listen(&missing).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_name_in_the_directory_for_all_is_fine() {
    let unique = tempfile::Builder::new().prefix("framewire-").tempdir_in("/tmp").unwrap();
    let path = unique.path().with_extension("sock");
    let listening = listen(&path).unwrap();
    assert_eq!(FileKind::at(&path).unwrap(), Some(FileKind::Socket));
    drop(listening);
    assert_eq!(FileKind::at(&path).unwrap(), None);
    assert_eq!(FileKind::at(path.with_extension("sock.lock")).unwrap(), None);
}

#[test]
fn long_paths_work_where_they_can_and_say_so_where_they_cannot() {
    let outer = tempfile::tempdir().unwrap();
    let deep = outer.path().join("d".repeat(120));
    fs::create_dir(&deep).unwrap();
    chmod(&deep, 0o700);
    let path = deep.join("e.sock");
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    match listen(&path) {
        Ok(listening) if linux => {
            assert!(UnixStream::connect(SocketPath::of(&path).unwrap()).is_ok());
            // A second one finds the first through the same way.
            assert_eq!(listen(&path).unwrap_err().kind(), ErrorKind::InUse);
            drop(listening);
            assert!(!SocketPath::of(&path).unwrap().as_ref().exists());
        }
        Err(error) if !linux => assert_eq!(error.kind(), ErrorKind::Address),
        other => panic!("{other:?}"),
    }
    // Reachable by no socket's address, and by no file system.
    for (length, limit) in [(107, SocketPath::MAX), (250, SocketPath::MAX), (251, 250)] {
        let error = listen(&outer.path().join("n".repeat(length))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{error}");
        assert!(error.to_string().contains(&format!("bytes, limit {limit}")), "{error}");
    }
    for path in ["", "/", "/tmp/", "/tmp/.", "..", "a/..", "a\0b"] {
        assert_eq!(listen(Path::new(path)).unwrap_err().kind(), ErrorKind::Address, "{path:?}");
        assert_eq!(SocketPath::of(path).unwrap_err().kind(), ErrorKind::Address, "{path:?}");
        assert_eq!(Directory::of(path).unwrap_err().kind(), ErrorKind::Address, "{path:?}");
    }
    assert_eq!(census(&deep), []);
    assert_eq!(census(outer.path()).len(), 1);
}

/// Asks another process, which alone can have another environment, for its private directory.
fn private(app: &str, runtime: &Path) -> String {
    let reports = Reports::new();
    let mut peer = Peer::start_with(0, Path::new(app), &reports, |command| {
        command.env("XDG_RUNTIME_DIR", runtime);
    });
    peer.order("private");
    reports.next().1
}

#[test]
fn the_private_directory_is_private_or_refused() {
    let runtime = tempfile::tempdir().unwrap();
    let runtime = runtime.path();
    let fresh = runtime.join("fresh");
    for _ in 0..2 {
        assert_eq!(private("fresh", runtime), fresh.display().to_string());
        assert_eq!(fs::metadata(&fresh).unwrap().permissions().mode() & 0o7777, 0o700);
    }
    chmod(&fresh, 0o750);
    assert!(private("fresh", runtime).contains("Denied: the directory"), "open to the group");
    symlink("fresh", runtime.join("link")).unwrap();
    assert!(private("link", runtime).contains("link is a symbolic link, not a directory"));
    fs::write(runtime.join("file"), "").unwrap();
    assert!(private("file", runtime).contains("file is a regular file, not a directory"));
    for app in ["a/b", "/a", "..", ""] {
        assert!(private(app, runtime).starts_with("Address: "), "{app}");
    }
    if is_root() {
        fs::create_dir(runtime.join("theirs")).unwrap();
        chmod(&runtime.join("theirs"), 0o700);
        chown(runtime.join("theirs"), Some(STRANGER), None).unwrap();
        assert!(private("theirs", runtime).contains("is a directory of user 54321"));
    }
    chmod(runtime, 0o777);
    assert!(private("other", runtime).contains("others can write to the directory"));
    chmod(runtime, 0o700);
    assert!(!runtime.join("other").exists());
}

#[test]
fn without_a_runtime_directory_there_is_another_place() {
    let unique = tempfile::Builder::new().prefix("framewire-").tempdir().unwrap();
    let app = unique.path().file_name().unwrap().to_str().unwrap();
    for runtime in [unique.path().join("missing").as_path(), Path::new("relative")] {
        let found = private(&format!("{app}-x"), runtime);
        assert!(found.starts_with("/run/user/") || found.starts_with("/tmp/"), "{found}");
        fs::remove_dir(found).unwrap();
    }
}
