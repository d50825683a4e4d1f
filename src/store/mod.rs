//! The store: one SQLite file, written by one thread, read by a few. It keeps what happened and lets the pure functions
//! of `wardwire_core::queue` decide inside its transactions; it decides nothing itself.
//!
//! [`Store`] is synchronous and deterministic ([`Store::apply`]); [`StoreHandle`] wraps it with a writer thread, group
//! commit and reader threads. [`Reader`] is the reading side. Numbers and texts are sealed columns ([`seal`]).

mod accept;
mod admin;
mod arrival;
mod attempt;
mod audit;
mod batch;
mod budget;
mod claim;
mod code;
mod decision;
pub mod directory;
mod disk;
mod handle;
mod hours;
mod inbound;
mod introduce;
mod jobs;
mod lanes;
mod life;
mod loopback;
mod migrate;
mod numbers;
mod open;
mod ops;
mod outbox;
mod pasts;
mod pins;
mod read;
mod recipient;
mod records;
mod report;
mod retention;
mod routing;
pub mod seal;
mod sharing;
mod sims;
mod stale;
mod sweep;
mod tally;
mod turn;
mod writer;

#[cfg(test)]
mod tests;

pub use audit::NewAudit;
pub use batch::{
    AcceptBatch, BatchAct, BatchActed, BatchRecord, BatchState, BatchStatus, BatchText, NewBatch, RECIPIENTS,
    Recipient, RespondBatch,
};
pub use decision::{Decided, Decision};
pub use directory::{DirectoryError, Lock};
pub use disk::{Disk, DiskState, Limits};
pub use handle::{StoreError, StoreHandle};
pub use loopback::NewLoopback;
pub use migrate::Upgrade;
pub use open::OpenError;
pub use ops::{Accept, Accepted, Answer, Canceled, Idempotency, NewKey, Op, Respond, StoredResponse};
pub use outbox::{Delivery, Hook, OutboxCounts, Told};
pub use pasts::PastRecord;
pub use read::{Read, ReadError, Reader};
pub use records::{
    ApiKeyRecord, AttemptRecord, AttemptState, AuditRecord, Balance, EventKind, EventRecord, Fact, InboundRecord,
    ListFilter, LoopbackRecord, MessageError, MessageRecord, Page, PartRecord, SimRecord, StatusCounts, Subject,
    Waiting,
};
pub use routing::Routing;
pub use seal::Keys;
pub use sharing::Share;
pub use sims::{NewBalance, Replaced, SimEdit};
pub use writer::{Place, Settings, Store};
