//! The HTTP API, version 1: parses and polices what comes in until it needs no further check, asks the store, and says
//! what the store knows. It decides nothing about a message's fate and never touches a modem.
//!
//! The same router serves two doors: TCP with keys ([`router`]) and the control socket, whose callers may do
//! everything ([`router_local`]).

mod act;
mod audit;
mod auth;
mod batches;
mod body;
mod decisions;
mod envelope;
pub(crate) mod events;
mod fields;
mod forecast;
mod health;
mod inbound;
mod keys;
mod list;
mod loopback;
mod messages;
mod modems;
mod new_batch;
mod new_message;
mod orders;
mod pools;
mod problem;
mod sharing;
mod sims;
mod status;
mod views;
mod window;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use tokio::sync::{Mutex, Semaphore, watch};
use wardwire_core::base::{Now, ServiceId};
use wardwire_core::gateway::snapshot::Snapshot;

use crate::config::Config;
use crate::store::{StoreError, StoreHandle};

pub use auth::{Caller, Scope, Token, UnknownScope};
pub use orders::{Asked, OrderError, Orders};
pub use problem::{Code, FieldError, Problem};
pub use status::{Recent, Status, StatusBoard, StatusView};

/// Name of the service that owns what belongs to no other, and in whose name the local administrator acts.
pub const DEFAULT_SERVICE: &str = "default";

/// Event streams open at the same time, of the API and of the status page together.
const STREAMS: usize = 100;

/// Batches that are read at the same time; others wait.
const BATCHES: usize = 2;

/// What the handlers need. Clones share it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The store.
    pub store: StoreHandle,
    /// The configuration.
    pub config: Arc<Config>,
    /// What the bank looks like; its sender is the gateway's loop.
    pub bank: watch::Receiver<Snapshot>,
    /// The way of orders to the bank.
    pub orders: Orders,
    /// The clock.
    pub clock: fn() -> Now,
    /// The status of the whole, computed at most once a second.
    pub board: Arc<StatusBoard>,
    /// Places for event streams.
    pub streams: Arc<Semaphore>,
    /// Places for batches that are read: they are long.
    pub batches: Arc<Semaphore>,
    /// Held by who changes pools or routes, until the bank follows.
    pub sharing: Arc<Mutex<()>>,
}

impl Context {
    /// Puts together what the handlers need.
    #[must_use]
    pub fn new(
        store: StoreHandle,
        config: Arc<Config>,
        bank: watch::Receiver<Snapshot>,
        orders: Orders,
        clock: fn() -> Now,
    ) -> Self {
        let board = StatusBoard::new(store.clone(), bank.clone(), clock);
        Self {
            store,
            config,
            bank,
            orders,
            clock,
            board: Arc::new(board),
            streams: Arc::new(Semaphore::new(STREAMS)),
            batches: Arc::new(Semaphore::new(BATCHES)),
            sharing: Arc::default(),
        }
    }

    /// The service a caller acts for.
    async fn service_of(&self, caller: &Caller) -> Result<ServiceId, Problem> {
        match caller {
            Caller::Key { service, .. } => Ok(*service),
            Caller::LocalAdmin => {
                let found = self.store.read(|r| r.service(DEFAULT_SERVICE)).await?;
                found.ok_or_else(|| Problem::new(Code::NotFound, "the service default is not there"))
            }
        }
    }
}

/// The API behind keys: for TCP.
pub fn router(context: Context) -> Router {
    routes(context)
}

/// The API for the control socket: whoever may open it is the local administrator and needs no key.
pub fn router_local(context: Context) -> Router {
    routes(context).layer(Extension(Caller::LocalAdmin))
}

