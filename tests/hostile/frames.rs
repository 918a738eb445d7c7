//! Frames that are none: each is told of by its kind, ends its own connection, and no other.

use super::{
    client::{Honest, Raw},
    server::{Server, Setup},
    wait_until,
};

/// What is written, whether the writer ends then, and what is told of it.
const BAD: [(&str, &[u8], bool, &str, &str); 6] = [
    (
        "the largest length there is",
        &[0xff; 64],
        false,
        "TooLarge",
        "message of 4294967295 bytes announced, limit 8388608 (raise `max_len`",
    ),
    (
        "one byte more than the limit",
        &[0, 0x80, 0, 1, 1, 2, 3],
        false,
        "TooLarge",
        "message of 8388609 bytes announced, limit 8388608",
    ),
    (
        "garbage: a request of another protocol",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        false,
        "TooLarge",
        "the peer does not speak length-prefixed frames",
    ),
    (
        "a body cut short",
        &[0, 0, 0, 200, 1, 2, 3],
        true,
        "Truncated",
        "7 of 204 bytes arrived (it was killed or does not speak",
    ),
    ("a length cut short", &[0, 0], true, "Truncated", "2 of at least 4 bytes arrived"),
    (
        "a whole frame and a piece of the next",
        &[0, 0, 0, 1, b'x', 0, 0, 0, 9, 1],
        true,
        "Truncated",
        "5 of 13 bytes arrived",
    ),
];

async fn bad_frames_harm_their_connection_only(at: String) {
    let server = Server::start(&Setup::echo(at));
    let mut honest = Honest::connect(&server).await;
    let mut bystanders = Vec::new();
    for (what, bytes, ends, kind, cause) in BAD {
        let told = server.events("serving ended").len();
        let mut hostile = Raw::connect(&server);
        hostile.writes(bytes);
        if ends {
            hostile.ends();
        }
        assert!(hostile.is_closed(), "{what}");
        honest.calls("I am still here").await;

        wait_until(what, || server.events("serving ended").len() > told);
        let events = server.events("serving ended");
        let event = &events[told];
        assert_eq!(events.len(), told + 1, "{what}: {events:#?}");
        assert!(event.contains("DEBUG"), "{what}: a peer's doing, and nobody's alarm: {event}");
        assert!(event.contains(&format!("kind={kind}")), "{what}: {event}");
        assert!(event.contains(cause), "{what}: {event}");
        assert!(event.contains(server.endpoint().scheme()), "{what}: where? {event}");
        let mut bystander = Honest::connect(&server).await;
        bystander.calls("I have just come").await;
        bystanders.push(bystander);
    }
    for bystander in &mut bystanders {
        bystander.calls("I am still here, too").await;
    }
    drop((honest, bystanders));
    let served = server.end();
    assert!(served.contains("failed: 6, panicked: 0, aborted: 0"), "{served}");
}

#[tokio::test]
async fn bad_frames_over_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let at = format!("unix://{}/e.sock", directory.path().display());
    bad_frames_harm_their_connection_only(at).await;
}

#[tokio::test]
async fn bad_frames_over_tcp() {
    bad_frames_harm_their_connection_only("tcp://127.0.0.1:0".into()).await;
}

/// Connections that close with answers unread, many of them, and one that is honest.
#[tokio::test]
async fn resets_harm_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let unix = format!("unix://{}/e.sock", directory.path().display());
    for at in ["tcp://127.0.0.1:0", &unix] {
        let server = Server::start(&Setup::echo(at));
        let mut honest = Honest::connect(&server).await;
        honest.calls("I am here").await;
        let before = server.descriptors();
        for _ in 0..50 {
            Raw::connect(&server).resets();
        }
        honest.calls("I am still here").await;
        // Each of them ended well or with an error of the peer's, and left nothing.
        for event in server.events("serving ended") {
            assert!(event.contains("kind=Closed"), "{event}");
        }
        assert_eq!(server.events("WARN"), [""; 0]);
        // The honest one may have a second descriptor by now, to wait in both directions.
        wait_until("all are gone", || server.descriptors() <= before + 1);
        drop(honest);
        let served = server.end();
        assert!(served.contains("accepted: 51"), "{served}");
        assert!(served.contains("panicked: 0, aborted: 0"), "{served}");
    }
}
