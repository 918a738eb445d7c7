//! Who is at the other end, and who is let in.

use std::{
    process::{Command, id},
    time::Duration,
};

use framewire::{
    Endpoint, ErrorKind, SocketName,
    unix::{self, Allow},
};
use futures::{SinkExt, StreamExt};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{getegid, geteuid},
};

use super::common::{
    Process,
    nobody::{self, NOBODY},
    process::{answer, next_order},
    role::{self, ENDPOINT},
    within,
};

/// Connects, says so, and tells what comes of it: a message or an end.
pub(crate) fn connects() {
    role::block_on(async {
        let mut end = match role::peer().await {
            Ok(end) => end,
            Err(error) => return answer(&format!("{:?}", error.kind())),
        };
        // Where it is not let in, this may come too late.
        let _ = end.send("hello".into()).await;
        match end.next().await {
            Some(Ok(message)) => answer(&String::from_utf8_lossy(&message)),
            _ => answer("the end"),
        }
        next_order();
    });
}

fn connecting(mut command: Command, name: impl Into<SocketName>) -> Process {
    command.env(ENDPOINT, Endpoint::Unix(name.into()).to_string());
    Process::start(command)
}

#[tokio::test]
async fn the_kernel_tells_who_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = unix::listen(&*path).await.unwrap();
    let mut child = connecting(role::command("connects"), &*path);
    let mut theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    assert_eq!(theirs.peer().uid(), Some(geteuid().as_raw()));
    assert_eq!(theirs.peer().gid(), Some(getegid().as_raw()));
    #[cfg(target_os = "linux")]
    assert_eq!(theirs.peer().pid(), Some(child.id()));
    assert!(theirs.peer().pidfd().is_none(), "nobody asked for it");
    assert_eq!(theirs.peer().addr(), None);
    theirs.send("welcome".into()).await.unwrap();
    assert_eq!(child.answer(), "welcome");

    // And whoever connects is told of the listener.
    let ours = unix::connect(&*path).await.unwrap();
    assert_eq!(ours.peer().uid(), Some(geteuid().as_raw()));
    #[cfg(target_os = "linux")]
    assert_eq!(ours.peer().pid(), Some(id()));
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_pidfd_tells_the_end_of_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = unix::Options::new().pidfd(true).listen(&*path).await.unwrap();
    let mut child = connecting(role::command("connects"), &*path);
    let theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    let Some(pidfd) = theirs.peer().pidfd() else {
        eprintln!("!!! skipped: this kernel has no SO_PEERPIDFD");
        return;
    };
    let has_ended = |wait: Duration| {
        let mut polled = [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec::try_from(wait).unwrap())).unwrap() == 1
    };
    assert!(!has_ended(Duration::from_millis(20)));
    child.kill();
    assert!(has_ended(Duration::from_secs(30)));
}

/// Somebody who is not on the list is turned away before a message, and the others are served.
#[tokio::test]
async fn who_is_not_allowed_is_turned_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let nobody_of_ours = Allow::uids([geteuid().as_raw() + 1]);
    let mut listener =
        unix::Options::new().allow(nobody_of_ours.clone()).listen(&*path).await.unwrap();
    let accepting = tokio::spawn(async move { listener.next().await.map(drop) });
    let mut refused = unix::connect(&*path).await.unwrap();
    let _ = refused.send("hello".into()).await;
    match within(refused.next()).await {
        None => {}
        Some(end) => assert_eq!(end.unwrap_err().kind(), ErrorKind::Closed),
    }
    assert!(!accepting.is_finished(), "it is no item of the listener");
    accepting.abort();

    // A client has a say in who serves it as well.
    let path = directory.path().join("f.sock");
    let _listener = unix::listen(&*path).await.unwrap();
    let error = unix::Options::new().allow(nobody_of_ours).connect(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("allow its user"), "{error}");
}

#[tokio::test]
async fn another_user_is_let_in_where_allowed_only() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = nobody::for_everyone(directory.path());
    let path = directory.path().join("e.sock");

    // The mode of the socket alone keeps them out.
    let listener = unix::listen(&*path).await.unwrap();
    let mut child = connecting(nobody::command(&program, "connects"), &*path);
    assert_eq!(child.answer(), "Denied");
    drop(listener);

    let open = unix::Options::new().mode(0o666);
    let root_only = open.clone().allow(Allow::uids([0]));
    let mut names = vec![(SocketName::from(&*path), root_only)];
    if cfg!(target_os = "linux") {
        // Abstract names are for our own user unless told otherwise.
        let name = SocketName::Abstract(path.display().to_string());
        names.push((name, unix::Options::new()));
    }
    for (name, options) in names {
        let mut listener = options.listen(name.clone()).await.unwrap();
        let mut child = connecting(nobody::command(&program, "connects"), name.clone());
        let answering = tokio::task::spawn_blocking(move || child.answer());
        let serving = async {
            // The first who gets in is we, though the other was there before.
            let answer = tokio::select! {
                answer = answering => answer.unwrap(),
                _ = listener.next() => panic!("somebody got in"),
            };
            assert_eq!(answer, "the end");
            let (_ours, theirs) = tokio::join!(unix::connect(name), listener.next());
            assert_eq!(theirs.expect("a listener never ends").unwrap().peer().uid(), Some(0));
        };
        within(serving).await;
    }

    let mut listener = open.allow(Allow::uids([NOBODY])).listen(&*path).await.unwrap();
    let mut child = connecting(nobody::command(&program, "connects"), &*path);
    let mut theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    assert_eq!(theirs.peer().uid(), Some(NOBODY));
    assert_eq!(theirs.peer().gid(), Some(NOBODY));
    theirs.send("welcome".into()).await.unwrap();
    assert_eq!(child.answer(), "welcome");
}
