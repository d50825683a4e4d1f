//! Pools and routes that people entered over the API: kept, and in force for what is taken on from the commit on. What waits keeps its
//! way; the next start leads it anew. What they mean, and what of them is sound, is decided before they come here.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use wardwire_core::dispatch::Pool;
use wardwire_core::queue::lane::{PoolId, Way};
use wardwire_core::queue::state::PartState;

use super::handle::{StoreError, StoreHandle};
use super::lanes::WayColumn;
use super::ops::{Answer, Op};
use super::read::{Read, Reader};
use super::routing::Routing;
use super::turn::{OpError, Turn};
use crate::config::Sharing;
use crate::config::sharing::Entered;

/// In `what`: before the name of a pool, and for the list of routes. No name of a pool has a blank.
const POOL: &str = "pool ";
const ROUTES: &str = "routes";

#[derive(Serialize, Deserialize)]
struct PoolRow {
    modems: Vec<String>,
    sims: Vec<String>,
    reserve: Option<String>,
}

/// What people entered, whole, and what follows from it.
#[derive(Clone, Debug)]
pub struct Share {
    /// What they entered.
    pub entered: Entered,
    /// Where messages go with it; the weights of services stay.
    pub routing: Routing,
}

impl Routing {
    /// What the store needs to know of how the bank is shared.
    #[must_use]
    pub fn of(sharing: &Sharing) -> Self {
        let services = sharing.services.iter();
        Self {
            routes: sharing.routes.clone(),
            pools: sharing.ids(),
            weights: services.map(|of| (of.name.clone(), of.weight)).collect(),
        }
    }

    /// Who may take what waits there now: of a pool that is no more, everybody.
    pub(super) fn leads(&self, way: Way) -> Way {
        match way {
            Way::Pool(pool) if !self.pools.contains(&pool) => Way::Any,
            Way::Pool(_) | Way::Any | Way::Sim(_) => way,
        }
    }
}

/// Keeps this in the place of what was entered before.
pub(super) fn keep(turn: &Turn<'_>, entered: &Entered) -> Result<(), OpError> {
    turn.db.execute("DELETE FROM sharing", [])?;
    let mut insert = turn.db.prepare("INSERT INTO sharing (what, value) VALUES (?1, ?2)")?;
    for pool in &entered.pools {
        let row = PoolRow {
            modems: pool.modems.clone(),
            sims: pool.sims.clone(),
            reserve: pool.reserve.clone(),
        };
        insert.execute(params![format!("{POOL}{}", pool.name), text(&row)?])?;
    }
    if let Some(routes) = &entered.routes {
        insert.execute(params![ROUTES, text(routes)?])?;
    }
    Ok(())
}

fn text(row: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(row).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

impl StoreHandle {
    /// Keeps what people entered of pools and routes, and leads what comes from now on by it.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn share(&self, share: Share) -> Result<(), StoreError> {
        let Answer::Done(_) = self.call(Op::Share(Box::new(share))).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(())
    }
}

impl Reader {
    /// What people entered of pools and routes. A row that is not what this program writes is told of in the log and passed over.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn entered(&self) -> Read<Entered> {
        let mut entered = Entered::default();
        let mut select = self
            .connection()
            .prepare_cached("SELECT what, value FROM sharing ORDER BY what")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (what, value): (String, String) = (row.get(0)?, row.get(1)?);
            if read(&mut entered, &what, &value).is_none() {
                tracing::error!(
                    what,
                    "what was entered over the API cannot be read: the configuration holds in its place"
                );
            }
        }
        Ok(entered)
    }

    /// Messages of which something may be sent yet by this pool, beside what is on the air now. It looks at everything that waits.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn waiting_for(&self, pool: PoolId) -> Read<u64> {
        let [pending, unknown] = [PartState::Pending, PartState::Unknown].map(|state| state as i64);
        let count: i64 = self
            .connection()
            .prepare_cached(
                "SELECT count(*) FROM messages m INDEXED BY messages_wake WHERE m.wake_at IS NOT NULL AND m.way = ?1
                 AND EXISTS (SELECT 1 FROM parts p WHERE p.message = m.id AND p.state IN (?2, ?3))",
            )?
            .query_row(params![WayColumn(Way::Pool(pool)), pending, unknown], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn read(entered: &mut Entered, what: &str, value: &str) -> Option<()> {
    if what == ROUTES {
        entered.routes = Some(serde_json::from_str(value).ok()?);
        return Some(());
    }
    let row: PoolRow = serde_json::from_str(value).ok()?;
    entered.pools.push(Pool {
        name: what.strip_prefix(POOL)?.to_owned(),
        modems: row.modems,
        sims: row.sims,
        reserve: row.reserve,
    });
    Some(())
}
