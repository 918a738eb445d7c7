//! Addresses that lead nowhere: the error says what is wrong with them, and what to do.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    time::Duration,
};

use framewire::{Endpoint, Error, ErrorKind, tcp, unix};

/// An error of this kind, whose text has all of this in it.
#[track_caller]
fn says(error: &Error, kind: ErrorKind, texts: &[&str]) {
    let said = error.to_string();
    assert_eq!(error.kind(), kind, "{said}");
    for text in texts {
        assert!(said.contains(text), "{text:?} is missing in: {said}");
    }
}

#[test]
fn unknown_schemes() {
    let parse = |text: &str| text.parse::<Endpoint>().unwrap_err();
    let schemes = "unix, ";
    let kind = ErrorKind::Address;
    says(&parse("unx:///run/a"), kind, &["unknown scheme \"unx\"", "did you mean unix:///run/a?"]);
    says(&parse("carrier-pigeon://home"), kind, &["unknown scheme", "carrier-pigeon", schemes]);
    says(&parse("/run/a.sock"), kind, &["no scheme", "write unix:///run/a.sock"]);
    says(&parse("localhost:80"), kind, &["no scheme", "write tcp://localhost:80"]);
    says(&parse(""), kind, &["no scheme", schemes]);
    says(&parse("unix://run/a"), kind, &["write three slashes: unix:///run/a"]);
    let endless = format!("{}://x", "z".repeat(1 << 20));
    assert!(parse(&endless).to_string().len() < 1000, "what came from outside is cut");
}

#[test]
fn names_that_are_too_long() {
    let parse = |text: &str| text.parse::<Endpoint>().unwrap_err();
    let long = "n".repeat(108);
    let error = parse(&format!("unix://@{long}"));
    says(&error, ErrorKind::Address, &["108 bytes, limit 107", "choose a shorter name"]);
}

#[tokio::test]
async fn paths_that_are_too_long() {
    let directory = tempfile::tempdir().unwrap();
    // Longer than a socket's address holds, which is no reason to refuse it …
    let deep = directory.path().join("d".repeat(120));
    fs::create_dir(&deep).unwrap();
    let path = deep.join("e.sock");
    let listener = unix::listen(&*path).await.unwrap();
    drop(unix::connect(&*path).await.unwrap());
    drop(listener);
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);

    // … and longer than any name may be, or one that leaves no room for what stands beside it.
    for length in [256, 255, 108] {
        let path = directory.path().join("n".repeat(length));
        let error = unix::listen(&*path).await.unwrap_err();
        says(&error, ErrorKind::Address, &["listen on unix://", "use a shorter"]);
        let kind = unix::connect(&*path).await.unwrap_err();
        says(&kind, ErrorKind::Address, &["connect to unix://", "use a shorter"]);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn names_that_are_not_ours() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    fs::write(&path, "precious").unwrap();
    let error = unix::listen(&*path).await.unwrap_err();
    says(&error, ErrorKind::Denied, &["listen on unix://"]);
    assert!(error.to_string().ends_with(')'), "no remedy: {error}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");

    let link = directory.path().join("link.sock");
    symlink(directory.path().join("elsewhere"), &link).unwrap();
    let error = unix::listen(&*link).await.unwrap_err();
    says(&error, ErrorKind::Denied, &["symbolic link"]);
    assert!(error.to_string().ends_with(')'), "no remedy: {error}");
    assert!(!directory.path().join("elsewhere").exists());

    let error = unix::connect(directory.path().join("nobody.sock")).await.unwrap_err();
    says(&error, ErrorKind::NotFound, &["start the listener first"]);
    let error = tcp::listen("0.0.0.0:0").await.unwrap_err();
    says(&error, ErrorKind::Denied, &["other machines", "127.0.0.1", "exposed(true)"]);
}

#[tokio::test]
async fn a_name_in_use_and_a_full_backlog() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let listener = unix::Options::new().backlog(1).listen(&*path).await.unwrap();
    let error = unix::listen(&*path).await.unwrap_err();
    let ours = std::process::id().to_string();
    says(&error, ErrorKind::InUse, &["listen on unix://", &format!("process {ours}")]);

    // Nobody accepts: the kernel keeps two, the third waits for its deadline.
    let options = unix::Options::new().deadline(Duration::from_millis(100));
    let mut waiting = Vec::new();
    let error = loop {
        match options.connect(&*path).await {
            Ok(connection) => waiting.push(connection),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10, "a backlog of 1");
    };
    says(&error, ErrorKind::TimedOut, &["backlog is full", "is the listener stuck?"]);
    drop(listener);

    // A listener of another program's is in use as well.
    let _other = UnixListener::bind(&path).unwrap();
    let error = unix::listen(&*path).await.unwrap_err();
    says(&error, ErrorKind::InUse, &["listen on unix://"]);

    let listener = tcp::listen("127.0.0.1:0").await.unwrap();
    let error = tcp::listen(listener.local_addr().to_string()).await.unwrap_err();
    says(&error, ErrorKind::InUse, &["listen on tcp://127.0.0.1:"]);
}
