//! What the writer knows in memory of each lane of due messages: up to where it is given out, when there is something again, how
//! much of it is out. It follows from the index alone; a start finds the lanes with one seek each.

use std::collections::BTreeMap;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params};
use wardwire_core::base::{ServiceId, SimId, Ulid};
use wardwire_core::queue::lane::{Lane, PoolId, Way};

use super::code::{Columns, PRIORITIES};
use super::turn::Place;

/// Nothing of a lane waits.
pub(super) const NEVER: i64 = i64::MAX;

/// The lane after this one, in the order of the index. The greatest due time makes it one seek: compared by three columns alone, all of
/// this lane would be read to find its end.
pub(super) const SELECT_LANE_AFTER: &str = "SELECT way, priority, service FROM messages
    WHERE due_at IS NOT NULL AND (way, priority, service, due_at) > (?1, ?2, ?3, 9223372036854775807)
    ORDER BY way, priority, service, due_at LIMIT 1";

/// What is known of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaneState {
    /// Nothing that could be given out is due before this place.
    pub(super) cursor: Option<Place>,
    /// Nothing that could be given out is due before this time: the least of `i64` when it must be looked up, [`NEVER`] when
    /// nothing waits at all.
    pub(super) next: i64,
    /// Messages given out.
    pub(super) out: usize,
}

impl Default for LaneState {
    fn default() -> Self {
        Self {
            cursor: None,
            next: NEVER,
            out: 0,
        }
    }
}

impl LaneState {
    /// Something waits at this place.
    pub(super) fn arrived(&mut self, place: Place) {
        if self.cursor.is_some_and(|cursor| place < cursor) {
            self.cursor = Some(place);
        }
        self.next = self.next.min(place.0);
    }
}

/// A way as it stands on disk.
pub(super) struct WayColumn(pub(super) Way);

impl ToSql for WayColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Way::Any => ToSqlOutput::Borrowed(ValueRef::Blob(&[])),
            Way::Pool(pool) => pool.to_octets().to_vec().into(),
            Way::Sim(sim) => sim.0.to_octets().to_vec().into(),
        })
    }
}

impl FromSql for WayColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let octets = value.as_blob()?;
        if octets.is_empty() {
            return Ok(Self(Way::Any));
        }
        if let Ok(pool) = octets.try_into() {
            return Ok(Self(Way::Pool(PoolId::from_octets(pool))));
        }
        let sim = octets.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Self(Way::Sim(SimId(Ulid::from_octets(sim)))))
    }
}

/// The lane in the next three columns: way, priority, service.
pub(super) fn read_lane(c: &mut Columns<'_>) -> rusqlite::Result<Lane> {
    Ok(Lane {
        way: c.get::<WayColumn>()?.0,
        priority: c.one_of(&PRIORITIES)?,
        service: ServiceId(c.ulid()?),
    })
}

/// All lanes that have something due, now or later.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Lane>> {
    let mut select = db.prepare_cached(SELECT_LANE_AFTER)?;
    let mut lanes: Vec<Lane> = Vec::new();
    loop {
        // Before the first: no priority is less than 0.
        let (way, priority, service) = lanes
            .last()
            .map_or((Way::Any, -1, ServiceId(Ulid::from_bits(0))), |last| {
                (last.way, last.priority as i64, last.service)
            });
        let after = params![WayColumn(way), priority, service.0.to_octets()];
        let next = select
            .query_row(after, |row| read_lane(&mut Columns::new(row)))
            .optional()?;
        match next {
            Some(lane) => lanes.push(lane),
            None => return Ok(lanes),
        }
    }
}

/// The lanes as a start finds them.
pub(super) fn find(db: &Connection) -> rusqlite::Result<BTreeMap<Lane, LaneState>> {
    let unknown = LaneState {
        next: i64::MIN,
        ..LaneState::default()
    };
    Ok(all(db)?.into_iter().map(|lane| (lane, unknown)).collect())
}

/// A lane in the order of an SQL statement's parameters: way, priority, service.
pub(super) fn columns(lane: Lane) -> (WayColumn, i64, [u8; 16]) {
    (WayColumn(lane.way), lane.priority as i64, lane.service.0.to_octets())
}

/// The way of a message that is bound to a SIM, or free.
pub(super) fn way_of(pinned: Option<SimId>) -> Way {
    pinned.map_or(Way::Any, Way::Sim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardwire_core::queue::state::Priority;

    #[test]
    fn a_way_reads_back_as_it_was_written() {
        let sim = SimId(Ulid::from_bits(7));
        for way in [Way::Any, Way::Pool(PoolId::of("wards")), Way::Sim(sim)] {
            let db = Connection::open_in_memory().unwrap();
            let back: WayColumn = db.query_row("SELECT ?1", [WayColumn(way)], |row| row.get(0)).unwrap();
            assert_eq!(back.0, way);
        }
        let db = Connection::open_in_memory().unwrap();
        assert!(
            db.query_row("SELECT x'010203'", [], |row| row.get::<_, WayColumn>(0))
                .is_err()
        );
    }

    #[test]
    fn priorities_stand_on_disk_in_order_of_urgency() {
        assert_eq!(PRIORITIES.map(|priority| priority as i64), [0, 1, 2, 3]);
        assert!(Priority::Emergency < Priority::Bulk);
    }
}
