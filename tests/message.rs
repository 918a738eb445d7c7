//! Whole messages: a scripted mechanism polled by hand, and a real one of the kernel's.

#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.

use std::{
    collections::VecDeque,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use framewire::{
    Endpoint, Error, ErrorKind,
    message::{Messages, TryRecv, TrySend},
    wait::{Direction, Wait},
};
use futures::{Sink, SinkExt, StreamExt, poll};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

/// A mechanism and its wait in one, driven by the test through a clone.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    arrives: VecDeque<io::Result<Option<Bytes>>>,
    /// How many messages there is room for.
    room: usize,
    /// The next message is refused with this.
    refusal: Option<io::Error>,
    sent: Vec<Bytes>,
    flushed: usize,
    closed: bool,
    /// The next flush and the next close are not done at once.
    slow: bool,
    waits: Vec<Direction>,
    wakers: [Option<Waker>; 2],
}

impl State {
    fn wake(&mut self, direction: Direction) {
        if let Some(waker) = self.wakers[direction as usize].take() {
            waker.wake();
        }
    }
}

impl Script {
    fn with_room(room: usize) -> Self {
        let script = Self::default();
        script.state().room = room;
        script
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn arrive(&self, item: io::Result<Option<Bytes>>) {
        let mut state = self.state();
        state.arrives.push_back(item);
        state.wake(Direction::Receive);
    }

    fn make_room(&self, room: usize) {
        let mut state = self.state();
        state.room += room;
        state.wake(Direction::Send);
    }

    fn messages(&self) -> Messages<Self, Self> {
        Messages::new(self.clone(), self.clone())
    }
}

fn not_yet<R>() -> io::Result<R> {
    Err(io::ErrorKind::WouldBlock.into())
}

impl TryRecv for Script {
    type Received = Bytes;

    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        self.state().arrives.pop_front().unwrap_or_else(not_yet)
    }
}

impl TrySend for Script {
    type Outgoing = Bytes;

    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        let mut state = self.state();
        if let Some(refusal) = state.refusal.take() {
            return Err(refusal);
        }
        state.room = state.room.checked_sub(1).map_or_else(not_yet, Ok)?;
        state.sent.push(message.clone());
        Ok(())
    }

    fn try_flush(&mut self) -> io::Result<()> {
        let mut state = self.state();
        if std::mem::take(&mut state.slow) {
            return not_yet();
        }
        state.flushed = state.sent.len();
        Ok(())
    }

    fn try_close(&mut self) -> io::Result<()> {
        let mut state = self.state();
        assert_eq!(state.flushed, state.sent.len(), "closed before it was flushed");
        state.closed = true;
        Ok(())
    }

    fn max_len(&self) -> usize {
        16
    }
}

impl Wait for Script {
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.state().waits.push(direction);
        match op() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.state().wakers[direction as usize] = Some(cx.waker().clone());
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    }
}

