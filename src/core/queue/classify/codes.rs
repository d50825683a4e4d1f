//! The table of answers: every `+CMS ERROR` and `+CME ERROR` code with its class, whether the message may have been
//! accepted all the same, and the delay before the same SIM is worth a try. From 3GPP TS 24.011 annex E-2, 23.040 clause
//! 9.2.3.22, 27.005 clause 3.2.5, 27.007 clause 9.2 and what firmware is known to add above 511.

use core::time::Duration;

use crate::queue::error::ErrorCode;
use crate::queue::verbs::Answer;

/// What a sender does about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// This message can never pass.
    PermMsg,
    /// Transient.
    RetrySame,
    /// Refused here; may pass elsewhere.
    RetryOther,
    /// Subscription, PIN, storage or card.
    SimFault,
    /// Coverage, registration, core network.
    NetFault,
    /// Device or firmware.
    ModemFault,
    /// Our command or parameter.
    Proto,
    /// Outcome not known.
    Unknown,
    /// The SMSC has it already.
    AlreadyAccepted,
}

impl Class {
    /// The SIM, its network or its modem is at fault rather than the message: another SIM is better.
    #[must_use]
    pub const fn is_of_the_sim(self) -> bool {
        match self {
            Self::SimFault | Self::NetFault | Self::ModemFault | Self::RetryOther => true,
            Self::PermMsg | Self::RetrySame | Self::Proto | Self::Unknown | Self::AlreadyAccepted => false,
        }
    }
}

/// Whether the message may have been accepted although this answer came after Ctrl-Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MaybeAccepted {
    /// It was not.
    No,
    /// It may have been.
    Maybe,
    /// It probably was.
    Yes,
}

/// What the table says of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    first: u16,
    last: u16,
    /// Class.
    pub class: Class,
    /// Whether it may have been accepted.
    pub maybe: MaybeAccepted,
    /// Before the same SIM is worth a try; `None` when the table has no word on it.
    pub delay: Option<Duration>,
}

use Class as C;
use MaybeAccepted as M;

/// Stands for "no word on a delay" in the table.
const NONE: u16 = u16::MAX;

const fn row(first: u16, last: u16, class: Class, maybe: MaybeAccepted, delay: u16) -> Row {
    Row {
        first,
        last,
        class,
        maybe,
        delay: if delay == NONE {
            None
        } else {
            Some(Duration::from_secs(delay as u64))
        },
    }
}

