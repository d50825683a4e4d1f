//! Between rows and the core's words: ids are 16 octets, times milliseconds, states the index in their `ALL`.

use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, Row};
use wardwire_core::base::{Ulid, UtcTime};
use wardwire_core::queue::error::{ErrorCode, NetworkCode};
use wardwire_core::queue::hours::{Days, Window};
use wardwire_core::queue::plan::Cap;
use wardwire_core::queue::state::{HoldReason, MessageStatus, OnUnknown, Priority};
use wardwire_core::sms::Alphabet;

use super::records::{EventKind, MessageError};
use crate::config::zone;

pub(super) const PRIORITIES: [Priority; 4] = [Priority::Emergency, Priority::High, Priority::Normal, Priority::Bulk];
pub(super) const ON_UNKNOWN: [OnUnknown; 3] = [OnUnknown::Hold, OnUnknown::Retry, OnUnknown::Auto];
pub(super) const HOLD_REASONS: [HoldReason; 3] = [HoldReason::Pilot, HoldReason::Stale, HoldReason::Paused];
pub(super) const ALPHABETS: [Alphabet; 3] = [Alphabet::Gsm7, Alphabet::Ucs2, Alphabet::Octets];

/// Codes of events that are a status begin here.
const STATUS_EVENTS: i64 = 100;

/// Codes of events that tell of a budget begin here.
const CAP_NEAR: i64 = 10;
const CAP_REACHED: i64 = 20;

fn cap_of(place: i64) -> Option<Cap> {
    usize::try_from(place)
        .ok()
        .and_then(|place| Cap::ALL.get(place))
        .copied()
}

/// The code of an event's kind.
pub(super) fn event_code(kind: EventKind) -> i64 {
    match kind {
        EventKind::MessageCreated => 0,
        EventKind::MessagePartFailed => 1,
        EventKind::MessageUnknownResolved => 2,
        EventKind::MessageReceived => 3,
        EventKind::MessageReceivedIncomplete => 4,
        EventKind::MessageKept => 5,
        EventKind::SimSuspect => 6,
        EventKind::SimTrusted => 7,
        EventKind::SimCreditLow => 8,
        EventKind::SimCreditRestored => 9,
        EventKind::BatchStarted => 90,
        EventKind::BatchCompleted => 91,
        EventKind::BatchCanceled => 92,
        EventKind::SimCapNear(cap) => CAP_NEAR + cap as i64,
        EventKind::SimCapReached(cap) => CAP_REACHED + cap as i64,
        EventKind::MessageStatus(status) => STATUS_EVENTS + status as i64,
    }
}

/// The inverse of [`event_code`].
pub(super) fn event_kind(code: i64) -> Option<EventKind> {
    Some(match code {
        0 => EventKind::MessageCreated,
        1 => EventKind::MessagePartFailed,
        2 => EventKind::MessageUnknownResolved,
        3 => EventKind::MessageReceived,
        4 => EventKind::MessageReceivedIncomplete,
        5 => EventKind::MessageKept,
        6 => EventKind::SimSuspect,
        7 => EventKind::SimTrusted,
        8 => EventKind::SimCreditLow,
        9 => EventKind::SimCreditRestored,
        90 => EventKind::BatchStarted,
        91 => EventKind::BatchCompleted,
        92 => EventKind::BatchCanceled,
        CAP_NEAR..CAP_REACHED => EventKind::SimCapNear(cap_of(code - CAP_NEAR)?),
        CAP_REACHED..STATUS_EVENTS => EventKind::SimCapReached(cap_of(code - CAP_REACHED)?),
        _ => {
            let place = usize::try_from(code - STATUS_EVENTS).ok()?;
            EventKind::MessageStatus(*MessageStatus::ALL.get(place)?)
        }
    })
}

