//! The six transfer protocol data units, 3GPP TS 23.040 clause 9.2.2, one file each.

mod command;
mod deliver;
mod parameters;
mod report;
mod status_report;
mod submit;

pub use command::{COMMAND_DATA_OCTETS, Command};
pub use deliver::Deliver;
pub use parameters::Parameters;
pub use report::{DeliverReport, SubmitReport};
pub use status_report::StatusReport;
pub use submit::{Submit, SubmitOptions, submit};

use super::error::{Cause, DecodeError, EncodeError, Field, Kind};
use super::user_data::UserData;
use super::wire::{Deviations, Octets, Reader, Reading, Watch};
use crate::base::limits::TPDU_OCTETS;

/// Which way a TPDU goes; the same message type indicator means another type each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Service centre to phone: DELIVER, SUBMIT-REPORT, STATUS-REPORT.
    Inbound,
    /// Phone to service centre: SUBMIT, DELIVER-REPORT, COMMAND.
    Outbound,
}

/// What a report answers with. The octets do not say so themselves; the layer below does (RP-ACK or RP-ERROR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// The message was taken: no TP-FCS.
    Acknowledgement,
    /// The message was refused: TP-FCS is there.
    Failure,
}

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Which way it goes.
    pub direction: Direction,
    /// How strictly to read.
    pub reading: Reading,
    /// For the two reports; when unknown, a second octet from 0x80 is taken for TP-FCS.
    pub report: Option<ReportKind>,
}

/// A transfer protocol data unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tpdu {
    /// SMS-DELIVER.
    Deliver(Deliver),
    /// SMS-DELIVER-REPORT.
    DeliverReport(DeliverReport),
    /// SMS-SUBMIT.
    Submit(Submit),
    /// SMS-SUBMIT-REPORT.
    SubmitReport(SubmitReport),
    /// SMS-STATUS-REPORT.
    StatusReport(StatusReport),
    /// SMS-COMMAND.
    Command(Command),
}

/// A TPDU that was read, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What it says.
    pub tpdu: Tpdu,
    /// What was got over; empty in the strict reading.
    pub deviations: Deviations,
}

impl Decoded {
    /// Whether nothing of the message was lost: encoding it gives what the strict reading takes.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        !self.deviations.is_harmful()
    }
}

impl Tpdu {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Deliver(_) => Kind::Deliver,
            Self::DeliverReport(_) => Kind::DeliverReport,
            Self::Submit(_) => Kind::Submit,
            Self::SubmitReport(_) => Kind::SubmitReport,
            Self::StatusReport(_) => Kind::StatusReport,
            Self::Command(_) => Kind::Command,
        }
    }

    /// Its user data, where it has any.
    #[must_use]
    pub const fn user_data(&self) -> Option<&UserData> {
        match self {
            Self::Deliver(tpdu) => Some(&tpdu.user_data),
            Self::DeliverReport(tpdu) => tpdu.parameters.user_data.as_ref(),
            Self::Submit(tpdu) => Some(&tpdu.user_data),
            Self::SubmitReport(tpdu) => tpdu.parameters.user_data.as_ref(),
            Self::StatusReport(tpdu) => match &tpdu.parameters {
                Some(parameters) => parameters.user_data.as_ref(),
                None => None,
            },
            Self::Command(_) => None,
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`EncodeError`] when its parts contradict each other or do not fit.
    pub fn encode(&self) -> Result<Octets, EncodeError> {
        match self {
            Self::Deliver(tpdu) => tpdu.encode(),
            Self::DeliverReport(tpdu) => tpdu.encode(),
            Self::Submit(tpdu) => tpdu.encode(),
            Self::SubmitReport(tpdu) => tpdu.encode(),
            Self::StatusReport(tpdu) => tpdu.encode(),
            Self::Command(tpdu) => tpdu.encode(),
        }
    }
}

/// Reads a TPDU without service centre address. Never panics, never allocates, never loops longer than the octets.
///
/// # Errors
/// [`DecodeError`] names field, octet and cause. The tolerant reading fails only where nothing useful can be said: no
/// octets, more than a TPDU has, a reserved type, or an end before the fields that make it what it is (address; for a
/// STATUS-REPORT all up to TP-ST).
#[inline]
pub fn decode(octets: &[u8], direction: Direction, reading: Reading) -> Result<Decoded, DecodeError> {
    read(
        octets,
        0,
        Context {
            direction,
            reading,
            report: None,
        },
        None,
    )
}

/// As [`decode`], from octet `at` of `octets`, with the kind of report known, told of every field read.
pub(super) fn read(
    octets: &[u8],
    at: usize,
    context: Context,
    watch: Option<Watch<'_>>,
) -> Result<Decoded, DecodeError> {
    let mut reader = Reader::new(octets, at, context.reading, watch);
    if reader.rest() > TPDU_OCTETS {
        let cause = Cause::too_long(reader.rest(), TPDU_OCTETS);
        return Err(reader.error(Field::FirstOctet, at, cause));
    }
    let first = reader.octet(Field::FirstOctet)?;
    let kind = match (context.direction, first & 0x03) {
        (Direction::Inbound, 0 | 3) => Kind::Deliver,
        (Direction::Inbound, 1) => Kind::SubmitReport,
        (Direction::Inbound, _) => Kind::StatusReport,
        (Direction::Outbound, 0) => Kind::DeliverReport,
        (Direction::Outbound, 1) => Kind::Submit,
        (Direction::Outbound, 2) => Kind::Command,
        (Direction::Outbound, _) => return Err(reader.error(Field::FirstOctet, at, Cause::Reserved(first))),
    };
    reader.set_kind(kind);
    if kind == Kind::Deliver && first & 0x03 == 3 {
        reader.deviate(Field::FirstOctet, at, Cause::Reserved(first))?;
    }
    let undefined = first & undefined_bits(kind);
    if undefined != 0 {
        reader.deviate(Field::FirstOctet, at, Cause::UndefinedBits(undefined))?;
    }
    let tpdu = match kind {
        Kind::Deliver => Tpdu::Deliver(Deliver::read(&mut reader, first)?),
        Kind::DeliverReport => Tpdu::DeliverReport(DeliverReport::read(&mut reader, first, context.report)?),
        Kind::Submit => Tpdu::Submit(Submit::read(&mut reader, first)?),
        Kind::SubmitReport => Tpdu::SubmitReport(SubmitReport::read(&mut reader, first, context.report)?),
        Kind::StatusReport => Tpdu::StatusReport(StatusReport::read(&mut reader, first)?),
        Kind::Command => Tpdu::Command(Command::read(&mut reader, first)?),
    };
    Ok(Decoded {
        tpdu,
        deviations: reader.end()?,
    })
}

/// Bits of the first octet that the type leaves undefined; the reserved type 11 is read as a DELIVER (clause 9.2.3.1).
const fn undefined_bits(kind: Kind) -> u8 {
    match kind {
        Kind::Deliver => 0x10,
        Kind::Submit => 0x00,
        Kind::StatusReport => 0x90,
        Kind::DeliverReport | Kind::SubmitReport => 0xBC,
        Kind::Command => 0x9C,
    }
}

#[cfg(test)]
mod tests;