/// `+CMS ERROR`, in order of the code.
static CMS: [Row; 76] = [
    row(1, 1, C::PermMsg, M::No, NONE),
    row(8, 8, C::SimFault, M::No, 3600),
    row(10, 10, C::SimFault, M::No, 3600),
    row(17, 17, C::NetFault, M::Maybe, 30),
    row(21, 21, C::RetryOther, M::No, 300),
    row(22, 22, C::NetFault, M::No, 60),
    row(27, 27, C::RetrySame, M::No, 300),
    row(28, 30, C::SimFault, M::No, 1800),
    row(38, 38, C::NetFault, M::No, 300),
    row(41, 41, C::RetrySame, M::No, 10),
    row(42, 42, C::RetrySame, M::No, 30),
    row(47, 47, C::RetrySame, M::No, 60),
    row(50, 50, C::SimFault, M::No, 3600),
    row(69, 69, C::RetryOther, M::No, 600),
    row(81, 81, C::RetrySame, M::Maybe, 5),
    row(95, 97, C::PermMsg, M::No, NONE),
    row(98, 98, C::RetrySame, M::Maybe, 5),
    row(99, 99, C::PermMsg, M::No, NONE),
    row(111, 111, C::RetrySame, M::No, 30),
    row(127, 127, C::RetrySame, M::No, 60),
    row(128, 176, C::PermMsg, M::No, NONE),
    row(177, 192, C::RetrySame, M::No, 60),
    row(193, 193, C::SimFault, M::No, 3600),
    row(194, 194, C::RetrySame, M::No, 120),
    row(195, 196, C::PermMsg, M::No, NONE),
    row(197, 197, C::AlreadyAccepted, M::Yes, NONE),
    row(198, 199, C::PermMsg, M::No, NONE),
    row(200, 207, C::RetrySame, M::No, 60),
    row(208, 208, C::SimFault, M::No, 0),
    row(209, 209, C::SimFault, M::No, NONE),
    row(210, 210, C::ModemFault, M::Maybe, 10),
    row(211, 211, C::ModemFault, M::No, 0),
    row(212, 212, C::RetrySame, M::No, 10),
    row(213, 213, C::SimFault, M::No, 30),
    row(214, 254, C::RetrySame, M::No, 60),
    row(255, 255, C::RetrySame, M::No, 30),
    row(300, 300, C::ModemFault, M::Maybe, 10),
    row(301, 301, C::ModemFault, M::No, 10),
    row(302, 302, C::ModemFault, M::No, 5),
    row(303, 305, C::Proto, M::No, NONE),
    row(310, 312, C::SimFault, M::No, NONE),
    row(313, 313, C::SimFault, M::No, 30),
    row(314, 314, C::RetrySame, M::No, 2),
    row(315, 318, C::SimFault, M::No, NONE),
    row(320, 320, C::ModemFault, M::No, 5),
    row(321, 321, C::Proto, M::No, NONE),
    row(322, 322, C::SimFault, M::No, 0),
    row(330, 330, C::SimFault, M::No, 0),
    row(331, 331, C::NetFault, M::No, 20),
    row(332, 332, C::Unknown, M::Yes, NONE),
    row(340, 340, C::Proto, M::No, NONE),
    row(500, 500, C::Unknown, M::Maybe, 60),
    row(512, 512, C::RetrySame, M::No, 10),
    row(513, 513, C::Unknown, M::Yes, NONE),
    row(514, 514, C::NetFault, M::Maybe, 30),
    row(515, 515, C::RetrySame, M::No, 1),
    row(516, 517, C::Proto, M::No, NONE),
    row(519, 520, C::Proto, M::No, NONE),
    row(521, 521, C::Unknown, M::Yes, NONE),
    row(522, 522, C::RetrySame, M::No, 10),
    row(528, 529, C::NetFault, M::No, 10),
    row(531, 531, C::SimFault, M::No, NONE),
    row(532, 532, C::RetrySame, M::No, 10),
    row(534, 534, C::Proto, M::No, NONE),
    row(535, 535, C::RetrySame, M::No, 10),
    row(538, 538, C::Proto, M::No, NONE),
    row(549, 551, C::Proto, M::No, NONE),
    row(553, 554, C::Proto, M::No, NONE),
    row(615, 615, C::NetFault, M::Maybe, 10),
    row(616, 616, C::NetFault, M::No, 10),
    row(639, 640, C::RetrySame, M::No, 10),
    row(764, 765, C::Proto, M::No, NONE),
    row(767, 767, C::Unknown, M::Maybe, NONE),
    row(769, 769, C::ModemFault, M::No, NONE),
    row(770, 770, C::SimFault, M::No, NONE),
    row(772, 772, C::SimFault, M::No, NONE),
];

