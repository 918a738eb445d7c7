//! Waits that are given up.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use framewire::wait::{Blocking, Strategy};
use tokio::runtime::Runtime;

use crate::{bounds::*, calls::*};

/// One permit goes to and fro between others and us, who give up waiting at any moment.
fn cancels(runtime: &Runtime, interruptible: bool, name: &'static str) {
    let semaphore = Semaphore::new(1, interruptible);
    let stop = Arc::new(AtomicBool::new(false));
    let other = thread::spawn({
        let (semaphore, stop) = (semaphore.clone(), Arc::clone(&stop));
        move || {
            while !stop.load(SeqCst) {
                if semaphore.take(Duration::from_millis(1), || true).is_some() {
                    thread::yield_now();
                    semaphore.post();
                }
                thread::sleep(Duration::from_micros(50));
            }
        }
    });
    let mut random = random();
    let (mut taken, mut cancelled) = (0, 0);
    runtime.block_on(async {
        let mut permits = Blocking::new(name, semaphore.clone()).unwrap();
        while cancelled < 1000 {
            let patience = Duration::from_micros(random(400));
            let began = Instant::now();
            let got = {
                let mut next = pin!(permits.next());
                loop {
                    match poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await {
                        Poll::Ready(got) => break Some(got),
                        Poll::Pending if began.elapsed() >= patience => break None,
                        Poll::Pending => tokio::task::yield_now().await,
                    }
                }
            };
            if let Some(got) = got {
                got.unwrap();
                taken += 1;
                semaphore.post();
                continue;
            }
            cancelled += 1;
            if interruptible && random(10) == 0 {
                // It would last a day.
                eventually("the call's end", || !semaphore.in_call.load(SeqCst));
            }
        }
        permits.close().await.unwrap();
    });
    stop.store(true, SeqCst);
    other.join().unwrap();
    println!("{taken} taken, {cancelled} cancelled");
    assert_eq!(semaphore.permits(), 1);
    ends(name);
}

#[test]
fn cancelled_waits_keep_the_sum_of_permits() {
    cancels(&current_thread(), false, "fw-sum-slice");
    cancels(&multi_thread(), false, "fw-sum-slice");
}

#[test]
fn interrupted_waits_keep_the_sum_of_permits() {
    cancels(&current_thread(), true, "fw-sum-int");
    cancels(&multi_thread(), true, "fw-sum-int");
}

#[test]
fn cancelled_waits_lose_no_message_and_keep_the_order() {
    const MESSAGES: u32 = 2000;
    for runtime in FLAVOURS {
        let queue = Queue::default();
        let sender = thread::spawn({
            let queue = queue.clone();
            move || {
                for message in 0..MESSAGES {
                    if message % 16 == 0 {
                        thread::sleep(Duration::from_micros(300));
                    }
                    queue.push(message);
                }
            }
        });
        let mut random = random();
        runtime().block_on(async {
            let mut messages = Blocking::new("fw-order", queue).unwrap();
            let mut expected = 0;
            while expected < MESSAGES {
                let mut polls = random(6);
                let mut next = pin!(messages.next());
                let got = poll_fn(|cx| match next.as_mut().poll(cx) {
                    Poll::Ready(got) => Poll::Ready(Some(got)),
                    Poll::Pending if polls == 0 => Poll::Ready(None),
                    Poll::Pending => {
                        polls -= 1;
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                });
                if let Some(got) = got.await {
                    assert_eq!(got.unwrap(), expected);
                    expected += 1;
                }
            }
        });
        sender.join().unwrap();
    }
    ends("fw-order");
}

#[test]
fn the_next_wait_gets_what_came_after_a_cancelled_one() {
    current_thread().block_on(async {
        let queue = Queue::default();
        let mut messages = Blocking::new("fw-keep", queue.clone()).unwrap();
        assert!(want(&mut messages).await.is_pending());
        queue.push(1);
        queue.push(2);
        eventually("the call", || queue.messages() == [2]);
        messages.cancel();
        assert_eq!(messages.next().await.unwrap(), 1);
        // Nobody waits: nothing is taken.
        thread::sleep(Duration::from_millis(120));
        assert_eq!(queue.messages(), [2]);
        assert_eq!(messages.next().await.unwrap(), 2);
    });
}

/// Waits until a call has taken the permit, and then gives up in one of two ways.
async fn give_up(permits: &mut Blocking<Semaphore>, semaphore: &Semaphore, by_drop: bool) {
    if by_drop {
        let mut next = pin!(permits.next());
        assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await.is_pending());
        semaphore.post();
        eventually("the call", || semaphore.permits() == 0);
    } else {
        assert!(want(permits).await.is_pending());
        semaphore.post();
        eventually("the call", || semaphore.permits() == 0);
        permits.cancel();
    }
}

#[test]
fn a_permit_that_nobody_waits_for_any_more_goes_back_at_once() {
    for (interruptible, by_drop) in [(false, false), (false, true), (true, false), (true, true)] {
        current_thread().block_on(async {
            let semaphore = Semaphore::new(0, interruptible);
            let mut permits = Blocking::new("fw-back", semaphore.clone()).unwrap();
            for strategy in [Strategy::Park, Strategy::Adaptive] {
                permits = permits.strategy(strategy);
                give_up(&mut permits, &semaphore, by_drop).await;
                eventually("the permit's return", || semaphore.permits() == 1);
                permits.next().await.unwrap();
                assert_eq!(semaphore.permits(), 0);
                // Whether or not the thread has given it back by then.
                give_up(&mut permits, &semaphore, by_drop).await;
                permits.next().await.unwrap();
                assert_eq!(semaphore.permits(), 0);
            }
        });
    }
}

#[test]
fn an_interrupter_ends_a_call_that_would_last_a_day() {
    current_thread().block_on(async {
        let semaphore = Semaphore::new(0, true);
        let mut permits = Blocking::new("fw-interrupt", semaphore.clone()).unwrap();
        for _ in 0..100 {
            assert!(want(&mut permits).await.is_pending());
            permits.cancel();
            eventually("the call's end", || !semaphore.in_call.load(SeqCst));
        }
        assert!(want(&mut permits).await.is_pending());
        eventually("the call", || semaphore.in_call.load(SeqCst));
        drop(permits);
        ends("fw-interrupt");
    });
}
