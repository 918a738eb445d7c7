//! One end that is ours, and what becomes of it.

use std::rc::Rc;

use super::{
    super::{
        Consumer, Item, Producer, Reader, Writer,
        words::{HEAD, TAIL},
    },
    CAPACITY, View, Wild, step, view,
};
use crate::{Error, ErrorKind};

const MAX_LEN: usize = 100_000;
/// What a reader keeps, at most: what is reserved for a message grows by doubling.
const KEEPS: usize = 2 * MAX_LEN + 2 * 64 * 1024 + CAPACITY;

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// How often the memory was changed behind our back.
    pub(crate) changes: usize,
    pub(crate) messages: usize,
    pub(crate) announcements: usize,
    pub(crate) too_large: usize,
    pub(crate) broken: usize,
    pub(crate) cut_off: usize,
}

/// Plays a script.
pub(crate) fn play(script: &[u8]) -> Tally {
    let wild = Wild::new(script);
    let mut tally = Tally::default();
    if wild.writes {
        read(&wild, &mut tally)
    } else {
        write(&wild, &mut tally)
    }
    tally.changes = wild.changes.get();
    tally
}

/// Counts an error, which has to be one of those that there can be.
fn judge(error: &Error, tally: &mut Tally) {
    match error.kind() {
        ErrorKind::TooLarge => tally.too_large += 1,
        ErrorKind::Malformed => tally.broken += 1,
        ErrorKind::Truncated => tally.cut_off += 1,
        other => panic!("{other:?}"),
    }
}

/// We read what a sound writer writes and the peer changes.
fn read(wild: &Rc<Wild>, tally: &mut Tally) {
    let new = || Reader::new(Consumer::new(view(wild, false), view(wild, true)), MAX_LEN);
    let (mut reader, mut writer) = (new(), None);
    while let Some(op) = step(wild) {
        let mut count = |item: Option<Item<usize>>| match item {
            Some(Item::Message(len)) => {
                assert!(len <= MAX_LEN);
                tally.messages += 1;
            }
            Some(Item::Sealed(len)) => {
                assert!(len <= MAX_LEN as u64);
                tally.announcements += 1;
            }
            None => {}
        };
        let done: Result<(), Error> = match op % 16 {
            0..=3 => reader.next().map(|item| {
                count(item.map(|item| match item {
                    Item::Message(message) => Item::Message(message.len()),
                    Item::Sealed(len) => Item::Sealed(len),
                }));
            }),
            4 | 5 => reader.lend(<[u8]>::len).map(&mut count),
            6 => reader.arm().map(drop).map_err(Error::from),
            7 => reader.end().map(drop).map_err(Error::from),
            8 => reader.look_again().map(drop).map_err(Error::from),
            9 if op > 0xc0 => {
                reader.leave();
                let _ = reader.takes_wake();
                Ok(())
            }
            10 if op > 0x80 => {
                wild.change();
                match Consumer::resume(view(wild, wild.everywhere), view(wild, true)) {
                    Ok(resumed) => {
                        reader = Reader::new(resumed, MAX_LEN);
                        Ok(())
                    }
                    Err(broken) => Err(broken.into()),
                }
            }
            11 | 12 => {
                wild.change();
                Ok(())
            }
            _ => {
                writer = send(wild, writer, op);
                Ok(())
            }
        };
        if let Err(error) = done {
            judge(&error, tally);
            // Whoever goes on all the same comes to no harm; then another comes.
            for _ in 0..2 {
                let _ = reader.next().map_err(|error| judge(&error, tally));
                let _ = reader.arm();
                let _ = reader.end();
            }
            wild.clear();
            (reader, writer) = (new(), None);
        }
        assert!(reader.held() <= KEEPS, "{} bytes", reader.held());
    }
}

/// Has a sound writer write something, or another in its place.
fn send(wild: &Rc<Wild>, writer: Option<Writer<View>>, op: u8) -> Option<Writer<View>> {
    let own = || view(wild, false);
    let mut writer = writer.or_else(|| Producer::resume(own(), own()).ok().map(Writer::new))?;
    let len = match op / 16 % 4 {
        0 => usize::from(op),
        1 => 3000,
        2 => 15_000,
        _ => 90_000,
    };
    // The peer may have moved what this one counts with.
    let body = [op; 90_000];
    let written = if op % 2 == 0 { writer.announce(77) } else { writer.offer(&body[..len]) };
    let _ = writer.flush();
    (written.is_ok() && !writer.is_within()).then_some(writer)
}

/// We write, and the peer does as though it read.
fn write(wild: &Rc<Wild>, tally: &mut Tally) {
    let new = || Writer::new(Producer::new(view(wild, false), view(wild, true)));
    let mut writer = new();
    // What is offered until it is written.
    let mut len = 0;
    let body = vec![7; 3 * CAPACITY];
    while let Some(op) = step(wild) {
        let broken = match op % 8 {
            0..=2 => {
                if len == 0 {
                    len = usize::from(wild.byte()) << (op / 8 % 9);
                }
                writer.offer(&body[..len.min(3 * CAPACITY)]).map(|written| {
                    if written {
                        tally.messages += 1;
                        len = 0;
                    }
                })
            }
            3 => {
                let _ = writer.flush();
                writer.arm(len.min(3 * CAPACITY)).map(drop)
            }
            4 if !writer.is_within() => writer
                .announce(op.into())
                .map(|written| tally.announcements += usize::from(written)),
            5 if op > 0xc0 => {
                writer.end(op & 8 == 0);
                let _ = writer.flush();
                Ok(())
            }
            6 if op > 0x80 => {
                wild.change();
                Producer::resume(view(wild, wild.everywhere), view(wild, true))
                    .map(|resumed| (writer, len) = (Writer::new(resumed), 0))
            }
            // The reader takes all that there is, as a sound one does.
            7 => {
                wild.set(HEAD, wild.word(TAIL));
                let _ = writer.is_deserted();
                Ok(())
            }
            _ => {
                wild.change();
                Ok(())
            }
        };
        if let Err(broken) = broken {
            judge(&broken.into(), tally);
            for _ in 0..2 {
                let _ = writer.offer(&body[..len.min(3 * CAPACITY)]);
                let _ = writer.flush();
                let _ = writer.arm(len.min(3 * CAPACITY));
            }
            wild.clear();
            (writer, len) = (new(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same scripts in each run.
    #[test]
    fn a_peer_that_does_anything_gets_errors() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        let mut all = Tally::default();
        while all.changes < 100_000 {
            let script: Vec<u8> = std::iter::repeat_with(&mut random).take(600).collect();
            let tally = play(&script);
            all.changes += tally.changes;
            all.messages += tally.messages;
            all.announcements += tally.announcements;
            all.too_large += tally.too_large;
            all.broken += tally.broken;
            all.cut_off += tally.cut_off;
        }
        assert!(all.messages > 10_000 && all.announcements > 1000, "{all:?}");
        assert!(all.broken > 1000 && all.too_large > 100 && all.cut_off > 10, "{all:?}");
    }
}
