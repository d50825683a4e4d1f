//! TP-Protocol-Identifier, 3GPP TS 23.040 clause 9.2.3.9: what an octet asks of the one that receives it.

/// The meaning of a TP-PID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A plain message (0x00), or another protocol between the two ends (0x01 to 0x1F).
    Plain(u8),
    /// Interworking with a telematic device of this number, 0 to 31.
    Telematic(u8),
    /// Short message type 0: taken and thrown away, shown to nobody.
    Type0,
    /// Replace short message type 1 to 7: takes the place of one of the same type and sender.
    Replace(u8),
    /// Device triggering.
    DeviceTriggering,
    /// Enhanced message service (obsolete).
    Enhanced,
    /// Return call message.
    ReturnCall,
    /// ANSI-136 R-DATA.
    Ansi136,
    /// Data download to the mobile equipment.
    EquipmentDownload,
    /// Depersonalisation of the mobile equipment.
    Depersonalisation,
    /// Data download to the (U)SIM.
    SimDownload,
    /// For the service centre to define.
    CentreSpecific(u8),
    /// Reserved.
    Reserved(u8),
}

impl Protocol {
    /// The meaning of an octet.
    #[must_use]
    pub const fn of(pid: u8) -> Self {
        match pid {
            0x00..=0x1F => Self::Plain(pid),
            0x20..=0x3F => Self::Telematic(pid & 0x1F),
            0x40 => Self::Type0,
            0x41..=0x47 => Self::Replace(pid & 0x07),
            0x48 => Self::DeviceTriggering,
            0x5E => Self::Enhanced,
            0x5F => Self::ReturnCall,
            0x7C => Self::Ansi136,
            0x7D => Self::EquipmentDownload,
            0x7E => Self::Depersonalisation,
            0x7F => Self::SimDownload,
            0xC0.. => Self::CentreSpecific(pid),
            0x49..=0x5D | 0x60..=0x7B | 0x80..=0xBF => Self::Reserved(pid),
        }
    }

    /// In words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Plain(0) => "plain message",
            Self::Plain(_) => "other protocol between the two ends",
            Self::Telematic(_) => "telematic interworking",
            Self::Type0 => "type 0, silent",
            Self::Replace(_) => "replaces one of the same type",
            Self::DeviceTriggering => "device triggering",
            Self::Enhanced => "enhanced message service",
            Self::ReturnCall => "return call",
            Self::Ansi136 => "ANSI-136 R-DATA",
            Self::EquipmentDownload => "data download to the phone",
            Self::Depersonalisation => "depersonalisation of the phone",
            Self::SimDownload => "data download to the SIM",
            Self::CentreSpecific(_) => "defined by the service centre",
            Self::Reserved(_) => "reserved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_begin_and_end_where_the_standard_says() {
        assert_eq!(Protocol::of(0x00), Protocol::Plain(0));
        assert_eq!(Protocol::of(0x1F), Protocol::Plain(0x1F));
        assert_eq!(Protocol::of(0x3F), Protocol::Telematic(31));
        assert_eq!(Protocol::of(0x40), Protocol::Type0);
        assert_eq!(Protocol::of(0x41), Protocol::Replace(1));
        assert_eq!(Protocol::of(0x47), Protocol::Replace(7));
        assert_eq!(Protocol::of(0x49), Protocol::Reserved(0x49));
        assert_eq!(Protocol::of(0x7F), Protocol::SimDownload);
        assert_eq!(Protocol::of(0xBF), Protocol::Reserved(0xBF));
        assert_eq!(Protocol::of(0xC0), Protocol::CentreSpecific(0xC0));
    }
}
