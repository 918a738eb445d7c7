//! Notice, and addresses.

use std::time::Duration;

use framewire::{
    Endpoint, ErrorKind,
    signal::{self, AtLeastOne, Value},
};
use futures::{SinkExt, StreamExt};

use super::common::{role, within};

const NOTHING: Duration = Duration::from_millis(100);

/// A thousand while nobody looks are one item, or a few, and then there is none.
pub(crate) fn hears() {
    role::block_on(async {
        let mut receiver = signal::receiver("USR1").await.unwrap();
        let mut other = signal::receiver("USR1").await.unwrap();
        let mut sender = signal::sender(format!("USR1@{}", std::process::id())).await.unwrap();
        for _ in 0..1000 {
            sender.feed(Value::Plain).await.unwrap();
        }
        sender.flush().await.unwrap();
        for receiver in [&mut receiver, &mut other] {
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), AtLeastOne);
            let mut items = 1;
            while tokio::time::timeout(NOTHING, receiver.next()).await.is_ok() {
                items += 1;
            }
            assert!(items < 1000, "{items}");
        }
    });
}

#[test]
fn notice_is_at_least_one() {
    role::must_pass("hears");
}

pub(crate) fn is_addressed() {
    role::block_on(async {
        let pid = std::process::id();
        let ends = async |name: &str| {
            let receiver: Endpoint = format!("signal://{name}").parse().unwrap();
            let sender: Endpoint = format!("signal://{name}@{pid}").parse().unwrap();
            (receiver.receiver().await.unwrap(), sender.sender().await.unwrap())
        };
        let (mut receiver, mut sender) = ends("RTMIN+3").await;
        for body in ["job1", "job2"] {
            sender.send(body.into()).await.unwrap();
        }
        sender.send("".into()).await.unwrap();
        for body in ["job1", "job2", "\0\0\0\0"] {
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), body);
        }
        let (mut receiver, mut sender) = ends("USR2").await;
        sender.send("".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "");

        let endpoint: Endpoint = "signal://USR1".parse().unwrap();
        let error = endpoint.sender().await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Address);
        assert!(error.to_string().contains("write USR1@PID"), "{error}");
        let error = endpoint.connect().await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let endpoint: Endpoint = format!("signal://USR1@{pid}").parse().unwrap();
        assert_eq!(endpoint.receiver().await.err().unwrap().kind(), ErrorKind::Address);
    });
}
