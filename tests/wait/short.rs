//! Reads and writes that are shorter than what there is, or room for.

use std::{
    io::{IoSlice, Write},
    os::fd::AsFd,
    pin::pin,
    time::Duration,
};

use framewire::wait::{Io, Strategy};
use tokio::{io::AsyncWriteExt, time::sleep};

use crate::bounds::*;

/// Has the reading direction parked, and so registered.
async fn park(io: &mut Io) {
    assert!(poll_read(io, None).is_pending());
    // Past any spin.
    sleep(Duration::from_millis(2)).await;
    assert!(poll_read(io, None).is_pending());
    // The runtime has heard of whatever the registration was told at first.
    sleep(Duration::from_millis(2)).await;
    assert!(poll_read(io, None).is_pending());
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn what_follows_passed_descriptors_is_read() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

    for strategy in STRATEGIES {
        current_thread().block_on(async {
            let (mut ours, theirs) = socket(strategy);
            park(&mut ours).await;
            // The kernel never reads across a message that descriptors came with.
            let fds = [theirs.as_fd()];
            let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
            let first = [IoSlice::new(b"first")];
            sendmsg(&theirs, &first, &mut control, SendFlags::empty()).unwrap();
            (&theirs).write_all(b"second").unwrap();
            assert_eq!(read(&mut ours, 4096).await.unwrap(), b"first");
            assert_eq!(read(&mut ours, 4096).await.unwrap(), b"second");
        });
    }
}

#[cfg(target_os = "linux")]
#[test]
fn every_packet_of_a_pipe_in_packet_mode_is_read() {
    for strategy in STRATEGIES {
        current_thread().block_on(async {
            let flags = rustix::pipe::PipeFlags::DIRECT;
            let (read_end, write_end) = rustix::pipe::pipe_with(flags).unwrap();
            let mut ours = Io::pipe(read_end).unwrap().strategy(strategy);
            park(&mut ours).await;
            for packet in [b"one".as_slice(), b"two", b"three"] {
                rustix::io::write(&write_end, packet).unwrap();
            }
            for packet in [b"one".as_slice(), b"two", b"three"] {
                assert_eq!(read(&mut ours, 4096).await.unwrap(), packet);
            }
        });
    }
}

#[test]
fn urgent_data_hides_nothing() {
    use std::net::{TcpListener, TcpStream};

    for strategy in STRATEGIES {
        current_thread().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let ours = listener.accept().unwrap().0;
            let mut ours = Io::socket(ours.into()).unwrap().strategy(strategy);
            park(&mut ours).await;
            (&theirs).write_all(b"first").unwrap();
            rustix::net::send(&theirs, b"!", rustix::net::SendFlags::OOB).unwrap();
            (&theirs).write_all(b"second").unwrap();
            sleep(Duration::from_millis(5)).await;
            let mut got = Vec::new();
            while !got.ends_with(b"second") {
                got.extend(read(&mut ours, 4096).await.unwrap());
            }
        });
    }
}

/// More slices than a system call takes are written one part after the other.
async fn many_slices(mut io: Io, what: &str) {
    // Room runs out once, so that the direction is registered; then all of it comes back.
    let slices = [IoSlice::new(b"x"); 5000];
    let mut sent = 0;
    while sent < slices.len() {
        let mut writing = pin!(io.write_vectored(&slices[sent..]));
        sent += bounded(what, writing.as_mut()).await.unwrap();
    }
}

#[test]
fn more_slices_than_a_call_takes_are_written() {
    for strategy in STRATEGIES {
        current_thread().block_on(async {
            let (io, _theirs) = socket(strategy);
            many_slices(io, "to a socket").await;
            let (_read_end, write_end) = pipe();
            let io = Io::pipe(write_end).unwrap().strategy(strategy);
            many_slices(io, "to a pipe").await;
        });
    }
}

#[test]
fn more_slices_than_a_call_takes_are_written_after_a_wait() {
    for strategy in STRATEGIES {
        current_thread().block_on(async {
            let (read_end, write_end) = pipe();
            let mut io = Io::pipe(write_end).unwrap().strategy(strategy);
            while poll_write(&mut io, &[0; 4096]).is_ready() {}
            sleep(Duration::from_millis(2)).await;
            while poll_write(&mut io, &[0; 4096]).is_ready() {}
            let mut all = vec![0; 1 << 20];
            assert!(rustix::io::read(&read_end, &mut all).unwrap() > 0);
            many_slices(io, "to a pipe").await;
        });
    }
}

#[test]
fn nothing_to_write_or_to_read_into_is_no_end() {
    current_thread().block_on(async {
        let (mut ours, theirs) = socket(Strategy::Park);
        assert_eq!(ours.write(&[]).await.unwrap(), 0);
        assert_eq!(ours.write_vectored(&[]).await.unwrap(), 0);
        assert_eq!(ours.write_vectored(&[IoSlice::new(&[]); 3]).await.unwrap(), 0);
        (&theirs).write_all(b"x").unwrap();
        assert_eq!(read(&mut ours, 0).await.unwrap(), b"");
        assert_eq!(read(&mut ours, 1).await.unwrap(), b"x");
    });
}
