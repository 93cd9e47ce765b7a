//! A real file whose chunks are changed, with checksums that match: what lies behind the checksums.
#![no_main]

#[path = "../../tests/arbitrary/mod.rs"]
mod arbitrary;
#[path = "../../tests/mutation/mod.rs"]
mod mutation;

libfuzzer_sys::fuzz_target!(|choices: &[u8]| mutation::check(&mutation::file(choices)));
