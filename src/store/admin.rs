//! Services, API keys, and withdrawing a message.

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{ApiKeyId, MessageId, ServiceId, Ulid};
use wardwire_core::queue::state::PartState;

use super::life::Life;
use super::ops::{Canceled, NewKey};
use super::records::ApiKeyRecord;
use super::turn::{OpError, Turn};

/// The service that owns inbound of no other.
pub(super) const DEFAULT_SERVICE: &str = "default";

/// The service of this name, made when missing.
pub(super) fn service(turn: &mut Turn<'_>, name: &str) -> Result<ServiceId, OpError> {
    let found: Option<[u8; 16]> = turn
        .db
        .prepare_cached("SELECT id FROM services WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(ServiceId(Ulid::from_octets(id)));
    }
    let id = ServiceId(turn.new_id());
    turn.db
        .prepare_cached("INSERT INTO services (id, name, created_at) VALUES (?1, ?2, ?3)")?
        .execute(params![id.0.to_octets(), name, turn.now.utc.as_millis()])?;
    turn.memory.services.insert(id, name.to_owned());
    Ok(id)
}

/// Makes a key.
pub(super) fn create_key(turn: &mut Turn<'_>, key: &NewKey) -> Result<ApiKeyRecord, OpError> {
    let service = service(turn, &key.service)?;
    let id = match key.id {
        Some(id) => id,
        None => ApiKeyId(turn.new_id()),
    };
    turn.db
        .prepare_cached(
            "INSERT INTO api_keys (id, service, label, secret_sha256, scopes, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id.0.to_octets(),
            service.0.to_octets(),
            key.label,
            key.secret_sha256,
            key.scopes.join(" "),
            turn.now.utc.as_millis(),
        ])?;
    Ok(ApiKeyRecord {
        id,
        service,
        label: key.label.clone(),
        secret_sha256: key.secret_sha256,
        scopes: key.scopes.clone(),
        created_at: turn.now.utc,
        revoked_at: None,
    })
}

/// Makes a key void.
pub(super) fn revoke_key(turn: &Turn<'_>, id: ApiKeyId) -> Result<bool, OpError> {
    let changed = turn
        .db
        .prepare_cached("UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1")?
        .execute(params![id.0.to_octets(), turn.now.utc.as_millis()])?;
    Ok(changed > 0)
}

/// Withdraws a message: what waits never goes out, what is under way or unknown is never sent again.
pub(super) fn cancel(turn: &mut Turn<'_>, service: ServiceId, id: MessageId) -> Result<Canceled, OpError> {
    let Some(mut life) = Life::load(turn, id)?.filter(|life| life.service == service) else {
        return Ok(Canceled::NotFound);
    };
    if life.derived.is_final {
        return Ok(Canceled::AlreadyFinal(life.derived.status));
    }
    life.withdrawn = true;
    life.pass_time(turn);
    let begun = life
        .parts
        .iter()
        .any(|part| part.state.is_accepted_like() || matches!(part.state, PartState::Submitting | PartState::Unknown));
    life.save(turn)?;
    Ok(if begun {
        Canceled::AlreadySubmitting
    } else {
        Canceled::Done
    })
}
