//! From user data to characters: one part, or several joined, so that what was cut between two parts comes out whole.

use alloc::string::String;
use core::fmt::{self, Write};

use heapless::Vec;

use super::Alphabet;
use super::gsm7::{Charset, Decoder, Septets, ascii};
use super::ucs2;
use super::user_data::{USER_DATA_OCTETS_ANY, UserData};

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
                self.push_units(data.body(), &mut run)?;
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
        if !self.gsm7.is_escaped() && self.high.is_none() {
            return Ok(());
        }
        let mut run = Run::new(out);
        self.end_gsm7(&mut run)?;
        self.end_ucs2(&mut run)?;
        run.flush()
    }

    /// Eight septets at a time where they are ASCII in the default alphabet, as in most texts.
    fn push_septets(&mut self, data: &UserData, run: &mut Run<'_, impl Write>) -> fmt::Result {
        let charset = data.charset();
        let tables = charset.tables();
        let mut septets = data.septets();
        let decode = |decoder: &mut Decoder, septet, run: &mut Run<'_, _>| {
            let character = decoder.push(tables, septet);
            character.map_or(Ok(()), |character| run.push(character))
        };
        while let Some(bits) = septets.next_eight() {
            if let Some(eight) = ascii(bits).filter(|_| charset == Charset::DEFAULT && !self.gsm7.is_escaped()) {
                run.push_some(eight)?;
                continue;
            }
            for septet in Septets::new(&bits.to_le_bytes(), 0, 8) {
                decode(&mut self.gsm7, septet, run)?;
            }
        }
        septets.try_for_each(|septet| decode(&mut self.gsm7, septet, run))
    }

    /// UTF-16 big-endian, four units at a time where they are of one kind, as in most texts; half a unit is left out.
    fn push_units(&mut self, octets: &[u8], run: &mut Run<'_, impl Write>) -> fmt::Result {
        let (fours, rest) = octets.as_chunks::<8>();
        for four in fours {
            match ucs2::two_octets_each(*four).filter(|_| self.high.is_none()) {
                Some(coded) => run.push_some(coded)?,
                None => self.push_each(four, run)?,
            }
        }
        self.push_each(rest, run)
    }

    fn push_each(&mut self, octets: &[u8], run: &mut Run<'_, impl Write>) -> fmt::Result {
        for unit in octets.as_chunks::<2>().0 {
            let unit = u16::from_be_bytes(*unit);
            match char::from_u32(u32::from(unit)).filter(|_| self.high.is_none()) {
                Some(character) => run.push(character)?,
                None => self.push_surrogate(unit, run)?,
            }
        }
        Ok(())
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

/// The text of one part on its way to `out`, handed over as a whole: that is several times faster than one by one.
struct Run<'o, W> {
    out: &'o mut W,
    octets: Vec<u8, RUN_OCTETS>,
}

/// Three octets of UTF-8 for each septet there can be in a part, and what an earlier part may have left to be ended.
const RUN_OCTETS: usize = 3 * (USER_DATA_OCTETS_ANY * 8 / 7) + 9;

impl<'o, W: Write> Run<'o, W> {
    #[inline]
    const fn new(out: &'o mut W) -> Self {
        Self {
            out,
            octets: Vec::new(),
        }
    }

    #[inline]
    fn push(&mut self, character: char) -> fmt::Result {
        match *character.encode_utf8(&mut [0; 4]).as_bytes() {
            [a] => self.push_some([a]),
            [a, b] => self.push_some([a, b]),
            [a, b, c] => self.push_some([a, b, c]),
            [a, b, c, d] => self.push_some([a, b, c, d]),
            _ => Ok(()),
        }
    }

    /// Octets of whole characters. There is room: the size is that of the longest text.
    #[inline]
    fn push_some<const N: usize>(&mut self, octets: [u8; N]) -> fmt::Result {
        self.octets.extend_from_slice(&octets).map_err(|_| fmt::Error)
    }

    #[inline]
    fn flush(&mut self) -> fmt::Result {
        // Only whole characters were put there.
        let text = core::str::from_utf8(&self.octets).unwrap_or_default();
        self.out.write_str(text)
    }
}

impl UserData {
    /// The text of this one part; `None` for 8-bit data. Whoever has several parts joins them with
    /// [`join_text`], which heals what was cut between two of them.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        if self.alphabet() == Alphabet::Octets {
            return None;
        }
        Some(join_text(&[self]))
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
