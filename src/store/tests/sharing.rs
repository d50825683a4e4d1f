//! What people entered of pools and routes: kept over a restart, in force from its commit on, and who waits for a pool.

use wardwire_core::dispatch::Pool;
use wardwire_core::queue::lane::{PoolId, Way};
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::HoldReason;
use wardwire_core::queue::verbs::{NewMessage, Reply};

use super::Bank;
use super::bank::{accepted, take_due, written};
use crate::config::sharing::{Entered, NewRoute};
use crate::store::{Answer, Op, Place, Routing, Share};

fn wards() -> Way {
    Way::Pool(PoolId::of("wards"))
}

/// A pool and a route to it, as somebody enters them.
fn entered() -> Entered {
    Entered {
        pools: vec![Pool {
            name: "wards".into(),
            modems: vec!["m0".into()],
            sims: vec!["8935301234567890123".into()],
            reserve: Some("m0".into()),
        }],
        routes: Some(vec![NewRoute {
            pool: "wards".into(),
            prefixes: vec!["+353".into()],
            services: vec!["default".into()],
            categories: vec!["otp".into()],
        }]),
    }
}

/// All texts go that way; these pools are there.
fn routing(way: Way, pools: &[&str]) -> Routing {
    Routing {
        routes: vec![Route {
            way,
            ..Route::default()
        }],
        pools: pools.iter().map(|name| PoolId::of(name)).collect(),
        weights: Vec::new(),
    }
}

fn share(bank: &mut Bank, entered: Entered, routing: Routing) -> Answer {
    bank.one(Op::Share(Box::new(Share { entered, routing })))
}

fn given(bank: &mut Bank, way: Way) -> Vec<Way> {
    let Reply::Due { messages, .. } = bank.ask(take_due(&[way], 99, 99)) else {
        panic!("another answer");
    };
    messages.iter().map(|message| message.lane.way).collect()
}

#[test]
fn what_was_entered_is_there_after_a_restart_and_what_was_taken_back_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    assert_eq!(bank.store.read().entered().unwrap(), Entered::default());
    share(&mut bank, entered(), Routing::default());
    drop(bank);
    let mut bank = Bank::at_place(&place);
    assert_eq!(bank.store.read().entered().unwrap(), entered());
    // No routes at all is something else than those of the configuration.
    let none = Entered {
        pools: Vec::new(),
        routes: Some(Vec::new()),
    };
    share(&mut bank, none.clone(), Routing::default());
    assert_eq!(bank.store.read().entered().unwrap(), none);
    share(&mut bank, Entered::default(), Routing::default());
    assert_eq!(bank.store.read().entered().unwrap(), Entered::default());
}

#[test]
fn a_row_that_cannot_be_read_hides_no_other() {
    let mut bank = Bank::new();
    share(&mut bank, entered(), Routing::default());
    let db = bank.store.read().connection();
    db.execute("INSERT INTO sharing VALUES ('pool attic', '{')", [])
        .unwrap();
    assert_eq!(bank.store.read().entered().unwrap(), entered());
}

#[test]
fn new_routes_hold_from_their_commit_on_and_what_waits_keeps_its_way() {
    let mut bank = Bank::new();
    bank.text("Before.");
    share(&mut bank, Entered::default(), routing(wards(), &["wards"]));
    assert!(bank.store.work_arrived(), "the gateway looks again");
    bank.text("After.");
    assert_eq!(given(&mut bank, Way::Any), [Way::Any]);
    assert_eq!(given(&mut bank, wards()), [wards()]);
}

#[test]
fn routes_that_were_not_written_do_not_hold() {
    let mut bank = Bank::new();
    bank.store.before_commit(|| true);
    let answer = share(&mut bank, entered(), routing(wards(), &["wards"]));
    assert!(matches!(answer, Answer::Unavailable), "{answer:?}");
    bank.store.before_commit(|| false);
    bank.text("After.");
    assert_eq!(given(&mut bank, Way::Any), [Way::Any]);
    assert_eq!(bank.store.read().entered().unwrap(), Entered::default());
}

#[test]
fn everybody_takes_what_waits_for_a_pool_that_is_no_more() {
    let mut bank = Bank::new();
    share(&mut bank, Entered::default(), routing(wards(), &["wards"]));
    bank.text("Come at ten.");
    assert_eq!(given(&mut bank, Way::Any), []);
    share(&mut bank, Entered::default(), routing(Way::Any, &["lab"]));
    assert_eq!(given(&mut bank, Way::Any), [Way::Any]);
    assert_eq!(given(&mut bank, Way::Any), [], "given out once");
}

#[test]
fn all_that_may_be_sent_yet_waits_for_its_pool_and_nothing_else_does() {
    let mut bank = Bank::new();
    let waiting = |bank: &Bank| bank.store.read().waiting_for(PoolId::of("wards")).unwrap();
    bank.text("Elsewhere.");
    share(&mut bank, Entered::default(), routing(wards(), &["wards"]));
    assert_eq!(waiting(&bank), 0);
    bank.text("Come at ten.");
    let held = NewMessage {
        held: Some(HoldReason::Stale),
        ..bank.message(1, "Come at noon.")
    };
    bank.accept(held);
    let later = NewMessage {
        send_at: Some(bank.now.utc + std::time::Duration::from_secs(600)),
        ..bank.message(1, "Come at eleven.")
    };
    bank.accept(later);
    assert_eq!(waiting(&bank), 3);
    let Reply::Due { messages, .. } = bank.ask(take_due(&[wards()], 9, 9)) else {
        panic!("another answer");
    };
    let attempt = written(bank.begin(&messages[0], 0, None));
    bank.close(attempt, accepted(7));
    assert_eq!(waiting(&bank), 2, "a report is all that it waits for");
}