/// `+CME ERROR`, in order of the code.
static CME: [Row; 86] = [
    row(0, 2, C::ModemFault, M::No, 10),
    row(3, 3, C::ModemFault, M::No, 5),
    row(4, 4, C::Proto, M::No, NONE),
    row(5, 7, C::SimFault, M::No, NONE),
    row(10, 10, C::SimFault, M::No, NONE),
    row(11, 11, C::SimFault, M::No, 0),
    row(12, 12, C::SimFault, M::No, NONE),
    row(13, 13, C::SimFault, M::No, 30),
    row(14, 14, C::RetrySame, M::No, 1),
    row(15, 18, C::SimFault, M::No, NONE),
    row(20, 20, C::SimFault, M::No, 0),
    row(21, 22, C::Proto, M::No, NONE),
    row(23, 23, C::ModemFault, M::No, 5),
    row(24, 27, C::Proto, M::No, NONE),
    row(30, 30, C::NetFault, M::No, 20),
    row(31, 31, C::NetFault, M::Maybe, 20),
    row(32, 32, C::SimFault, M::No, 600),
    row(40, 48, C::SimFault, M::No, NONE),
    row(49, 50, C::Proto, M::No, NONE),
    row(51, 51, C::ModemFault, M::No, 10),
    row(52, 52, C::Unknown, M::Maybe, NONE),
    row(53, 53, C::ModemFault, M::No, 5),
    row(54, 54, C::NetFault, M::No, 60),
    row(55, 55, C::ModemFault, M::No, 5),
    row(56, 56, C::SimFault, M::No, NONE),
    row(57, 57, C::RetrySame, M::No, 5),
    row(58, 59, C::Proto, M::No, NONE),
    row(60, 60, C::ModemFault, M::No, 10),
    row(61, 61, C::Proto, M::No, NONE),
    row(62, 62, C::SimFault, M::No, 3600),
    row(63, 63, C::Proto, M::No, NONE),
    row(100, 100, C::ModemFault, M::No, 5),
    row(102, 104, C::SimFault, M::No, 600),
    row(105, 106, C::ModemFault, M::No, 600),
    row(107, 108, C::SimFault, M::No, 600),
    row(109, 110, C::NetFault, M::No, 60),
    row(111, 111, C::SimFault, M::No, 600),
    row(112, 112, C::NetFault, M::No, 60),
    row(113, 114, C::SimFault, M::No, 600),
    row(115, 119, C::NetFault, M::No, 60),
    row(122, 122, C::NetFault, M::No, 60),
    row(124, 124, C::Proto, M::No, NONE),
    row(125, 126, C::NetFault, M::No, 60),
    row(127, 131, C::Proto, M::No, NONE),
    row(132, 133, C::SimFault, M::No, 600),
    row(134, 134, C::NetFault, M::No, 60),
    row(135, 138, C::Proto, M::No, NONE),
    row(139, 139, C::NetFault, M::No, 60),
    row(140, 147, C::Proto, M::No, NONE),
    row(148, 148, C::NetFault, M::No, 60),
    row(149, 165, C::Proto, M::No, NONE),
    row(171, 175, C::Proto, M::No, NONE),
    row(176, 176, C::NetFault, M::No, 60),
    row(177, 177, C::SimFault, M::No, 600),
    row(178, 181, C::Proto, M::No, NONE),
    row(182, 183, C::NetFault, M::No, 60),
    row(184, 186, C::Proto, M::No, NONE),
    row(187, 187, C::NetFault, M::No, 60),
    row(188, 188, C::Proto, M::No, NONE),
    row(189, 189, C::SimFault, M::No, 600),
    row(190, 190, C::NetFault, M::No, 60),
    row(191, 203, C::Proto, M::No, NONE),
    row(204, 204, C::NetFault, M::No, 60),
    row(205, 209, C::Proto, M::No, NONE),
    row(210, 211, C::NetFault, M::No, 60),
    row(212, 214, C::Proto, M::No, NONE),
    row(215, 215, C::NetFault, M::No, 60),
    row(216, 216, C::Proto, M::No, NONE),
    row(217, 217, C::SimFault, M::No, 600),
    row(218, 225, C::Proto, M::No, NONE),
    row(226, 227, C::NetFault, M::No, 60),
    row(228, 229, C::SimFault, M::No, 600),
    row(230, 230, C::Proto, M::No, NONE),
    row(231, 231, C::SimFault, M::No, 600),
    row(232, 232, C::NetFault, M::No, 60),
    row(233, 233, C::Proto, M::No, NONE),
    row(256, 256, C::RetrySame, M::No, 5),
    row(257, 257, C::SimFault, M::No, NONE),
    row(258, 258, C::RetrySame, M::No, 5),
    row(259, 259, C::Unknown, M::No, NONE),
    row(260, 261, C::Proto, M::No, NONE),
    row(262, 262, C::SimFault, M::No, NONE),
    row(263, 263, C::Proto, M::No, NONE),
    row(515, 515, C::RetrySame, M::No, 5),
    row(527, 527, C::RetrySame, M::No, 5),
    row(772, 772, C::SimFault, M::No, NONE),
];

/// An RP-cause that no list names is read as 41 (24.011 clause 8.2.5.4).
const UNNAMED_RP: Row = row(0, 127, C::RetrySame, M::No, 10);
/// A code that no list names, and plain `ERROR`: the modem itself, for any reason.
const UNNAMED: Row = row(0, u16::MAX, C::ModemFault, M::Maybe, 5);
/// Nothing came where the prompt should.
const NO_PROMPT: Row = row(0, 0, C::ModemFault, M::No, 5);
/// The store withdrew the attempt itself.
const WITHDRAWN: Row = row(0, 0, C::RetrySame, M::No, 0);

/// What the table says of `answer`; total.
#[must_use]
pub fn row_of(answer: Answer) -> Row {
    match answer {
        Answer::Cms(code) => find(&CMS, code).unwrap_or(if code < 128 { UNNAMED_RP } else { UNNAMED }),
        Answer::Cme(code) => find(&CME, code).unwrap_or(UNNAMED),
        Answer::Error => UNNAMED,
        Answer::NoPrompt => NO_PROMPT,
        Answer::Withdrawn => WITHDRAWN,
    }
}

