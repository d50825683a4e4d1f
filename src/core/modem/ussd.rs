//! What a `+CUSD` line says (27.007 clause 7.15).

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use crate::at::parse;

/// The text of `+CUSD: <m>[,<str>,<dcs>]`, from what stands behind the name. UCS-2 in hex is decoded; without a text, what `<m>`
/// means.
pub(super) fn text(rest: &str) -> String {
    let quoted = rest
        .split_once('"')
        .map(|(_, text)| text.rsplit_once('"').unwrap_or((text, "")));
    let Some((text, behind)) = quoted else {
        return meaning(rest).to_owned();
    };
    let dcs = behind.trim_start_matches(',').trim().parse::<u8>().unwrap_or(15);
    if is_ucs2(dcs) {
        ucs2(text).unwrap_or_else(|| text.to_owned())
    } else {
        text.to_owned()
    }
}

/// Coding group 01xx with the UCS-2 alphabet (23.038 clause 5).
const fn is_ucs2(dcs: u8) -> bool {
    dcs & 0b1100_1100 == 0b0100_1000
}

fn ucs2(hex: &str) -> Option<String> {
    let units: Option<Vec<u16>> = hex
        .as_bytes()
        .chunks(4)
        .map(|four| {
            let four = core::str::from_utf8(four).ok().filter(|four| four.len() == 4)?;
            u16::from_str_radix(four, 16).ok()
        })
        .collect();
    let units = units.filter(|_| parse::is_hex(hex))?;
    Some(String::from_utf16_lossy(&units))
}

/// Without a text.
fn meaning(rest: &str) -> &'static str {
    match rest.trim().get(..1) {
        Some("0" | "1") => "the network answers without a text",
        Some("2") => "the network ended the dialogue",
        Some("3") => "another client of this SIM answered",
        Some("4") => "the network does not support this",
        Some("5") => "the network did not answer in time",
        Some(_) | None => "the network's answer cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_every_form() {
        for (rest, told) in [
            ("0,\"Balance: 4.20 EUR\",15", "Balance: 4.20 EUR"),
            ("1,\"1 Balance, 2 \"\"More\"\"\",15", "1 Balance, 2 \"\"More\"\""),
            ("0,\"00420061006C003A00200034002020AC\",72", "Bal: 4 \u{20ac}"),
            ("0,\"0042006\",72", "0042006"),
            ("0,\"no end", "no end"),
            ("2", "the network ended the dialogue"),
            ("4", "the network does not support this"),
            ("", "the network's answer cannot be read"),
            ("\u{e9}", "the network's answer cannot be read"),
        ] {
            assert_eq!(text(rest), told, "{rest}");
        }
    }
}
