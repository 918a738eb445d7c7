//! What two processes do at once.

use std::{env, process::Command};

use ::loom::{model::Builder, sync::Arc, thread};

use super::{
    super::{Consumer, Item, Memory, Producer, Reader, Writer, ledger::Ledger, record::Kind},
    Bell, Channel, Shared,
};

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(2);
    builder.check(model);
}

/// Sends numbers, as many in each batch as is said, and parks for room.
fn produce(mut producer: Producer<Shared>, batches: &[u64], ours: &Bell, theirs: &Bell) -> bool {
    let mut number = 0;
    for batch in batches {
        for _ in 0..*batch {
            number += 1_u64;
            while !producer.write(Kind::Whole, &[], &number.to_ne_bytes()).unwrap() {
                theirs.ring_if(producer.publish());
                if producer.arm(8).unwrap() {
                    ours.wait();
                } else if producer.is_deserted() {
                    return false;
                }
            }
        }
        theirs.ring_if(producer.publish());
    }
    true
}

/// Takes numbers until there are so many, or the end is there.
fn consume(consumer: &mut Consumer<Shared>, count: u64, ours: &Bell, theirs: &Bell) -> u64 {
    let mut last = 0;
    while last < count {
        if consumer.available().unwrap() > 0 {
            last += 1;
            assert_eq!(consumer.word(8), last);
            consumer.advance(16);
            if consumer.is_due() {
                theirs.ring_if(consumer.release());
            }
            continue;
        }
        if consumer.end().unwrap().is_some() {
            break;
        }
        theirs.ring_if(consumer.release());
        if consumer.arm().unwrap() {
            ours.wait();
        }
    }
    last
}

/// One thread sends these batches, another takes what comes, through a ring of so many bytes.
fn pass(capacity: usize, batches: &'static [u64]) {
    explore(move || {
        let channel = Channel::new(capacity);
        let producer = channel.producer();
        let (writer, reader) = (channel.writer.clone(), channel.reader.clone());
        let sends = thread::spawn(move || assert!(produce(producer, batches, &writer, &reader)));
        let count = batches.iter().sum();
        let mut consumer = channel.consumer();
        assert_eq!(consume(&mut consumer, count, &channel.reader, &channel.writer), count);
        sends.join().unwrap();
    });
}

#[test]
fn loom_who_waits_for_data_is_woken() {
    pass(128, &[1, 1]);
}

#[test]
fn loom_who_waits_for_room_is_woken() {
    // Two records fit.
    pass(32, &[1, 1, 1, 1]);
}

#[test]
fn loom_batches_wake_once() {
    pass(128, &[2, 2]);
    pass(64, &[3, 3]);
}

/// The end is there without being asked for.
#[test]
fn loom_who_waits_for_data_sees_the_end() {
    for in_order in [true, false] {
        explore(move || {
            let channel = Channel::new(64);
            let mut producer = channel.producer();
            let reader = channel.reader.clone();
            let sends = thread::spawn(move || {
                assert!(producer.write(Kind::Whole, &[], &1_u64.to_ne_bytes()).unwrap());
                reader.ring_if(producer.publish());
                producer.end(in_order);
                reader.ring();
            });
            let mut consumer = channel.consumer();
            assert_eq!(consume(&mut consumer, 2, &channel.reader, &channel.writer), 1);
            assert_eq!(consumer.end().unwrap(), Some(in_order));
            sends.join().unwrap();
        });
    }
}

#[test]
fn loom_who_waits_for_room_sees_that_nobody_reads() {
    explore(|| {
        let channel = Channel::new(32);
        let producer = channel.producer();
        let (writer, reader) = (channel.writer.clone(), channel.reader.clone());
        let sends = thread::spawn(move || produce(producer, &[1, 1, 1, 1], &writer, &reader));
        let mut consumer = channel.consumer();
        assert_eq!(consume(&mut consumer, 1, &channel.reader, &channel.writer), 1);
        consumer.leave();
        channel.writer.ring();
        assert!(!sends.join().unwrap());
    });
}

