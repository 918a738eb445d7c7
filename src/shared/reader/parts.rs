//! Messages of which each record holds a part.

use std::mem;

use bytes::{Buf, BytesMut};

use super::{
    super::{
        Memory,
        partial::{LEAST, Partial, cut_off},
        record::{HEADER, Kind},
    },
    Item, Next, Reader,
};
use crate::Error;

impl<M: Memory> Reader<M> {
    /// A record that is no message by itself: the message that it completes, if it does.
    pub(super) fn part(&mut self, next: Next) -> Result<Option<Item<BytesMut>>, Error> {
        let (Next::Copied(header) | Next::Large(header)) = next;
        let begins = header.kind != Kind::More;
        let lead = if begins { HEADER } else { 0 };
        if self.amid > 0 {
            return self.skip(next).map(|()| None);
        }
        if begins != self.partial.is_none() || u64::from(header.len) < lead {
            return Err(self.broken("a part of no message").into());
        }
        let copied = matches!(next, Next::Copied(_));
        if begins {
            let total = if copied { self.total_copied() } else { self.consumer.word(HEADER) };
            let total = u64::from_le(total);
            self.accepts(total)?;
            if header.kind == Kind::Sealed {
                if header.len != 8 {
                    return Err(self.broken("an announcement of another length").into());
                }
                self.forget(next);
                return Ok(Some(Item::Sealed(total)));
            }
            self.partial = Some(Partial::new(total as usize));
        }
        let len = header.len as usize - lead as usize;
        let Some(mut partial) = self.partial.take() else { return Ok(None) };
        if !partial.takes(len) {
            return Err(self.broken("parts that are not those of a message").into());
        }
        let body = partial.grow(len);
        if copied {
            let at = (HEADER + lead) as usize;
            body.extend_from_slice(&self.copied()[at..at + len]);
        } else {
            self.copy(header, lead, body);
        }
        self.forget(next);
        if partial.missing() > 0 {
            self.partial = Some(partial);
            return Ok(None);
        }
        Ok(Some(Item::Message(partial.into_body())))
    }

    /// Goes on behind a part of a message whose beginning was released, which is told once.
    #[cold]
    fn skip(&mut self, next: Next) -> Result<(), Error> {
        let (Next::Copied(header) | Next::Large(header)) = next;
        let len = header.len as usize;
        self.amid = self.amid.checked_sub(len).ok_or(self.broken("parts of no message"))?;
        if len < LEAST {
            // It was the last one.
            self.amid = 0;
        }
        self.forget(next);
        if mem::replace(&mut self.told, true) { Ok(()) } else { Err(cut_off()) }
    }

    /// The word behind the header of a record that was copied.
    fn total_copied(&self) -> u64 {
        let copied = self.copied();
        copied.get(8..16).map_or(u64::MAX, |mut total| total.get_u64_ne())
    }

    fn forget(&mut self, next: Next) {
        match next {
            Next::Copied(header) => self.pass(header),
            Next::Large(header) => self.consumer.advance(header.size()),
        }
    }
}
