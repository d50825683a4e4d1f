//! A table of 128 characters, written as runs of text and laid out while compiling.

/// One character for each septet; [`NONE`] where there is no symbol.
pub(super) type Table = [char; 128];

/// A cell without a symbol.
pub(super) const NONE: char = '\0';

/// Lays out runs: the characters of a text stand at consecutive septets from the number before it.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated while compiling: a wrong index does not compile"
)]
pub(super) const fn table(runs: &[(u8, &str)]) -> Table {
    let mut cells = [NONE; 128];
    let mut run = 0;
    while run < runs.len() {
        let (start, text) = runs[run];
        let octets = text.as_bytes();
        let (mut cell, mut at) = (start as usize, 0);
        while at < octets.len() {
            let first = octets[at] as u32;
            let (mut code, more) = match first {
                0x00..=0x7F => (first, 0),
                0x80..=0xDF => (first & 0x1F, 1),
                0xE0..=0xEF => (first & 0x0F, 2),
                _ => (first & 0x07, 3),
            };
            let mut next = 1;
            while next <= more {
                code = (code << 6) | (octets[at + next] as u32 & 0x3F);
                next += 1;
            }
            at += 1 + more;
            cells[cell] = match char::from_u32(code) {
                Some(character) => character,
                None => NONE,
            };
            cell += 1;
        }
        run += 1;
    }
    cells
}
