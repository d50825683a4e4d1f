//! Fuzz target: decoding, encoding and decoding again on any octets; what must hold stands in `checks.rs`.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::decode_encode_decode(data));