/// All routes, in one place.
fn routes(context: Context) -> Router {
    Router::new()
        .route("/v1/messages", post(messages::create).get(messages::list))
        .route("/v1/messages/{id}", get(messages::one))
        .route("/v1/messages/{id}/parts", get(messages::parts))
        .route("/v1/messages/{id}/cancel", post(messages::cancel))
        .route("/v1/messages/{id}/resolve", post(decisions::resolve))
        .route("/v1/messages/{id}/release", post(decisions::release))
        .route("/v1/messages/{id}/drop", post(decisions::drop))
        .route("/v1/batches", post(batches::create).get(batches::list))
        .route("/v1/batches/{id}", get(batches::one))
        .route("/v1/batches/{id}/messages", get(batches::messages))
        .route("/v1/batches/{id}/pause", post(batches::pause))
        .route("/v1/batches/{id}/resume", post(batches::resume))
        .route("/v1/batches/{id}/cancel", post(batches::cancel))
        .route("/v1/inbound-messages", get(inbound::list))
        .route("/v1/events", get(events::list))
        .route("/v1/events/stream", get(events::stream))
        .route("/v1/api-keys", post(keys::create).get(keys::list))
        .route("/v1/api-keys/{id}", axum::routing::delete(keys::revoke))
        .route("/v1/forecast", post(forecast::preview))
        .route("/v1/status", get(health::status))
        .route("/v1/modems", get(modems::list))
        .route("/v1/modems/{id}", get(modems::one))
        .route("/v1/modems/{id}/restart", post(modems::restart))
        .route("/v1/modems/{id}/disable", post(modems::disable))
        .route("/v1/modems/{id}/enable", post(modems::enable))
        .route("/v1/modems/{id}/drain", post(modems::drain))
        .route("/v1/modems/{id}/at", post(modems::line))
        .route("/v1/modems/{id}/trace", get(modems::trace))
        .route("/v1/modems/{id}/trace/raw", post(modems::trace_raw))
        .route("/v1/modems/{id}/loopback-tests", post(loopback::create))
        .route("/v1/modems/{id}/loopback-tests/{test}", get(loopback::one))
        .route("/v1/sims", get(sims::list))
        .route("/v1/sims/{id}", get(sims::one).patch(sims::edit))
        .route("/v1/sims/{id}/replace", post(sims::replace))
        .route("/v1/sims/{id}/pin", post(sims::pin))
        .route("/v1/sims/{id}/ussd", post(sims::ussd))
        .route(
            "/v1/sims/{id}/forbidden-networks",
            get(sims::forbidden_networks).delete(sims::clear_forbidden_networks),
        )
        .route("/v1/pools", get(pools::pools))
        .route(
            "/v1/pools/{name}",
            get(pools::one)
                .put(sharing::put_pool)
                .patch(sharing::edit_pool)
                .delete(sharing::delete_pool),
        )
        .route(
            "/v1/routes",
            get(pools::routes)
                .put(sharing::put_routes)
                .delete(sharing::delete_routes),
        )
        .route("/v1/audit", get(audit::list))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/docs/problems/{code}", get(health::problem_page))
        .fallback(health::nothing_here)
        .layer(middleware::from_fn(envelope::envelope))
        .with_state(context)
}

impl FromRequestParts<Context> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Problem> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        // One answer for every cause: whether a key exists is nobody's business.
        let refused = || Problem::new(Code::Unauthenticated, "send Authorization: Bearer with a valid key");
        let token = auth::bearer(&parts.headers).ok_or_else(refused)?;
        let id = token.id();
        let row = context.store.read(move |r| r.api_key(id)).await?.ok_or_else(refused)?;
        if !token.fits(&row.secret_sha256) || row.revoked_at.is_some() {
            return Err(refused());
        }
        Ok(Self::Key {
            key: row.id,
            service: row.service,
            // A word of a newer version allows nothing here.
            scopes: row.scopes.iter().filter_map(|s| s.parse().ok()).collect(),
        })
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable => {
                Self::new(Code::StorageUnavailable, "the storage cannot be used now, try again").retry_after(5)
            }
            StoreError::Full => Self::new(
                Code::StorageUnavailable,
                "the disk is full: what is left is kept for what comes in; the administrator has to make room",
            )
            .retry_after(60),
            StoreError::Slow => {
                Self::new(Code::StorageUnavailable, "the disk is too slow now, try again").retry_after(10)
            }
            StoreError::Closed => Self::new(Code::ShuttingDown, "the gateway is stopping, try again").retry_after(10),
        }
    }
}

#[cfg(test)]
mod tests;
