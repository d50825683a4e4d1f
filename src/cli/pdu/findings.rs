//! What is found in a PDU: every field with its octets, what it is, and what deviates.

use std::ops::Range;

use wardwire_core::sms;
use wardwire_core::sms::frame::FRAME_OCTETS;
use wardwire_core::sms::{Context, DecodeError, Decoded, Field, Frame, Kind, Reading, Tpdu, hex};

use super::Direction;

/// A field that was read and the octets it stands in.
pub(super) type Row = (Field, Range<usize>);

/// All that is known about a PDU.
pub(super) struct Findings {
    pub(super) frame: Frame,
    pub(super) rows: Vec<Row>,
    pub(super) kind: Option<Kind>,
    /// `None` when it ended before the fields that make it what it is.
    pub(super) tpdu: Option<Tpdu>,
    pub(super) deviations: Vec<DecodeError>,
    pub(super) unlisted: usize,
}

/// Reads tolerantly; what is wrong is listed. Fails when not even the type can be told.
pub(super) fn read(pdu: &str, direction: Option<Direction>) -> Result<Findings, DecodeError> {
    let mut rows: Vec<Row> = Vec::new();
    let frame = Frame::from_octets(hex::decode(pdu)?, Some(&mut |field, range| rows.push((field, range))))?;
    let direction = match direction {
        Some(direction) => direction.into(),
        None => guess(frame.tpdu()),
    };
    let context = Context {
        direction,
        reading: Reading::Tolerant,
        report: None,
    };
    let decoded = frame.decode(context, Some(&mut |field, range| rows.push((field, range))));
    let findings = match decoded {
        Ok(Decoded { tpdu, deviations }) => Findings {
            kind: Some(tpdu.kind()),
            tpdu: Some(tpdu),
            deviations: deviations.as_slice().to_vec(),
            unlisted: deviations.unlisted(),
            frame,
            rows,
        },
        Err(error) if error.kind.is_some() => Findings {
            kind: error.kind,
            tpdu: None,
            deviations: vec![error],
            unlisted: 0,
            frame,
            rows,
        },
        Err(error) => return Err(error),
    };
    Ok(findings)
}

fn guess(tpdu: &[u8]) -> sms::Direction {
    match tpdu.first() {
        Some(first) if first & 0x03 == 0x01 => sms::Direction::Outbound,
        Some(_) | None => sms::Direction::Inbound,
    }
}

pub(super) fn to_hex(octets: &[u8]) -> String {
    hex::encode::<{ FRAME_OCTETS * 2 }>(octets).as_str().to_owned()
}
