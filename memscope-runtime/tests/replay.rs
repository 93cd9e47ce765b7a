//! The fuzzer's short form: its corpus, and drawn choices, without a fuzzer.

mod arbitrary;
#[path = "../../dashboard/tests/fixture/mod.rs"]
mod fixture;
mod mutation;

use std::fs;
use std::path::Path;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<Vec<u8>> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| fs::read(entry.expect("it can be listed").path()).expect("it can be read"))
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

#[test]
fn the_corpus_is_read_without_a_panic() {
    corpus("read").iter().for_each(|file| mutation::check(file));
    corpus("read_mutated").iter().for_each(|choices| mutation::check(&mutation::file(choices)));
}

/// SplitMix64, so that the choices are the same at every run.
fn drawn(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn drawn_changes_of_chunks_are_read_without_a_panic() {
    let mut state = 7;
    for _ in 0..3_000 {
        let length = drawn(&mut state) % 700;
        let mut choices: Vec<u8> = (0..length).map(|_| drawn(&mut state) as u8).collect();
        if let Some(first) = choices.first_mut() {
            *first = 1; // 256 bytes and more for the snapshot, the rest for steps
        }
        mutation::check(&mutation::file(&choices));
    }
}

#[test]
fn drawn_damage_of_bytes_is_read_without_a_panic() {
    let whole = memscope_runtime::format::write(&fixture::small());
    let mut state = 8;
    for _ in 0..2_000 {
        let mut file = whole.clone();
        for _ in 0..=drawn(&mut state) % 8 {
            let place = drawn(&mut state) as usize % file.len();
            file[place] = drawn(&mut state) as u8;
        }
        mutation::check(&file);
    }
}
