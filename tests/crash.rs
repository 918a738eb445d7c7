//! Kill loops: whatever instant a process is killed at, what it was told is sent arrives, whole, in
//! order and once, and who comes after it is not in its way.
//!
//! `FRAMEWIRE_KILLS` is the number of victims a mechanism, 40 by itself; `CRASH_SEED` repeats a run
//! with the seed that it printed.
#![cfg(unix)]

#[cfg(test)]
mod support;

#[cfg(test)]
mod crash {
    mod fifo;
    #[cfg(target_os = "linux")]
    mod lease;
    #[cfg(target_os = "linux")]
    mod named;
    mod script;
    mod server;
    #[cfg(target_os = "linux")]
    mod shm;
    mod supervisor;
    mod tally;
    mod victim;

    use std::env;

    use supervisor::{Over, run};
    use tally::Tally;
    use victim::Bug;

    use crate::support::{announce, random};

    /// How many victims a mechanism has.
    fn kills() -> u64 {
        env::var("FRAMEWIRE_KILLS").map_or(40, |kills| kills.parse().expect("a number"))
    }

    async fn loop_over(over: &mut Over, cycles: u64, bug: Bug) -> Tally {
        let seed = random::seed();
        announce(&format!("{}, bug: {bug:?}: CRASH_SEED={seed}", over.scheme()));
        let tally = run(over, cycles, seed, bug).await;
        announce(&format!("{}, bug: {bug:?}: {tally}", over.scheme()));
        assert!(2 * tally.in_mid_stream >= tally.cycles, "kills that hit nothing: {tally}");
        tally
    }

    async fn loses_nothing(mut over: Over) {
        let tally = loop_over(&mut over, kills(), Bug::None).await;
        assert!(tally.is_sound(), "{tally}");
    }

    /// The loop that finds no fault finds one where there is one, and finds it by what is lost.
    async fn catches_the_hasty(mut over: Over) {
        // Over TCP, whose buffers are large, a kill may hit where the bug is only now and then.
        for _ in 0..25 {
            let tally = loop_over(&mut over, 40, Bug::Hasty).await;
            assert_eq!((tally.duplicated, tally.reordered, tally.torn), (0, 0, 0), "{tally}");
            if tally.lost > 0 {
                return;
            }
        }
        panic!("acknowledged before it was sent, and not caught");
    }

    #[tokio::test]
    async fn a_killed_writer_of_a_unix_socket_loses_nothing() {
        loses_nothing(Over::new("unix").await).await;
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_killed_writer_of_a_socket_that_keeps_boundaries_loses_nothing() {
        loses_nothing(Over::new("seqpacket").await).await;
    }

    #[tokio::test]
    async fn a_killed_sender_of_datagrams_loses_nothing() {
        loses_nothing(Over::new("datagram").await).await;
    }

    #[tokio::test]
    async fn a_killed_writer_of_a_pipe_loses_nothing() {
        loses_nothing(Over::Pipe).await;
    }

    #[tokio::test]
    async fn a_killed_writer_over_tcp_loses_nothing() {
        loses_nothing(Over::new("tcp").await).await;
    }

    #[tokio::test]
    async fn a_hasty_writer_of_a_unix_socket_is_caught() {
        catches_the_hasty(Over::new("unix").await).await;
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_hasty_writer_of_a_socket_that_keeps_boundaries_is_caught() {
        catches_the_hasty(Over::new("seqpacket").await).await;
    }

    #[tokio::test]
    async fn a_hasty_sender_of_datagrams_is_caught() {
        catches_the_hasty(Over::new("datagram").await).await;
    }

    #[tokio::test]
    async fn a_hasty_writer_of_a_pipe_is_caught() {
        catches_the_hasty(Over::Pipe).await;
    }

    #[tokio::test]
    async fn a_hasty_writer_over_tcp_is_caught() {
        catches_the_hasty(Over::new("tcp").await).await;
    }
}
