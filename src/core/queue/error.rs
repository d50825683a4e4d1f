//! The words for why a message or part did not make it: `error.code` and `network_code` of the API. What an answer
//! *means* for the next step is decided in [`super::classify`].

use core::fmt;

use super::verbs::Answer;

/// Why a message or part ended badly, as `error.code` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// `valid_until` passed before a SIM could send it.
    ExpiredInQueue,
    /// The SMSC gave up when its validity ran out.
    ExpiredInNetwork,
    /// The number is not assigned to anybody.
    NumberUnassigned,
    /// The phone was off or away for too long.
    RecipientAbsent,
    /// This number may not be reached from here.
    RecipientBarred,
    /// The phone's memory is full.
    RecipientMemoryFull,
    /// The network refused it and says no more.
    RejectedByNetwork,
    /// The network refused it in the way its filters do.
    RejectedAsSpam,
    /// Too much traffic.
    Congestion,
    /// The SIM may not send: barred, not subscribed, PIN, card fault.
    SimBarred,
    /// The SIM has no credit.
    SimNoCredit,
    /// The SIM's own budget is used up.
    SimCap,
    /// The SMSC failed.
    SmscFailure,
    /// No coverage or no registration.
    NoCoverage,
    /// The modem failed.
    ModemFailure,
    /// It may or may not have been sent, and no evidence came.
    OutcomeUnknown,
    /// It was sent; the delivery report never came.
    ReportTimeout,
    /// The SMSC replaced it by a later message.
    Replaced,
    /// Withdrawn by the caller.
    CanceledByUser,
    /// The recipient got as many texts in 24 hours as anybody may.
    CapRecipient,
}

impl ErrorCode {
    /// Every code (the index is the code on disk; only append).
    pub const ALL: [Self; 20] = [
        Self::ExpiredInQueue,
        Self::ExpiredInNetwork,
        Self::NumberUnassigned,
        Self::RecipientAbsent,
        Self::RecipientBarred,
        Self::RecipientMemoryFull,
        Self::RejectedByNetwork,
        Self::RejectedAsSpam,
        Self::Congestion,
        Self::SimBarred,
        Self::SimNoCredit,
        Self::SimCap,
        Self::SmscFailure,
        Self::NoCoverage,
        Self::ModemFailure,
        Self::OutcomeUnknown,
        Self::ReportTimeout,
        Self::Replaced,
        Self::CanceledByUser,
        Self::CapRecipient,
    ];

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExpiredInQueue => "expired_in_queue",
            Self::ExpiredInNetwork => "expired_in_network",
            Self::NumberUnassigned => "number_unassigned",
            Self::RecipientAbsent => "recipient_absent",
            Self::RecipientBarred => "recipient_barred",
            Self::RecipientMemoryFull => "recipient_memory_full",
            Self::RejectedByNetwork => "rejected_by_network",
            Self::RejectedAsSpam => "rejected_as_spam",
            Self::Congestion => "congestion",
            Self::SimBarred => "sim_barred",
            Self::SimNoCredit => "sim_no_credit",
            Self::SimCap => "sim_cap",
            Self::SmscFailure => "smsc_failure",
            Self::NoCoverage => "no_coverage",
            Self::ModemFailure => "modem_failure",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::ReportTimeout => "report_timeout",
            Self::Replaced => "replaced",
            Self::CanceledByUser => "canceled_by_user",
            Self::CapRecipient => "cap_recipient",
        }
    }

    /// One sentence for people.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::ExpiredInQueue => "The message could not be sent before its time ran out.",
            Self::ExpiredInNetwork => "The network could not reach the phone before the message's time ran out.",
            Self::NumberUnassigned => "The number is not assigned.",
            Self::RecipientAbsent => "The phone could not be reached.",
            Self::RecipientBarred => "The number cannot be reached from this SIM.",
            Self::RecipientMemoryFull => "The phone's memory is full.",
            Self::RejectedByNetwork => "The network refused the message.",
            Self::RejectedAsSpam => "The network refused the message, as filters do.",
            Self::Congestion => "The network is congested.",
            Self::SimBarred => "The SIM is not allowed to send.",
            Self::SimNoCredit => "The SIM has no credit.",
            Self::SimCap => "The SIM's budget is used up.",
            Self::SmscFailure => "The operator's message centre failed.",
            Self::NoCoverage => "The modem has no network.",
            Self::ModemFailure => "The modem failed.",
            Self::OutcomeUnknown => "The message may or may not have been sent.",
            Self::ReportTimeout => "The message was sent; no delivery report came.",
            Self::Replaced => "The network replaced the message by a later one.",
            Self::CanceledByUser => "The message was withdrawn.",
            Self::CapRecipient => "The recipient got as many texts in 24 hours as anybody may; it waits.",
        }
    }

    /// Whether sending the same message anew later has a chance.
    #[must_use]
    pub const fn retryable(self) -> bool {
        match self {
            Self::NumberUnassigned
            | Self::RecipientBarred
            | Self::RejectedAsSpam
            | Self::Replaced
            | Self::CanceledByUser
            | Self::CapRecipient => false,
            Self::ExpiredInQueue
            | Self::ExpiredInNetwork
            | Self::RecipientAbsent
            | Self::RecipientMemoryFull
            | Self::RejectedByNetwork
            | Self::Congestion
            | Self::SimBarred
            | Self::SimNoCredit
            | Self::SimCap
            | Self::SmscFailure
            | Self::NoCoverage
            | Self::ModemFailure
            | Self::OutcomeUnknown
            | Self::ReportTimeout => true,
        }
    }
}