/// Reads the columns of a row from left to right, so that no number names one.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn new(row: &'r Row<'r>) -> Self {
        Self::from(row, 0)
    }

    /// From this column on.
    pub(super) fn from(row: &'r Row<'r>, next: usize) -> Self {
        Self { row, next }
    }

    pub(super) fn get<T: FromSql>(&mut self) -> Result<T, Error> {
        let place = self.next;
        self.next += 1;
        self.row.get(place)
    }

    pub(super) fn ulid(&mut self) -> Result<Ulid, Error> {
        self.get().map(Ulid::from_octets)
    }

    pub(super) fn ulid_or_none(&mut self) -> Result<Option<Ulid>, Error> {
        Ok(self.get::<Option<[u8; 16]>>()?.map(Ulid::from_octets))
    }

    pub(super) fn time(&mut self) -> Result<UtcTime, Error> {
        self.get().map(UtcTime::from_millis)
    }

    pub(super) fn time_or_none(&mut self) -> Result<Option<UtcTime>, Error> {
        Ok(self.get::<Option<i64>>()?.map(UtcTime::from_millis))
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> Result<T, Error> {
        self.one_of_or_none(all)?
            .ok_or(Error::IntegralValueOutOfRange(self.next - 1, -1))
    }

    pub(super) fn one_of_or_none<T: Copy>(&mut self, all: &[T]) -> Result<Option<T>, Error> {
        let Some(code) = self.get::<Option<i64>>()? else {
            return Ok(None);
        };
        usize::try_from(code)
            .ok()
            .and_then(|place| all.get(place))
            .copied()
            .map(Some)
            .ok_or(Error::IntegralValueOutOfRange(self.next - 1, code))
    }

    /// The columns `error` and `network_code`.
    pub(super) fn error(&mut self) -> Result<Option<MessageError>, Error> {
        let code = self.one_of_or_none(&ErrorCode::ALL)?;
        let network_code = self.get::<Option<u32>>()?.and_then(NetworkCode::from_bits);
        Ok(code.map(|code| MessageError { code, network_code }))
    }

    /// The column `window`.
    pub(super) fn window(&mut self) -> Result<Option<Window>, Error> {
        let Some(text) = self.get::<Option<String>>()? else {
            return Ok(None);
        };
        let place = self.next - 1;
        let unread = || Error::InvalidColumnType(place, "window".to_owned(), Type::Text);
        read_window(&text).map(Some).ok_or_else(unread)
    }
}

/// The inverse of [`window_text`].
pub(super) fn read_window(text: &str) -> Option<Window> {
    let (times, name) = text.split_once(' ')?;
    let (start, finish) = times.split_once('-')?;
    Window::new(Days::ALL, start, finish, zone(name)?).ok()
}

/// A window as a column, as `0900-2000 Europe/Dublin`; those of messages are open on every day of the week.
pub(super) fn window_text(window: &Window) -> String {
    format!("{}-{} {}", window.start(), window.finish(), window.zone().name())
}

/// An optional time as a column.
pub(super) fn millis(at: Option<UtcTime>) -> Option<i64> {
    at.map(UtcTime::as_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardwire_core::queue::state::Category;

    #[test]
    fn codes_of_events_are_inverse() {
        let mut found = 0;
        for code in 0..200 {
            if let Some(kind) = event_kind(code) {
                assert_eq!(event_code(kind), code);
                found += 1;
            }
        }
        assert_eq!(found, 13 + 2 * Cap::ALL.len() + MessageStatus::ALL.len());
        assert_eq!(event_kind(-1), None);
    }

    #[test]
    fn a_window_is_read_as_it_was_written() {
        for text in [
            "0900-2000 Europe/Dublin",
            "2200-0600 America/Argentina/Buenos_Aires",
            "0000-2400 UTC",
        ] {
            assert_eq!(
                read_window(text).map(|window| window_text(&window)).as_deref(),
                Some(text)
            );
        }
        for text in ["", "0900-2000", "0900-2000 Europe/Nowhere", "0900-0900 Europe/Dublin"] {
            assert_eq!(read_window(text), None, "{text}");
        }
    }

    #[test]
    fn the_places_in_the_lists_are_the_codes() {
        for (place, priority) in PRIORITIES.iter().enumerate() {
            assert_eq!(*priority as usize, place);
        }
        for (place, policy) in ON_UNKNOWN.iter().enumerate() {
            assert_eq!(*policy as usize, place);
        }
        for (place, category) in Category::ALL.iter().enumerate() {
            assert_eq!(*category as usize, place);
        }
        for (place, reason) in HOLD_REASONS.iter().enumerate() {
            assert_eq!(*reason as usize, place);
        }
        for (place, alphabet) in ALPHABETS.iter().enumerate() {
            assert_eq!(*alphabet as usize, place);
        }
    }
}
