//! A log that one writes and any number read, none of whom the others can hinder.
//!
//! The writer's region, which nobody else can write to: control words, and a ring of records. Each
//! record has its place in the ring by its position, the count of all bytes before it, and its
//! number, the count of all records before it. One store of `TAIL` publishes it.
//!
//! A reader keeps its position to itself. It may be overtaken at any time, in the middle of a copy
//! as well: so the writer says in `TAIL_INTENT` how far it is about to write *before* it does, and
//! the reader looks there *after* it has copied. What was overwritten meanwhile is dropped, and the
//! reader goes on at the newest record (`LATEST`), which has the whole ring before it.
//!
//! | word | means | its partners |
//! |---|---|---|
//! | `TAIL_INTENT` | what is about to be written ends here | release, then a release fence, then the bytes; the bytes, then an acquire fence, then acquire |
//! | `TAIL` | what is published ends here | release, acquire |
//! | `LATEST` | the newest record, stored behind `TAIL`: it is always published | release, acquire |
//! | `STATE` | 1 once the writer has closed | release, acquire |
//! | `WANT_SPACE` | wake the writer when you pass this | the wake protocol |
//!
//! The reader's page, which only it can write to: `HEAD`, how far it is from where it began, for
//! writers that wait for it, and `WANT_DATA`, wake me when you write beyond this.
//!
//! The wake protocol is the same both ways: each side stores its own word, has a sequentially
//! consistent fence, and loads the other's. One of the two fences is first, and so one of the two
//! sees what the other has stored: whoever parks was either told of or finds it at its last look.

mod follower;
mod reader;
mod record;
mod writer;

pub(crate) use follower::Follower;
pub(crate) use reader::{Found, Reader};
pub(crate) use writer::{Begin, Writer};

use super::Word;

// Each is alone on two cache lines, which some processors fetch as one.
const TAIL_INTENT: Word = Word(128);
const TAIL: Word = Word(2 * 128);
const LATEST: Word = Word(3 * 128);
const STATE: Word = Word(4 * 128);
const WANT_SPACE: Word = Word(5 * 128);

const HEAD: Word = Word(128);
const WANT_DATA: Word = Word(2 * 128);

/// `STATE` of a writer that has closed in order.
const CLOSED: u64 = 1;

#[cfg(all(test, framewire_loom))]
mod loom;
#[cfg(all(test, not(framewire_loom)))]
mod tests;
