//! SMS-DELIVER, clause 9.2.2.1: a message from the service centre to the phone.

use crate::base::limits::USER_DATA_OCTETS;
use crate::sms::address::Address;
use crate::sms::dcs::Dcs;
use crate::sms::error::{DecodeError, EncodeError, Field};
use crate::sms::timestamp::Timestamp;
use crate::sms::user_data::UserData;
use crate::sms::wire::{Octets, Reader, Writer, flag};

/// SMS-DELIVER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// More messages wait in the service centre (TP-MMS tells the contrary).
    pub more_messages: bool,
    /// TP-LP: it may have gone round already.
    pub loop_prevention: bool,
    /// TP-SRI: the phone is to answer with a status report.
    pub status_report: bool,
    /// TP-RP: an answer may take the same way back.
    pub reply_path: bool,
    /// TP-OA.
    pub originator: Address,
    /// TP-PID.
    pub pid: u8,
    /// TP-DCS.
    pub dcs: Dcs,
    /// TP-SCTS.
    pub scts: Timestamp,
    /// TP-UD with its header indicator and length.
    pub user_data: UserData,
}

impl Deliver {
    /// A plain message with no flag set.
    #[must_use]
    pub const fn new(originator: Address, scts: Timestamp, dcs: Dcs, user_data: UserData) -> Self {
        Self {
            more_messages: false,
            loop_prevention: false,
            status_report: false,
            reply_path: false,
            originator,
            pid: 0,
            dcs,
            scts,
            user_data,
        }
    }

    #[inline]
    pub(super) fn read(reader: &mut Reader<'_, '_>, first: u8) -> Result<Self, DecodeError> {
        let originator = Address::read(reader, Field::Originator)?;
        let pid = reader.octet_or_zero(Field::ProtocolIdentifier)?;
        let dcs = Dcs::read_or_zero(reader)?;
        let scts = Timestamp::read_or_zero(reader, Field::ServiceCentreTimestamp)?;
        let user_data = UserData::read(reader, dcs, first & 0x40 != 0, USER_DATA_OCTETS)?;
        Ok(Self {
            more_messages: first & 0x04 == 0,
            loop_prevention: first & 0x08 != 0,
            status_report: first & 0x20 != 0,
            reply_path: first & 0x80 != 0,
            originator,
            pid,
            dcs,
            scts,
            user_data,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`EncodeError`]: more than 140 octets of user data, or TP-DCS names another alphabet.
    pub fn encode(&self) -> Result<Octets, EncodeError> {
        let mut writer = Writer::default();
        writer.octet(
            flag(!self.more_messages, 0x04)
                | flag(self.loop_prevention, 0x08)
                | flag(self.status_report, 0x20)
                | flag(self.user_data.has_header(), 0x40)
                | flag(self.reply_path, 0x80),
        )?;
        self.originator.write(&mut writer)?;
        writer.octet(self.pid)?;
        writer.octet(self.dcs.0)?;
        writer.octets(&self.scts.0)?;
        self.user_data.write(&mut writer, self.dcs, USER_DATA_OCTETS)?;
        Ok(writer.finish())
    }
}