fn find(table: &[Row], code: u16) -> Option<Row> {
    let place = table.partition_point(|row| row.last < code);
    table.get(place).filter(|row| row.first <= code).copied()
}

/// Codes that firmware uses for any refusal of its own: quick ones are local, late ones say nothing.
#[must_use]
pub fn is_local(answer: Answer) -> bool {
    match answer {
        Answer::Cms(300 | 302 | 500) | Answer::Cme(0 | 3 | 100) | Answer::Error => true,
        Answer::Cms(code) => code >= 256 && find(&CMS, code).is_none(),
        Answer::Cme(code) => find(&CME, code).is_none(),
        Answer::NoPrompt | Answer::Withdrawn => false,
    }
}

/// The word of `error.code` for an answer.
#[must_use]
pub fn error_of(answer: Answer) -> ErrorCode {
    match answer {
        Answer::Cms(1) => ErrorCode::NumberUnassigned,
        Answer::Cms(22 | 42 | 47 | 192) => ErrorCode::Congestion,
        Answer::Cms(27 | 194 | 330) => ErrorCode::SmscFailure,
        Answer::Cms(196 | 531) | Answer::Cme(56) => ErrorCode::RecipientBarred,
        Answer::Cms(code) if code < 256 && row_of(answer).class != Class::SimFault => ErrorCode::RejectedByNetwork,
        Answer::Cms(_) | Answer::Cme(_) | Answer::Error | Answer::NoPrompt | Answer::Withdrawn => {
            match row_of(answer).class {
                Class::SimFault => ErrorCode::SimBarred,
                Class::NetFault => ErrorCode::NoCoverage,
                Class::PermMsg | Class::RetryOther | Class::AlreadyAccepted => ErrorCode::RejectedByNetwork,
                Class::RetrySame | Class::ModemFault | Class::Proto | Class::Unknown => ErrorCode::ModemFailure,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_are_in_order_without_overlap() {
        for table in [&CMS[..], &CME[..]] {
            for row in table {
                assert!(row.first <= row.last, "{row:?}");
            }
            for pair in table.windows(2) {
                assert!(pair[0].last < pair[1].first, "{pair:?}");
            }
        }
    }

    #[test]
    fn every_cause_of_the_network_is_named_or_read_as_a_temporary_failure() {
        for code in 128..=255 {
            assert!(find(&CMS, code).is_some(), "{code}");
        }
        assert_eq!(row_of(Answer::Cms(0)), UNNAMED_RP);
        assert_eq!(row_of(Answer::Cms(77)), UNNAMED_RP);
        assert_eq!(row_of(Answer::Cms(9_999)), UNNAMED);
    }

    #[test]
    fn some_rows_stand_where_they_should() {
        let of = |answer| {
            let row = row_of(answer);
            (row.class, row.maybe, row.delay.map(|d| d.as_secs()))
        };
        assert_eq!(of(Answer::Cms(1)), (C::PermMsg, M::No, None));
        assert_eq!(of(Answer::Cms(29)), (C::SimFault, M::No, Some(1_800)));
        assert_eq!(of(Answer::Cms(38)), (C::NetFault, M::No, Some(300)));
        assert_eq!(of(Answer::Cms(197)), (C::AlreadyAccepted, M::Yes, None));
        assert_eq!(of(Answer::Cms(332)), (C::Unknown, M::Yes, None));
        assert_eq!(of(Answer::Cme(14)), (C::RetrySame, M::No, Some(1)));
        assert_eq!(of(Answer::Cme(156)), (C::Proto, M::No, None));
    }

    #[test]
    fn words_follow_the_code_before_the_class() {
        for (answer, word) in [
            (Answer::Cms(1), ErrorCode::NumberUnassigned),
            (Answer::Cms(8), ErrorCode::SimBarred),
            (Answer::Cms(21), ErrorCode::RejectedByNetwork),
            (Answer::Cms(38), ErrorCode::RejectedByNetwork),
            (Answer::Cms(42), ErrorCode::Congestion),
            (Answer::Cms(310), ErrorCode::SimBarred),
            (Answer::Cms(331), ErrorCode::NoCoverage),
            (Answer::Cms(500), ErrorCode::ModemFailure),
            (Answer::Cme(30), ErrorCode::NoCoverage),
            (Answer::Error, ErrorCode::ModemFailure),
        ] {
            assert_eq!(error_of(answer), word, "{answer:?}");
        }
    }
}
