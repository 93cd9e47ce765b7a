//! Any bytes as a file.
#![no_main]

#[path = "../../tests/arbitrary/mod.rs"]
mod arbitrary;
#[path = "../../tests/mutation/mod.rs"]
mod mutation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mutation::check(bytes));
