//! A bounded replay of the fuzz corpus: what the fuzzer found interesting stays right. The targets themselves are in
//! `tests/fuzz`, which says how to run them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;

#[path = "fuzz/checks.rs"]
mod checks;

/// Inputs of one target replayed at most, the smallest first.
const INPUTS: usize = 4_000;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    let mut inputs: Vec<Vec<u8>> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    inputs.sort_by_key(Vec::len);
    assert!(!inputs.is_empty(), "no corpus for {target}");
    inputs.iter().take(INPUTS).for_each(|input| check(input));
}

#[test]
fn decode() {
    replay("decode", checks::decode);
}

#[test]
fn decode_encode_decode() {
    replay("decode_encode_decode", checks::decode_encode_decode);
}

#[test]
fn reassemble() {
    replay("reassemble", checks::reassemble);
}

#[test]
fn at_framer() {
    replay("at_framer", checks::at_framer);
}