/// Each process has one doorbell, for data and for room.
#[test]
fn loom_both_directions_share_the_doorbells() {
    explore(|| {
        let ask = Channel::new(64);
        let answer = Channel::new(64);
        // `writer` is the doorbell of who asks, `reader` that of who answers.
        let (asks, answers) = (ask.writer.clone(), ask.reader.clone());
        let mut replies = answer.producer();
        let mut questions = ask.consumer();
        let serves = thread::spawn(move || {
            assert_eq!(consume(&mut questions, 1, &answers, &asks), 1);
            assert!(replies.write(Kind::Whole, &[], &1_u64.to_ne_bytes()).unwrap());
            asks.ring_if(replies.publish());
        });
        assert!(produce(ask.producer(), &[1], &ask.writer, &ask.reader));
        let mut replies = answer.consumer();
        assert_eq!(consume(&mut replies, 1, &ask.writer, &ask.reader), 1);
        serves.join().unwrap();
    });
}

/// Both send more than there is room for before they have heard all of the other.
#[test]
fn loom_both_send_and_receive_at_once() {
    fn side(out: &Channel, into: &Channel, ours: &Bell, theirs: &Bell) {
        let (mut producer, mut consumer) = (out.producer(), into.consumer());
        let (mut sent, mut heard) = (0_u64, 0);
        while sent < 3 || heard < 3 {
            while sent < 3 && producer.write(Kind::Whole, &[], &(sent + 1).to_ne_bytes()).unwrap() {
                sent += 1;
            }
            theirs.ring_if(producer.publish());
            while consumer.available().unwrap() > 0 {
                heard += 1;
                assert_eq!(consumer.word(8), heard);
                consumer.advance(16);
            }
            theirs.ring_if(consumer.release());
            let idle = heard == 3 || consumer.arm().unwrap();
            let full = sent == 3 || producer.arm(8).unwrap();
            if (sent < 3 || heard < 3) && idle && full {
                ours.wait();
            }
        }
    }
    let mut builder = Builder::new();
    builder.preemption_bound = Some(1);
    builder.check(|| {
        let there = Arc::new((Channel::new(32), Channel::new(32)));
        let here = there.clone();
        let other = thread::spawn(move || {
            let (there, back) = &*there;
            side(back, there, &there.reader, &there.writer);
        });
        let (there, back) = &*here;
        side(there, back, &there.writer, &there.reader);
        other.join().unwrap();
    });
}

/// The same through messages: what the reader and the writer note is delivered in time.
#[test]
fn loom_messages_wake_as_records_do() {
    explore(|| {
        let channel = Channel::new(64);
        let mut writes = Writer::new(channel.producer());
        let (writer, reader) = (channel.writer.clone(), channel.reader.clone());
        let sends = thread::spawn(move || {
            for number in 1..=3_u8 {
                // Two of them fit.
                while !writes.offer(&[number; 20]).unwrap() {
                    reader.ring_if(writes.flush());
                    if writes.arm(20).unwrap() {
                        writer.wait();
                    }
                }
            }
            reader.ring_if(writes.flush());
            writes.end(true);
            reader.ring();
        });
        let mut reads = Reader::new(channel.consumer(), 20);
        let mut heard = 0;
        loop {
            let next = reads.next().unwrap();
            channel.writer.ring_if(reads.takes_wake());
            match next {
                Some(item) => {
                    heard += 1;
                    assert_eq!(item, Item::Message(vec![heard; 20].into()));
                }
                None if reads.end().unwrap().is_some() => break,
                None => {
                    let sleeps = reads.arm().unwrap();
                    channel.writer.ring_if(reads.takes_wake());
                    if sleeps {
                        channel.reader.wait();
                    }
                }
            }
        }
        assert_eq!(heard, 3);
        sends.join().unwrap();
    });
}

