//! The store: one SQLite file, written by one thread, read by a few. It keeps what happened and lets the pure functions
//! of `wardwire_core::queue` decide inside its transactions; it decides nothing itself.
//!
//! [`Store`] is synchronous and deterministic ([`Store::apply`]); [`StoreHandle`] wraps it with a writer thread, group
//! commit and reader threads. [`Reader`] is the reading side. Numbers and texts are sealed columns ([`seal`]).

pub mod directory;
mod handle;
mod jobs;
mod ops;
mod read;
mod records;
pub mod seal;
mod writer;

pub use directory::{DirectoryError, Lock};
pub use handle::{StoreError, StoreHandle};
pub use ops::{Accept, Accepted, Answer, Canceled, Idempotency, NewKey, Op, Respond, StoredResponse};
pub use read::{Read, Reader};
pub use records::{
    ApiKeyRecord, AttemptRecord, AttemptState, EventKind, EventRecord, Fact, InboundRecord, ListFilter, MessageError,
    MessageRecord, Page, PartRecord, StatusCounts, Subject,
};
pub use seal::Keys;
pub use writer::{OpenError, Place, Settings, Store};
