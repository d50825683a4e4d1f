//! What recipients of a batch that have no message yet will need for it: some of them together, sealed with the batch's own key for
//! their place in it.

use serde::{Deserialize, Serialize};
use wardwire_core::base::{BatchId, Body, PhoneNumber, ServiceId, UtcTime};
use wardwire_core::queue::state::{Category, HoldReason, Sensitivity};
use wardwire_core::queue::verbs::NewMessage;
use wardwire_core::sms::EncodedPart;

use super::{BatchText, Recipient};
use crate::store::code::{ALPHABETS, HOLD_REASONS, ON_UNKNOWN, PRIORITIES, read_window, window_text};
use crate::store::seal::{DataKey, SealError, Slot};

const SENSITIVITIES: [Sensitivity; 3] = [Sensitivity::Usual, Sensitivity::Sensitive, Sensitivity::Code];

/// Some recipients with all they need. Codes are those of columns.
#[derive(Serialize, Deserialize)]
pub(super) struct Piece {
    category: Option<usize>,
    priority: usize,
    send_at: Option<i64>,
    window: Option<String>,
    valid_until: i64,
    delivery_report: bool,
    on_unknown: usize,
    reference: Option<String>,
    metadata: Option<String>,
    sensitivity: usize,
    texts: Vec<Text>,
    people: Vec<Person>,
}

#[derive(Serialize, Deserialize)]
struct Text {
    body: String,
    parts: Vec<Vec<u8>>,
    alphabet: usize,
    units: u32,
}

#[derive(Serialize, Deserialize)]
struct Person {
    number: String,
    /// Place in `texts`.
    text: usize,
    held: Option<usize>,
    reference: Option<String>,
}

impl Piece {
    /// Puts some recipients together with the texts they get.
    pub(super) fn of(shared: &NewMessage, texts: &[BatchText], recipients: &[Recipient]) -> Self {
        // Named one by one, so that what is added to a message is not forgotten here.
        let NewMessage {
            service: _,
            recipient: _,
            body: _,
            parts: _,
            alphabet: _,
            units: _,
            category,
            priority,
            send_at,
            window,
            valid_until,
            delivery_report,
            on_unknown,
            held: _,
            sim: _,
            reference,
            metadata,
            sensitivity,
        } = shared;
        let mut places: Vec<usize> = recipients.iter().map(|recipient| recipient.text).collect();
        places.sort_unstable();
        places.dedup();
        let person = |recipient: &Recipient| Person {
            number: recipient.number.as_e164().to_owned(),
            text: places.binary_search(&recipient.text).unwrap_or_default(),
            held: recipient.held.map(|held| held as usize),
            reference: recipient.reference.clone(),
        };
        Self {
            category: category.map(|category| category as usize),
            priority: *priority as usize,
            send_at: send_at.map(UtcTime::as_millis),
            window: window.as_ref().map(window_text),
            valid_until: valid_until.as_millis(),
            delivery_report: *delivery_report,
            on_unknown: *on_unknown as usize,
            reference: reference.clone(),
            metadata: metadata.clone(),
            sensitivity: *sensitivity as usize,
            texts: places
                .iter()
                .filter_map(|place| texts.get(*place))
                .map(Text::of)
                .collect(),
            people: recipients.iter().map(person).collect(),
        }
    }

    pub(super) fn seal(&self, key: &DataKey, batch: BatchId, place: u32) -> Result<Vec<u8>, SealError> {
        let plain = serde_json::to_vec(self).map_err(|_| SealError)?;
        key.seal(slot(&row(batch, place)), &plain)
    }

