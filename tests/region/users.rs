//! Other users' regions.

use std::os::unix::fs::{PermissionsExt, chown};

use framewire::{ErrorKind, shm::region};

use super::{
    Name,
    common::{
        Process,
        nobody::{self, NOBODY},
        process::{answer, next_order},
        role,
    },
};

/// Opens the region of that name, as it is ordered, and says what comes of it.
pub(crate) fn opens() {
    let name = role::word();
    while let Some(order) = next_order() {
        let result = match &*order {
            "open" => region::open(&name).map(drop),
            "open shared" => region::Options::new().mode(0o666).open(&name).map(drop),
            "open of nobody" => region::Options::new().owners([NOBODY]).open(&name).map(drop),
            "create" => region::create(&name, 64).map(drop),
            _ => region::remove(&name).map(drop),
        };
        match result {
            Ok(()) => answer("done"),
            Err(error) => answer(&format!("{:?}: {error}", error.kind())),
        }
    }
}

fn nobody(directory: &std::path::Path, name: &Name) -> Process {
    let program = nobody::for_everyone(directory);
    let mut command = nobody::command(&program, "opens");
    command.env(role::WORD, &name.0);
    Process::start(command)
}

#[test]
fn a_stranger_s_region_is_opened_only_if_that_is_allowed() {
    if !nobody::can_be() {
        return;
    }
    let name = Name::new();
    let made = region::Options::new().keep(true).create(&name.0, 64).unwrap();
    chown(name.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    for error in [
        region::open(&name.0).unwrap_err(),
        region::create(&name.0, 64).unwrap_err(),
        region::remove(&name.0).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("belongs to user 65534"), "{error}");
        assert!(error.to_string().contains("region::Options::owners"), "{error}");
    }
    region::Options::new().owners([NOBODY]).open(&name.0).unwrap();
    drop(made);
    assert!(name.is_there());
}

#[test]
fn a_region_of_mode_0600_is_nobody_else_s() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let name = Name::new();
    let _made = region::create(&name.0, 64).unwrap();
    let mut stranger = nobody(directory.path(), &name);
    let mut ask = |order: &str| {
        stranger.order(order);
        stranger.answer()
    };
    // Root's are looked at by everybody, and the mode has the word.
    assert!(ask("open").starts_with("Denied"));
    assert!(ask("open of nobody").contains("belongs to user 0"));
    assert!(ask("create").contains("belongs to user 0"));
    assert!(ask("remove").contains("belongs to user 0"));

    std::fs::set_permissions(name.path(), PermissionsExt::from_mode(0o666)).unwrap();
    assert!(ask("open").contains("others can write to"));
    assert_eq!(ask("open shared"), "done");
    assert!(ask("remove").contains("belongs to user 0"));
    assert!(name.is_there());
}
