//! What stands on the AT line, 3GPP TS 27.005 clause 4: service centre address, then the TPDU, in hexadecimal. The length
//! in `+CMGS`, `+CMT`, `+CMGR` and the like counts the TPDU only.

use heapless::{String, Vec};

use super::address::Address;
use super::error::{DecodeError, EncodeError};
use super::hex;
use super::tpdu::{Context, Decoded, read};
use super::wire::{Reader, Watch, Writer};
use crate::base::limits::TPDU_OCTETS;

/// Octets of a service centre address at most: length, type, 20 digits.
const SERVICE_CENTRE_OCTETS: usize = 12;

/// Octets of a whole frame at most.
pub const FRAME_OCTETS: usize = SERVICE_CENTRE_OCTETS + TPDU_OCTETS;

/// A frame read from a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The service centre; `None` where the modem's own is meant.
    pub service_centre: Option<Address>,
    /// All octets.
    pub octets: Vec<u8, FRAME_OCTETS>,
    /// Where the TPDU begins in them.
    pub tpdu_at: usize,
}

impl Frame {
    /// Reads the line; either case, blanks at both ends ignored.
    ///
    /// # Errors
    /// [`DecodeError`]: no hexadecimal, too long, or no whole service centre address.
    pub fn parse(line: &str) -> Result<Self, DecodeError> {
        Self::from_octets(hex::decode(line)?, None)
    }

    /// As [`Frame::parse`] for octets, told of the fields of the service centre address.
    ///
    /// # Errors
    /// [`DecodeError`]: no whole service centre address.
    pub fn from_octets(octets: Vec<u8, FRAME_OCTETS>, watch: Option<Watch<'_>>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(&octets, 0, super::Reading::Tolerant, watch);
        let service_centre = Address::read_service_centre(&mut reader)?;
        let tpdu_at = reader.at();
        Ok(Self {
            service_centre,
            octets,
            tpdu_at,
        })
    }

    /// The TPDU's octets.
    #[must_use]
    pub fn tpdu(&self) -> &[u8] {
        self.octets.get(self.tpdu_at..).unwrap_or_default()
    }

    /// Reads the TPDU; offsets in errors count from the start of the frame.
    ///
    /// # Errors
    /// As [`crate::sms::decode`].
    pub fn decode(&self, context: Context, watch: Option<Watch<'_>>) -> Result<Decoded, DecodeError> {
        read(&self.octets, self.tpdu_at, context, watch)
    }
}

/// The line that carries a TPDU, upper case, and the length that `+CMGS` takes and `+CMT` gives.
///
/// # Errors
/// [`EncodeError::TooLong`] when `tpdu` is longer than a TPDU is.
pub fn frame(
    service_centre: Option<&Address>,
    tpdu: &[u8],
) -> Result<(String<{ FRAME_OCTETS * 2 }>, usize), EncodeError> {
    let mut writer = Writer::default();
    match service_centre {
        Some(address) => address.write_service_centre(&mut writer)?,
        None => writer.octet(0)?,
    }
    let mut octets = Vec::<u8, FRAME_OCTETS>::new();
    octets
        .extend_from_slice(&writer.finish())
        .map_err(|_| EncodeError::TooLong)?;
    octets.extend_from_slice(tpdu).map_err(|_| EncodeError::TooLong)?;
    if tpdu.len() > TPDU_OCTETS {
        return Err(EncodeError::TooLong);
    }
    Ok((hex::encode(&octets), tpdu.len()))
}
