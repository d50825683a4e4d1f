//! The words every room shares: time, ids, phone numbers, texts, limits. Nothing here knows what an SMS is.

pub mod id;
pub mod limits;
pub mod network;
pub mod past;
pub mod phone;
pub mod text;
pub mod time;

pub use id::{
    ApiKeyId, AttemptId, BatchId, EventId, IdError, IdSource, InboundId, LoopbackId, MessageId, ModemId, PartId,
    ServiceId, SimId, Ulid,
};
pub use network::{Network, NetworkError};
pub use past::{Ban, Past, StepPast};
pub use phone::{Originator, PhoneNumber, PhoneNumberError};
pub use text::Body;
pub use time::{Instant, Now, UtcDay, UtcTime};
