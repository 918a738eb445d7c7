//! Adapters and runtimes that are dropped.

use std::{sync::mpsc, task::Poll, time::Duration};

use framewire::wait::{Blocking, Turn};

use crate::{bounds::*, calls::*};

#[test]
fn what_nobody_took_is_given_back_on_drop() {
    current_thread().block_on(async {
        let queue = Queue::default();
        let mut messages = Blocking::new("fw-drop", queue.clone()).unwrap();
        assert!(want(&mut messages).await.is_pending());
        queue.push(1);
        queue.push(2);
        eventually("the call", || queue.messages() == [2]);
        drop(messages);
        eventually("the message's return", || queue.messages() == [1, 2]);
        ends("fw-drop");
    });
}

#[test]
fn closing_waits_for_what_is_given_back() {
    for runtime in FLAVOURS {
        runtime().block_on(async {
            let queue = Queue::default();
            for message in 0..50 {
                queue.push(message);
                let mut messages = Blocking::new("fw-close", queue.clone()).unwrap();
                // Whether or not the call has been made by then.
                let answered = want(&mut messages).await;
                messages.close().await.unwrap();
                if let Poll::Ready(got) = answered {
                    assert_eq!(got.unwrap(), message);
                } else {
                    assert_eq!(queue.messages(), [message]);
                    queue.0.0.lock().unwrap().clear();
                }
            }
        });
    }
    ends("fw-close");
}

#[test]
fn a_dropped_runtime_does_not_wait_for_the_call() {
    for runtime in FLAVOURS {
        for interruptible in [false, true] {
            within_bound(move || {
                let runtime = runtime();
                let semaphore = Semaphore::new(0, interruptible);
                let mut permits = {
                    let _inside = runtime.enter();
                    Blocking::new("fw-runtime", semaphore.clone()).unwrap()
                };
                runtime.spawn(async move { permits.next().await });
                runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
                drop(runtime);
                semaphore.post();
                ends("fw-runtime");
                assert_eq!(semaphore.permits(), 1);
            });
        }
    }
}

#[test]
fn an_adapter_outlives_its_runtime_without_a_hang() {
    for runtime in FLAVOURS {
        within_bound(move || {
            let semaphore = Semaphore::new(0, true);
            let first = runtime();
            let mut permits = first.block_on(async {
                let mut permits = Blocking::new("fw-outlives", semaphore.clone()).unwrap();
                let wait = tokio::time::timeout(Duration::from_millis(5), permits.next());
                assert!(wait.await.is_err());
                permits
            });
            drop(first);
            // Registered with a runtime that is gone: an error and not a wait without end.
            assert!(current_thread().block_on(permits.next()).is_err());
            drop(permits);
            semaphore.post();
            ends("fw-outlives");
            assert_eq!(semaphore.permits(), 1);
        });
    }
}

#[test]
fn nothing_waits_for_a_call_that_ignores_its_slice() {
    for runtime in FLAVOURS {
        let (release, released) = mpsc::channel::<()>();
        within_bound(move || {
            let runtime = runtime();
            runtime.block_on(async {
                let call = move |_: &Turn| {
                    let _ = released.recv();
                    Ok(Some(()))
                };
                let mut stubborn = Blocking::new("fw-stubborn", call).unwrap();
                assert!(want(&mut stubborn).await.is_pending());
                tokio::time::sleep(Duration::from_millis(5)).await;
                drop(stubborn);
            });
            drop(runtime);
        });
        drop(release);
        ends("fw-stubborn");
    }
}
