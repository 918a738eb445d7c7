//! A process that serves whoever comes, and says what came of them.

use std::{
    collections::BTreeMap,
    process::exit,
    time::{Duration, Instant},
};

use bytes::Bytes;
use framewire::{Error, ErrorKind, shm, unix};
use futures::{Sink, SinkExt, StreamExt};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::common::{
    Flavour,
    process::{answer, next_order},
    role,
};

/// Nothing of one connection takes this long.
pub(crate) const BOUND: Duration = Duration::from_secs(10);
pub(crate) const MAX_LEN: usize = 1 << 20;

/// What came of one connection.
struct Outcome {
    messages: u64,
    /// `None`: it ended in order.
    error: Option<ErrorKind>,
    took: Duration,
}

/// The part of the victim: on one thread, or with "two" in front of the path on two.
pub(crate) fn serves() {
    let word = role::word();
    let (flavour, path) = match word.strip_prefix("two ") {
        Some(path) => (Flavour::TwoWorkers, path),
        None => (Flavour::CurrentThread, &*word),
    };
    let path = path.to_owned();
    // A panic in a task is one too many, whoever looks at it.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        exit(3);
    }));
    flavour.run(async move {
        let options = shm::Options::new().capacity(64 << 10).max_len(MAX_LEN);
        let options = options.mode(0o666).allow(unix::Allow::anyone());
        let mut listener = options.listen(&*path).await.unwrap();
        let (give, mut orders) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            while let Some(order) = next_order() {
                let _ = give.send(order);
            }
        });
        answer("listening");
        let (mut tasks, mut tally) = (JoinSet::new(), Tally::default());
        loop {
            tokio::select! {
                connection = listener.next() => {
                    let connection = connection.expect("a listener never ends").unwrap();
                    tasks.spawn(serve(connection));
                }
                Some(outcome) = tasks.join_next() => tally.add(outcome.unwrap()),
                order = orders.recv() => {
                    // How many are left that go on.
                    let Some(order) = order else { return };
                    let (left, begun) = (order.parse::<usize>().unwrap(), Instant::now());
                    while tasks.len() > left {
                        let rest = BOUND.saturating_sub(begun.elapsed());
                        match timeout(rest, tasks.join_next()).await {
                            Ok(outcome) => tally.add(outcome.expect("one").unwrap()),
                            Err(_) => break,
                        }
                    }
                    answer(&format!("{} left; {}", tasks.len(), tally.tell()));
                }
            }
        }
    });
}

/// Sends back what comes, as long as it can be sent.
async fn serve(connection: shm::Connection) -> Outcome {
    let begun = Instant::now();
    let (mut sink, mut stream) = connection.split();
    let (give, mut take) = mpsc::channel::<Bytes>(4);
    let sending = async move {
        while let Some(body) = take.recv().await {
            if sink.send(body).await.is_err() {
                break;
            }
        }
        sink
    };
    let receiving = async {
        let mut messages = 0;
        let mut give = Some(give);
        let error = loop {
            match stream.next().await {
                Some(Ok(body)) => {
                    assert!(body.len() <= MAX_LEN);
                    messages += 1;
                    // Where it cannot be sent any more, the rest is read.
                    give = match give {
                        Some(give) => give.send(body).await.is_ok().then_some(give),
                        None => None,
                    };
                }
                Some(Err(error)) => break Some(error.kind()),
                None => break None,
            }
        };
        for _ in 0..3 {
            assert!(stream.next().await.is_none(), "there is nothing behind the end");
        }
        (messages, error)
    };
    let (mut sink, (messages, error)) = tokio::join!(sending, receiving);
    let rest = timeout(BOUND, goes(&mut sink, error.is_some())).await;
    rest.expect("who sends to one that is gone is told so");
    Outcome { messages, error, took: begun.elapsed() }
}

/// After an end in order it closes as well; after an error nothing can be sent.
async fn goes<S: Sink<Bytes, Error = Error> + Unpin>(sink: &mut S, broken: bool) {
    if broken {
        sink.send(Bytes::from_static(b"late")).await.expect_err("it was sent to nobody");
    }
    let _ = sink.close().await;
}

#[derive(Default)]
struct Tally {
    connections: u64,
    messages: u64,
    ended: BTreeMap<String, u64>,
    longest: Duration,
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        self.connections += 1;
        self.messages += outcome.messages;
        *self.ended.entry(format!("{:?}", outcome.error)).or_default() += 1;
        self.longest = self.longest.max(outcome.took);
    }

    fn tell(&self) -> String {
        let Self { connections, messages, ended, longest } = self;
        format!("{connections} connections, {messages} messages, {ended:?}, longest {longest:?}")
    }
}
