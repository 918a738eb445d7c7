//! A peer that changes the memory that it shares with us at any moment: no panic, no look beside the
//! ring, an end of each call, bounded room.
//!
//! `cargo fuzz run ring -- -max_len=1024 -max_total_time=20`

#![no_main]

use libfuzzer_sys::fuzz_target;

// What the bytes say is in src/shared/hostile.rs, which the tests play as well.
fuzz_target!(|script: &[u8]| framewire::fuzz_ring(script));