fn body(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn arrives_in_order_and_ends_in_order() {
    let script = Script::default();
    let mut messages = task::spawn(script.messages());
    assert_pending!(messages.poll_next());
    assert!(!messages.is_woken());

    script.arrive(Ok(Some(body("a"))));
    script.arrive(Ok(Some(Bytes::new())));
    assert!(messages.is_woken());
    assert_eq!(assert_ready!(messages.poll_next()).unwrap().unwrap(), "a");
    assert_eq!(assert_ready!(messages.poll_next()).unwrap().unwrap(), "");
    assert_pending!(messages.poll_next());

    script.arrive(Ok(None));
    script.arrive(Ok(Some(body("beyond the end"))));
    assert!(assert_ready!(messages.poll_next()).is_none());
    assert!(assert_ready!(messages.poll_next()).is_none());
    assert!(script.state().waits.iter().all(|direction| *direction == Direction::Receive));
}

#[test]
fn one_error_then_none() {
    let script = Script::default();
    let endpoint: Endpoint = "mq:///jobs".parse().unwrap();
    let mut messages = task::spawn(script.messages().on(endpoint.clone()));
    script.arrive(Err(io::ErrorKind::ConnectionReset.into()));
    script.arrive(Ok(Some(body("beyond the end"))));
    let error = assert_ready!(messages.poll_next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.endpoint(), Some(&endpoint));
    assert!(error.to_string().starts_with("receive mq:///jobs: "), "{error}");
    assert!(assert_ready!(messages.poll_next()).is_none());
}

#[test]
fn goes_on_behind_a_lag() {
    let script = Script::default();
    let mut messages = task::spawn(script.messages());
    script.arrive(Err(Error::new(ErrorKind::Lagged, "3 messages were dropped").into()));
    script.arrive(Ok(Some(body("later"))));
    let error = assert_ready!(messages.poll_next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lagged);
    assert_eq!(assert_ready!(messages.poll_next()).unwrap().unwrap(), "later");
}

#[test]
fn takes_many_at_once_and_keeps_the_error_behind_them() {
    let script = Script::default();
    let mut messages = script.messages();
    for _ in 0..100 {
        script.arrive(Ok(Some(body("x"))));
    }
    script.arrive(Err(io::ErrorKind::BrokenPipe.into()));
    let mut taken = Vec::new();
    let mut recv_many =
        || assert_ready!(task::spawn(messages.recv_many(&mut taken)).poll()).map_err(|e| e.kind());
    assert_eq!(recv_many(), Ok(64));
    assert_eq!(recv_many(), Ok(36));
    assert_eq!(recv_many(), Err(ErrorKind::Closed));
    assert_eq!(recv_many(), Ok(0));
    assert_eq!(taken.len(), 100);

    let script = Script::default();
    let mut messages = script.messages();
    script.arrive(Ok(Some(body("last"))));
    script.arrive(Ok(None));
    let mut taken = Vec::new();
    assert_eq!(assert_ready_ok!(task::spawn(messages.recv_many(&mut taken)).poll()), 1);
    assert_eq!(assert_ready_ok!(task::spawn(messages.recv_many(&mut taken)).poll()), 0);
}

#[test]
fn lends() {
    let script = Script::default();
    let mut messages = script.messages();
    {
        let mut lent = task::spawn(messages.with_next(<[u8]>::len));
        assert_pending!(lent.poll());
    }
    script.arrive(Ok(Some(body("four"))));
    script.arrive(Ok(None));
    assert_eq!(assert_ready_ok!(task::spawn(messages.with_next(<[u8]>::len)).poll()), Some(4));
    assert_eq!(assert_ready_ok!(task::spawn(messages.with_next(<[u8]>::len)).poll()), None);
}

#[tokio::test]
async fn receiving_dropped_at_every_poll_loses_nothing() {
    let script = Script::default();
    let mut messages = script.messages();
    let mut taken = Vec::new();
    for round in 0..1000 {
        // Every third receive is dropped before anything is there, the others find something.
        if round % 3 != 0 {
            script.arrive(Ok(Some(Bytes::from(round.to_string()))));
        }
        if round % 2 == 0 {
            if let Poll::Ready(item) = poll!(messages.next()) {
                taken.push(item.unwrap().unwrap());
            }
        } else {
            let _ = poll!(pin!(messages.recv_many(&mut taken)));
        }
    }
    script.arrive(Ok(None));
    while messages.recv_many(&mut taken).await.unwrap() > 0 {}
    let expected: Vec<_> =
        (0..1000).filter(|round| round % 3 != 0).map(|r| r.to_string()).collect();
    assert_eq!(taken, expected);
}

#[test]
fn sends_at_once_and_waits_only_for_room() {
    let script = Script::with_room(2);
    let mut messages = task::spawn(script.messages());
    for text in ["a", "b", "c"] {
        assert_ready_ok!(messages.enter(|cx, sink| sink.poll_ready(cx)));
        messages.enter(|_, sink| sink.start_send(body(text))).unwrap();
    }
    assert_eq!(script.state().sent, ["a", "b"]);
    assert!(script.state().waits.is_empty(), "waited although there was room");

    assert_pending!(messages.enter(|cx, sink| sink.poll_ready(cx)));
    assert_eq!(script.state().flushed, 2, "waits for room without having shown what is there");
    let early = messages.enter(|_, sink| sink.start_send(body("d"))).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Exhausted);
    assert_pending!(messages.enter(|cx, sink| sink.poll_flush(cx)));

    script.make_room(1);
    assert!(messages.is_woken());
    assert_ready_ok!(messages.enter(|cx, sink| sink.poll_flush(cx)));
    assert_eq!(script.state().sent, ["a", "b", "c"]);
    assert_eq!(script.state().flushed, 3);
}

