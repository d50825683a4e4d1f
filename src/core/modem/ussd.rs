//! What `AT+CUSD` is asked and what a `+CUSD` line says (27.007 clause 7.15), also where both are hex of packed septets.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use crate::at::parse;
use crate::at::request::Text;
use crate::sms::gsm7::{self, Charset, Decoder, Packer, Septets};
use crate::sms::hex;

/// Octets whose hex fits in a command line, beside the command.
const HALF_LINE: usize = 40;
/// Octets of the longest answer (23.038 clause 6.1.2.3).
const ANSWER: usize = 182;

/// The text of `+CUSD: <m>[,<str>,<dcs>]`, from what stands behind the name. UCS-2 in hex is decoded; without a text, what `<m>`
/// means. `packed`: a text in hex may be one of packed septets.
pub(super) fn text(rest: &str, packed: bool) -> String {
    let quoted = rest
        .split_once('"')
        .map(|(_, text)| text.rsplit_once('"').unwrap_or((text, "")));
    let Some((text, behind)) = quoted else {
        return meaning(rest).to_owned();
    };
    let dcs = behind.trim_start_matches(',').trim().parse::<u8>().unwrap_or(15);
    if is_ucs2(dcs) {
        ucs2(text).unwrap_or_else(|| text.to_owned())
    } else if packed && dcs & 0xF0 == 0 {
        unpacked(text).unwrap_or_else(|| text.to_owned())
    } else {
        text.to_owned()
    }
}

/// What stands between the quotes of a request. Packed it is one septet after the other; seven bits left over would read as
/// an `@`, so a CR fills them (23.038 clause 6.1.2.3.1). A code too long to be packed goes as it is.
pub(super) fn request(code: &str, packed: bool) -> Text {
    let plain = || Text::try_from(code).unwrap_or_default();
    if !packed {
        return plain();
    }
    let mut octets = heapless::Vec::<u8, HALF_LINE>::new();
    let mut packer = Packer::new(&mut octets, 0);
    let whole = code.chars().filter_map(gsm7::code).all(|code| packer.push_code(code));
    let whole = whole && (code.len() % 8 != 7 || packer.push(b'\r')) && packer.finish();
    let hex = hex::encode::<{ 2 * HALF_LINE }>(&octets);
    if whole {
        Text::try_from(hex.as_str()).unwrap_or_default()
    } else {
        plain()
    }
}

/// The text of packed septets in hex.
fn unpacked(text: &str) -> Option<String> {
    let octets = hex::decode::<ANSWER>(text).ok().filter(|octets| !octets.is_empty())?;
    let mut decoder = Decoder::default();
    let tables = Charset::default().tables();
    let septets = Septets::new(&octets, 0, octets.len() * 8 / 7);
    let mut out: String = septets.filter_map(|septet| decoder.push(tables, septet)).collect();
    out.extend(decoder.finish());
    let kept = out.trim_end_matches('\r').len();
    out.truncate(kept);
    Some(out)
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
    fn packed_septets_go_out_and_come_back() {
        assert_eq!(request("*100#", false), "*100#");
        assert_eq!(request("*100#", true), "AA180C3602");
        assert_eq!(text("0,\"AA180C3602\",15", true), "*100#");
        // Plain text is no hex; hex is plain text where the modem does not pack.
        assert_eq!(text("0,\"Balance: 4.20\",15", true), "Balance: 4.20");
        assert_eq!(text("0,\"AA180C3602\",15", false), "AA180C3602");
        for length in 1..=45 {
            let code: String = "*123456789#".chars().cycle().take(length).collect();
            let asked = request(&code, true);
            assert_eq!(text(&alloc::format!("0,\"{asked}\",15"), true), code, "{length}");
        }
        let long = "1".repeat(46);
        assert_eq!(request(&long, true), long.as_str());
    }

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
            assert_eq!(text(rest, false), told, "{rest}");
        }
    }
}
