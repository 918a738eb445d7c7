//! What a wait is answered.

use std::{
    io::{self, Write},
    thread,
    time::Duration,
};

use framewire::wait::{Blocking, Strategy, Turn};

use crate::{bounds::*, calls::*};

#[test]
fn a_blocking_read_of_a_pipe_is_waited_for() {
    for runtime in FLAVOURS {
        for strategy in [Strategy::Adaptive, Strategy::Park, Strategy::Spin(HANG)] {
            let (mut write, call) = pipe();
            runtime().block_on(async {
                let mut bytes = Blocking::new("fw-pipe", call).unwrap().strategy(strategy);
                let writer = thread::spawn(move || {
                    for byte in 0..200 {
                        if byte % 50 == 0 {
                            thread::sleep(Duration::from_millis(2));
                        }
                        write.write_all(&[byte]).unwrap();
                    }
                });
                for byte in 0..200 {
                    assert_eq!(bytes.next().await.unwrap(), byte);
                }
                writer.join().unwrap();
                let end = bytes.next().await.unwrap_err();
                assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
            });
        }
    }
}

#[test]
fn an_idle_wait_survives_many_slices() {
    current_thread().block_on(async {
        let (mut write, call) = pipe();
        let mut bytes = Blocking::new("fw-slices", call).unwrap();
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(220));
            write.write_all(b"!").unwrap();
        });
        assert_eq!(bytes.next().await.unwrap(), b'!');
        writer.join().unwrap();
    });
}

#[test]
fn a_panic_is_an_error_and_ends_the_thread() {
    for runtime in FLAVOURS {
        runtime().block_on(async {
            let call = |_: &Turn| -> io::Result<Option<()>> {
                thread::sleep(Duration::from_millis(2));
                panic!("of the call, on purpose")
            };
            let mut calls = Blocking::new("fw-panic", call).unwrap();
            for _ in 0..3 {
                let error = calls.next().await.unwrap_err();
                assert!(error.to_string().contains("panicked"), "{error}");
            }
            ends("fw-panic");
            calls.close().await.unwrap();
        });
    }
}

#[test]
fn an_error_is_an_answer_and_the_next_wait_calls_again() {
    current_thread().block_on(async {
        let mut script = [
            Err(io::ErrorKind::PermissionDenied.into()),
            Ok(None),
            Err(io::ErrorKind::Interrupted.into()),
            // Not to be taken for the adapter's own "not yet".
            Err(io::ErrorKind::WouldBlock.into()),
            Ok(Some(1)),
        ]
        .into_iter();
        let call = move |_: &Turn| script.next().unwrap_or(Ok(Some(2)));
        let mut calls = Blocking::new("fw-error", call).unwrap();
        let denied = calls.next().await.unwrap_err();
        assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(calls.next().await.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(calls.next().await.unwrap(), 1);
        assert_eq!(calls.next().await.unwrap(), 2);
    });
}

#[test]
fn what_cannot_be_started_is_an_error() {
    let call = |_: &Turn| Ok(Some(()));
    assert!(Blocking::new("fw-no-runtime", call).is_err());
    current_thread().block_on(async {
        let error = Blocking::new("fw\0nul", call).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn futures_are_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    current_thread().block_on(async {
        let mut calls = send(Blocking::new("fw-send", |_: &Turn| Ok(Some(3))).unwrap());
        assert_eq!(send(calls.next()).await.unwrap(), 3);
        send(calls.close()).await.unwrap();
    });
}