#[test]
fn closing_sends_the_rest_first() {
    let script = Script::with_room(0);
    let mut messages = task::spawn(script.messages());
    messages.enter(|_, sink| sink.start_send(body("rest"))).unwrap();
    assert_pending!(messages.enter(|cx, sink| sink.poll_close(cx)));
    assert!(!script.state().closed);
    script.state().slow = true;
    script.make_room(1);
    for _ in 0..2 {
        assert_ready_ok!(messages.enter(|cx, sink| sink.poll_close(cx)));
        assert!(script.state().closed);
    }
    assert_eq!(script.state().sent, ["rest"]);
}

#[test]
fn refuses_what_is_too_large_before_anything_is_queued() {
    let script = Script::with_room(9);
    let mut messages = task::spawn(script.messages());
    let error = messages.enter(|_, sink| sink.start_send(Bytes::from(vec![0; 17]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let told = error.to_string();
    assert!(told.starts_with("send: message of 17 bytes, limit 16 ("), "{told}");
    messages.enter(|_, sink| sink.start_send(Bytes::from(vec![0; 16]))).unwrap();
    assert_eq!(script.state().sent.len(), 1);
}

#[test]
fn a_refused_message_does_not_block_the_next() {
    let script = Script::with_room(0);
    let mut messages = task::spawn(script.messages());
    messages.enter(|_, sink| sink.start_send(body("queued"))).unwrap();
    script.state().refusal = Some(io::ErrorKind::PermissionDenied.into());
    let refused = assert_ready!(messages.enter(|cx, sink| sink.poll_flush(cx))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
    script.state().refusal = Some(io::ErrorKind::BrokenPipe.into());
    let refused = messages.enter(|_, sink| sink.start_send(body("at once"))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed);
    script.make_room(1);
    messages.enter(|_, sink| sink.start_send(body("next"))).unwrap();
    assert_ready_ok!(messages.enter(|cx, sink| sink.poll_flush(cx)));
    assert_eq!(script.state().sent, ["next"]);
}

#[tokio::test(flavor = "current_thread")]
async fn neither_direction_starves_other_tasks() {
    let script = Script::with_room(usize::MAX);
    let mut messages = script.messages();
    let polled = std::future::poll_fn(|cx| {
        for n in 0..1_000_000 {
            if messages.poll_ready_unpin(cx)?.is_pending() {
                return Poll::Ready(Ok::<_, Error>(n));
            }
            messages.start_send_unpin(Bytes::new())?;
        }
        Poll::Ready(Ok(0))
    });
    assert!(polled.await.unwrap() > 0, "sending never gave way");

    script.state().arrives.extend((0..100_000).map(|_| Ok(Some(Bytes::new()))));
    tokio::task::yield_now().await;
    let polled = std::future::poll_fn(|cx| {
        let mut taken = 0;
        while messages.poll_next_unpin(cx).is_ready() {
            taken += 1;
        }
        Poll::Ready(taken)
    });
    assert!(polled.await < 100_000, "receiving never gave way");
}

#[test]
fn is_send_and_unpin() {
    fn check<T: Send + Unpin>(_: &T) {}
    let mut messages = Script::default().messages();
    check(&messages);
    check(&Messages::new((), std::marker::PhantomPinned));
    check(&messages.next());
    fn sends(_: impl Send) {}
    sends(messages.recv_many(&mut Vec::new()));
    sends(messages.with_next(|_| ()));
    sends(messages.send(Bytes::new()));
    let _: Pin<Box<dyn Sink<Bytes, Error = Error> + Send>> = Box::pin(messages);
}
