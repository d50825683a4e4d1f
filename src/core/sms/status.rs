//! TP-Status, 3GPP TS 23.040 clause 9.2.3.15: all 256 values, what they mean and whether they are the last word.

/// TP-ST as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

/// What became of a part, in the words of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The phone took it.
    Delivered,
    /// Passed on, and nobody knows more.
    Unconfirmed,
    /// A later message took its place.
    Replaced,
    /// The service centre keeps trying: not the last word.
    Pending,
    /// The validity period ran out.
    Expired,
    /// Deleted in the service centre.
    Deleted,
    /// Given up for a reason that will not go away.
    FailedForGood,
    /// Given up for a reason that may pass.
    FailedForNow,
}

impl Outcome {
    /// Whether no further report will follow.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending => false,
            Self::Delivered
            | Self::Unconfirmed
            | Self::Replaced
            | Self::Expired
            | Self::Deleted
            | Self::FailedForGood
            | Self::FailedForNow => true,
        }
    }
}

impl Status {
    /// A value the standard reserves; it is to be read as 0x63, service rejected.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.0, 0x03..=0x0F | 0x26..=0x2F | 0x4A..=0x4F | 0x66..=0x6F | 0x80..)
    }

    /// A value whose meaning the service centre chooses, within its group.
    #[must_use]
    pub const fn is_specific(self) -> bool {
        matches!(self.0, 0x10..=0x1F | 0x30..=0x3F | 0x50..=0x5F | 0x70..=0x7F)
    }

    /// The value to act on: 0x63 for reserved ones.
    #[must_use]
    pub const fn effective(self) -> Self {
        if self.is_reserved() { Self(0x63) } else { self }
    }

    /// What became of the part.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self.effective().0 {
            0x01 => Outcome::Unconfirmed,
            0x02 => Outcome::Replaced,
            0x00..=0x1F => Outcome::Delivered,
            0x20..=0x3F => Outcome::Pending,
            0x46 => Outcome::Expired,
            0x47 | 0x48 => Outcome::Deleted,
            0x40..=0x5F => Outcome::FailedForGood,
            0x60.. => Outcome::FailedForNow,
        }
    }

    /// What the value means, in the words of the standard.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self.0 {
            0x00 => "received by the SME",
            0x01 => "forwarded to the SME, delivery not confirmed",
            0x02 => "replaced by the SC",
            0x20 => "congestion, SC still trying",
            0x21 => "SME busy, SC still trying",
            0x22 => "no response from SME, SC still trying",
            0x23 => "service rejected, SC still trying",
            0x24 => "quality of service not available, SC still trying",
            0x25 => "error in SME, SC still trying",
            0x40 => "remote procedure error",
            0x41 => "incompatible destination",
            0x42 => "connection rejected by SME",
            0x43 => "not obtainable",
            0x44 => "quality of service not available",
            0x45 => "no interworking available",
            0x46 => "validity period expired",
            0x47 => "deleted by originating SME",
            0x48 => "deleted by SC administration",
            0x49 => "does not exist",
            0x60 => "congestion, SC gave up",
            0x61 => "SME busy, SC gave up",
            0x62 => "no response from SME, SC gave up",
            0x63 => "service rejected, SC gave up",
            0x64 => "quality of service not available, SC gave up",
            0x65 => "error in SME, SC gave up",
            0x10..=0x1F => "SC specific, completed",
            0x30..=0x3F => "SC specific, still trying",
            0x50..=0x5F => "SC specific, permanent error",
            0x70..=0x7F => "SC specific, gave up",
            0x03..=0x0F | 0x26..=0x2F | 0x4A..=0x4F | 0x66..=0x6F | 0x80.. => "reserved, read as service rejected",
        }
    }
}

/// What a TP-Failure-Cause means (clause 9.2.3.22).
#[must_use]
pub const fn failure_meaning(failure_cause: u8) -> &'static str {
    match failure_cause {
        0x80 => "telematic interworking not supported",
        0x81 => "short message type 0 not supported",
        0x82 => "cannot replace short message",
        0x8F => "unspecified TP-PID error",
        0x90 => "alphabet not supported",
        0x91 => "message class not supported",
        0x9F => "unspecified TP-DCS error",
        0xA0 => "command cannot be actioned",
        0xA1 => "command not supported",
        0xAF => "unspecified command error",
        0xB0 => "TPDU not supported",
        0xC0 => "SC busy",
        0xC1 => "no SC subscription",
        0xC2 => "SC system failure",
        0xC3 => "invalid SME address",
        0xC4 => "destination SME barred",
        0xC5 => "rejected as a duplicate",
        0xC6 => "TP-VPF not supported",
        0xC7 => "TP-VP not supported",
        0xD0 => "SIM storage full",
        0xD1 => "no storage in the SIM",
        0xD2 => "error in the phone",
        0xD3 => "memory capacity exceeded",
        0xD4 => "SIM toolkit busy",
        0xD5 => "SIM data download error",
        0xE0..=0xFE => "specific to an application",
        0xFF => "unspecified error",
        0x00..=0x7F | 0x83..=0x8E | 0x92..=0x9E | 0xA2..=0xAE | 0xB1..=0xBF | 0xC8..=0xCF | 0xD6..=0xDF => "reserved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outcome of every value as ranges: last value of the range, outcome (clause 9.2.3.15).
    const RANGES: [(u8, Outcome); 18] = [
        (0x00, Outcome::Delivered),
        (0x01, Outcome::Unconfirmed),
        (0x02, Outcome::Replaced),
        (0x0F, Outcome::FailedForNow),
        (0x1F, Outcome::Delivered),
        (0x25, Outcome::Pending),
        (0x2F, Outcome::FailedForNow),
        (0x3F, Outcome::Pending),
        (0x45, Outcome::FailedForGood),
        (0x46, Outcome::Expired),
        (0x48, Outcome::Deleted),
        (0x49, Outcome::FailedForGood),
        (0x4F, Outcome::FailedForNow),
        (0x5F, Outcome::FailedForGood),
        (0x65, Outcome::FailedForNow),
        (0x6F, Outcome::FailedForNow),
        (0x7F, Outcome::FailedForNow),
        (0xFF, Outcome::FailedForNow),
    ];

    #[test]
    fn all_values_have_the_outcome_of_their_range() {
        for value in 0..=255_u8 {
            let (_, outcome) = RANGES.into_iter().find(|(last, _)| value <= *last).unwrap();
            assert_eq!(Status(value).outcome(), outcome, "{value:#04X}");
            assert_eq!(outcome.is_final(), outcome != Outcome::Pending);
            assert!(!Status(value).meaning().is_empty());
        }
    }

    #[test]
    fn reserved_values_read_as_service_rejected() {
        let reserved = (0..=255_u8).filter(|value| Status(*value).is_reserved()).count();
        assert_eq!(reserved, 13 + 10 + 6 + 10 + 128);
        for value in [0x03, 0x2F, 0x4A, 0x66, 0x80, 0xFF] {
            assert_eq!(Status(value).effective(), Status(0x63));
            assert_eq!(Status(value).0, value, "kept as received");
        }
        assert!(!Status(0x30).is_reserved() && Status(0x30).is_specific());
    }
}
