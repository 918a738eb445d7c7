//! What a limit on descriptors does to a wait.

use std::{io::Read, os::unix::net::UnixStream, thread, time::Duration};

use framewire::wait::{Io, Strategy};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{io::AsyncWriteExt, runtime::Builder};

use crate::bounds::*;

/// One direction parked, the other full: a second registration needs a descriptor.
fn half_registered() -> (Io, UnixStream) {
    let (mut ours, theirs) = socket(Strategy::Park);
    assert!(poll_read(&mut ours, None).is_pending());
    (ours, theirs)
}

/// Lets nobody in this process have a further descriptor: the first four are taken.
fn none_left() {
    let limit = Rlimit { current: Some(4), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[test]
fn waits_go_on_when_there_are_descriptors_again() {
    alone("limit::waits_go_on_when_there_are_descriptors_again", || {
        current_thread().block_on(async {
            let before = getrlimit(Resource::Nofile);
            let (mut ours, mut theirs) = half_registered();
            none_left();
            let relief = thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                setrlimit(Resource::Nofile, before).unwrap();
                let mut all = vec![0; 1 << 20];
                theirs.read_exact(&mut all).unwrap();
            });
            bounded("the write", ours.write_all(&vec![0; 1 << 20])).await.unwrap();
            relief.join().unwrap();
        });
    });
}

#[test]
fn without_timers_it_is_an_error_and_no_panic() {
    alone("limit::without_timers_it_is_an_error_and_no_panic", || {
        Builder::new_current_thread().enable_io().build().unwrap().block_on(async {
            let (mut ours, _theirs) = half_registered();
            none_left();
            assert!(ours.write_all(&vec![0; 1 << 20]).await.is_err());
        });
    });
}
