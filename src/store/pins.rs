//! PINs given to cards: each try is written down before it is made, so that none is made twice, whatever dies in between. The PIN
//! itself is never kept, only a keyed hash of it with its holder.

use rusqlite::{OptionalExtension, params};
use wardwire_core::queue::pin::{Decision, Known, decide};
use wardwire_core::queue::verbs::{PinEnd, PinEnded, PinTried, PinTry, Reply};

use super::turn::{OpError, Turn};

/// Tries of a card that no wrong PIN was given to since the last right one.
const UNTOUCHED: u16 = 3;

/// Writes a try down, unless what is known of PIN and card speaks against it.
pub(super) fn begin(turn: &Turn<'_>, wanted: &PinTry) -> Result<Reply, OpError> {
    let digest = of(turn, &wanted.holder, wanted.pin.reveal());
    let mut known = known(turn, digest)?;
    // A card that has lost a try may be the one that this was given to before it told who it is.
    if known.is_none() && wanted.tries_left < UNTOUCHED {
        known = self::known(turn, of(turn, &wanted.label, wanted.pin.reveal()))?;
    }
    Ok(Reply::PinTried(
        match decide(known, wanted.tries_left, wanted.by_person) {
            Decision::Give { times } => {
                write(turn, digest, &wanted.holder, false, wanted.tries_left, times)?;
                PinTried::Written
            }
            Decision::Refused => {
                if self::known(turn, digest)? != Some(Known::Refused) {
                    write(turn, digest, &wanted.holder, true, wanted.tries_left, 1)?;
                }
                PinTried::Refused
            }
            Decision::Unanswered => PinTried::Unanswered,
        },
    ))
}

/// What is written down of a PIN and its holder.
fn known(turn: &Turn<'_>, digest: [u8; 16]) -> Result<Option<Known>, OpError> {
    let known = turn
        .db
        .prepare_cached("SELECT refused, tries_left, times FROM pin_tries WHERE digest = ?1")?
        .query_row([digest], |row| {
            let refused: bool = row.get(0)?;
            let (tries_left, times) = (row.get(1)?, row.get(2)?);
            Ok(if refused {
                Known::Refused
            } else {
                Known::Given { tries_left, times }
            })
        })
        .optional()?;
    Ok(known)
}

/// Writes down what became of a try.
pub(super) fn end(turn: &Turn<'_>, ended: &PinEnded) -> Result<Reply, OpError> {
    let digest = of(turn, &ended.holder, ended.pin.reveal());
    match ended.end {
        PinEnd::Taken => forget(turn, "DELETE FROM pin_tries WHERE digest = ?1", digest)?,
        PinEnd::Refused => write(turn, digest, &ended.holder, true, 0, 1)?,
        PinEnd::NotGiven => {
            forget(
                turn,
                "UPDATE pin_tries SET times = times - 1 WHERE digest = ?1 AND refused = 0",
                digest,
            )?;
            forget(
                turn,
                "DELETE FROM pin_tries WHERE digest = ?1 AND refused = 0 AND times <= 0",
                digest,
            )?;
        }
    }
    Ok(Reply::PinEnded)
}

fn write(
    turn: &Turn<'_>,
    digest: [u8; 16],
    holder: &str,
    refused: bool,
    tries_left: u16,
    times: u8,
) -> Result<(), OpError> {
    turn.db
        .prepare_cached(
            "INSERT INTO pin_tries (digest, holder, refused, tries_left, times, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (digest) DO UPDATE SET refused = excluded.refused, tries_left = excluded.tries_left,
             times = excluded.times, at = excluded.at",
        )?
        .execute(params![
            digest,
            holder,
            refused,
            tries_left,
            times,
            turn.now.utc.as_millis()
        ])?;
    Ok(())
}

fn forget(turn: &Turn<'_>, sql: &'static str, digest: [u8; 16]) -> Result<(), OpError> {
    turn.db.prepare_cached(sql)?.execute([digest])?;
    Ok(())
}

fn of(turn: &Turn<'_>, holder: &str, pin: &str) -> [u8; 16] {
    turn.keys.hash16("pin", &[holder.as_bytes(), pin.as_bytes()])
}
