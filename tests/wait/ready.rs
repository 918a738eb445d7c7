//! Ends, errors and changing wakers meet a wait wherever it is.

use std::{
    io::{self, Write},
    net::{TcpListener, TcpStream},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use framewire::wait::{Io, Strategy};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task::spawn,
    time::sleep,
};

use crate::bounds::*;

/// How long a task is given to spin, to park, or neither.
const MOMENTS: [Duration; 3] =
    [Duration::ZERO, Duration::from_micros(15), Duration::from_millis(3)];

#[test]
fn an_end_that_comes_with_the_last_bytes_is_read() {
    for runtime in FLAVOURS {
        for strategy in STRATEGIES {
            for moment in MOMENTS {
                runtime().block_on(async {
                    let (mut ours, mut theirs) = socket(strategy);
                    let reader = spawn(async move {
                        assert_eq!(read(&mut ours, 4096).await.unwrap(), b"last");
                        assert_eq!(read(&mut ours, 4096).await.unwrap(), b"");
                        assert_eq!(read(&mut ours, 4096).await.unwrap(), b"");
                    });
                    sleep(moment).await;
                    theirs.write_all(b"last").unwrap();
                    drop(theirs);
                    reader.await.unwrap();

                    let (read_end, write_end) = pipe();
                    let mut ours = Io::pipe(read_end).unwrap().strategy(strategy);
                    let reader = spawn(async move {
                        assert_eq!(read(&mut ours, 4).await.unwrap(), b"last");
                        assert_eq!(read(&mut ours, 4).await.unwrap(), b"");
                    });
                    sleep(moment).await;
                    rustix::io::write(&write_end, b"last").unwrap();
                    drop(write_end);
                    reader.await.unwrap();
                });
            }
        }
    }
}

#[test]
fn a_reset_ends_both_directions() {
    for strategy in STRATEGIES {
        for moment in MOMENTS {
            multi_thread().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let ours = Io::socket(listener.accept().unwrap().0.into()).unwrap();
                let (mut reading, mut writing) = tokio::io::split(ours.strategy(strategy));
                let reader = spawn(async move { reading.read_u8().await.unwrap_err() });
                let writer = spawn(async move {
                    loop {
                        if let Err(error) = writing.write_all(&[0; 65536]).await {
                            return error;
                        }
                    }
                });
                sleep(moment).await;
                // With unread input, closing is a reset.
                drop(theirs);
                bounded("the reader", reader).await.unwrap();
                bounded("the writer", writer).await.unwrap();
            });
        }
    }
}

#[test]
fn a_writer_that_waits_for_room_meets_the_end_of_its_reader() {
    for strategy in STRATEGIES {
        for moment in MOMENTS {
            current_thread().block_on(async {
                let (read_end, write_end) = pipe();
                let mut ours = Io::pipe(write_end).unwrap().strategy(strategy);
                let writer = spawn(async move {
                    loop {
                        if let Err(error) = ours.write_all(&[0; 5000]).await {
                            return error.kind();
                        }
                    }
                });
                sleep(moment).await;
                drop(read_end);
                let ended = bounded("the writer", writer).await.unwrap();
                assert_eq!(ended, io::ErrorKind::BrokenPipe);
            });
        }
    }
}

struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn the_latest_waker_is_woken() {
    for strategy in STRATEGIES {
        for moment in MOMENTS {
            current_thread().block_on(async {
                let (mut ours, mut theirs) = socket(strategy);
                let wakers = [(); 3].map(|()| Arc::new(Woken(AtomicU32::new(0))));
                for woken in &wakers {
                    let waker = Waker::from(Arc::clone(woken));
                    let mut cx = Context::from_waker(&waker);
                    assert!(poll_read(&mut ours, Some(&mut cx)).is_pending());
                    sleep(moment).await;
                }
                let before = wakers[2].0.load(SeqCst);
                theirs.write_all(b"x").unwrap();
                // Woken by what came, or for having yielded just before.
                bounded("the wake-up", async {
                    while wakers[2].0.load(SeqCst) == before && before == 0 {
                        sleep(Duration::from_millis(1)).await;
                    }
                })
                .await;
                assert!(wakers[2].0.load(SeqCst) > 0);
            });
        }
    }
}

