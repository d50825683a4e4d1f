//! A bank that is always busy: who goes first, who gets how much, and what nobody may send now keeps nothing back.

use std::collections::BTreeSet;
use std::time::Duration;

use wardwire::store::Routing;
use wardwire_core::base::{Instant, ServiceId};
use wardwire_core::dispatch::{Pool, Rules};
use wardwire_core::queue::lane::{PoolId, Way};
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::{MessageStatus, Priority};
use wardwire_core::queue::verbs::NewMessage;
use wardwire_core::simulator::{Air, Fault};

use super::site::{PHONE, Site};

/// From Ctrl-Z to the answer in this bank.
const AIRTIME: Duration = Duration::from_secs(1);

fn texts(site: &Site, count: usize, service: ServiceId, priority: Priority, to: &str) -> Vec<NewMessage> {
    let one = NewMessage {
        service,
        priority,
        ..site.message(to, "Come at ten.")
    };
    vec![one; count]
}

/// Numbers of the texts the network took from a moment on, with the modem and the time.
fn taken(site: &Site, from: Instant) -> Vec<(usize, Instant, String)> {
    let events = site.air.iter().filter(|event| event.at.monotonic >= from);
    events
        .filter_map(|event| match &event.what {
            Air::Accepted(accepted) => Some((event.modem, event.at.monotonic, accepted.recipient.clone())),
            _ => None,
        })
        .collect()
}

fn pool(name: &str, modems: &[&str], reserve: Option<&str>) -> Pool {
    Pool {
        name: name.to_owned(),
        modems: modems.iter().map(|label| (*label).to_owned()).collect(),
        sims: Vec::new(),
        reserve: reserve.map(ToOwned::to_owned),
    }
}

#[test]
fn services_get_what_their_weights_say_and_one_text_does_not_wait_behind_thousands() {
    let weights = [("a", 5), ("b", 3), ("c", 2)];
    let routing = Routing {
        weights: weights.map(|(name, weight)| (name.to_owned(), weight)).to_vec(),
        ..Routing::default()
    };
    let mut site = Site::shared(4, Rules::default(), routing).ready();
    let numbers = ["+353871000001", "+353871000002", "+353871000003"];
    for ((name, _), number) in weights.iter().zip(numbers) {
        let service = site.service(name);
        let messages = texts(&site, 600, service, Priority::Normal, number);
        site.post(messages);
    }
    let from = site.now.monotonic;
    let late = site.service("d");
    site.seconds(60);
    let messages = texts(&site, 1, late, Priority::Normal, PHONE);
    site.post(messages);
    let asked = site.now.monotonic;
    assert!(site.until(10, |site| taken(site, asked).iter().any(|(_, _, to)| to == PHONE)));
    assert!(
        site.now.monotonic.since(asked) <= AIRTIME * 4,
        "it waits for a turn, not for a queue"
    );
    site.seconds(60);
    let all = taken(&site, from);
    assert!(all.len() > 200, "{}", all.len());
    for ((name, weight), number) in weights.iter().zip(numbers) {
        let share = all.iter().filter(|(_, _, to)| to == number).count() as f64 / all.len() as f64;
        let due = f64::from(*weight) / 10.0;
        assert!((share - due).abs() <= 0.05 * due, "{name} got {share} instead of {due}");
    }
}

#[test]
fn ten_thousand_for_a_sim_that_is_away_keep_one_normal_text_back_for_no_moment() {
    let mut site = Site::shared(1, Rules::default(), Routing::default()).ready();
    let gone = site.absent_sim();
    let service = site.service("default");
    for _ in 0..20 {
        let mut messages = texts(&site, 500, service, Priority::Normal, "+353871000001");
        for message in &mut messages {
            message.sim = Some(gone);
        }
        site.post(messages);
    }
    let id = site.send(PHONE, "Come at eleven.");
    site.wait(AIRTIME * 2);
    assert_eq!(site.status(id), MessageStatus::Sent);
    assert_eq!(site.on_air(None).len(), 1);
}

#[test]
fn an_emergency_waits_for_one_airtime_at_most() {
    let mut site = Site::shared(3, Rules::default(), Routing::default()).ready();
    let service = site.service("default");
    let long = "It is long. ".repeat(25);
    for (number, priority) in [("+353871000001", Priority::High), ("+353871000002", Priority::Bulk)] {
        let one = NewMessage {
            priority,
            ..site.message(number, &long)
        };
        site.post(vec![one; 150]);
    }
    for turn in 0..12_u64 {
        site.wait(Duration::from_millis(3_137 + 211 * turn));
        let asked = site.now.monotonic;
        let busy = (0..3).all(|modem| site.modem(modem).busy);
        let messages = texts(&site, 1, service, Priority::Emergency, PHONE);
        site.post(messages);
        let came = |site: &Site| taken(site, asked).iter().any(|(_, _, to)| to == PHONE);
        assert!(busy && site.until(10, came));
        // Until one is free, and its own.
        let (_, at, _) = taken(&site, asked)
            .into_iter()
            .find(|(_, _, to)| to == PHONE)
            .expect("it came");
        let took = at.since(asked);
        assert!(took <= AIRTIME * 2 + Duration::from_millis(200), "{took:?}");
    }
}

