//! What a delivery report means for its part. What TP-Status says stands in [`crate::sms::status`].

use super::error::ErrorCode;
use super::transition::PartEvent;
use crate::sms::{Outcome, Status};

/// What the report does to a part, and the word for it when it is bad news.
#[must_use]
pub const fn meaning(tp_st: u8) -> (PartEvent, Option<ErrorCode>) {
    match Status(tp_st).outcome() {
        Outcome::Delivered => (PartEvent::Delivered, None),
        Outcome::Unconfirmed => (PartEvent::DeliveredUnconfirmed, None),
        Outcome::Pending => (PartEvent::Interim, None),
        Outcome::Replaced => (PartEvent::Undelivered, Some(ErrorCode::Replaced)),
        Outcome::Expired => (PartEvent::Expired, Some(ErrorCode::ExpiredInNetwork)),
        Outcome::Deleted | Outcome::FailedForGood | Outcome::FailedForNow => {
            (PartEvent::Undelivered, Some(error_of(tp_st)))
        }
    }
}

const fn error_of(tp_st: u8) -> ErrorCode {
    match tp_st {
        // Not obtainable; busy, silent or failing at the very end.
        0x43 | 0x61 | 0x62 | 0x65 => ErrorCode::RecipientAbsent,
        0x41 | 0x42 => ErrorCode::RecipientBarred,
        0x60 => ErrorCode::Congestion,
        0x40 | 0x45 | 0x47..=0x49 => ErrorCode::SmscFailure,
        _ => ErrorCode::RejectedByNetwork,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_the_meaning_of_the_table() {
        for tp_st in 0..=u8::MAX {
            let event = match tp_st {
                0x00 | 0x10..=0x1F => PartEvent::Delivered,
                0x01 => PartEvent::DeliveredUnconfirmed,
                0x20..=0x25 | 0x30..=0x3F => PartEvent::Interim,
                0x46 => PartEvent::Expired,
                // 0x26 to 0x2F are reserved inside the group that keeps trying; the codec decides.
                0x26..=0x2F => meaning(tp_st).0,
                _ => PartEvent::Undelivered,
            };
            assert_eq!(meaning(tp_st).0, event, "{tp_st:#04x}");
            assert_eq!(
                meaning(tp_st).1.is_some(),
                matches!(event, PartEvent::Undelivered | PartEvent::Expired),
                "{tp_st:#04x}"
            );
        }
    }

    #[test]
    fn bad_news_have_their_words() {
        for (tp_st, word) in [
            (0x02, ErrorCode::Replaced),
            (0x46, ErrorCode::ExpiredInNetwork),
            (0x43, ErrorCode::RecipientAbsent),
            (0x60, ErrorCode::Congestion),
            (0x63, ErrorCode::RejectedByNetwork),
            (0xFF, ErrorCode::RejectedByNetwork),
        ] {
            assert_eq!(meaning(tp_st).1, Some(word), "{tp_st:#04x}");
        }
    }
}
