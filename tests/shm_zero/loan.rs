//! Messages that are written in place.

use bytes::Bytes;
use framewire::{ErrorKind, shm};
use futures::{FutureExt, SinkExt, StreamExt};

use super::{
    common::{body, role, same, within},
    met, next, starter,
};

/// The longest record of a ring of the usual size.
const MOST: usize = (128 << 10) - 8;

fn sizes() -> impl Iterator<Item = usize> {
    let few = [0, 1, 7, 8, 9, 4095, 4096, 4097, 100_000, MOST - 1, MOST];
    (0..300).map(move |n| few[n % few.len()])
}

/// A loan of this body.
async fn loaned(ours: &mut shm::Connection, body: &[u8]) {
    let mut loan = within(ours.loan(body.len())).await.unwrap();
    assert_eq!(loan.len(), body.len());
    loan.copy_from_slice(body);
    same(&loan, body);
    loan.commit();
}

#[tokio::test]
async fn another_process_reads_what_was_written() {
    let (mut process, mut theirs, _names) = met("loans", &shm::Options::new()).await;
    for (n, len) in sizes().enumerate() {
        same(&next(&mut theirs).await, &body(n as u64, len));
    }
    assert!(within(theirs.next()).await.is_none());
    assert!(process.wait().success());
}

pub(crate) fn sends_loans() {
    role::block_on(async {
        let mut ours = starter(&shm::Options::new()).await;
        for (n, len) in sizes().enumerate() {
            loaned(&mut ours, &body(n as u64, len)).await;
        }
        ours.close().await.unwrap();
    });
}

#[tokio::test]
async fn loans_and_messages_keep_their_order() {
    for seed in 0..20 {
        mixed(seed).await;
    }
}

/// Loans that are kept, shortened or dropped, messages that are fed and sent, of all sizes.
pub(crate) async fn mixed(seed: u64) {
    const COUNT: u64 = 400;
    let (mut ours, mut theirs) = shm::Options::new().capacity(64 << 10).pair().unwrap();
    let most = (32 << 10) - 8;
    let len = |n: u64| {
        let some = n.wrapping_mul(seed * 2 + 7_919).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        if n % 3 == 0 { some as usize % (most - 200) } else { some as usize % 200 }
    };
    let sending = async {
        for n in 0..COUNT {
            let whole = body(n, len(n));
            match (n + seed) % 7 {
                0 => ours.send(whole).await.unwrap(),
                1 | 2 => ours.feed(whole).await.unwrap(),
                3 => {
                    let mut dropped = within(ours.loan(most)).await.unwrap();
                    dropped.fill(0xff);
                    drop(dropped);
                    loaned(&mut ours, &whole).await;
                }
                4 => {
                    let mut loan = within(ours.loan(whole.len() + 200)).await.unwrap();
                    loan.fill(0xee);
                    loan[..whole.len()].copy_from_slice(&whole);
                    loan.truncate(whole.len());
                    loan.truncate(most);
                    loan.commit();
                }
                5 => {
                    let _ = within(ours.loan(most)).await.unwrap();
                    loaned(&mut ours, &whole).await;
                    ours.flush().await.unwrap();
                }
                _ => loaned(&mut ours, &whole).await,
            }
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        for n in 0..COUNT {
            same(&next(&mut theirs).await, &body(n, len(n)));
        }
        assert!(within(theirs.next()).await.is_none());
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn an_empty_one_is_a_message() {
    let (mut ours, mut theirs) = shm::pair().unwrap();
    let mut loan = ours.loan(0).await.unwrap();
    assert!(loan.is_empty() && loan.iter_mut().next().is_none());
    loan.commit();
    ours.send("behind".into()).await.unwrap();
    assert_eq!(next(&mut theirs).await, Bytes::new());
    assert_eq!(next(&mut theirs).await, "behind");
}

#[tokio::test]
async fn what_is_not_flushed_is_not_seen() {
    let (mut ours, mut theirs) = shm::pair().unwrap();
    loaned(&mut ours, b"hello").await;
    assert!(theirs.next().now_or_never().is_none());
    ours.flush().await.unwrap();
    assert_eq!(next(&mut theirs).await, "hello");

    // Lost with its sender, who is told of as one who went too early.
    loaned(&mut ours, b"hello").await;
    drop(ours);
    let error = within(theirs.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn one_that_is_too_large_says_which_limit_it_is() {
    let (mut ours, mut theirs) = shm::pair().unwrap();
    let record = ("131064, that of one record", "`capacity`");
    let any = ("limit 8388608 (", "`max_len`");
    let sizes = [(MOST + 1, record), (8 << 20, record), ((8 << 20) + 1, any)];
    let wide = [1 << 32, (1 << 32) + 8, usize::MAX - 7, usize::MAX].map(|len| (len, any));
    for (len, (limit, remedy)) in sizes.into_iter().chain(wide) {
        let error = ours.loan(len).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains(limit), "{error}");
        assert!(error.to_string().contains(remedy), "what to do: {error}");
        assert_eq!(ours.try_loan(len).unwrap_err().kind(), ErrorKind::TooLarge);
    }
    loaned(&mut ours, &body(1, MOST)).await;
    ours.flush().await.unwrap();
    same(&next(&mut theirs).await, &body(1, MOST));

    let names = super::SocketNames::paths();
    let name = names.next();
    let mut listener = shm::Options::new().max_len(5).listen(name.clone()).await.unwrap();
    let (ours, theirs) = tokio::join!(shm::connect(name), listener.next());
    let (mut ours, mut theirs) = (ours.unwrap(), theirs.unwrap().unwrap());
    let error = ours.loan(6).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("6 bytes, limit 5 ("), "{error}");
    assert!(error.endpoint().is_some());
    loaned(&mut ours, b"12345").await;
    ours.flush().await.unwrap();
    assert_eq!(next(&mut theirs).await, "12345");
}

#[tokio::test]
async fn there_are_none_where_nobody_reads() {
    // Dropped, and closed here.
    let (mut ours, theirs) = shm::pair().unwrap();
    drop(theirs);
    let filled = async {
        loop {
            match ours.loan(MOST).await {
                Ok(loan) => loan.commit(),
                Err(error) => return error,
            }
        }
    };
    assert_eq!(within(filled).await.kind(), ErrorKind::Closed);
    // Gone within a message in parts, which is never ended: nor is anything written behind it.
    let (mut ours, theirs) = shm::pair().unwrap();
    ours.feed(body(1, 1 << 20)).now_or_never().unwrap().unwrap();
    drop(theirs);
    within(ours.flush()).await.unwrap_err();
    assert_eq!(ours.loan(1).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(ours.try_loan(1).unwrap_err().kind(), ErrorKind::Closed);

    let (mut ours, _theirs) = shm::pair().unwrap();
    ours.close().await.unwrap();
    assert_eq!(ours.loan(1).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(ours.try_loan(1).unwrap_err().kind(), ErrorKind::Closed);
}
