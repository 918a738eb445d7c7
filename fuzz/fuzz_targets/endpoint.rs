//! Addresses from anywhere: no panic, a short refusal, and what parses is printed back as it was.
//!
//! `cargo fuzz run endpoint -- -dict=fuzz/endpoint.dict -max_total_time=20`

#![no_main]

use std::{fmt::Display, str::FromStr};

use framewire::{Endpoint, Error, ErrorKind, HostPort, SignalName, SocketName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    prints_back::<Endpoint>(text);
    prints_back::<HostPort>(text);
    prints_back::<SignalName>(text);
    prints_back::<SocketName>(text);
    // The conversion that checks nothing has to take anything.
    let _ = SocketName::from(text).to_string();
});

fn prints_back<T: FromStr<Err = Error> + Display>(text: &str) {
    match text.parse::<T>() {
        Ok(parsed) => assert_eq!(parsed.to_string(), text),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Address);
            let line = error.to_string();
            assert!(line.len() < 4096, "{} bytes of error", line.len());
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
