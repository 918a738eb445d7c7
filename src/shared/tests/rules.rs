//! What the two ends owe one another, case by case.

use super::{
    super::{
        Consumer, Item, Memory, Producer, Region,
        record::{HEADER, Header, Kind},
        words::{FURTHEST, HEAD, RX_STATE, TAIL, WANT_SPACE},
    },
    Ends, body,
};
use crate::{ErrorKind, sync::Ordering};

const CAPACITY: usize = 64 * 1024;

fn tail(ends: &Ends) -> u64 {
    ends.writes.0.load(TAIL, Ordering::Relaxed)
}

#[test]
fn the_consumer_is_woken_once_for_what_it_asked() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(100));
    assert!(reader.arm().unwrap());
    for wakes in [true, false, false] {
        assert!(writer.offer(b"a").unwrap());
        assert_eq!(writer.flush(), wakes);
        assert!(!writer.flush());
    }
    assert!(!reader.arm().unwrap());
    for _ in 0..3 {
        assert!(reader.next().unwrap().is_some());
    }
    assert_eq!(reader.next().unwrap(), None);
    assert!(writer.offer(b"b").unwrap());
    assert!(!writer.flush(), "it did not ask again");
    assert!(!reader.arm().unwrap(), "there is something");
    assert_eq!(reader.next().unwrap(), Some(Item::Message(b"b"[..].into())));
    assert!(reader.arm().unwrap());
}

/// What is published without being flushed wakes with the flush.
#[test]
fn a_wake_is_kept_until_the_flush() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(CAPACITY));
    assert!(reader.arm().unwrap());
    assert!(writer.offer(&[1; 20_000]).unwrap());
    assert_eq!(tail(&ends), 20_008);
    assert!(writer.offer(&[2; 10]).unwrap());
    assert!(writer.flush());
    assert_eq!(tail(&ends), 20_032);
}

#[test]
fn a_slow_reader_wakes_the_writer_once_in_a_quarter() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(CAPACITY));
    let message = [7; 1016];
    let mut accepted = 0;
    let (mut slept, mut wakes) = (0, 0);
    for _ in 0..10 * CAPACITY / 1024 {
        while writer.offer(&message).unwrap() {
            accepted += 1;
        }
        let _ = writer.flush();
        slept += u32::from(writer.arm(message.len()).unwrap());
        while !reader.takes_wake() {
            assert!(reader.next().unwrap().is_some());
        }
        wakes += 1;
    }
    assert_eq!(slept, wakes);
    assert!(accepted >= wakes * (CAPACITY / 4 / 1024) as u32, "{wakes} wakes, {accepted} messages");
}

#[test]
fn an_end_comes_behind_what_was_published() {
    for in_order in [true, false] {
        let ends = Ends::new(CAPACITY);
        let (mut writer, mut reader) = (ends.writer(), ends.reader(100));
        assert!(writer.offer(b"last").unwrap());
        let _ = writer.flush();
        assert!(writer.offer(b"never").unwrap());
        writer.end(in_order);
        assert_eq!(reader.end().unwrap(), None);
        assert_eq!(reader.next().unwrap(), Some(Item::Message(b"last"[..].into())));
        assert_eq!(reader.next().unwrap(), None);
        assert_eq!(reader.end().unwrap(), Some(in_order));
    }
}

#[test]
fn an_end_within_a_message_is_none_in_order() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(2 * CAPACITY));
    assert!(!writer.offer(&[0; 2 * CAPACITY]).unwrap());
    assert!(writer.is_within());
    writer.end(true);
    assert_eq!(reader.next().unwrap(), None);
    assert!(reader.is_within());
    assert_eq!(reader.end().unwrap(), Some(false));
}

#[test]
fn nobody_sleeps_for_room_that_nobody_makes() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(CAPACITY));
    while writer.offer(&[0; 1000]).unwrap() {}
    let _ = writer.flush();
    assert!(writer.arm(1000).unwrap());
    reader.leave();
    assert!(!writer.arm(1000).unwrap());
    assert!(writer.is_deserted());
}

