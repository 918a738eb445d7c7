//! Many processes, one name.

use std::os::unix::net::UnixStream;

use super::{
    census, listen,
    peer::{Peer, Reports},
};

const RACERS: usize = 200;
const ROUNDS: usize = 20;

#[test]
fn one_of_200_racers_wins_and_a_killed_winner_is_succeeded_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let reports = Reports::new();
    let mut racers: Vec<_> =
        (0..RACERS).map(|name| Some(Peer::start(name, path, &reports))).collect();

    for round in 0..ROUNDS {
        let mut asked = 0;
        for racer in racers.iter_mut().flatten() {
            racer.order("listen");
            asked += 1;
        }
        let mut winner = None;
        for _ in 0..asked {
            match reports.next() {
                (name, said) if said == "won" => {
                    assert_eq!(winner.replace(name), None, "two winners in round {round}");
                }
                (_, said) => assert!(said.starts_with("InUse: "), "round {round}: {said}"),
            }
        }
        let winner = winner.expect("a winner");
        assert!(UnixStream::connect(path).is_ok());

        if round % 2 == 0 {
            racers[winner].take().unwrap().kill();
            assert!(path.exists());
            drop(listen(path).expect("what a killed process left is free"));
        } else {
            racers[winner].as_mut().unwrap().order("stop");
            assert_eq!(reports.next(), (winner, "done".to_owned()));
        }
        assert_eq!(census(directory.path()), []);
    }
}

#[test]
fn a_name_that_changes_hands_all_the_time_is_never_in_two() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let reports = Reports::new();
    let mut peers: Vec<_> = (0..8).map(|name| Peer::start(name, path, &reports)).collect();
    for peer in &mut peers {
        peer.order("churn");
    }
    let mut turns = 0;
    for _ in &peers {
        let (_, said) = reports.next();
        let (ours, shared) = said.split_once(' ').unwrap();
        assert_eq!(shared, "0", "in two hands at once");
        turns += ours.parse::<u32>().unwrap();
    }
    // One may starve while another has it, but not all of them.
    assert!(turns > 0);
    assert_eq!(census(directory.path()), []);
}
