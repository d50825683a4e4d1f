//! SMS-DELIVER-REPORT and SMS-SUBMIT-REPORT, clauses 9.2.2.1a and 9.2.2.2a: the answers to a DELIVER and a SUBMIT.

use super::ReportKind;
use super::parameters::Parameters;
use crate::sms::error::{Cause, DecodeError, EncodeError, Field};
use crate::sms::timestamp::Timestamp;
use crate::sms::wire::{Octets, Reader, Writer, flag};

/// SMS-DELIVER-REPORT, the phone's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliverReport {
    /// TP-FCS, from 0x80; `None` when the message was taken.
    pub failure_cause: Option<u8>,
    /// TP-PI and what it announces; at most 159 octets of user data, 158 with a failure cause.
    pub parameters: Parameters,
}

/// SMS-SUBMIT-REPORT, the service centre's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmitReport {
    /// TP-FCS, from 0x80; `None` when the message was taken.
    pub failure_cause: Option<u8>,
    /// TP-SCTS: when the service centre took or refused it.
    pub scts: Timestamp,
    /// TP-PI and what it announces; at most 152 octets of user data, 151 with a failure cause.
    pub parameters: Parameters,
}

fn read_failure_cause(reader: &mut Reader<'_, '_>, report: Option<ReportKind>) -> Result<Option<u8>, DecodeError> {
    let is_failure = match report {
        Some(ReportKind::Failure) => true,
        Some(ReportKind::Acknowledgement) => false,
        None => reader.peek().is_some_and(|octet| octet & 0x80 != 0),
    };
    if !is_failure {
        return Ok(None);
    }
    let at = reader.at();
    let cause = reader.octet(Field::FailureCause)?;
    if cause < 0x80 {
        reader.deviate(Field::FailureCause, at, Cause::Reserved(cause))?;
    }
    Ok(Some(cause))
}

fn write_failure_cause(writer: &mut Writer, cause: Option<u8>) -> Result<(), EncodeError> {
    match cause {
        None => Ok(()),
        Some(cause @ 0x80..) => writer.octet(cause),
        Some(_) => Err(EncodeError::FailureCause),
    }
}

impl DeliverReport {
    const fn user_data_max(failure_cause: Option<u8>) -> usize {
        if failure_cause.is_some() { 158 } else { 159 }
    }

    pub(super) fn read(
        reader: &mut Reader<'_, '_>,
        first: u8,
        report: Option<ReportKind>,
    ) -> Result<Self, DecodeError> {
        let failure_cause = read_failure_cause(reader, report)?;
        let max = Self::user_data_max(failure_cause);
        let (parameters, ()) = Parameters::read(reader, first & 0x40 != 0, max, |_| Ok(()))?;
        Ok(Self {
            failure_cause,
            parameters,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`EncodeError`]: a failure cause below 0x80, too much user data, or TP-DCS names another alphabet.
    pub fn encode(&self) -> Result<Octets, EncodeError> {
        let mut writer = Writer::default();
        writer.octet(flag(self.parameters.has_header(), 0x40))?;
        write_failure_cause(&mut writer, self.failure_cause)?;
        self.parameters.write_indicator(&mut writer)?;
        self.parameters
            .write(&mut writer, Self::user_data_max(self.failure_cause))?;
        Ok(writer.finish())
    }
}

impl SubmitReport {
    const fn user_data_max(failure_cause: Option<u8>) -> usize {
        if failure_cause.is_some() { 151 } else { 152 }
    }

    pub(super) fn read(
        reader: &mut Reader<'_, '_>,
        first: u8,
        report: Option<ReportKind>,
    ) -> Result<Self, DecodeError> {
        let failure_cause = read_failure_cause(reader, report)?;
        let max = Self::user_data_max(failure_cause);
        let (parameters, scts) = Parameters::read(reader, first & 0x40 != 0, max, |reader| {
            Timestamp::read_or_zero(reader, Field::ServiceCentreTimestamp)
        })?;
        Ok(Self {
            failure_cause,
            scts,
            parameters,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`EncodeError`]: a failure cause below 0x80, too much user data, or TP-DCS names another alphabet.
    pub fn encode(&self) -> Result<Octets, EncodeError> {
        let mut writer = Writer::default();
        writer.octet(0x01 | flag(self.parameters.has_header(), 0x40))?;
        write_failure_cause(&mut writer, self.failure_cause)?;
        self.parameters.write_indicator(&mut writer)?;
        writer.octets(&self.scts.0)?;
        self.parameters
            .write(&mut writer, Self::user_data_max(self.failure_cause))?;
        Ok(writer.finish())
    }
}
