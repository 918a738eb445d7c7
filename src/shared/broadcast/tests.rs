//! The log over real memory, on one thread.

use bytes::BytesMut;

use super::{super::Region, *};
use crate::shared::Memory;

const CAPACITY: usize = 1 << 16;

fn log() -> (Writer<Region>, Region) {
    use std::os::fd::AsFd;

    let (region, file) = Region::create(CAPACITY).expect("memory");
    (Writer::new(region), Region::attach(file.as_fd(), CAPACITY).expect("memory"))
}

fn body(number: u64, len: usize) -> Vec<u8> {
    (0..len).map(|n| (number as usize + n) as u8).collect()
}

fn next(reader: &mut Reader<Region>) -> Result<Option<Vec<u8>>, Found> {
    let mut buffer = BytesMut::new();
    match reader.next(&mut buffer).expect("a sound log") {
        Found::Message => Ok(Some(buffer.to_vec())),
        Found::Nothing => Ok(None),
        other => Err(other),
    }
}

#[test]
fn what_is_written_is_read_whatever_its_length() {
    let (mut writer, region) = log();
    let mut reader = Reader::new(region, (0, 0), false);
    for number in 0..5000 {
        let len = match number % 7 {
            0 => 0,
            1 => writer.max_len(),
            n => (number * 37 % 1000 * n) as usize,
        };
        writer.write(&body(number, len));
        assert_eq!(next(&mut reader), Ok(Some(body(number, len))));
        assert_eq!(next(&mut reader), Ok(None));
    }
    writer.close();
    assert_eq!(next(&mut reader), Err(Found::End));
}

#[test]
fn what_was_overwritten_is_counted() {
    let (mut writer, region) = log();
    let mut reader = Reader::new(region, (0, 0), false);
    let (mut written, mut read, mut lost) = (0, 0, 0);
    for burst in 0..200 {
        for _ in 0..burst {
            writer.write(&body(written, 1000));
            written += 1;
        }
        loop {
            match next(&mut reader) {
                Ok(Some(message)) => {
                    assert_eq!(message, body(read + lost, 1000));
                    read += 1;
                }
                Err(Found::Lagged(count)) => lost += count,
                Ok(None) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(read + lost, written);
    }
    assert!(lost > 0 && read > 0);
}

/// A full ring is whole, and one record more takes the oldest.
#[test]
fn the_oldest_is_the_first_that_is_whole() {
    let (mut writer, region) = log();
    let record = 1024 - 16;
    for number in 0..64 {
        writer.write(&body(number, record));
    }
    assert_eq!(writer.begin(Begin::Oldest), (0, 0));
    let mut reader = Reader::new(region, (0, 0), false);
    assert_eq!(next(&mut reader), Ok(Some(body(0, record))));
    writer.write(&body(64, 1));
    assert_eq!(writer.begin(Begin::Oldest), (1024, 1));
    assert_eq!(writer.begin(Begin::Newest), (64 * 1024, 64));
    assert_eq!(writer.begin(Begin::Next), (64 * 1024 + 24, 65));
    assert_eq!(next(&mut reader), Ok(Some(body(1, record))));
}

#[test]
fn the_newest_alone_is_read_where_that_is_asked_for() {
    let (mut writer, region) = log();
    writer.write(&body(0, 10));
    let mut reader = Reader::new(region, writer.begin(Begin::Newest), true);
    assert_eq!(next(&mut reader), Ok(Some(body(0, 10))));
    for number in 1..1000 {
        writer.write(&body(number, 500));
        if number % 300 == 0 {
            assert_eq!(next(&mut reader), Ok(Some(body(number, 500))));
            assert_eq!(next(&mut reader), Ok(None));
        }
    }
    writer.close();
    assert_eq!(next(&mut reader), Ok(Some(body(999, 500))));
    assert_eq!(next(&mut reader), Err(Found::End));
}

#[test]
fn a_follower_cannot_be_where_nothing_is() {
    let (mut writer, _region) = log();
    writer.write(&body(0, 100));
    let (page, file) = Region::create_words().unwrap();
    let theirs = Region::attach_words(std::os::fd::AsFd::as_fd(&file)).unwrap();
    let mut follower = writer.follower(theirs, 0);
    let tail = writer.tail();
    let order = crate::sync::Ordering::Relaxed;
    page.store(HEAD, tail, order);
    assert_eq!(follower.head(tail), Ok(tail));
    for nonsense in [tail + 8, tail - 8, tail - 1, 0, u64::MAX, 1 << 63] {
        page.store(HEAD, nonsense, order);
        follower.head(tail).unwrap_err();
    }
}

/// Whatever is in the words and in the ring, reading ends, and nothing outside is read.
#[test]
fn no_memory_breaks_a_reader() {
    let mut state = 1;
    let mut random = move || {
        // splitmix64
        state = u64::wrapping_add(state, 0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let (region, file) = Region::create(CAPACITY).unwrap();
    let order = crate::sync::Ordering::Relaxed;
    for round in 0..20_000_u64 {
        let mut some = || {
            let number = random();
            match number % 5 {
                0 => number,
                1 => number % (4 * CAPACITY as u64),
                2 => (number % 4096) & !7,
                3 => u64::MAX - number % 64,
                _ => (number % CAPACITY as u64) & !7,
            }
        };
        for word in [TAIL_INTENT, TAIL, LATEST, STATE, WANT_SPACE] {
            region.store(word, some(), order);
        }
        for _ in 0..4 {
            let at = some() & !7;
            region.write_word(at, some());
        }
        let theirs = Region::attach(std::os::fd::AsFd::as_fd(&file), CAPACITY).unwrap();
        let begin = (some() & !7, some());
        let mut reader = Reader::new(theirs, begin, round % 2 == 0);
        let mut buffer = BytesMut::new();
        for _ in 0..4 {
            match reader.next(&mut buffer) {
                Ok(Found::Message) => assert!(buffer.len() <= CAPACITY / 4),
                Ok(Found::Nothing | Found::End) | Err(_) => break,
                Ok(_) => {}
            }
        }
    }
}
