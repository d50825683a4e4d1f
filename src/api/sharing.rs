//! Pools and routes changed over the API: judged as those of the file are, written down, kept, and in force when it is answered. One
//! change at a time, so that the bank follows them in the order of the disk.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use wardwire_core::dispatch::Pool;
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::route::Route;

use super::Context;
use super::act::{self, Act, masked};
use super::auth::{Caller, Scope};
use super::fields::Fields;
use super::modems::read;
use super::pools::{self, no_such_pool, pool_answer, routes_answer};
use super::problem::{Code, Problem};
use super::sims::told;
use crate::config::Sharing;
use crate::config::sharing::{
    Entered, Mistake, NAMES, NewRoute, POOLS, ROUTES, name_mistake, pool_mistakes, read_route,
};
use crate::store::{Routing, Share};

/// More names than these are told in the record as a number.
const NAMES_TOLD: usize = 16;

/// What is so now, and the right to change it.
struct Desk {
    lock: OwnedMutexGuard<()>,
    entered: Entered,
    sharing: Sharing,
}

impl Desk {
    async fn take(context: &Context) -> Result<Self, Problem> {
        let lock = context.sharing.clone().lock_owned().await;
        let (entered, sharing) = pools::now(context).await?;
        Ok(Self { lock, entered, sharing })
    }

    /// Puts this in the place of what was entered before: on disk, for what comes from then on, and in the bank.
    async fn change(self, context: &Context, caller: &Caller, act: Act, entered: &Entered) -> Result<Sharing, Problem> {
        let (sharing, _) = context.config.shared(entered);
        let share = Share {
            entered: entered.clone(),
            routing: Routing::of(&sharing),
        };
        let (store, orders, pools) = (context.store.clone(), context.orders.clone(), sharing.pools.clone());
        let work = async move {
            // Let go when the bank has it, whether or not the caller still listens.
            let _lock = self.lock;
            store.share(share).await?;
            orders.shared(pools).await;
            Ok::<_, Problem>(())
        };
        act::recorded(context, caller, act, work, told).await?;
        Ok(sharing)
    }
}

/// Makes a pool, or says all of one anew.
pub(super) async fn put_pool(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let mut fields = read(request).await?;
    if let Some(mistake) = name_mistake(&name, &[]) {
        return Err(Problem::new(Code::InvalidValue, detail(&mistake)));
    }
    let pool = pool_of(&mut fields, Pool { name, ..Pool::of_all() });
    judge(&context, fields, &pool)?;
    let desk = Desk::take(&context).await?;
    let new = desk.sharing.pool(&pool.name).is_none();
    if new && desk.sharing.pools.len() >= POOLS {
        let detail = format!("there are {POOLS} pools, and no more are taken: join some of them");
        return Err(Problem::new(Code::NotNow, detail));
    }
    let answer = set_pool(&context, &caller, desk, pool).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, answer).into_response())
}

/// Changes some of a pool.
pub(super) async fn edit_pool(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let mut fields = read(request).await?;
    let desk = Desk::take(&context).await?;
    let before = desk.sharing.pool(&name).ok_or_else(no_such_pool)?.clone();
    let pool = pool_of(&mut fields, before);
    judge(&context, fields, &pool)?;
    set_pool(&context, &caller, desk, pool).await
}

async fn set_pool(context: &Context, caller: &Caller, desk: Desk, pool: Pool) -> Result<Response, Problem> {
    let names = |names: &[String]| match names.len() {
        0..=NAMES_TOLD => names.join(","),
        more => more.to_string(),
    };
    let reserve = pool.reserve.as_deref().unwrap_or("none");
    let said = format!(
        "modems={} sims={} reserve={reserve}",
        names(&pool.modems),
        names(&pool.sims)
    );
    let act = Act::on("pool.set", &pool.name).with(&said);
    let name = pool.name.clone();
    let entered = desk.entered.clone().with_pool(pool);
    let sharing = desk.change(context, caller, act, &entered).await?;
    pool_answer(context, &entered, &sharing, &name)
}

