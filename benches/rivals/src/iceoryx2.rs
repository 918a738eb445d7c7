//! iceoryx2: a publish-subscribe service each way, the subscriber busy polling.
//!
//! A publisher drops samples while the subscriber at its other end has not connected, which it does
//! in its `receive`, as soon as its buffer is full; so each side hears from the other before anything
//! is measured. From then on nothing is dropped: a publisher waits where the buffer is full, and a
//! sample that reached nobody is an error.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use ::iceoryx2::port::publisher::Publisher;
use ::iceoryx2::port::subscriber::Subscriber;
use ::iceoryx2::prelude::*;
use ::iceoryx2::testing::remove_global_mgmt_segment;
use bytes::Bytes;
use futures::stream;

use crate::link::Link;
use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Flavour, Outcome, Trial};

/// Fruitless looks before the clock is asked whether the peer is there at all.
const PATIENCE: u32 = 1 << 20;
/// How long a peer may have nothing to say.
const SILENCE: Duration = Duration::from_secs(5);
/// Between two looks for the peer's first message.
const LOOK: Duration = Duration::from_millis(1);
/// Bytes of samples that a subscriber's buffer has room for, within so many samples.
const BUFFERED: usize = 256 << 10;
const SAMPLES: [usize; 2] = [4, 256];

type Service = ipc::Service;

/// What all names of a trial are in, so that nothing else on the machine takes part.
#[derive(Debug)]
struct Domain(Config);

impl Domain {
    fn new(trial: &Trial) -> Result<Self, Fault> {
        let mut config = Config::default();
        config.global.set_root_path(&Path::new(trial.address.as_bytes())?);
        // Shared memory has no directories: its names begin with the path.
        let prefix = trial.address.replace(|char: char| !char.is_ascii_alphanumeric(), "_");
        config.global.prefix = FileName::new(prefix.as_bytes())?;
        Ok(Self(config))
    }

    /// Removes the one name that iceoryx2 leaves behind, of what counts a domain's nodes.
    fn end(&self) -> Result<(), Fault> {
        // SAFETY: only the two processes of this trial know the domain, and each has made the only
        // node that it makes.
        unsafe { remove_global_mgmt_segment::<Service>(&self.0) }?;
        Ok(())
    }
}

/// One side: publishes on one service and has subscribed to the other.
#[derive(Debug)]
struct Ports {
    publisher: Publisher<Service, [u8], ()>,
    subscriber: Subscriber<Service, [u8], ()>,
    /// Last, as what came of it ends first.
    _node: Node<Service>,
}

// SAFETY: the ports count their references without atomics and so must stay on one thread. They do:
// `Ports::new` refuses any runtime but the one whose tasks all run on the thread that made them.
unsafe impl Send for Ports {}

impl Ports {
    fn new(trial: &Trial, domain: &Domain, outgoing: &str, incoming: &str) -> Result<Self, Fault> {
        if trial.flavour != Flavour::Current {
            return Err("the ports of iceoryx2's fastest service belong to one thread".into());
        }
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new()
            .config(&domain.0)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<Service>()?;
        let bytes = trial.bytes.max(8);
        let [least, most] = SAMPLES;
        let service = |name: &str| -> Result<_, Fault> {
            let builder = node.service_builder(&name.try_into()?).publish_subscribe::<[u8]>();
            Ok(builder
                .max_publishers(1)
                .max_subscribers(1)
                .max_nodes(2)
                .history_size(0)
                .enable_safe_overflow(false)
                .subscriber_max_buffer_size((BUFFERED / bytes).clamp(least, most))
                .subscriber_max_borrowed_samples(1)
                .open_or_create()?)
        };
        let publisher = service(outgoing)?
            .publisher_builder()
            .initial_max_slice_len(bytes)
            .max_loaned_samples(1)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        let subscriber = service(incoming)?.subscriber_builder().create()?;
        Ok(Self { publisher, subscriber, _node: node })
    }

    /// Waits until the peer has said the first thing.
    async fn meet(&self) -> Result<(), Fault> {
        let begun = Instant::now();
        while self.subscriber.receive()?.is_none() {
            if begun.elapsed() > SILENCE {
                return Err("the other process does not publish".into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    #[inline]
    fn publish(&self, message: &[u8]) -> Result<(), Fault> {
        let sample = self.publisher.loan_slice_uninit(message.len())?;
        arrived(sample.write_from_slice(message).send()?)
    }

    /// The next message, looked for until it is there.
    #[inline]
    fn poll<R>(&self, see: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, Fault> {
        let mut deadline = None;
        for look in 1_u32.. {
            if let Some(sample) = self.subscriber.receive()? {
                let message = sample.payload();
                return Ok((!message.is_empty()).then(|| see(message)));
            }
            if look % PATIENCE == 0 {
                let now = Instant::now();
                if now > *deadline.get_or_insert(now + SILENCE) {
                    break;
                }
            }
            std::hint::spin_loop();
        }
        Err("the other process publishes no more".into())
    }
}

fn arrived(subscribers: usize) -> Result<(), Fault> {
    match subscribers {
        1 => Ok(()),
        other => Err(format!("a sample was dropped: {other} subscribers received it").into()),
    }
}

impl Link for Ports {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        self.poll(see)
    }

    /// Never asked for: see `Way::Lent`.
    async fn echo(
        &mut self,
        _: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        Err("a sample is not sent back".into())
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        self.publish(&message)
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        self.publish(&message)
    }

    #[inline]
    async fn place(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut [u8]) + Send,
    ) -> Result<(), Fault> {
        let sample = self.publisher.loan_slice_uninit(len)?;
        // SAFETY: the memory came zeroed from the kernel, or holds an earlier sample; every byte of
        // it is a `u8` whichever it is.
        let mut sample = unsafe { sample.assume_init() };
        write(sample.payload_mut());
        arrived(sample.send()?)
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// An empty sample says so, and only so: subscribers are not told of a publisher's end.
    async fn close(&mut self) -> Result<(), Fault> {
        self.publish(&[])
    }
}

pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let ports = Ports::new(trial, &Domain::new(trial)?, "back", "there")?;
    announce(&trial.address)?;
    ports.meet().await?;
    ports.publish(&[1])?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(ports)])).await
}

pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let domain = Domain::new(trial)?;
    let ports = Ports::new(trial, &domain, "there", "back")?;
    domain.end()?;
    ports.publish(&[1])?;
    ports.meet().await?;
    load::drive(trial, vec![ports]).await
}
