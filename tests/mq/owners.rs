//! Whose a queue is, and whom its mode lets in.

use framewire::{ErrorKind, mq};
use rustix::fs::{Mode, fchmod, fchown, fstat};

use super::{
    common::{
        Process,
        nobody::{self, NOBODY},
        process::{answer, next_order},
        role::{self, WORD},
    },
    subject::{BOTH, Name, small},
};

/// The part of one whose umask would take all.
pub(crate) fn umasks() {
    rustix::process::umask(Mode::from_raw_mode(0o777));
    role::block_on(async {
        for mode in [0o600, 0o620, 0o666] {
            let name = Name::new();
            let receiver = small().mode(mode).receiver(&*name).await.unwrap();
            assert_eq!(fstat(receiver.get_ref()).unwrap().st_mode & 0o7777, mode);
        }
    });
}

#[test]
fn a_mode_holds_whatever_the_umask() {
    role::must_pass("umask");
}

#[tokio::test]
async fn what_is_open_to_more_is_refused() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().wait_by(wait_by);
        let made = options.receiver(&*name).await.unwrap();
        fchmod(made.get_ref(), Mode::from_raw_mode(0o622)).unwrap();
        for error in [
            options.receiver(&*name).await.unwrap_err(),
            options.sender(&*name).await.unwrap_err(),
            options.clone().mode(0o602).sender(&*name).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
            assert!(error.to_string().contains("open to more (mode 0622) than 06"), "{error}");
            assert!(error.to_string().contains("mq::Options::mode"), "{error}");
        }
        options.clone().mode(0o622).receiver(&*name).await.unwrap();
        // Less is as good.
        fchmod(made.get_ref(), Mode::from_raw_mode(0o600)).unwrap();
        options.mode(0o622).sender(&*name).await.unwrap();
    }
}

#[tokio::test]
async fn a_stranger_s_queue_is_used_only_if_that_is_allowed() {
    if !nobody::can_be() {
        return;
    }
    let name = Name::new();
    let made = small().receiver(&*name).await.unwrap();
    fchown(
        made.get_ref(),
        Some(rustix::process::Uid::from_raw(NOBODY)),
        Some(rustix::process::Gid::from_raw(NOBODY)),
    )
    .unwrap();
    for error in
        [small().receiver(&*name).await.unwrap_err(), small().sender(&*name).await.unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("belongs to user 65534"), "{error}");
        assert!(error.to_string().contains("mq::Options::owners"), "{error}");
    }
    small().owners([NOBODY]).sender(&*name).await.unwrap();
}

/// The part of a stranger: does as it is ordered, and says what comes of it.
pub(crate) fn strangers() {
    let name = role::word();
    let options = mq::Options::new().create(false);
    role::block_on(async {
        while let Some(order) = next_order() {
            let result = match &*order {
                "receive" => options.receiver(&name).await.map(drop),
                "send" => options.sender(&name).await.map(drop),
                "send as agreed" => options.clone().mode(0o622).sender(&name).await.map(drop),
                _ => mq::remove(&name).map(drop),
            };
            match result {
                Ok(()) => answer("done"),
                Err(error) => answer(&format!("{:?}: {error}", error.kind())),
            }
        }
    });
}

#[tokio::test]
async fn a_queue_of_mode_0600_is_nobody_else_s() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let name = Name::new();
    let made = small().receiver(&*name).await.unwrap();
    let program = nobody::for_everyone(directory.path());
    let mut command = nobody::command(&program, "stranger");
    command.env(WORD, &*name);
    let mut stranger = Process::start(command);
    let mut ask = |order: &str| {
        stranger.order(order);
        stranger.answer()
    };
    for order in ["receive", "send", "send as agreed", "remove"] {
        assert!(ask(order).starts_with("Denied"), "{order}");
    }
    fchmod(made.get_ref(), Mode::from_raw_mode(0o622)).unwrap();
    assert!(ask("receive").starts_with("Denied"));
    assert!(ask("send").contains("open to more"));
    assert_eq!(ask("send as agreed"), "done");
    assert!(ask("remove").starts_with("Denied"));
}