    /// `None` when it does not open.
    pub(super) fn open(key: &DataKey, batch: BatchId, place: u32, sealed: &[u8]) -> Option<Self> {
        let plain = key.open(slot(&row(batch, place)), sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Its recipients' messages, held for this reason; `None` when something of it is not what this program writes.
    pub(super) fn messages(self, service: ServiceId, held: Option<HoldReason>) -> Option<Messages> {
        let texts = self.texts.into_iter().map(Text::read).collect::<Option<Vec<_>>>()?;
        let people = self.people.into_iter().map(Person::read).collect::<Option<Vec<_>>>()?;
        let (text, first) = (texts.first()?, people.first()?);
        let window = match self.window {
            Some(text) => Some(read_window(&text)?),
            None => None,
        };
        let message = NewMessage {
            service,
            recipient: first.number.clone(),
            body: text.body.clone(),
            parts: text.parts.clone(),
            alphabet: text.alphabet,
            units: text.units,
            category: one_of(&Category::ALL, self.category)?,
            priority: *PRIORITIES.get(self.priority)?,
            send_at: self.send_at.map(UtcTime::from_millis),
            window,
            valid_until: UtcTime::from_millis(self.valid_until),
            delivery_report: self.delivery_report,
            on_unknown: *ON_UNKNOWN.get(self.on_unknown)?,
            held,
            sim: None,
            reference: None,
            metadata: self.metadata,
            sensitivity: *SENSITIVITIES.get(self.sensitivity)?,
        };
        Some(Messages {
            message,
            reference: self.reference,
            held,
            texts,
            text: 0,
            people: people.into_iter(),
        })
    }
}

/// The messages of a piece, one at a time in the same place: what they share is not copied for each.
pub(super) struct Messages {
    message: NewMessage,
    reference: Option<String>,
    held: Option<HoldReason>,
    texts: Vec<BatchText>,
    /// The text that is in `message` now.
    text: usize,
    people: std::vec::IntoIter<Recipient>,
}

impl Messages {
    /// The next one.
    pub(super) fn advance(&mut self) -> Option<&NewMessage> {
        let person = self.people.next()?;
        if person.text != self.text {
            let text = self.texts.get(person.text)?;
            self.message.body = text.body.clone();
            self.message.parts.clone_from(&text.parts);
            self.message.alphabet = text.alphabet;
            self.message.units = text.units;
            self.text = person.text;
        }
        self.message.recipient = person.number;
        self.message.held = person.held.or(self.held);
        self.message.reference = person.reference.or_else(|| self.reference.clone());
        Some(&self.message)
    }
}

impl Text {
    fn of(text: &BatchText) -> Self {
        Self {
            body: text.body.reveal().to_owned(),
            parts: text.parts.iter().map(|part| part.to_octets().to_vec()).collect(),
            alphabet: text.alphabet as usize,
            units: text.units,
        }
    }

    fn read(self) -> Option<BatchText> {
        let part = |octets: &Vec<u8>| EncodedPart::from_octets(octets).ok();
        Some(BatchText {
            body: Body::new(self.body),
            parts: self.parts.iter().map(part).collect::<Option<_>>()?,
            alphabet: *ALPHABETS.get(self.alphabet)?,
            units: self.units,
        })
    }
}

impl Person {
    fn read(self) -> Option<Recipient> {
        Some(Recipient {
            number: PhoneNumber::from_e164(&self.number).ok()?,
            text: self.text,
            held: one_of(&HOLD_REASONS, self.held)?,
            reference: self.reference,
        })
    }
}

/// What stands at the place, if there is one; `None` when there is no such place.
#[expect(clippy::option_option, reason = "absent and unreadable are two things")]
fn one_of<T: Copy>(all: &[T], place: Option<usize>) -> Option<Option<T>> {
    match place {
        None => Some(None),
        Some(place) => all.get(place).map(|value| Some(*value)),
    }
}

fn row(batch: BatchId, place: u32) -> [u8; 20] {
    let mut row = [0; 20];
    let octets = batch.0.to_octets().into_iter().chain(place.to_be_bytes());
    row.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
    row
}

fn slot(row: &[u8; 20]) -> Slot<'_> {
    Slot {
        column: "batch_intakes.content",
        row,
    }
}