/// Takes a pool back to what the file says; one that the file does not have goes away, once nothing leads there or waits for it.
pub(super) async fn delete_pool(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let desk = Desk::take(&context).await?;
    let pool = desk.sharing.pool(&name).ok_or_else(no_such_pool)?;
    let of_file = context.config.sharing.pool(&name).is_some();
    if !of_file {
        may_go(&context, &desk.sharing, pool).await?;
    }
    if !desk.entered.has_pool(&name) {
        return pool_answer(&context, &desk.entered, &desk.sharing, &name);
    }
    let act = Act::on("pool.delete", &name);
    let entered = desk.entered.clone().without_pool(&name);
    let sharing = desk.change(&context, &caller, act, &entered).await?;
    if of_file {
        pool_answer(&context, &entered, &sharing, &name)
    } else {
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

/// Whether nothing needs this pool.
async fn may_go(context: &Context, sharing: &Sharing, pool: &Pool) -> Result<(), Problem> {
    let leads = |(place, route): (usize, &Route)| (route.way == pool.way()).then_some(place + 1);
    if let Some(place) = sharing.routes.iter().enumerate().find_map(leads) {
        let detail = format!("route {place} leads to this pool: lead it elsewhere first, by PUT /v1/routes");
        return Err(Problem::new(Code::NotNow, detail));
    }
    let Way::Pool(id) = pool.way() else { return Ok(()) };
    let waiting = context.store.read(move |r| r.waiting_for(id)).await?;
    if waiting > 0 {
        let detail = format!(
            "messages that wait for this pool: {waiting}. Let them go out first; with other modems it may be sooner"
        );
        return Err(Problem::new(Code::NotNow, detail));
    }
    Ok(())
}

/// Says all routes anew, from the first to the last.
pub(super) async fn put_routes(
    State(context): State<Context>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let mut fields = read(request).await?;
    let desk = Desk::take(&context).await?;
    let routes = routes_of(&mut fields, &desk.sharing.pools);
    fields.finish()?;
    let led: Vec<&str> = routes.iter().map(|route| route.pool.as_str()).collect();
    let act = Act::on("routes.set", "routes").with(&match led.len() {
        0..=NAMES_TOLD => format!("to {}", led.join(",")),
        more => format!("{more} routes"),
    });
    let entered = Entered {
        routes: Some(routes),
        ..desk.entered.clone()
    };
    let sharing = desk.change(&context, &caller, act, &entered).await?;
    Ok(routes_answer(&entered, &sharing))
}

/// Takes the routes back to what the file says.
pub(super) async fn delete_routes(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let desk = Desk::take(&context).await?;
    if desk.entered.routes.is_none() {
        return Ok(routes_answer(&desk.entered, &desk.sharing));
    }
    let entered = Entered {
        routes: None,
        ..desk.entered.clone()
    };
    let act = Act::on("routes.delete", "routes");
    let sharing = desk.change(&context, &caller, act, &entered).await?;
    Ok(routes_answer(&entered, &sharing))
}

/// The pool with what the fields say of it.
fn pool_of(fields: &mut Fields, before: Pool) -> Pool {
    Pool {
        modems: fields.texts("modems", NAMES).unwrap_or(before.modems),
        sims: fields.texts("sims", NAMES).unwrap_or(before.sims),
        reserve: fields.patch("reserve", 32).unwrap_or(before.reserve),
        name: before.name,
    }
}

/// What the fields say must be a pool, and they must say nothing else.
fn judge(context: &Context, mut fields: Fields, pool: &Pool) -> Result<(), Problem> {
    if fields.sound() {
        let config = &context.config;
        for mistake in pool_mistakes(pool, &config.modems, config.discovery.enabled) {
            // Its name stands in the address: what is wrong with the whole of it is told of its modems.
            let field = if mistake.field == "name" {
                "modems"
            } else {
                mistake.field
            };
            fail(&mut fields, field, &mistake);
        }
    }
    fields.finish()
}

fn routes_of(fields: &mut Fields, pools: &[Pool]) -> Vec<NewRoute> {
    let list = match fields.value("routes") {
        Some(Value::Array(list)) if list.len() <= ROUTES => list,
        Some(_) => {
            let detail = format!("must be a list of at most {ROUTES} routes");
            fields.fail("routes", Code::InvalidValue, detail);
            return Vec::new();
        }
        None => {
            fields.fail("routes", Code::MissingField, "is needed");
            return Vec::new();
        }
    };
    let mut routes = Vec::with_capacity(list.len());
    for (index, value) in list.into_iter().enumerate() {
        let Value::Object(object) = value else {
            let detail = "must be an object, as {\"pool\": \"wards\", \"services\": [\"opd\"]}";
            fields.fail(&format!("routes/{index}"), Code::InvalidValue, detail);
            continue;
        };
        match route_of(Fields::of(object), pools) {
            Ok(route) => routes.push(route),
            Err(problem) => {
                for error in problem.into_errors() {
                    fields.fail(&format!("routes/{index}{}", error.pointer), error.code, error.detail);
                }
            }
        }
    }
    routes
}

fn route_of(mut fields: Fields, pools: &[Pool]) -> Result<NewRoute, Problem> {
    let pool = fields.required_text("pool");
    let mut list = |field| fields.texts(field, NAMES).unwrap_or_default();
    let mut route = NewRoute {
        pool: String::new(),
        prefixes: list("prefixes"),
        services: list("services"),
        categories: list("categories"),
    };
    if let Some(pool) = pool {
        route.pool = pool;
        for mistake in read_route(&route, pools).1 {
            fail(&mut fields, mistake.field, &mistake);
        }
    }
    fields.finish()?;
    Ok(route)
}

fn fail(fields: &mut Fields, field: &str, mistake: &Mistake) {
    let index = mistake.index.map_or(String::new(), |index| format!("/{index}"));
    fields.fail(&format!("{field}{index}"), Code::InvalidValue, detail(mistake));
}

/// The words of the file's own check; what could be a number is not repeated.
fn detail(mistake: &Mistake) -> String {
    masked(&format!("{}; {}", mistake.what, mistake.mend))
}