/// The raw value behind an error, in the words of `network_code`: `cms:38`, `cme:30`, `st:0x46`, `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkCode {
    /// From an answer of the modem.
    Answer(Answer),
    /// TP-Status of a delivery report (3GPP TS 23.040 clause 9.2.3.15).
    Status(u8),
}

impl NetworkCode {
    /// As one number, for the store: family in the upper bits, value in the lower 16.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        match self {
            Self::Answer(Answer::Cms(n)) => n as u32,
            Self::Answer(Answer::Cme(n)) => 0x1_0000 | n as u32,
            Self::Status(n) => 0x2_0000 | n as u32,
            Self::Answer(Answer::Error) => 0x3_0000,
            Self::Answer(Answer::NoPrompt) => 0x3_0001,
            Self::Answer(Answer::Withdrawn) => 0x3_0002,
        }
    }

    /// The inverse of [`NetworkCode::to_bits`]; `None` for a number it never makes.
    #[must_use]
    pub fn from_bits(bits: u32) -> Option<Self> {
        let value = u16::try_from(bits & 0xFFFF).ok()?;
        match (bits >> 16, value) {
            (0, n) => Some(Self::Answer(Answer::Cms(n))),
            (1, n) => Some(Self::Answer(Answer::Cme(n))),
            (2, n) => u8::try_from(n).ok().map(Self::Status),
            (3, 0) => Some(Self::Answer(Answer::Error)),
            (3, 1) => Some(Self::Answer(Answer::NoPrompt)),
            (3, 2) => Some(Self::Answer(Answer::Withdrawn)),
            _ => None,
        }
    }
}

impl fmt::Display for NetworkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Answer(Answer::Cms(n)) => write!(f, "cms:{n}"),
            Self::Answer(Answer::Cme(n)) => write!(f, "cme:{n}"),
            Self::Status(n) => write!(f, "st:{n:#04x}"),
            Self::Answer(Answer::Error) => f.write_str("error"),
            Self::Answer(Answer::NoPrompt) => f.write_str("no_prompt"),
            Self::Answer(Answer::Withdrawn) => f.write_str("withdrawn"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn network_codes_read_as_the_api_wants_them() {
        assert_eq!(NetworkCode::Answer(Answer::Cms(38)).to_string(), "cms:38");
        assert_eq!(NetworkCode::Answer(Answer::Cme(30)).to_string(), "cme:30");
        assert_eq!(NetworkCode::Status(0x46).to_string(), "st:0x46");
        assert_eq!(NetworkCode::Status(0x02).to_string(), "st:0x02");
    }

    #[test]
    fn bits_are_inverse_for_every_value() {
        for n in 0..=u16::MAX {
            for code in [NetworkCode::Answer(Answer::Cms(n)), NetworkCode::Answer(Answer::Cme(n))] {
                assert_eq!(NetworkCode::from_bits(code.to_bits()), Some(code));
            }
        }
        for st in 0..=u8::MAX {
            let code = NetworkCode::Status(st);
            assert_eq!(NetworkCode::from_bits(code.to_bits()), Some(code));
        }
        for answer in [Answer::Error, Answer::NoPrompt, Answer::Withdrawn] {
            let code = NetworkCode::Answer(answer);
            assert_eq!(NetworkCode::from_bits(code.to_bits()), Some(code));
        }
        assert_eq!(NetworkCode::from_bits(0x2_0100), None);
        assert_eq!(NetworkCode::from_bits(0x4_0000), None);
    }

    #[test]
    fn every_code_stands_at_its_own_index() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index);
        }
    }
}