/// A ring of two records, both published, the first of which is held. One was released before, or
/// the producer were woken without having asked.
fn held(channel: &Channel) -> (Producer<Shared>, Consumer<Shared>, std::sync::Arc<Ledger<Shared>>) {
    let writer = channel.writer.clone();
    let wake = std::sync::Arc::new(move || writer.ring());
    let ledger = Ledger::new(channel.shared(), channel.shared(), wake);
    let ledger = std::sync::Arc::new(ledger);
    let (mut producer, mut consumer) = (channel.producer(), channel.consumer());
    consumer.releasing_by(&ledger);
    for number in [0_u64, 1, 2] {
        assert!(producer.write(Kind::Whole, &[], &number.to_ne_bytes()).unwrap());
        let _nobody_sleeps = producer.publish();
        if number == 0 {
            assert_eq!(consumer.available().unwrap(), 16);
            consumer.advance(16);
            assert!(consumer.release());
        }
    }
    assert_eq!(consumer.available().unwrap(), 32);
    ledger.hold(16, 24, 8, 32, channel.shared());
    consumer.advance(16);
    (producer, consumer, ledger)
}

/// Reads what is held, and gives it back.
fn drops(channel: &Channel, ledger: std::sync::Arc<Ledger<Shared>>) -> thread::JoinHandle<()> {
    let place = channel.shared();
    thread::spawn(move || {
        assert_eq!(place.read_word(24), 1);
        ledger.give_back(16, 8);
    })
}

/// What is held is dropped by a thread that has nothing else to do with the ring.
#[test]
fn loom_who_waits_for_what_is_held_is_woken() {
    explore(|| {
        let channel = Channel::new(32);
        let (producer, mut consumer, ledger) = held(&channel);
        assert_eq!(consumer.word(8), 2);
        consumer.advance(16);
        assert!(!consumer.release() && !consumer.is_released());
        let drops = drops(&channel, ledger);
        assert!(produce(producer, &[1], &channel.writer, &channel.reader));
        drops.join().unwrap();
    });
}

/// The consumer reads on meanwhile, and releases as well.
#[test]
fn loom_who_waits_for_what_is_held_is_woken_by_either() {
    explore(|| {
        let channel = Channel::new(32);
        let (producer, mut consumer, ledger) = held(&channel);
        let drops = drops(&channel, ledger);
        let (writer, reader) = (channel.writer.clone(), channel.reader.clone());
        let sends = thread::spawn(move || assert!(produce(producer, &[2], &writer, &reader)));
        for number in [2, 1, 2] {
            while consumer.available().unwrap() == 0 {
                channel.writer.ring_if(consumer.release());
                if consumer.arm().unwrap() {
                    channel.reader.wait();
                }
            }
            assert_eq!(consumer.word(8), number);
            consumer.advance(16);
        }
        channel.writer.ring_if(consumer.release());
        drops.join().unwrap();
        sends.join().unwrap();
    });
}

/// A model that holds without one of the fences would show nothing. Loom aborts when it finds a
/// deadlock, so each is a process of its own.
#[test]
fn loom_finds_each_fence_that_is_left_out() {
    let (data, room) = ("loom_who_waits_for_data_is_woken", "loom_who_waits_for_room_is_woken");
    let held = "loom_who_waits_for_what_is_held_is_woken";
    for (fence, model) in [
        ("Producer::publish", data),
        ("Consumer::arm", data),
        ("Consumer::release", room),
        ("Producer::arm", room),
        ("Ledger::release", held),
        ("Producer::arm", held),
        // None is left out.
        ("", data),
        ("", room),
        ("", held),
    ] {
        let found = Command::new(env::current_exe().unwrap())
            .args(["--exact", &format!("shared::loom::models::{model}")])
            .env("FRAMEWIRE_LOOM_WITHOUT", fence)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[found.stdout, found.stderr].concat()).into_owned();
        assert!(said.contains("running 1 test"), "{said}");
        assert_eq!(found.status.success(), fence.is_empty(), "without {fence:?}: {said}");
        assert_eq!(said.contains("deadlock"), !fence.is_empty(), "without {fence:?}: {said}");
    }
}
