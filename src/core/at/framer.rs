//! Octets to lines. Every end of line seen in practice is one; noise around lines is dropped; the prompt, which has no end,
//! is seen on the unfinished line, and only while somebody expects it. What a line means is not known here.

use super::limits::LINE;

/// One line without its end: printable ASCII, at least one character. Other octets inside a line become `?`.
pub type Line = heapless::String<LINE>;

/// What octets turned into.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "on the stack for a moment; a box would cost an allocation a line"
)]
pub enum Frame {
    /// A complete line.
    Line(Line),
    /// `>` at the begin of a line, while a prompt was expected.
    Prompt,
    /// A line longer than [`LINE`] ended; it is gone.
    TooLong,
}

/// The unfinished line.
#[derive(Debug, Default)]
pub struct Framer {
    line: Line,
    too_long: bool,
}

impl Framer {
    /// Takes one octet.
    pub fn push(&mut self, octet: u8, prompt_expected: bool) -> Option<Frame> {
        match octet {
            // Ctrl-Z and ESC come back where a modem echoes what is written at the prompt; they end what was written.
            b'\r' | b'\n' | 0x1A | 0x1B => return self.end(),
            b'>' if prompt_expected && self.line.is_empty() && !self.too_long => return Some(Frame::Prompt),
            0 => return None,
            _ => {}
        }
        let printable = (b' '..=b'~').contains(&octet);
        // Blanks after a prompt and noise of a starting UART stand before a line, never in front of anything useful.
        if self.line.is_empty() && (!printable || octet == b' ') {
            return None;
        }
        let shown = if printable { char::from(octet) } else { '?' };
        self.too_long |= self.line.push(shown).is_err();
        None
    }

    fn end(&mut self) -> Option<Frame> {
        if core::mem::take(&mut self.too_long) {
            self.line.clear();
            return Some(Frame::TooLong);
        }
        while self.line.ends_with(' ') {
            self.line.pop();
        }
        let line = core::mem::take(&mut self.line);
        if line.is_empty() { None } else { Some(Frame::Line(line)) }
    }

    /// Forgets the unfinished line.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn frames(octets: &[u8], prompt_expected: bool) -> Vec<String> {
        let mut framer = Framer::default();
        octets
            .iter()
            .filter_map(|o| framer.push(*o, prompt_expected))
            .map(|frame| match frame {
                Frame::Line(line) => String::from(line.as_str()),
                Frame::Prompt => String::from("<prompt>"),
                Frame::TooLong => String::from("<too long>"),
            })
            .collect()
    }

    #[test]
    fn every_end_of_line_is_one() {
        for text in ["\r\nOK\r\n", "OK\n", "OK\r", "\r\r\nOK\r\r\n", "\n\nOK\n\n", "OK \r\n"] {
            assert_eq!(frames(text.as_bytes(), false), ["OK"], "{text:?}");
        }
        assert_eq!(frames(b"AT\r\r\nOK\r\n", false), ["AT", "OK"]);
        assert_eq!(frames(b"OK", false), Vec::<String>::new());
    }

    #[test]
    fn noise_before_a_line_is_dropped_and_inside_it_shown() {
        assert_eq!(frames(b"\0\xFF\xFC\x0CR\0DY\r\n", false), ["RDY"]);
        assert_eq!(frames(b"R\xFFDY\r\n\xFF\r\n", false), ["R?DY"]);
    }

    #[test]
    fn a_prompt_is_one_only_when_expected_and_alone() {
        for text in ["\r\n> ", "\r\n>", "AT+CMGS=9\r> ", "\r\n> \r\n"] {
            assert!(
                frames(text.as_bytes(), true).contains(&String::from("<prompt>")),
                "{text:?}"
            );
        }
        assert_eq!(frames(b"+CUSD: 0,\"a>b\"\r\n", true), ["+CUSD: 0,\"a>b\""]);
        assert_eq!(frames(b"\r\n> AT\r\n", false), ["> AT"]);
    }

    #[test]
    fn what_is_written_at_the_prompt_ends_when_echoed() {
        assert_eq!(
            frames(b"> 0011AA\x1A\r\n+CMGS: 7\r\n", true),
            ["<prompt>", "0011AA", "+CMGS: 7"]
        );
    }

    #[test]
    fn a_line_has_a_bound() {
        let mut octets = [b'A'; LINE + 1].to_vec();
        octets.extend_from_slice(b"\r\nOK\r\n");
        assert_eq!(frames(&octets, false), ["<too long>", "OK"]);
        octets.remove(0);
        assert_eq!(frames(&octets, false).len(), 2);
    }
}
