//! Too many descriptors on their way.

use framewire::shm;
use futures::{FutureExt, SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    common::{role, within},
    next,
};

#[test]
fn one_that_finds_too_many_on_their_way_goes_later() {
    role::must_pass("has too many in flight");
}

pub(crate) fn has_too_many_in_flight() {
    if rustix::process::geteuid().is_root() {
        // Root has no such limit; a user whom nobody else is has one of its own.
        let nobody_else = 60_000 + std::process::id() % 5_000;
        let user = rustix::process::Uid::from_raw(nobody_else);
        rustix::thread::set_thread_res_uid(user, user, user).unwrap();
    }
    role::block_on(async {
        let mut pairs: Vec<_> = (0..3).map(|_| shm::pair().unwrap()).collect();
        let sealed: Vec<_> = (0..16_u8)
            .map(|n| {
                let mut draft = shm::Draft::new(3).unwrap();
                draft.fill(n);
                draft.seal().unwrap()
            })
            .collect();
        let usual = getrlimit(Resource::Nofile);
        let few = Rlimit { current: Some(20), maximum: usual.maximum };
        setrlimit(Resource::Nofile, few).unwrap();
        // Until one waits, which then is neither sent nor announced.
        let mut sent = [0; 3];
        for ((ours, _), sent) in pairs.iter_mut().zip(&mut sent) {
            for one in &sealed {
                ours.feed("in front".into()).await.unwrap();
                if ours.send_sealed(one).now_or_never().is_none() {
                    break;
                }
                *sent += 1;
            }
        }
        assert!(sent.iter().sum::<usize>() < 48, "there is no limit: {sent:?}");
        setrlimit(Resource::Nofile, usual).unwrap();
        for ((mut ours, mut theirs), sent) in pairs.into_iter().zip(sent) {
            let sending = async {
                for one in &sealed[sent..] {
                    // What others of our user have on their way counts as well.
                    within(ours.send_sealed(one)).await.unwrap();
                }
                ours.close().await.unwrap();
            };
            let receiving = async {
                let mut came = 0;
                while let Some(message) = within(theirs.next()).await {
                    let message = message.unwrap();
                    if message != "in front" {
                        assert_eq!(message, [came; 3][..]);
                        came += 1;
                    }
                }
                assert_eq!(came, 16);
            };
            tokio::join!(sending, receiving);
        }
        let (mut ours, mut theirs) = shm::pair().unwrap();
        ours.send("goes on".into()).await.unwrap();
        assert_eq!(next(&mut theirs).await, "goes on");
    });
}
