//! Due messages in lanes: what is given out of each, what is found again after a start, and that what nobody may send now keeps
//! nothing else back.

use wardwire_core::base::{MessageId, ServiceId, SimId, Ulid};
use wardwire_core::queue::lane::{Lane, PoolId, Way};
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::{HoldReason, Priority};
use wardwire_core::queue::verbs::{NewMessage, Reply, Request};

use super::Bank;
use super::bank::{introduction, number, take_due};
use crate::store::{Answer, Decision, NewKey, Op, Routing};

/// Another service, made with its first key.
fn service(bank: &mut Bank, name: &str) -> ServiceId {
    let key = NewKey {
        id: None,
        service: name.into(),
        label: name.into(),
        secret_sha256: [1; 32],
        scopes: Vec::new(),
    };
    let Answer::Key(key) = bank.one(Op::CreateKey(key)) else {
        panic!("another answer");
    };
    key.service
}

fn post(bank: &mut Bank, service: ServiceId, priority: Priority, count: usize) {
    for _ in 0..count {
        let message = NewMessage {
            service,
            priority,
            ..bank.message(1, "Come at ten.")
        };
        bank.accept(message);
    }
}

/// What is given out: how many of each lane, and the lanes that may have more.
fn ask(bank: &mut Bank, ways: &[Way], depth: usize, room: usize) -> (Vec<(Lane, usize)>, Vec<Lane>) {
    let Reply::Due { messages, more, .. } = bank.ask(take_due(ways, depth, room)) else {
        panic!("another answer");
    };
    assert!(messages.len() <= room);
    let mut lanes: Vec<(Lane, usize)> = Vec::new();
    for message in messages {
        match lanes.iter_mut().find(|(lane, _)| *lane == message.lane) {
            Some((_, count)) => *count += 1,
            None => lanes.push((message.lane, 1)),
        }
    }
    (lanes, more)
}

fn lane(priority: Priority, service: ServiceId) -> Lane {
    Lane {
        priority,
        way: Way::Any,
        service,
    }
}

#[test]
fn each_lane_is_given_out_to_its_depth_and_no_service_hides_another() {
    let mut bank = Bank::new();
    let (one, other) = (bank.store.default_service(), service(&mut bank, "other"));
    post(&mut bank, one, Priority::Normal, 50);
    post(&mut bank, one, Priority::Bulk, 3);
    post(&mut bank, other, Priority::Normal, 1);
    let (given, more) = ask(&mut bank, &[Way::Any], 4, 100);
    let normal = lane(Priority::Normal, one);
    let expected = [
        (normal, 4),
        (lane(Priority::Normal, other), 1),
        (lane(Priority::Bulk, one), 3),
    ];
    assert_eq!(given, expected);
    assert_eq!(more, [normal]);
    // What is out counts; what comes back makes room.
    assert_eq!(ask(&mut bank, &[Way::Any], 4, 100).0, []);
    assert_eq!(ask(&mut bank, &[Way::Any], 6, 100).0, [(normal, 2)]);
    // When there is little room, those of which nothing is out come first.
    bank.store.restart(bank.now).unwrap();
    assert_eq!(ask(&mut bank, &[Way::Any], 1, 1).0, [(normal, 1)]);
    assert_eq!(
        ask(&mut bank, &[Way::Any], 4, 2).0,
        [(lane(Priority::Normal, other), 1), (normal, 1)]
    );
}

#[test]
fn a_thousand_for_a_sim_that_is_away_keep_nothing_back() {
    let mut bank = Bank::new();
    let away = bank.introduce("2").1;
    for _ in 0..1_000 {
        let message = NewMessage {
            sim: Some(away),
            priority: Priority::Emergency,
            ..bank.message(1, "Come at ten.")
        };
        bank.accept(message);
    }
    let id = bank.text("Come at eleven.");
    let ways = [Way::Any, Way::Sim(bank.sim)];
    let Reply::Due { messages, more, .. } = bank.ask(take_due(&ways, 64, 64)) else {
        panic!("another answer");
    };
    assert_eq!(messages.iter().map(|due| due.id).collect::<Vec<_>>(), [id]);
    assert_eq!(more, []);
    // When it is back, they are there; also after a restart.
    bank.store.restart(bank.now).unwrap();
    let (given, _) = ask(&mut bank, &[Way::Sim(away)], 64, 64);
    assert_eq!(
        given.iter().map(|(lane, count)| (lane.way, *count)).collect::<Vec<_>>(),
        [(Way::Sim(away), 64)]
    );
}

#[test]
fn a_lane_that_is_full_says_nothing_of_arrivals_and_is_asked_for_again() {
    let mut bank = Bank::new();
    let service = bank.store.default_service();
    let normal = lane(Priority::Normal, service);
    post(&mut bank, service, Priority::Normal, 1);
    assert!(bank.store.work_arrived());
    assert_eq!(ask(&mut bank, &[Way::Any], 2, 9), (vec![(normal, 1)], vec![]));
    post(&mut bank, service, Priority::Normal, 1);
    assert!(bank.store.work_arrived(), "one more is wanted");
    // It is full, with or without more behind: from now on it is the gateway that asks.
    assert_eq!(ask(&mut bank, &[Way::Any], 2, 9), (vec![(normal, 1)], vec![normal]));
    post(&mut bank, service, Priority::Normal, 1);
    assert!(!bank.store.work_arrived());
    post(&mut bank, service, Priority::Emergency, 1);
    assert!(bank.store.work_arrived(), "another lane");
}

