//! `GET /v1/pools` and `/v1/routes`: who may take what, which pool has nobody, and where it was said. How they are changed is
//! `sharing`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wardwire_core::dispatch::Pool;
use wardwire_core::gateway::snapshot::{PoolSnapshot, Snapshot};
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::Category;

use super::Context;
use super::auth::{Caller, Scope};
use super::list::Listing;
use super::problem::{Code, Problem};
use super::views::mask;
use crate::config::Sharing;
use crate::config::sharing::{Entered, is_iccid};

/// Where something was said: in the configuration, or over the API in its place.
fn source(entered: bool) -> &'static str {
    if entered { "api" } else { "file" }
}

#[derive(Serialize)]
pub(super) struct PoolView {
    name: String,
    source: &'static str,
    /// Labels of its modems, also of those that are not there.
    modems: Vec<String>,
    /// ICCIDs of its SIMs, masked.
    sims: Vec<String>,
    /// The one kept for emergencies: a label or a masked ICCID.
    reserve: Option<String>,
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
    pub(super) fn of(bank: &Snapshot, entered: &Entered, pool: &Pool) -> Self {
        let labels = |places: &[usize]| -> Vec<String> {
            let modems = places.iter().filter_map(|place| bank.modems.get(*place));
            modems.map(|modem| modem.label.clone()).collect()
        };
        let now = bank.pools.iter().find(|now| now.name == pool.name);
        let of = |places: fn(&PoolSnapshot) -> &[usize]| now.map(|now| labels(places(now))).unwrap_or_default();
        Self {
            name: pool.name.clone(),
            source: source(entered.has_pool(&pool.name)),
            modems: pool.modems.clone(),
            sims: pool.sims.iter().map(|sim| mask(sim)).collect(),
            reserve: pool
                .reserve
                .as_deref()
                .map(|name| if is_iccid(name) { mask(name) } else { name.to_owned() }),
            state: match now.map(|now| (now.serves(), now.ready.is_empty())) {
                Some((true, _)) => "ready",
                Some((false, false)) => "emergencies_only",
                Some((false, true)) | None => "no_sim",
            },
            slots: of(|now| &now.modems),
            ready: of(|now| &now.ready),
            reserves: of(|now| &now.reserves),
        }
    }
}

#[derive(Serialize)]
pub(super) struct RouteView {
    pool: String,
    prefixes: Vec<String>,
    services: Vec<String>,
    categories: Vec<&'static str>,
}

impl RouteView {
    fn of(sharing: &Sharing, route: &Route) -> Self {
        Self {
            pool: sharing.pool_of(route).to_owned(),
            prefixes: route.prefixes.clone(),
            services: route.services.clone(),
            categories: route.categories.iter().copied().map(Category::as_str).collect(),
        }
    }
}

/// The list of routes, which is set as a whole.
#[derive(Serialize)]
struct RouteListing {
    #[serde(flatten)]
    list: Listing<RouteView>,
    source: &'static str,
}

/// What people entered, and how the bank is shared with it.
pub(super) async fn now(context: &Context) -> Result<(Entered, Sharing), Problem> {
    let entered = context.store.read(|r| r.entered()).await?;
    let (sharing, _) = context.config.shared(&entered);
    Ok((entered, sharing))
}

/// All pools, as they are now.
pub(super) async fn pools(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let (entered, sharing) = now(&context).await?;
    let bank = context.bank.borrow().clone();
    let pools = sharing.pools.iter();
    let views = pools.map(|pool| PoolView::of(&bank, &entered, pool)).collect();
    Ok(Json(Listing::whole(views)).into_response())
}

/// One pool.
pub(super) async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let (entered, sharing) = now(&context).await?;
    pool_answer(&context, &entered, &sharing, &name)
}

/// A pool as it is now.
pub(super) fn pool_answer(
    context: &Context,
    entered: &Entered,
    sharing: &Sharing,
    name: &str,
) -> Result<Response, Problem> {
    let pool = sharing.pool(name).ok_or_else(no_such_pool)?;
    Ok(Json(PoolView::of(&context.bank.borrow(), entered, pool)).into_response())
}

pub(super) fn no_such_pool() -> Problem {
    Problem::new(Code::NotFound, "there is no such pool")
}

/// All routes in their order.
pub(super) async fn routes(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let (entered, sharing) = now(&context).await?;
    Ok(routes_answer(&entered, &sharing))
}

/// The routes as they are now.
pub(super) fn routes_answer(entered: &Entered, sharing: &Sharing) -> Response {
    let views = sharing.routes.iter().map(|route| RouteView::of(sharing, route));
    let listing = RouteListing {
        list: Listing::whole(views.collect()),
        source: source(entered.routes.is_some()),
    };
    Json(listing).into_response()
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
