//! The modem's ear: bytes from the driver become command lines or, after a prompt, data (ITU-T V.250 clause 5.2.1).

use alloc::string::String;
use alloc::vec::Vec;

/// Longest command line; what is beyond makes the line an error.
const LINE: usize = 560;
/// Longest data after a prompt: a whole TPDU in hexadecimal with room to spare, or a text.
const DATA: usize = 1_024;

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A command line without its end.
    Line(String),
    /// A line that was too long.
    TooLong,
    /// What followed a prompt, ended by Ctrl-Z.
    Data(Vec<u8>),
    /// What followed a prompt was cancelled by ESC.
    Cancel,
}

/// Collects bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Ear {
    buffer: Vec<u8>,
    overflow: bool,
    data: bool,
}

impl Ear {
    /// From now on bytes are data until Ctrl-Z or ESC.
    pub(super) fn expect_data(&mut self) {
        *self = Self {
            data: true,
            ..Self::default()
        };
    }

    /// The end of data that was heard was none: it goes on.
    pub(super) fn resume_data(&mut self, buffer: Vec<u8>) {
        *self = Self {
            data: true,
            buffer,
            ..Self::default()
        };
    }

    /// Forgets everything, as a restart does.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// One more byte.
    pub(super) fn hear(&mut self, byte: u8) -> Option<Heard> {
        match (self.data, byte) {
            (true, 0x1A) => {
                let data = core::mem::take(self).buffer;
                Some(Heard::Data(data))
            }
            (true, 0x1B) => {
                self.clear();
                Some(Heard::Cancel)
            }
            (true, _) => {
                self.keep(byte, DATA);
                None
            }
            (false, b'\r') => {
                let Self { buffer, overflow, .. } = core::mem::take(self);
                Some(if overflow {
                    Heard::TooLong
                } else {
                    Heard::Line(String::from_utf8_lossy(&buffer).into_owned())
                })
            }
            (false, 0x08) => {
                self.buffer.pop();
                None
            }
            // Other control characters are not part of a command (V.250 clause 5.2.2).
            (false, 0..=0x1F) => None,
            (false, _) => {
                self.keep(byte, LINE);
                None
            }
        }
    }

    fn keep(&mut self, byte: u8, most: usize) {
        if self.buffer.len() < most {
            self.buffer.push(byte);
        } else {
            self.overflow = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn heard(ear: &mut Ear, bytes: &[u8]) -> Vec<Heard> {
        bytes.iter().filter_map(|b| ear.hear(*b)).collect()
    }

    #[test]
    fn lines_end_with_cr_and_lf_says_nothing() {
        let mut ear = Ear::default();
        let lines = heard(&mut ear, b"AT\r\nATX\x08Z\rA\x1b\0T\r");
        assert_eq!(lines, ["AT", "ATZ", "AT"].map(|l| Heard::Line(l.into())));
    }

    #[test]
    fn data_ends_with_ctrl_z_or_esc_and_lines_follow() {
        let mut ear = Ear::default();
        ear.expect_data();
        assert_eq!(
            heard(&mut ear, b"00\r\n11\x1aAT\r"),
            vec![Heard::Data(b"00\r\n11".to_vec()), Heard::Line("AT".into())]
        );
        ear.expect_data();
        assert_eq!(
            heard(&mut ear, b"00\x1bAT\r"),
            vec![Heard::Cancel, Heard::Line("AT".into())]
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_forgotten() {
        let mut ear = Ear::default();
        let long = vec![b'A'; 100_000];
        assert_eq!(heard(&mut ear, &long), vec![]);
        assert_eq!(
            heard(&mut ear, b"\rAT\r"),
            vec![Heard::TooLong, Heard::Line("AT".into())]
        );
        ear.expect_data();
        assert_eq!(heard(&mut ear, &long), vec![]);
        assert!(matches!(&heard(&mut ear, b"\x1a")[..], [Heard::Data(data)] if data.len() == DATA));
    }
}
