//! Default alphabet and the national tables of Turkish, Spanish and Portuguese, 3GPP TS 23.038 clauses 6.2.1, A.2 and A.3.
//! Spanish has no locking table.

use super::table::{Table, table};

/// The default alphabet (clause 6.2.1); the escape at 0x1B has no symbol.
pub(super) static DEFAULT: Table = table(&[
    (0x00, "@£$¥èéùìòÇ\nØø\rÅå"),
    (0x10, "Δ_ΦΓΛΩΠΨΣΘΞ"),
    (0x1C, "ÆæßÉ"),
    (0x20, " !\"#¤%&'()*+,-./"),
    (0x30, "0123456789:;<=>?"),
    (0x40, "¡ABCDEFGHIJKLMNO"),
    (0x50, "PQRSTUVWXYZÄÖÑÜ§"),
    (0x60, "¿abcdefghijklmno"),
    (0x70, "pqrstuvwxyzäöñüà"),
]);

/// The default extension table (clause 6.2.1.1).
pub(super) static EXTENSION: Table = table(&[
    (0x0A, "\u{C}"),
    (0x14, "^"),
    (0x28, "{}"),
    (0x2F, "\\"),
    (0x3C, "[~]"),
    (0x40, "|"),
    (0x65, "€"),
]);

/// Turkish, locking shift (clause A.3.1).
pub(super) static TURKISH_LOCKING: Table = table(&[
    (0x00, "@£$¥€éùıòÇ\nĞğ\rÅå"),
    (0x10, "Δ_ΦΓΛΩΠΨΣΘΞ"),
    (0x1C, "ŞşßÉ"),
    (0x20, " !\"#¤%&'()*+,-./"),
    (0x30, "0123456789:;<=>?"),
    (0x40, "İABCDEFGHIJKLMNO"),
    (0x50, "PQRSTUVWXYZÄÖÑÜ§"),
    (0x60, "çabcdefghijklmno"),
    (0x70, "pqrstuvwxyzäöñüà"),
]);

/// Turkish, single shift (clause A.2.1).
pub(super) static TURKISH_SINGLE: Table = table(&[
    (0x0A, "\u{C}"),
    (0x14, "^"),
    (0x28, "{}"),
    (0x2F, "\\"),
    (0x3C, "[~]"),
    (0x40, "|"),
    (0x47, "Ğ"),
    (0x49, "İ"),
    (0x53, "Ş"),
    (0x63, "ç"),
    (0x65, "€"),
    (0x67, "ğ"),
    (0x69, "ı"),
    (0x73, "ş"),
]);

/// Spanish, single shift (clause A.2.2).
pub(super) static SPANISH_SINGLE: Table = table(&[
    (0x09, "ç\u{C}"),
    (0x14, "^"),
    (0x28, "{}"),
    (0x2F, "\\"),
    (0x3C, "[~]"),
    (0x40, "|Á"),
    (0x49, "Í"),
    (0x4F, "Ó"),
    (0x55, "Ú"),
    (0x61, "á"),
    (0x65, "€"),
    (0x69, "í"),
    (0x6F, "ó"),
    (0x75, "ú"),
]);

/// Portuguese, locking shift (clause A.3.3).
pub(super) static PORTUGUESE_LOCKING: Table = table(&[
    (0x00, "@£$¥êéúíóç\nÔô\rÁá"),
    (0x10, "Δ_ªÇÀ∞^\\€Ó|"),
    (0x1C, "ÂâÊÉ"),
    (0x20, " !\"#º%&'()*+,-./"),
    (0x30, "0123456789:;<=>?"),
    (0x40, "ÍABCDEFGHIJKLMNO"),
    (0x50, "PQRSTUVWXYZÃÕÚÜ§"),
    (0x60, "~abcdefghijklmno"),
    (0x70, "pqrstuvwxyzãõ`üà"),
]);

/// Portuguese, single shift (clause A.2.3).
pub(super) static PORTUGUESE_SINGLE: Table = table(&[
    (0x05, "ê"),
    (0x09, "ç\u{C}Ôô"),
    (0x0E, "Áá"),
    (0x12, "ΦΓ^ΩΠΨΣΘ"),
    (0x1F, "Ê"),
    (0x28, "{}"),
    (0x2F, "\\"),
    (0x3C, "[~]"),
    (0x40, "|À"),
    (0x49, "Í"),
    (0x4F, "Ó"),
    (0x55, "Ú"),
    (0x5B, "ÃÕ"),
    (0x61, "Â"),
    (0x65, "€"),
    (0x69, "í"),
    (0x6F, "ó"),
    (0x75, "ú"),
    (0x7B, "ãõ"),
    (0x7F, "â"),
]);
