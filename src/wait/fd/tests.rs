//! How often a call is tried, and when a registration is of no use.

use std::{os::unix::net::UnixStream, task::Waker};

use super::*;

/// How often a poll tries a call that finds nothing.
fn tries(woke: bool) -> io::Result<usize> {
    let (ours, _theirs) = UnixStream::pair()?;
    let mut fd = Fd::new(ours.into())?.strategy(Strategy::Spin(Duration::from_secs(60)));
    let (mut tries, mut cx) = (0, Context::from_waker(Waker::noop()));
    let polled = fd.poll_fd_after(&mut cx, Direction::Receive, woke, |_| {
        tries += 1;
        Err::<(), _>(io::ErrorKind::WouldBlock.into())
    });
    assert!(polled.is_pending());
    Ok(tries)
}

#[tokio::test]
async fn those_that_were_woken_run_before_a_spin() -> io::Result<()> {
    assert!(tries(false)? > 1);
    assert_eq!(tries(true)?, 1);
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_never_parks_is_not_registered_for_long() -> io::Result<()> {
    use std::{future::poll_fn, io::Write, thread};

    const PARKS: Duration = Duration::from_millis(50);

    let (ours, mut theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut fd = Fd::new(ours.into())?.shedding();
    let mut byte = [0];
    let mut read = |fd: BorrowedFd<'_>| Ok(rustix::io::read(fd, &mut byte)?);
    let write = thread::spawn(move || {
        thread::sleep(PARKS);
        theirs.write_all(&[1; MET as usize + 1])?;
        thread::sleep(4 * PARKS);
        theirs.write_all(&[2])
    });
    poll_fn(|cx| fd.poll_fd(cx, Direction::Receive, &mut read)).await?;
    assert!(fd.receive.registered.is_some(), "it had to park");
    for _ in 0..MET {
        poll_fn(|cx| fd.poll_fd(cx, Direction::Receive, &mut read)).await?;
    }
    assert!(fd.receive.registered.is_none());
    // What comes while it waits once more is heard of.
    poll_fn(|cx| fd.poll_fd(cx, Direction::Receive, &mut read)).await?;
    assert!(fd.receive.registered.is_some());
    assert_eq!(byte, [2]);
    write.join().map_err(|_| io::ErrorKind::Other)?
}
