//! A sender's log, and all who read it.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use super::{
    Slow,
    introduction::{KNOCK, TOO_SLOW, Welcome},
};
use crate::{
    Result,
    shared::{
        Region,
        broadcast::{Begin, Follower, Writer},
    },
    sys,
};

/// What the sender and its task share. Neither holds the lock longer than it takes to write a
/// message, or to ring for everybody.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<Audience>>);

impl Shared {
    pub(super) fn new(audience: Audience) -> Self {
        Self(Arc::new(Mutex::new(audience)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Audience> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Audience {
    log: Writer<Region>,
    /// The log's memory, to be handed to whoever comes.
    pub(super) file: OwnedFd,
    capacity: u64,
    slow: Slow,
    members: Vec<Member>,
    /// The sender, where it waits for the slowest.
    waits: Option<Waker>,
    /// The position that it asked to be woken at last.
    wanted: u64,
    /// Nobody looks after the receivers any more: the runtime is gone.
    pub(super) is_over: bool,
}

/// A receiver.
#[derive(Debug)]
struct Member {
    number: u64,
    follower: Follower<Region>,
    socket: Arc<OwnedFd>,
    /// `None` for one of another user: it is knocked for over the socket.
    bell: Option<sys::Ringer>,
}

impl Member {
    fn wake(&self) {
        let woken = match &self.bell {
            Some(bell) => bell.ring(),
            // Where there is no room, it has knocks enough.
            None => sys::send(self.socket.as_fd(), &[KNOCK]).map(drop),
        };
        if let Err(error) = woken {
            tracing::trace!(%error, "a receiver could not be woken");
        }
    }

    /// Ends it. The task finds its socket closed, and lets go of that as well.
    fn dismiss(&self, why: Option<&[u8]>) {
        if let Some(why) = why {
            let _ = sys::send(self.socket.as_fd(), why);
        }
        let _ = sys::shutdown_write(self.socket.as_fd());
        let _ = sys::shutdown_read(self.socket.as_fd());
    }
}

impl Audience {
    pub(super) fn new(capacity: usize, slow: Slow) -> Result<Self> {
        let (region, file) = Region::create(capacity)?;
        Ok(Self {
            log: Writer::new(region),
            file,
            capacity: capacity as u64,
            slow,
            members: Vec::new(),
            waits: None,
            wanted: 0,
            is_over: false,
        })
    }

    pub(super) fn max_len(&self) -> usize {
        self.log.max_len()
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// What the next receiver is to be told, if it comes now.
    pub(super) fn welcome(&self, begin: Begin) -> Welcome {
        Welcome { slow: self.slow, capacity: self.capacity, begin: self.log.begin(begin) }
    }

    /// Takes in a receiver that was told this.
    pub(super) fn join(
        &mut self,
        number: u64,
        page: Region,
        welcome: Welcome,
        socket: Arc<OwnedFd>,
        bell: Option<sys::Ringer>,
    ) {
        let follower = self.log.follower(page, welcome.begin.0);
        self.members.push(Member { number, follower, socket, bell });
    }

    /// Lets go of a receiver that is gone.
    pub(super) fn leave(&mut self, number: u64) {
        self.members.retain(|member| member.number != number);
        self.go_on();
    }

    /// Has the sender look again, where it waits.
    pub(super) fn go_on(&mut self) {
        self.waits.take().into_iter().for_each(Waker::wake);
    }

    /// The position that each receiver is to knock at, once, when it passes it.
    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Whether a receiver ever has a reason to knock.
    pub(super) fn takes_knocks(&self) -> bool {
        self.slow == Slow::Wait
    }

    /// Writes a message, unless it has to wait for the slowest.
    pub(super) fn offer(&mut self, message: &[u8]) -> bool {
        let floor = self.log.floor(message.len());
        let has_room = match self.slow {
            Slow::Overwrite => true,
            Slow::Wait => self.all_are_at(floor, false),
            Slow::Disconnect => self.all_are_at(floor, true),
        };
        if has_room {
            self.log.write(message);
        }
        has_room
    }

    /// As [`offer`](Self::offer), and has the task woken when there may be room.
    pub(super) fn offer_or_wait(&mut self, message: &[u8], cx: &Context<'_>) -> bool {
        if self.offer(message) {
            return true;
        }
        // Before anybody is waited for, everybody is told what there is.
        self.tell();
        // An eighth of the ring more than is needed, so that it is worth while; less would wake us
        // for each message.
        let floor = self.log.floor(message.len());
        let worth = floor.saturating_add(self.capacity / 8).min(self.log.tail());
        self.waits = Some(cx.waker().clone());
        self.wanted = worth;
        self.log.want_space(worth);
        self.offer(message)
    }

    /// Whether every receiver has come this far. Who says nonsense is dismissed, and so are those
    /// who have not, where that is asked for.
    fn all_are_at(&mut self, floor: u64, or_dismissed: bool) -> bool {
        let tail = self.log.tail();
        let mut all = true;
        self.members.retain_mut(|member| match member.follower.is_at(floor, tail) {
            Ok(true) => true,
            Ok(false) if or_dismissed => {
                tracing::warn!("let go of a receiver that was too slow");
                member.dismiss(Some(&TOO_SLOW));
                false
            }
            Ok(false) => {
                all = false;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "let go of a receiver");
                member.dismiss(None);
                false
            }
        });
        all
    }

    /// Wakes those who wait for what was written.
    pub(super) fn tell(&mut self) {
        let Some(told) = self.log.tell() else { return };
        self.members.iter().filter(|member| member.follower.waits_in(told)).for_each(Member::wake);
    }

    /// Nothing comes any more.
    pub(super) fn close(&mut self) {
        self.log.close();
        self.members.iter().for_each(Member::wake);
    }
}
