//! Fuzz target: the joining of parts on any octets; what must hold stands in `checks.rs`.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::reassemble(data));
