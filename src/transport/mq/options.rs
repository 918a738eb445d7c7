//! What can be chosen about queues.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use super::{
    Inlet, Outlet, Ready, Receiver, Sender, Unlink, WaitBy,
    calls::{Giving, Slot, Taking},
    name::Name,
    opening::{self, Opened},
    queue::Queue,
};
use crate::{
    Error, Result,
    message::Messages,
    runtime,
    sys::{self, QueueAccess},
    transport::inbox::Inbox,
    wait::{Direction, Fd, Helped, Strategy},
};

/// The threads' names, of which Linux shows 15 bytes.
const THREADS: [&str; 2] = ["framewire-mq-rx", "framewire-mq-tx"];

/// Options of receivers, senders, listeners and connections.
///
/// # Examples
///
/// ```
/// use framewire::mq;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-options-{}", std::process::id());
/// let options = mq::Options::new().capacity(8).max_len(1024);
/// let receiver = options.receiver(name).await?;
/// let sender = options.sender(name).await?;
/// # mq::remove(name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) capacity: Option<usize>,
    pub(super) max_len: Option<usize>,
    pub(super) mode: u32,
    pub(super) create: bool,
    pub(super) unlink: Unlink,
    pub(super) strategy: Strategy,
    pub(super) wait_by: WaitBy,
    pub(super) packed: bool,
    pub(super) spill: Option<usize>,
    pub(super) deadline: Duration,
    pub(super) wait_for_listener: bool,
    owners: Option<Vec<u32>>,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            capacity: None,
            max_len: None,
            mode: 0o600,
            create: true,
            unlink: Unlink::default(),
            strategy: Strategy::default(),
            wait_by: WaitBy::default(),
            packed: false,
            spill: None,
            deadline: Duration::from_secs(5),
            wait_for_listener: false,
            owners: None,
        }
    }

    /// How many messages the queue holds: what the one that is there does, or the system's default
    /// (`/proc/sys/fs/mqueue/msg_default`, 10) for one that is made.
    ///
    /// Where it is set, a queue that is there has to have it: its sizes never change. The system's
    /// limit is `/proc/sys/fs/mqueue/msg_max`, 10 unless somebody has raised it.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, mq};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-sizes-{}", std::process::id());
    /// let left = mq::Options::new().capacity(4).max_len(64).sender(name).await?;
    /// let options = mq::Options::new().capacity(8).max_len(64);
    /// let other = options.receiver(name).await.unwrap_err();
    /// assert_eq!(other.kind(), ErrorKind::Malformed);
    /// assert!(other.to_string().contains("holds 4 messages of 64 bytes, asked for were 8 of 64"));
    ///
    /// mq::remove(name)?;
    /// assert_eq!(options.receiver(name).await?.get_ref().capacity(), 8);
    /// # mq::remove(name)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn capacity(mut self, messages: usize) -> Self {
        self.capacity = Some(messages);
        self
    }

    /// The largest message, in bytes: that of the queue that is there, or the system's default
    /// (`/proc/sys/fs/mqueue/msgsize_default`, 8,192) for one that is made.
    ///
    /// Where it is set, a queue that is there has to have it. The system's limit is
    /// `/proc/sys/fs/mqueue/msgsize_max`, 8,192 unless somebody has raised it.
    ///
    /// # Examples
    ///
    /// See [`capacity`](Self::capacity).
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = Some(max_len);
        self
    }

    /// The mode of a queue that is made, and the most that one that is there may allow: 0600. It
    /// holds whatever the umask.
    ///
    /// Who may read a queue can take its messages: give nobody else more than to write (0620).
    ///
    /// # Examples
    ///
    /// ```
    /// let the_group_may_send = framewire::mq::Options::new().mode(0o620);
    /// ```
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The users whose queue is used: our own and root.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::mq::Options::new().owners([0, 1000]);
    /// ```
    pub fn owners(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.owners = Some(uids.into_iter().collect());
        self
    }

    pub(super) fn owners_or_usual(&self) -> Vec<u32> {
        self.owners.clone().unwrap_or_else(|| vec![sys::our_uid(), 0])
    }

    /// Whether a queue is made where there is none: yes, by both ends, so that either can be the
    /// first.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, mq};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let options = mq::Options::new().create(false);
    /// let error = options.sender("/framewire-doc-nobody-has-made-it").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// # }
    /// ```
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// When this end removes the name: [`Unlink::Never`].
    ///
    /// # Examples
    ///
    /// See [`Unlink`].
    pub fn unlink(mut self, unlink: Unlink) -> Self {
        self.unlink = unlink;
        self
    }

    /// How both ends wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{mq, wait::Strategy};
    ///
    /// let options = mq::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// What wakes an end that waits: [`WaitBy::Descriptor`].
    ///
    /// # Examples
    ///
    /// See [`WaitBy`].
    pub fn wait_by(mut self, wait_by: WaitBy) -> Self {
        self.wait_by = wait_by;
        self
    }

    /// Opens a queue to receive from. No sender is waited for.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): the queue that is there has other sizes than
    /// were asked for. [`Denied`](crate::ErrorKind::Denied): it is not among the
    /// [owners](Self::owners)', is open to more than [`mode`](Self::mode), or its mode keeps us
    /// out. [`NotFound`](crate::ErrorKind::NotFound): there is none, and none is to be
    /// [made](Self::create). [`Unsupported`](crate::ErrorKind::Unsupported): the system has no
    /// queues of such sizes. [`Exhausted`](crate::ErrorKind::Exhausted): there are as many queues,
    /// or bytes in queues, as there may be. The last two name the limit, its value and what raises
    /// it. [`Address`](crate::ErrorKind::Address): the name is not a slash and 1 to 255 bytes
    /// without another. And when there is no Tokio runtime here.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn receiver(&self, name: impl AsRef<str>) -> Result<Receiver> {
        let name = Name::new(name.as_ref())?;
        let receiver = self.open_to_receive(&name).and_then(|(mut inlet, ready)| {
            if let Some(unpacker) = self.unpacker(inlet.as_fd(), &name.text())? {
                inlet.unpack(unpacker);
            }
            Ok(Messages::new(inlet, ready).on(Arc::clone(name.endpoint())))
        });
        receiver.map_err(|error| failed(error, "receive from", &name))
    }

    /// Opens a queue to send to. No receiver is waited for: what is sent waits in the queue for one
    /// to come, as far as there is room.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`receiver`](Self::receiver).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn sender(&self, name: impl AsRef<str>) -> Result<Sender> {
        let name = Name::new(name.as_ref())?;
        let sender = self.open_to_send(&name).and_then(|(mut outlet, ready)| {
            if let Some(packer) = self.packer(outlet.as_fd(), &name.text())? {
                outlet.pack(packer);
            }
            Ok(Messages::new(outlet, ready).on(Arc::clone(name.endpoint())))
        });
        sender.map_err(|error| failed(error, "send to", &name))
    }

    pub(super) fn open_to_receive(&self, name: &Name) -> Result<(Inlet, Ready)> {
        runtime::here()?;
        let blocking = self.wait_by == WaitBy::Blocking;
        // What the thread has taken for nobody it gives back.
        let access = QueueAccess { receive: true, send: blocking, waits: false };
        let mut opened = opening::open(self, name, access, blocking)?;
        let Some(blocking) = opened.blocking.take() else {
            let (queue, fd) = self.watched(opened, name)?;
            return Ok((Inlet::new(queue, None), Ready::of_descriptor(Direction::Receive, fd)));
        };
        let taken = Slot::new();
        let call = Taking {
            queue: Arc::new(blocking),
            inbox: Inbox::new(opened.sizes.max_len),
            taken: Arc::clone(&taken),
        };
        let ready = Ready::taking(Helped::new(THREADS[0], call, self.strategy));
        let (fd, queue) = self.queue(opened, name);
        Ok((Inlet::new(queue(Arc::new(fd)), Some(taken)), ready))
    }

    pub(super) fn open_to_send(&self, name: &Name) -> Result<(Outlet, Ready)> {
        runtime::here()?;
        let blocking = self.wait_by == WaitBy::Blocking;
        let access = QueueAccess { receive: false, send: true, waits: false };
        let mut opened = opening::open(self, name, access, blocking)?;
        let Some(blocking) = opened.blocking.take() else {
            let (queue, fd) = self.watched(opened, name)?;
            return Ok((Outlet::new(queue, None), Ready::of_descriptor(Direction::Send, fd)));
        };
        let errand = Slot::new();
        let call = Giving { queue: Arc::new(blocking), errand: Arc::clone(&errand) };
        let ready = Ready::giving(Helped::new(THREADS[1], call, self.strategy));
        let (fd, queue) = self.queue(opened, name);
        Ok((Outlet::new(queue(Arc::new(fd)), Some(errand)), ready))
    }

    /// A queue that is watched by its descriptor.
    fn watched(&self, opened: Opened, name: &Name) -> Result<(Queue, Fd)> {
        let (fd, queue) = self.queue(opened, name);
        let fd = Fd::new(fd)?.strategy(self.strategy).shedding();
        Ok((queue(fd.share()), fd))
    }

    /// The descriptor, and what makes a queue of it.
    fn queue(&self, opened: Opened, name: &Name) -> (OwnedFd, impl FnOnce(Arc<OwnedFd>) -> Queue) {
        let Opened { fd, blocking: _, access, sizes, identity } = opened;
        let (name, unlink) = (name.clone(), self.unlink);
        (fd, move |fd| Queue { fd, name, sizes, access, identity, unlink })
    }
}

pub(super) fn failed(error: Error, doing: &'static str, name: &Name) -> Error {
    error.doing(doing).on(Arc::clone(name.endpoint()))
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