#[test]
fn a_message_beyond_the_limit_is_refused_before_it_comes() {
    for len in [101, 40_000, 100_000] {
        let ends = Ends::new(CAPACITY);
        let (mut writer, mut reader) = (ends.writer(), ends.reader(100));
        let _ = writer.offer(&vec![0; len]).unwrap();
        let _ = writer.flush();
        for _ in 0..3 {
            let error = reader.next().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        }
    }
}

/// What the next producer writes is whole, whatever the one before it had begun.
#[test]
fn a_producer_goes_on_after_another() {
    for begun in [false, true] {
        let ends = Ends::new(CAPACITY);
        let (mut writer, mut reader) = (ends.writer(), ends.reader(2 * CAPACITY));
        assert!(reader.arm().unwrap());
        assert!(writer.offer(b"published").unwrap());
        let _not_delivered = writer.flush();
        if begun {
            assert!(!writer.offer(&[0; 2 * CAPACITY]).unwrap());
        } else {
            assert!(writer.offer(b"not published").unwrap());
        }
        drop(writer);
        let mut writer = ends.next_writer();
        assert!(writer.flush(), "the wake that the other owed");
        assert_eq!(reader.next().unwrap(), Some(Item::Message(b"published"[..].into())));
        assert_eq!(reader.next().unwrap(), None);
        let _ = reader.arm().unwrap();
        let long = body(1, CAPACITY / 2 + 10);
        assert!(writer.offer(&long).unwrap());
        let _ = writer.flush();
        if begun {
            assert_eq!(reader.next().unwrap_err().kind(), ErrorKind::Truncated);
        }
        assert_eq!(reader.next().unwrap(), Some(Item::Message(long.into())));
    }
}

/// What was handed out last comes again, and the rest of a message does not come by itself.
#[test]
fn a_consumer_goes_on_after_another() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(CAPACITY));
    assert!(writer.offer(b"first").unwrap());
    let _ = writer.flush();
    assert!(reader.next().unwrap().is_some());
    drop(reader);
    let mut reader = ends.next_reader(2 * CAPACITY);
    assert!(reader.takes_wake(), "the wake that the other owed");
    assert_eq!(reader.next().unwrap(), Some(Item::Message(b"first"[..].into())));

    let long = vec![0; 2 * CAPACITY];
    assert!(!writer.offer(&long).unwrap());
    let _ = writer.flush();
    assert_eq!(reader.next().unwrap(), None);
    let _ = reader.arm().unwrap();
    drop(reader);
    let mut reader = ends.next_reader(2 * CAPACITY);
    assert!(!writer.offer(&long).unwrap());
    let _ = writer.flush();
    assert_eq!(reader.next().unwrap_err().kind(), ErrorKind::Truncated);
    while !writer.offer(&long).unwrap() {
        let _ = writer.flush();
        assert_eq!(reader.next().unwrap(), None);
        let _ = reader.arm().unwrap();
    }
    assert!(writer.offer(b"next").unwrap());
    let _ = writer.flush();
    assert_eq!(reader.next().unwrap(), Some(Item::Message(b"next"[..].into())));
}

#[test]
fn nobody_goes_on_from_where_nobody_can_be() {
    for (tail, head) in [(8, 16), (4, 0), (CAPACITY as u64 + 8, 0), (FURTHEST + 8, FURTHEST + 8)] {
        let (region, _file) = Region::create(CAPACITY).unwrap();
        let region = std::sync::Arc::new(region);
        region.store(TAIL, tail, Ordering::Relaxed);
        region.store(HEAD, head, Ordering::Relaxed);
        Producer::resume(region.clone(), region.clone()).unwrap_err();
        Consumer::resume(region.clone(), region).unwrap_err();
    }
}

