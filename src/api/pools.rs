//! `/v1/pools` and `/v1/routes`: who may take what, and which pool has nobody. Both are set in the configuration.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wardwire_core::dispatch::Pool;
use wardwire_core::gateway::snapshot::{PoolSnapshot, Snapshot};
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::Category;

use super::Context;
use super::auth::{Caller, Scope};
use super::list::Listing;
use super::problem::Problem;
use crate::config::Config;

#[derive(Serialize)]
struct PoolView {
    name: String,
    /// `ready`, `emergencies_only` when only its reserve can send, `no_sim`.
    state: &'static str,
    /// Slots of the modems in it.
    slots: Vec<String>,
    /// Those that can send.
    ready: Vec<String>,
    /// Those kept for emergencies.
    reserves: Vec<String>,
}

impl PoolView {
    fn of(bank: &Snapshot, pool: &PoolSnapshot) -> Self {
        let labels = |places: &[usize]| {
            let modems = places.iter().filter_map(|place| bank.modems.get(*place));
            modems.map(|modem| modem.label.clone()).collect()
        };
        Self {
            name: pool.name.clone(),
            state: match (pool.serves(), pool.ready.is_empty()) {
                (true, _) => "ready",
                (false, false) => "emergencies_only",
                (false, true) => "no_sim",
            },
            slots: labels(&pool.modems),
            ready: labels(&pool.ready),
            reserves: labels(&pool.reserves),
        }
    }
}

#[derive(Serialize)]
struct RouteView {
    pool: String,
    prefixes: Vec<String>,
    services: Vec<String>,
    categories: Vec<&'static str>,
}

impl RouteView {
    fn of(config: &Config, route: &Route) -> Self {
        let leads = |pool: &&Pool| pool.way() == route.way;
        Self {
            pool: config
                .sharing
                .pools
                .iter()
                .find(leads)
                .map(|pool| pool.name.clone())
                .unwrap_or_default(),
            prefixes: route.prefixes.clone(),
            services: route.services.clone(),
            categories: route.categories.iter().copied().map(Category::as_str).collect(),
        }
    }
}

/// All pools, as they are now.
pub(super) async fn pools(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let bank = context.bank.borrow().clone();
    let views = bank.pools.iter().map(|pool| PoolView::of(&bank, pool)).collect();
    Ok(Json(Listing::whole(views)).into_response())
}

/// All routes in their order.
pub(super) async fn routes(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let config = &context.config;
    let views = config
        .sharing
        .routes
        .iter()
        .map(|route| RouteView::of(config, route))
        .collect();
    Ok(Json(Listing::whole(views)).into_response())
}

/// Names of the pools that the modem in this slot is in, and whether its SIM is kept for emergencies.
pub(super) fn of_slot(bank: &Snapshot, slot: &str) -> (Vec<String>, bool) {
    let Some(place) = bank.modems.iter().position(|modem| modem.label == slot) else {
        return (Vec::new(), false);
    };
    let of = bank.pools.iter().filter(|pool| pool.modems.contains(&place));
    let reserve = bank.pools.iter().any(|pool| pool.reserves.contains(&place));
    (of.map(|pool| pool.name.clone()).collect(), reserve)
}
