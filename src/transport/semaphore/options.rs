//! What can be chosen about semaphores.

use super::{Receiver, Semaphore, Sender, Unlink, name::Name};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, SEM_VALUE_MAX},
    wait::Strategy,
};

/// Options of semaphores, and of their receivers and senders.
///
/// # Examples
///
/// At most three at a time, of a group of users:
///
/// ```
/// use framewire::semaphore;
///
/// # fn main() -> framewire::Result<()> {
/// # let name = format!("/framewire-doc-options-{}", std::process::id());
/// let gate = semaphore::Options::new().initial(3).mode(0o660).owners([0, 1000]).open(&name);
/// # semaphore::remove(&name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    making: Making,
    create: bool,
    mode: u32,
    owners: Option<Vec<u32>>,
    strategy: Strategy,
    unlink: Unlink,
}

/// What a semaphore is made with.
#[derive(Clone, Debug)]
pub(super) struct Making {
    pub(super) initial: u32,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            making: Making { initial: 0 },
            create: true,
            mode: 0o600,
            owners: None,
            strategy: Strategy::default(),
            unlink: Unlink::Never,
        }
    }

    /// How many permits a semaphore begins with: 0, so that there are none but those that somebody
    /// posts. One that is there already has as many as it has.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let name = format!("/framewire-doc-initial-{}", std::process::id());
    /// let gate = semaphore::Options::new().initial(3).open(&name)?;
    /// let same = semaphore::Options::new().initial(7).open(&name)?;
    /// # semaphore::remove(&name)?;
    /// assert_eq!(same.value()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn initial(mut self, permits: u32) -> Self {
        self.making.initial = permits;
        self
    }

    /// Whether a semaphore that is not there is made: yes.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, semaphore};
    ///
    /// let missing = semaphore::Options::new().create(false).open("/framewire-doc-missing");
    /// assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    /// ```
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// The permissions of a semaphore that is made, whatever the umask: 0600. One that is opened may
    /// not be open to more writers.
    ///
    /// Who may use a semaphore may write to its file: see [the module](super#sigbus).
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The users whose semaphores are opened: our own and root.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn owners(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.owners = Some(uids.into_iter().collect());
        self
    }

    /// How tasks wait: [`Strategy::Adaptive`]. It is the first of those in the line that tries.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{semaphore, wait::Strategy};
    ///
    /// let options = semaphore::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// When the name is removed: [`Unlink::Never`].
    ///
    /// # Examples
    ///
    /// See [`Unlink`].
    pub fn unlink(mut self, unlink: Unlink) -> Self {
        self.unlink = unlink;
        self
    }

    /// Opens the semaphore of this name, or makes it.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address): it is no name for sem_open(3), which is a slash and 1 to 251
    /// bytes without another. [`NotFound`](ErrorKind::NotFound): there is none, and it is not to be
    /// [made](Self::create). [`Denied`](ErrorKind::Denied): what has the name is no semaphore or a
    /// symbolic link, belongs to a user who is not among the [owners](Self::owners), or has a mode
    /// that lets more write to it than [`mode`](Self::mode), or not us.
    /// [`Exhausted`](ErrorKind::Exhausted): more than 2,147,483,647 permits are asked for, or a limit
    /// of the system is reached. [`Unsupported`](ErrorKind::Unsupported): there is no `/dev/shm`
    /// here.
    ///
    /// # Platform
    ///
    /// Linux. sem_open(3), sem_overview(7).
    pub fn open(&self, name: impl AsRef<str>) -> Result<Semaphore> {
        let name = Name::new(name.as_ref())?;
        let open = || {
            if self.making.initial > SEM_VALUE_MAX {
                let cause = format!("{} permits, limit {SEM_VALUE_MAX}", self.making.initial);
                return Err(Error::new(ErrorKind::Exhausted, cause).remedy("begin with fewer"));
            }
            let owners = self.owners.clone().unwrap_or_else(|| vec![sys::our_uid(), 0]);
            let making = self.create.then_some(&self.making);
            name.open(making, &owners, self.mode)
        };
        match open() {
            Ok((semaphore, identity)) => {
                Ok(Semaphore::new(semaphore, name, identity, self.unlink, self.strategy))
            }
            Err(error) => Err(error.doing("open").on(name.endpoint().clone())),
        }
    }

    /// Opens the semaphore of this name as a stream of permits.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn receiver(&self, name: impl AsRef<str>) -> Result<Receiver> {
        Ok(Receiver::new(self.open(name)?))
    }

    /// Opens the semaphore of this name as a sink of posts.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn sender(&self, name: impl AsRef<str>) -> Result<Sender> {
        Ok(Sender::new(self.open(name)?))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
