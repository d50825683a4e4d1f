//! From user data to characters: one part, or several joined, so that what was cut between two parts comes out whole.

use alloc::string::String;

use super::Alphabet;
use super::gsm7::Decoder;
use super::user_data::UserData;

/// Reads the text of parts in their order. A part in another alphabet than the one before ends what was begun.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextDecoder {
    gsm7: Decoder,
    high: Option<u16>,
}

impl TextDecoder {
    /// Reads one part.
    pub fn push(&mut self, data: &UserData, sink: &mut dyn FnMut(char)) {
        match data.alphabet() {
            Alphabet::Gsm7 => {
                self.end_ucs2(sink);
                let charset = data.charset();
                for septet in data.septets() {
                    if let Some(character) = self.gsm7.push(charset, septet) {
                        sink(character);
                    }
                }
            }
            Alphabet::Ucs2 => {
                self.end_gsm7(sink);
                let (units, _half) = data.body().as_chunks::<2>();
                for unit in units {
                    self.push_unit(u16::from_be_bytes(*unit), sink);
                }
            }
            Alphabet::Octets => {
                self.finish(sink);
                for chunk in data.body().utf8_chunks() {
                    chunk.valid().chars().for_each(&mut *sink);
                    if !chunk.invalid().is_empty() {
                        sink(char::REPLACEMENT_CHARACTER);
                    }
                }
            }
        }
    }

    /// Ends the text: a dangling escape shows as a space, half a surrogate pair as U+FFFD.
    pub fn finish(&mut self, sink: &mut dyn FnMut(char)) {
        self.end_gsm7(sink);
        self.end_ucs2(sink);
    }

    fn push_unit(&mut self, unit: u16, sink: &mut dyn FnMut(char)) {
        if let Some(high) = self.high.take() {
            if (0xDC00..0xE000).contains(&unit) {
                let code = 0x1_0000 + (u32::from(high - 0xD800) << 10) + u32::from(unit - 0xDC00);
                return sink(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            sink(char::REPLACEMENT_CHARACTER);
        }
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
        } else {
            sink(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }

    fn end_gsm7(&mut self, sink: &mut dyn FnMut(char)) {
        if let Some(character) = self.gsm7.finish() {
            sink(character);
        }
    }

    fn end_ucs2(&mut self, sink: &mut dyn FnMut(char)) {
        if self.high.take().is_some() {
            sink(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// The text of the parts of one message, in order. Escape and surrogate pairs that somebody cut in two come out whole.
/// 8-bit data has no text; its octets are read as UTF-8, what is none becomes U+FFFD.
#[must_use]
pub fn join_text(parts: &[&UserData]) -> String {
    let mut text = String::with_capacity(parts.iter().map(|part| part.octets().len() * 2).sum());
    let mut decoder = TextDecoder::default();
    for part in parts {
        decoder.push(part, &mut |character| text.push(character));
    }
    decoder.finish(&mut |character| text.push(character));
    text
}
