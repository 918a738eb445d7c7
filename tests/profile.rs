//! Profiles: consistent with addresses and with each other, and printed in the README.

use std::collections::HashSet;

use framewire::{
    Endpoint, Profile,
    profile::{Boundary, MaxLen, Reach, Survives},
};

#[test]
fn every_sample_address_is_of_its_row() {
    for row in Profile::all() {
        for address in row.addresses {
            let endpoint: Endpoint = address.parse().expect(address);
            assert_eq!(endpoint.profile(), row);
            assert_eq!(endpoint.to_string(), *address);
        }
        assert!(row.addresses.is_empty() == (row.scheme == "pipe"), "{}", row.scheme);
    }
}

#[test]
fn each_scheme_has_one_row() {
    let schemes: HashSet<_> = Profile::all().iter().map(|row| row.scheme).collect();
    assert_eq!(schemes.len(), Profile::all().len());
}

#[test]
fn rows_do_not_contradict_themselves() {
    for row in Profile::all() {
        let dials = row.verbs.contains(&"connect") || row.verbs.contains(&"pair");
        assert_eq!(row.duplex, dials, "{}: a duplex mechanism is connected", row.scheme);
        assert!(!row.verbs.is_empty(), "{}", row.scheme);
        if row.boundary == Boundary::LengthPrefix && row.reach == Reach::Peer {
            assert!(matches!(row.max_len, MaxLen::Configured { .. }), "{}", row.scheme);
        }
        if row.boundary == Boundary::LengthPrefix {
            assert!(row.tells_end, "{}: a byte stream ends", row.scheme);
        }
        if row.survives > Survives::Nothing && row.reach != Reach::Peer {
            assert!(!row.tells_end, "{}: another sender may come", row.scheme);
        }
        if row.duplex {
            assert_ne!(row.reach, Reach::EveryReader, "{}", row.scheme);
        }
    }
}

#[cfg(unix)]
#[test]
fn this_version_has() {
    use framewire::profile::Built;

    let has: Vec<_> =
        Profile::all().iter().filter(|row| row.built == Built::Yes).map(|row| row.scheme).collect();
    let everywhere = ["pipe", "unix", "datagram", "fifo", "tcp", "udp", "signal"];
    let linux = [
        "pipe",
        "unix",
        "seqpacket",
        "datagram",
        "fifo",
        "tcp",
        "udp",
        "shm",
        "shm+named",
        "shm+broadcast",
        "shm+latest",
        "mq",
        "semaphore",
        "lease",
        "signal",
    ];
    let kept_from_android = ["mq", "semaphore", "lease"];
    let expected = match std::env::consts::OS {
        "linux" => linux.to_vec(),
        "android" => linux.into_iter().filter(|row| !kept_from_android.contains(row)).collect(),
        _ => everywhere.to_vec(),
    };
    assert_eq!(has, expected);

    let featured = |row: &Profile| match row.built {
        Built::Feature { name, on } => Some((row.scheme, name, on)),
        _ => None,
    };
    let featured: Vec<_> = Profile::all().iter().filter_map(featured).collect();
    assert_eq!(featured, [("tls", "tls", cfg!(feature = "tls"))]);
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn what_lacks_its_feature_says_which() {
    use framewire::ErrorKind;

    let endpoint: Endpoint = "tls://localhost:7000".parse().unwrap();
    let connect = endpoint.connect().await.map(drop).unwrap_err();
    let listen = endpoint.listen().await.map(drop).unwrap_err();
    for error in [connect, listen] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("the feature `tls`"), "{error}");
    }
}

/// `FRAMEWIRE_BLESS=1 cargo test --test profile` writes the table anew.
#[cfg(target_os = "linux")]
#[test]
fn the_readme_has_the_table() {
    const START: &str = "<!-- profiles -->\n";
    const END: &str = "<!-- /profiles -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("README.md");
    let (before, rest) = readme.split_once(START).expect("the line <!-- profiles -->");
    let (printed, after) = rest.split_once(END).expect("the line <!-- /profiles -->");
    let table = format!("\n{}\n", Profile::table());
    if std::env::var_os("FRAMEWIRE_BLESS").is_some() {
        std::fs::write(path, format!("{before}{START}{table}{END}{after}")).expect("README.md");
        return;
    }
    assert_eq!(printed, table, "run `FRAMEWIRE_BLESS=1 cargo test --test profile`");
}
