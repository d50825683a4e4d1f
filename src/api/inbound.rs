//! `/v1/inbound-messages`: what was received, as it came: texts, and what is kept for technicians when asked for.

use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::Context;
use super::auth::{Caller, Scope};
use super::list::{Kind, Query};
use super::problem::Problem;
use super::views::InboundView;

/// Received messages, newest first.
pub(super) async fn list(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesRead)?;
    let service = context.service_of(&caller).await?;
    let query = Query::read(Kind::Inbound, "/v1/inbound-messages", service, query.as_deref())?;
    let filter = query.filter.clone();
    let page = context.store.read(move |r| r.inbound(service, &filter)).await?;
    let with_body = caller.may(Scope::MessagesReadBody);
    let views: Vec<InboundView<'_>> = page.rows.iter().map(|m| InboundView::of(m, with_body)).collect();
    Ok(query.answer(views, page.next))
}
