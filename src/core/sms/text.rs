//! From user data to characters: one part, or several joined, so that what was cut between two parts comes out whole.

use alloc::string::String;
use core::fmt::{self, Write};

use super::Alphabet;
use super::gsm7::{Charset, Decoder, all_same};
use super::user_data::UserData;

/// Reads the text of parts in their order. A part in another alphabet than the one before ends what was begun. Allocates
/// nothing itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextDecoder {
    gsm7: Decoder,
    high: Option<u16>,
}

impl TextDecoder {
    /// Writes the text of one part to `out`.
    ///
    /// # Errors
    /// Those of `out` (a fixed string that is full; a [`String`] has none).
    pub fn push(&mut self, data: &UserData, out: &mut impl Write) -> fmt::Result {
        let mut run = Run::new(out);
        match data.alphabet() {
            Alphabet::Gsm7 => {
                self.end_ucs2(&mut run)?;
                self.push_septets(data, &mut run)?;
            }
            Alphabet::Ucs2 => {
                self.end_gsm7(&mut run)?;
                let (units, _half) = data.body().as_chunks::<2>();
                for unit in units {
                    let unit = u16::from_be_bytes(*unit);
                    match char::from_u32(u32::from(unit)).filter(|_| self.high.is_none()) {
                        Some(character) => run.push(character)?,
                        None => self.push_surrogate(unit, &mut run)?,
                    }
                }
            }
            Alphabet::Octets => {
                self.end_gsm7(&mut run)?;
                self.end_ucs2(&mut run)?;
                for chunk in data.body().utf8_chunks() {
                    chunk.valid().chars().try_for_each(|character| run.push(character))?;
                    if !chunk.invalid().is_empty() {
                        run.push(char::REPLACEMENT_CHARACTER)?;
                    }
                }
            }
        }
        run.flush()
    }

    /// Ends the text: a dangling escape shows as a space, half a surrogate pair as U+FFFD.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(&mut self, out: &mut impl Write) -> fmt::Result {
        let mut run = Run::new(out);
        self.end_gsm7(&mut run)?;
        self.end_ucs2(&mut run)?;
        run.flush()
    }

    /// Eight septets at a time where they are plain ASCII in the default alphabet, which most texts are.
    fn push_septets(&mut self, data: &UserData, run: &mut Run<'_, impl Write>) -> fmt::Result {
        let charset = data.charset();
        let tables = charset.tables();
        let mut septets = data.septets();
        let decode = |decoder: &mut Decoder, septet, run: &mut Run<'_, _>| {
            decoder
                .push(tables, septet)
                .map_or(Ok(()), |character| run.push(character))
        };
        while let Some(eight) = septets.next_eight() {
            if charset == Charset::DEFAULT && !self.gsm7.is_escaped() && all_same(eight) {
                run.push_eight(eight)?;
            } else {
                eight
                    .into_iter()
                    .try_for_each(|septet| decode(&mut self.gsm7, septet, run))?;
            }
        }
        septets.try_for_each(|septet| decode(&mut self.gsm7, septet, run))
    }

    /// Half a pair, or what comes after its first half.
    #[cold]
    fn push_surrogate(&mut self, unit: u16, run: &mut Run<'_, impl Write>) -> fmt::Result {
        if let Some(high) = self.high.take() {
            if (0xDC00..0xE000).contains(&unit) {
                let code = 0x1_0000 + (u32::from(high - 0xD800) << 10) + u32::from(unit - 0xDC00);
                return run.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            run.push(char::REPLACEMENT_CHARACTER)?;
        }
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            return Ok(());
        }
        run.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn end_gsm7(&mut self, run: &mut Run<'_, impl Write>) -> fmt::Result {
        self.gsm7.finish().map_or(Ok(()), |character| run.push(character))
    }

    fn end_ucs2(&mut self, run: &mut Run<'_, impl Write>) -> fmt::Result {
        self.high
            .take()
            .map_or(Ok(()), |_| run.push(char::REPLACEMENT_CHARACTER))
    }
}

/// ASCII on its way to `out`, handed over many at a time: that is several times faster than one by one.
struct Run<'o, W> {
    out: &'o mut W,
    octets: [u8; 128],
    length: usize,
}

impl<'o, W: Write> Run<'o, W> {
    const fn new(out: &'o mut W) -> Self {
        Self {
            out,
            octets: [0; 128],
            length: 0,
        }
    }

    #[inline]
    fn push(&mut self, character: char) -> fmt::Result {
        if !character.is_ascii() {
            self.flush()?;
            return self.out.write_char(character);
        }
        if self.length == self.octets.len() {
            self.flush()?;
        }
        if let (Some(room), Ok(octet)) = (self.octets.get_mut(self.length), u8::try_from(character)) {
            *room = octet;
            self.length += 1;
        }
        Ok(())
    }

    /// Eight octets of ASCII.
    #[inline]
    fn push_eight(&mut self, eight: [u8; 8]) -> fmt::Result {
        if self.length + 8 > self.octets.len() {
            self.flush()?;
        }
        if let Some(room) = self.octets.get_mut(self.length..self.length + 8) {
            room.copy_from_slice(&eight);
            self.length += 8;
        }
        Ok(())
    }

    #[inline]
    fn flush(&mut self) -> fmt::Result {
        if self.length == 0 {
            return Ok(());
        }
        let run = self.octets.get(..core::mem::take(&mut self.length)).unwrap_or_default();
        // Only ASCII was put there.
        self.out.write_str(core::str::from_utf8(run).unwrap_or_default())
    }
}

/// The text of the parts of one message, in order. Escape and surrogate pairs that somebody cut in two come out whole.
/// 8-bit data has no text; its octets are read as UTF-8, what is none becomes U+FFFD.
#[must_use]
pub fn join_text(parts: &[&UserData]) -> String {
    let mut text = String::with_capacity(parts.iter().map(|part| part.text_capacity()).sum());
    let mut decoder = TextDecoder::default();
    for part in parts {
        // A string takes whatever is written to it.
        let _ = decoder.push(part, &mut text);
    }
    let _ = decoder.finish(&mut text);
    text
}