#[test]
fn a_peer_that_goes_back_is_broken() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(CAPACITY));
    assert!(writer.offer(&[1; 100]).unwrap());
    let _ = writer.flush();
    assert!(reader.next().unwrap().is_some());
    let end = tail(&ends);
    for wrong in [end - 8, end + 1, end + CAPACITY as u64, u64::MAX, u64::MAX - 7] {
        ends.writes.0.store(TAIL, wrong, Ordering::Relaxed);
        assert_eq!(reader.next().unwrap_err().kind(), ErrorKind::Malformed, "{wrong}");
    }
    while writer.offer(&[0; 1000]).unwrap() {}
    let _ = writer.flush();
    for wrong in [tail(&ends) + 8, 1, u64::MAX, u64::MAX - 7] {
        ends.reads.0.store(HEAD, wrong, Ordering::Relaxed);
        ends.reads.0.store(RX_STATE, wrong, Ordering::Relaxed);
        ends.writes.0.store(WANT_SPACE, wrong, Ordering::Relaxed);
        writer.offer(&[0; 1000]).unwrap_err();
    }
}

/// Records that no sound writer writes.
#[test]
fn a_record_that_cannot_be_is_broken() {
    let whole = |len| Header::new(Kind::Whole, len).encode(0);
    let of = |kind, len| Header::new(kind, len).encode(0);
    let cases: &[(&[u64], u64)] = &[
        (&[0], 8),
        (&[whole(8)], 8),
        (&[whole(u32::MAX as usize)], 64),
        (&[of(Kind::More, 8), 0], 16),
        (&[of(Kind::First, 0)], 8),
        (&[of(Kind::First, 8), 1 << 10], 16),
        (&[of(Kind::First, 16), 4, 0], 24),
        (&[of(Kind::First, 16), 100, 0], 24),
        (&[of(Kind::Sealed, 16), 8, 0], 24),
        (&[of(Kind::Sealed, 0)], 8),
        (&[Header::new(Kind::Whole, 0).encode(HEADER)], 8),
    ];
    for (words, end) in cases {
        let ends = Ends::new(CAPACITY);
        let mut reader = ends.reader(CAPACITY);
        for (at, word) in (0..).step_by(8).zip(*words) {
            ends.writes.0.write_word(at, *word);
        }
        ends.writes.0.store(TAIL, *end, Ordering::Release);
        let error = reader.next().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{words:x?}: {error}");
    }
}

/// However messages are taken, what a producer left behind is told, once.
#[test]
fn what_was_cut_off_is_told_where_messages_are_lent_in_place() {
    let ends = Ends::new(CAPACITY);
    let mut writer = ends.writer();
    // SAFETY: both ends are here, and change nothing that was sent.
    let trust = unsafe { crate::shared::Trust::new() };
    let mut reader = ends.reader(2 * CAPACITY).trusting(Some(trust));
    assert!(!writer.offer(&[0; 2 * CAPACITY]).unwrap());
    let _ = writer.flush();
    assert_eq!(reader.lend(<[u8]>::len).unwrap(), None);
    let _ = reader.arm().unwrap();
    let mut writer = ends.next_writer();
    assert!(writer.offer(b"whole").unwrap());
    let _ = writer.flush();
    assert_eq!(reader.lend(<[u8]>::len).unwrap_err().kind(), ErrorKind::Truncated);
    assert_eq!(reader.lend(<[u8]>::len).unwrap(), Some(Item::Message(5)));
}

/// What is there of a long message is taken by and by.
#[test]
fn a_long_message_gives_way_to_others() {
    for lends in [false, true] {
        let ends = Ends::new(16 << 20);
        let (mut writer, mut reader) = (ends.writer(), ends.reader(16 << 20));
        let long = body(3, 15 << 20);
        assert!(writer.offer(&long).unwrap());
        let _ = writer.flush();
        let mut gave_way = 0;
        let message = loop {
            let next = if lends {
                reader.lend(<[u8]>::to_vec).unwrap()
            } else {
                reader.next().unwrap().map(|item| match item {
                    Item::Message(message) => Item::Message(message.to_vec()),
                    Item::Sealed(_) => panic!("nothing was sealed"),
                })
            };
            match next {
                Some(message) => break message,
                None => assert!(reader.gives_way() && reader.is_within()),
            }
            gave_way += 1;
        };
        assert!(message == Item::Message(long));
        assert!(!reader.gives_way() && gave_way >= 3);
    }
}
