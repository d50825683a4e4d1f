//! Asks the network now and then for the credit of the SIMs that `[[credit]]` names, one after the other, and keeps what it says.
//! An answer takes a modem for up to two minutes, so a time is chosen at which nothing waits to be sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use wardwire_core::base::{SimId, UtcTime};
use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState, Snapshot};
use wardwire_core::modem::{Order, OrderResult};

use crate::api::Orders;
use crate::clock;
use crate::config::Config;
use crate::config::credit::Credit;
use crate::store::{NewBalance, SimEdit, SimRecord, StoreError, StoreHandle};

/// From one look at the bank to the next.
const LOOK: Duration = Duration::from_secs(5);
/// After an asking that brought nothing, and for a SIM that nobody wants to know of: operators bar SIMs that ask much.
const AGAIN: Duration = Duration::from_secs(3_600);
/// So late it is asked although texts wait.
const LATE: Duration = Duration::from_secs(3_600);

/// Runs as long as the bank does.
pub(super) async fn watch(
    config: Arc<Config>,
    store: StoreHandle,
    orders: Orders,
    snapshot: watch::Receiver<Snapshot>,
) {
    let mut next: BTreeMap<SimId, UtcTime> = BTreeMap::new();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !config.credit.is_empty() && snapshot.has_changed().is_ok() {
        looks.tick().await;
        let bank = snapshot.borrow().clone();
        next.retain(|sim, _| bank.modems.iter().any(|modem| modem.sim == Some(*sim)));
        if let Err(error) = look(&config, &store, &orders, &bank, &mut next).await {
            tracing::warn!(%error, "the credit of the SIMs cannot be looked at");
        }
    }
}

/// Asks for the credit of one SIM, if it is time.
async fn look(
    config: &Config,
    store: &StoreHandle,
    orders: &Orders,
    bank: &Snapshot,
    next: &mut BTreeMap<SimId, UtcTime>,
) -> Result<(), StoreError> {
    let now = clock::now().utc;
    let is_ready = |modem: &&ModemSnapshot| modem.state == ModemState::Ready;
    let ready = || bank.modems.iter().filter(is_ready);
    let unknown = ready().any(|modem| modem.sim.is_some_and(|sim| !next.contains_key(&sim)));
    let due = ready().find(|modem| modem.sim.is_some_and(|sim| may_ask(bank, next.get(&sim).copied(), now)));
    if !unknown && due.is_none() {
        return Ok(());
    }
    let sims = store.read(move |reader| reader.sims(now)).await?;
    let known = |sim: SimId| sims.iter().find(|known| known.id == sim);
    let credit_of = |sim: &SimRecord| config.credit_of(sim.iccid.as_deref(), sim.imsi.as_deref());
    for sim in ready().filter_map(|modem| known(modem.sim?)) {
        let due_at = || credit_of(sim).map_or(now + AGAIN, |credit| due_at(credit, sim, now));
        next.entry(sim.id).or_insert_with(due_at);
    }
    let Some((modem, sim)) = due.and_then(|modem| Some((modem, known(modem.sim?)?))) else {
        return Ok(());
    };
    next.insert(sim.id, now + AGAIN);
    let Some(credit) = credit_of(sim) else { return Ok(()) };
    match orders.give(&modem.label, Order::Ussd(credit.code.clone())).await {
        Ok(OrderResult::Lines(lines)) => {
            let balance = NewBalance::of(lines.join("\n"), Some(credit));
            match balance.said.amount {
                Some(_) if balance.said.low => tracing::warn!(modem = modem.label, sim = %sim.id, "the credit is low"),
                Some(_) => tracing::info!(modem = modem.label, sim = %sim.id, "the credit was asked for"),
                None => {
                    tracing::warn!(modem = modem.label, sim = %sim.id, "the network's answer names no credit; see `after` of [[credit]]");
                }
            }
            let edit = SimEdit {
                balance: Some(balance),
                ..SimEdit::default()
            };
            store.edit_sim(sim.id, edit).await?;
            next.insert(sim.id, now + credit.every);
        }
        Ok(other) => tracing::warn!(modem = modem.label, sim = %sim.id, ?other, "the credit could not be asked for"),
        Err(error) => tracing::warn!(modem = modem.label, sim = %sim.id, %error, "the credit could not be asked for"),
    }
    Ok(())
}

/// When a SIM is to be asked about next. A clock that was set back must not end the asking.
fn due_at(credit: &Credit, sim: &SimRecord, now: UtcTime) -> UtcTime {
    let at = sim.balance.as_ref().map(|balance| balance.at + credit.every);
    at.filter(|at| *at <= now + credit.every).unwrap_or(now)
}

fn may_ask(bank: &Snapshot, due_at: Option<UtcTime>, now: UtcTime) -> bool {
    due_at.is_some_and(|at| at <= now && (bank.window == 0 || now.since(at) >= LATE)) && !bank.draining
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UtcTime {
        UtcTime::from_millis(1_781_514_922_000) + Duration::from_secs(secs)
    }

    #[test]
    fn it_is_asked_while_nothing_waits_and_when_it_is_late_anyway() {
        let idle = Snapshot::default();
        let busy = Snapshot {
            window: 1,
            ..Snapshot::default()
        };
        let draining = Snapshot {
            draining: true,
            ..Snapshot::default()
        };
        for (bank, due, now, expected) in [
            (&idle, Some(10), 9, false),
            (&idle, Some(10), 10, true),
            (&idle, None, 10, false),
            (&busy, Some(10), 10, false),
            (&busy, Some(10), 3_610, true),
            (&draining, Some(10), 3_610, false),
        ] {
            assert_eq!(may_ask(bank, due.map(at), at(now)), expected, "{due:?} {now}");
        }
    }
}