#[test]
fn idle_lanes_leave_nothing_behind() {
    let mut bank = Bank::new();
    for name in 0..20 {
        let service = service(&mut bank, &format!("s{name}"));
        post(&mut bank, service, Priority::Normal, 1);
    }
    let due = bank.take(100);
    assert_eq!((due.len(), bank.lanes()), (20, 20));
    for due in due {
        let attempt = super::bank::written(bank.begin(&due, 0, None));
        bank.close(attempt, super::bank::accepted(1));
    }
    assert_eq!(bank.lanes(), 0);
    bank.ask(Request::Introduce(Box::new(introduction("1"))));
    let none = SimId(Ulid::from_bits(1));
    assert_eq!(ask(&mut bank, &[Way::Any, Way::Sim(none)], 9, 9), (vec![], vec![]));
}

#[test]
fn what_is_planned_is_told_and_not_looked_for_before() {
    let mut bank = Bank::new();
    let later = bank.now.utc + std::time::Duration::from_secs(600);
    let message = NewMessage {
        send_at: Some(later),
        ..bank.message(1, "Come at ten.")
    };
    bank.accept(message);
    let Reply::Due { messages, next_due, .. } = bank.ask(take_due(&[Way::Any], 9, 9)) else {
        panic!("another answer");
    };
    assert_eq!((messages.len(), next_due), (0, Some(later)));
    bank.pass(600);
    assert_eq!(bank.take(9).len(), 1);
}

/// Otherwise a text planned for ten seconds from now would wait for the next sweep.
#[test]
fn what_is_planned_for_sooner_than_was_told_is_told_at_once() {
    let mut bank = Bank::new();
    let plan = |bank: &mut Bank, n, seconds| {
        let send_at = Some(bank.now.utc + std::time::Duration::from_secs(seconds));
        let message = bank.message(n, "Come at ten.");
        bank.accept(NewMessage { send_at, ..message });
        bank.store.work_arrived()
    };
    let told = |bank: &mut Bank| {
        let Reply::Due { next_due, .. } = bank.ask(take_due(&[Way::Any], 9, 9)) else {
            panic!("another answer");
        };
        next_due.map(|at| at.since(bank.now.utc).as_secs())
    };
    assert_eq!(told(&mut bank), None);
    assert!(plan(&mut bank, 1, 60), "the first one");
    assert_eq!(told(&mut bank), Some(60));
    assert!(!plan(&mut bank, 2, 61), "asked for by then");
    assert!(plan(&mut bank, 3, 10), "sooner");
    assert_eq!(told(&mut bank), Some(10));
}

fn to_wards(prefix: &str) -> Routing {
    Routing {
        routes: vec![Route {
            prefixes: vec![prefix.into()],
            way: Way::Pool(PoolId::of("wards")),
            ..Route::default()
        }],
        pools: vec![PoolId::of("wards")],
        weights: vec![("default".into(), 7)],
    }
}

fn taken(bank: &mut Bank, way: Way) -> Vec<(MessageId, u32)> {
    let Reply::Due { messages, .. } = bank.ask(take_due(&[way], 99, 99)) else {
        panic!("another answer");
    };
    for message in &messages {
        bank.ask(Request::Release(message.id));
    }
    messages.iter().map(|due| (due.id, due.weight)).collect()
}

#[test]
fn what_waits_follows_the_routes_of_now() {
    let wards = Way::Pool(PoolId::of("wards"));
    let mut bank = Bank::new();
    let before = bank.text("Come at ten.");
    let held = NewMessage {
        held: Some(HoldReason::Stale),
        ..bank.message(1, "Come at noon.")
    };
    let held = bank.accept(held);
    let pinned = NewMessage {
        sim: Some(bank.sim),
        ..bank.message(1, "Test")
    };
    let pinned = bank.accept(pinned);
    let now = bank.now;
    let recipient = number(1);
    let prefix = &recipient.as_e164()[..6];
    assert_eq!(
        bank.store.route(to_wards(prefix), now).unwrap(),
        2,
        "the pinned one stays"
    );
    assert_eq!(bank.store.route(to_wards(prefix), now).unwrap(), 0, "once is enough");
    let after = bank.text("Come at eleven.");
    assert_eq!(taken(&mut bank, wards), [(before, 7), (after, 7)]);
    assert_eq!(taken(&mut bank, Way::Any), []);
    let own = Way::Sim(bank.sim);
    assert_eq!(taken(&mut bank, own).len(), 1);
    assert_eq!(bank.record(pinned).sim, Some(bank.sim));
    // A route that leads nobody there any more: all come back, also what a person lets go later.
    assert_eq!(bank.store.route(to_wards("+1"), now).unwrap(), 3);
    let service = bank.store.default_service();
    bank.one(Op::Decide {
        service,
        message: held,
        decision: Decision::Release,
    });
    assert_eq!(taken(&mut bank, Way::Any).len(), 3);
    assert_eq!(taken(&mut bank, wards), []);
}