#[test]
fn a_wait_goes_on_where_its_task_goes() {
    for strategy in STRATEGIES {
        let (first, second) = (multi_thread(), current_thread());
        let _entered = first.enter();
        for _ in 0..50 {
            let (mut ours, mut theirs) = socket(strategy);
            // It begins on one thread, spinning or parked, and is registered there or not yet.
            let mut ours = first.block_on(async move {
                assert!(poll_read(&mut ours, None).is_pending());
                ours
            });
            let writer = thread::spawn(move || {
                thread::sleep(Duration::from_micros(200));
                theirs.write_all(b"x").unwrap();
                theirs
            });
            second.block_on(async { assert_eq!(read(&mut ours, 1).await.unwrap(), b"x") });
            drop(writer.join().unwrap());
        }
    }
}

#[test]
fn a_runtime_that_is_gone_is_an_error() {
    for strategy in STRATEGIES {
        let runtime = current_thread();
        let (mut ours, _theirs) = {
            let _entered = runtime.enter();
            socket(strategy)
        };
        runtime.block_on(async {
            for _ in 0..3 {
                assert!(poll_read(&mut ours, None).is_pending());
                sleep(Duration::from_millis(1)).await;
            }
        });
        drop(runtime);
        current_thread().block_on(async {
            assert!(read(&mut ours, 1).await.is_err());
            assert!(read(&mut ours, 1).await.is_err());
        });
        let mut polled = poll_read(&mut ours, None);
        for _ in 0..1_000_000 {
            if polled.is_ready() {
                break;
            }
            polled = poll_read(&mut ours, None);
        }
        assert!(polled.is_ready(), "outside of any runtime");
    }
}

#[test]
fn a_runtime_without_timers_is_enough() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let (mut ours, mut theirs) = socket(Strategy::Adaptive);
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            theirs.write_all(b"x").unwrap();
        });
        assert_eq!(ours.read_u8().await.unwrap(), b'x');
        writer.join().unwrap();
    });
}

#[test]
fn both_directions_are_registered_and_deregistered_in_any_order() {
    multi_thread().block_on(async {
        for round in 0..20 {
            let (ours, theirs) = socket(Strategy::Park);
            let (theirs, copy) = (Io::socket(theirs.into()).unwrap(), round % 2 == 0);
            let (mut reading, mut writing) = tokio::io::split(ours);
            let writer = spawn(async move {
                writing.write_all(&vec![7; 1 << 20]).await.unwrap();
                writing.shutdown().await.unwrap();
                writing
            });
            let reader = spawn(async move {
                let mut all = Vec::new();
                reading.read_to_end(&mut all).await.unwrap();
                (reading, all)
            });
            let (mut their_reading, mut their_writing) = tokio::io::split(theirs);
            let echo = tokio::io::copy(&mut their_reading, &mut their_writing);
            assert_eq!(bounded("the echo", echo).await.unwrap(), 1 << 20);
            their_writing.shutdown().await.unwrap();
            let (reading, all) = bounded("the reader", reader).await.unwrap();
            assert_eq!(all.len(), 1 << 20);
            let writing = bounded("the writer", writer).await.unwrap();
            let ours = reading.unsplit(writing);
            if copy {
                // The descriptor comes back unregistered, and is registered anew.
                let mut again = Io::socket(ours.into_fd().unwrap()).unwrap();
                assert!(Pin::new(&mut again).poll_flush(&mut noop()).is_ready());
                drop((their_reading, their_writing));
                assert_eq!(read(&mut again, 1).await.unwrap(), b"");
            }
        }
    });
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
