//! The SMS codec: TPDUs of 3GPP TS 23.040, alphabets of 23.038, segmentation and reassembly.

use heapless::Vec;

use crate::base::limits::USER_DATA_OCTETS;

/// Alphabet of a text on the air (TP-DCS, 23.038 clause 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alphabet {
    /// GSM 7 bit default alphabet with its extension.
    Gsm7,
    /// UCS-2, in practice UTF-16 big-endian.
    Ucs2,
    /// 8-bit data.
    Octets,
}

/// One part as it goes out: all of a SUBMIT's content but address, validity and reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedPart {
    /// TP-Data-Coding-Scheme.
    pub dcs: u8,
    /// TP-User-Data-Header-Indicator: `user_data` begins with a header.
    pub udhi: bool,
    /// TP-User-Data-Length as it stands in the TPDU: septets for GSM-7, octets otherwise.
    pub udl: u8,
    /// TP-User-Data, header included.
    pub user_data: Vec<u8, USER_DATA_OCTETS>,
}
