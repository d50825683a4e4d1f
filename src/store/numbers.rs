//! Numbers of people: found by a keyed hash, sealed with a data key of their own.

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{Body, Originator, SimId, UtcTime};

use super::seal::{DataKey, Keys, SealError, Slot};
use super::turn::{OpError, Turn};

/// Milliseconds of a day.
const DAY: i64 = 24 * 3600 * 1_000;

/// A person's row, with the key for what is sealed about the person.
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) key: DataKey,
}

/// Hash that a number or name is found by.
pub(super) fn hash(keys: &Keys, number: &str) -> [u8; 16] {
    keys.hash16("number", &[number.as_bytes()])
}

/// Hash of the last nine digits, for a number that has as many: what a delivery report in another form still shares.
pub(super) fn tail_hash(keys: &Keys, number: &Originator) -> Option<[u8; 16]> {
    let significant = number.reveal().trim_start_matches(['+', '0']);
    let tail = Originator::new(significant);
    let tail = tail.tail().filter(|tail| tail.len() == 9)?;
    Some(keys.hash16("tail", &[tail.as_bytes()]))
}

fn number_slot(hash: &[u8; 16]) -> Slot<'_> {
    Slot {
        column: "numbers.number",
        row: hash,
    }
}

/// The row of a number or name, made when it is new; a person who was erased and writes again gets a new key. Something
/// is under way with the person until `until`, which is noted to a day.
pub(super) fn person(turn: &Turn<'_>, number: &Originator, until: UtcTime) -> Result<Person, OpError> {
    let hash = hash(turn.keys, number.reveal());
    let row: Option<(i64, Option<Vec<u8>>, i64)> = turn
        .db
        .prepare_cached("SELECT id, data_key, used_at FROM numbers WHERE hash = ?1")?
        .query_row([hash], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let until = until.as_millis();
    if let Some((id, Some(wrapped), used_at)) = &row {
        if until.saturating_sub(*used_at) > DAY {
            turn.db
                .prepare_cached("UPDATE numbers SET used_at = ?2 WHERE id = ?1")?
                .execute(params![id, until])?;
        }
        let key = turn.keys.open_data_key(&hash, wrapped)?;
        return Ok(Person { id: *id, key });
    }
    let (key, wrapped) = turn.keys.new_data_key(&hash)?;
    let sealed = key.seal(number_slot(&hash), number.reveal().as_bytes())?;
    let id = turn
        .db
        .prepare_cached(
            "INSERT INTO numbers (hash, tail_hash, data_key, number, created_at, used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (hash) DO UPDATE SET tail_hash = excluded.tail_hash, data_key = excluded.data_key,
             number = excluded.number, used_at = excluded.used_at RETURNING id",
        )?
        .query_row(
            params![
                hash,
                tail_hash(turn.keys, number),
                wrapped,
                sealed,
                turn.now.utc.as_millis(),
                until
            ],
            |row| row.get(0),
        )?;
    Ok(Person { id, key })
}

/// The next concatenation reference for long messages to this person: two in a row never share one.
pub(super) fn next_reference(turn: &Turn<'_>, person: &Person) -> Result<u8, OpError> {
    let reference = turn
        .db
        .prepare_cached("UPDATE numbers SET reference = (reference + 1) % 256 WHERE id = ?1 RETURNING reference")?
        .query_row([person.id], |row| row.get(0))?;
    Ok(reference)
}

/// The person was written to through this SIM, and knows its number from now on.
pub(super) fn known_by(turn: &Turn<'_>, person: i64, sim: SimId) -> Result<(), OpError> {
    turn.db
        .prepare_cached("UPDATE numbers SET sim = ?2 WHERE id = ?1 AND sim IS NOT ?2")?
        .execute(params![person, sim.0.to_octets()])?;
    Ok(())
}

/// The columns `hash`, `data_key` and `number` of a row of `numbers`, as read.
pub(super) struct SealedNumber {
    pub(super) hash: [u8; 16],
    pub(super) data_key: Option<Vec<u8>>,
    pub(super) number: Option<Vec<u8>>,
}

impl SealedNumber {
    /// The key of the person; `None` once erased.
    pub(super) fn key(&self, keys: &Keys) -> Result<Option<DataKey>, SealError> {
        self.data_key
            .as_deref()
            .map(|wrapped| keys.open_data_key(&self.hash, wrapped))
            .transpose()
    }

    /// The number or name itself.
    pub(super) fn open(&self, key: &DataKey) -> Result<Option<Originator>, SealError> {
        let Some(sealed) = &self.number else { return Ok(None) };
        let octets = key.open(number_slot(&self.hash), sealed)?;
        let text = String::from_utf8(octets).map_err(|_| SealError)?;
        Ok(Some(Originator::new(text)))
    }
}

/// Opens a sealed text.
pub(super) fn open_text(key: &DataKey, slot: Slot<'_>, sealed: &[u8]) -> Result<Body, SealError> {
    let octets = key.open(slot, sealed)?;
    String::from_utf8(octets).map(Body::new).map_err(|_| SealError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_number_share_the_hash_of_their_tail() {
        let keys = Keys::from_master(&[1; 32]);
        let tail = |number: &str| tail_hash(&keys, &Originator::new(number));
        assert!(tail("+353871234567").is_some());
        assert_eq!(tail("+353871234567"), tail("0871234567"));
        assert_eq!(tail("+353871234567"), tail("00353871234567"));
        assert_ne!(tail("+353871234567"), tail("+353871234568"));
        // Too short to tell people apart, or no number at all.
        assert_eq!(tail("012345678"), None);
        assert_eq!(tail("Clinic"), None);
    }
}