#[test]
fn a_pool_takes_its_own_and_when_it_has_nobody_only_its_own_wait() {
    let rules = Rules {
        pools: vec![Pool::of_all(), pool("wards", &["m1"], None)],
        ..Rules::default()
    };
    let routing = Routing {
        routes: vec![Route {
            prefixes: vec!["+35386".to_owned()],
            way: pool("wards", &[], None).way(),
            ..Route::default()
        }],
        pools: vec![PoolId::of("wards")],
        weights: Vec::new(),
    };
    let mut site = Site::shared(2, rules, routing).ready();
    let service = site.service("default");
    let from = site.now.monotonic;
    let messages = texts(&site, 10, service, Priority::Normal, "+353861000001");
    site.post(messages);
    site.seconds(15);
    let of_pool = taken(&site, from);
    assert!(
        of_pool.len() == 10 && of_pool.iter().all(|(modem, ..)| *modem == 1),
        "{of_pool:?}"
    );
    assert!(site.pool("wards").serves());

    site.provoke(1, Fault::PortVanishes);
    site.seconds(1);
    assert!(!site.pool("wards").serves() && site.pool("default").serves());
    let from = site.now.monotonic;
    let messages = texts(&site, 200, service, Priority::High, "+353861000001");
    site.post(messages);
    let messages = texts(&site, 5, service, Priority::Normal, PHONE);
    site.post(messages);
    assert!(site.until(
        10,
        |site| taken(site, from).iter().filter(|(_, _, to)| to == PHONE).count() == 5
    ));
    // When it is back, they go.
    assert!(site.until(400, |site| taken(site, from).iter().any(|(modem, ..)| *modem == 1)));
    assert!(
        taken(&site, from)
            .iter()
            .all(|(modem, _, to)| *modem == 1 || to == PHONE)
    );
}

/// Everything goes to the wards.
fn to_wards() -> Routing {
    Routing {
        routes: vec![Route {
            way: pool("wards", &[], None).way(),
            ..Route::default()
        }],
        pools: vec![PoolId::of("wards")],
        weights: Vec::new(),
    }
}

#[test]
fn a_pool_that_changes_leads_what_waits_to_whom_it_holds_now() {
    let pools = |modems: &[&str], reserve| vec![Pool::of_all(), pool("wards", modems, reserve)];
    let rules = Rules {
        pools: pools(&["m0"], None),
        ..Rules::default()
    };
    let mut site = Site::shared(3, rules, to_wards()).ready();
    let service = site.service("default");
    let messages = texts(&site, 60, service, Priority::Normal, PHONE);
    site.post(messages);
    let busy = |site: &mut Site| {
        // What was begun before ends where it was begun.
        site.wait(AIRTIME + Duration::from_millis(200));
        let from = site.now.monotonic;
        site.seconds(4);
        taken(site, from)
            .iter()
            .map(|(modem, ..)| *modem)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(busy(&mut site), BTreeSet::from([0]));
    site.share(pools(&["m1", "m2"], None), to_wards());
    assert_eq!(busy(&mut site), BTreeSet::from([1, 2]));
    site.share(pools(&["m1", "m2"], Some("m1")), to_wards());
    assert_eq!(busy(&mut site), BTreeSet::from([2]));
    assert_eq!(site.pool("wards").reserves, [1]);
    site.share(vec![Pool::of_all()], Routing::default());
    assert_eq!(busy(&mut site), BTreeSet::from([0, 1, 2]), "no such pool any more");
}

#[test]
fn routes_that_change_lead_what_comes_and_what_waits_for_a_pool_that_is_no_more_goes_by_all() {
    let rules = Rules {
        pools: vec![Pool::of_all(), pool("wards", &["m7"], None)],
        ..Rules::default()
    };
    let mut site = Site::shared(2, rules.clone(), to_wards()).ready();
    let service = site.service("default");
    let messages = texts(&site, 10, service, Priority::Normal, PHONE);
    site.post(messages);
    site.seconds(3);
    let routing = Routing {
        routes: Vec::new(),
        ..to_wards()
    };
    site.share(rules.pools, routing);
    let other = "+353861000001";
    let messages = texts(&site, 2, service, Priority::Normal, other);
    site.post(messages);
    site.seconds(3);
    let to: Vec<_> = taken(&site, Instant::ZERO).into_iter().map(|(_, _, to)| to).collect();
    assert_eq!(to, [other, other], "the new ones alone: nobody is in the wards");
    site.share(vec![Pool::of_all()], Routing::default());
    site.seconds(10);
    assert_eq!(taken(&site, Instant::ZERO).len(), 12);
}

#[test]
fn a_reserve_is_free_when_an_emergency_comes() {
    let all = Pool {
        reserve: Some("m1".to_owned()),
        ..Pool::of_all()
    };
    assert_eq!(all.way(), Way::Any);
    let rules = Rules {
        pools: vec![all],
        ..Rules::default()
    };
    let mut site = Site::shared(2, rules, Routing::default()).ready();
    let service = site.service("default");
    let from = site.now.monotonic;
    let messages = texts(&site, 50, service, Priority::High, "+353871000001");
    site.post(messages);
    site.wait(Duration::from_millis(10_300));
    assert!(taken(&site, from).iter().all(|(modem, ..)| *modem == 0));
    let asked = site.now.monotonic;
    let messages = texts(&site, 1, service, Priority::Emergency, PHONE);
    site.post(messages);
    site.wait(AIRTIME + Duration::from_millis(200));
    assert!(
        taken(&site, asked)
            .iter()
            .any(|(modem, _, to)| *modem == 1 && to == PHONE)
    );
}

#[test]
fn what_waited_for_a_sim_that_falls_away_goes_by_the_others_at_once() {
    let mut site = Site::shared(2, Rules::default(), Routing::default()).ready();
    let service = site.service("default");
    let messages = texts(&site, 40, service, Priority::Normal, PHONE);
    site.post(messages);
    site.seconds(3);
    site.provoke(0, Fault::PortVanishes);
    let from = site.now.monotonic;
    site.seconds(10);
    let gaps: Vec<_> = taken(&site, from)
        .into_iter()
        .filter(|(modem, ..)| *modem == 1)
        .collect();
    assert!(gaps.len() >= 8, "the other one never pauses: {}", gaps.len());
}
