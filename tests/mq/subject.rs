//! Queues as the suite sees them, and their names.

use std::{
    ops::Deref,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use framewire::{
    Endpoint, Profile, Result,
    mq::{self, Unlink, WaitBy},
};
use tokio::process::{Child, Command};

use super::common::{
    Bare, End, Subject,
    role::{ENDPOINT, ONE_WAY},
};

/// Both ways of waiting, which have to behave alike.
pub(crate) const BOTH: [WaitBy; 2] = [WaitBy::Descriptor, WaitBy::Blocking];

/// A queue that takes few of the bytes that all queues of a user may take.
pub(crate) fn small() -> mq::Options {
    mq::Options::new().capacity(4).max_len(64)
}

/// A name that nobody else has, which is removed with this.
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the numbers have to differ, and order nothing.
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        Self(format!("/framewire-test-mq-{}-{n}", std::process::id()))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = mq::remove(&self.0);
    }
}

/// A queue for each channel, whose name goes with its receiver.
pub(crate) struct Queues {
    wait_by: WaitBy,
    names: Mutex<Vec<Name>>,
}

impl Queues {
    pub(crate) fn new(wait_by: WaitBy) -> Self {
        Self { wait_by, names: Mutex::default() }
    }

    fn name(&self) -> String {
        let name = Name::new();
        let copy = name.to_owned();
        self.names.lock().unwrap().push(name);
        copy
    }

    fn options(&self) -> mq::Options {
        mq::Options::new().wait_by(self.wait_by)
    }
}

#[async_trait]
impl Subject for Queues {
    fn profile(&self) -> &'static Profile {
        Profile::of("mq").unwrap()
    }

    async fn open_with(&self, _: usize, far: usize) -> Result<(End, End)> {
        let name = self.name();
        let options = self.options().max_len(far);
        let receiver = options.clone().unlink(Unlink::OnDrop).receiver(&name).await?;
        let sender = options.create(false).sender(&name).await?;
        let receiver = End::Apart { sender: None, receiver: Some(Box::pin(receiver)) };
        Ok((End::Apart { sender: Some(Box::pin(sender)), receiver: None }, receiver))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("queues have no bytes but those of messages")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.name();
        // What the process sends is as large as a message is by default.
        let receiver = self.options().unlink(Unlink::OnDrop).receiver(&name).await?;
        command.env(ENDPOINT, Endpoint::Mq(name).to_string()).env(ONE_WAY, "1");
        let child = command.spawn()?;
        Ok((child, End::Apart { sender: None, receiver: Some(Box::pin(receiver)) }))
    }

    fn left(&self) -> Vec<String> {
        let names = self.names.lock().unwrap();
        let left = names.iter().filter(|name| mq::remove(&name.0).unwrap());
        left.map(|name| name.0.clone()).collect()
    }

    fn both_ways(&self) -> bool {
        false
    }

    fn fit(&self) -> u64 {
        10
    }

    fn max_len(&self) -> usize {
        // A quarter of what is usual: four suites run at a time.
        2048
    }
}
