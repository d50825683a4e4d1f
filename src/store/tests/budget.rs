//! What SIMs used of their budgets, as the gateway is told it when it meets them again.

use wardwire_core::base::{MessageId, UtcDay};
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::plan::{Circle, DayUse, Plan};
use wardwire_core::queue::state::{Category, MessageStatus as M, Priority};
use wardwire_core::queue::verbs::{
    Answer, AttemptResult, Begin, Begun, DueMessage, Introduce, Introduced, Reply, Request,
};

use super::Bank;
use super::bank::{accepted, introduction, written};
use crate::config::Retention;
use crate::store::{Answer as StoreAnswer, Op, Place, Settings, SimEdit};

const DAY: u64 = 86_400;

/// The SIM of this name in the modem of that one, with this plan.
fn meet(bank: &mut Bank, sim: &str, modem: &str, plan: Plan) -> Introduced {
    let (sim, modem) = (introduction(sim), introduction(modem));
    let introduce = Introduce {
        iccid: sim.iccid,
        plan,
        ..modem
    };
    let Reply::Introduced(introduced) = bank.ask(Request::Introduce(Box::new(introduce))) else {
        panic!("another answer");
    };
    *introduced
}

fn days(bank: &mut Bank, plan: Plan) -> Vec<(i64, u32)> {
    let told = meet(bank, "1", "1", plan).days;
    told.iter()
        .map(|used: &DayUse| (used.day.number(), used.parts))
        .collect()
}

/// Sends a text whose attempt ends so.
fn send(bank: &mut Bank, result: AttemptResult) {
    bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.close(attempt, result);
}

#[test]
fn a_month_is_counted_from_its_day_on_over_restarts_and_in_whatever_modem() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    let june = bank.now.utc.day();
    let plan = Plan {
        billing_day: 20,
        ..Plan::CAREFUL
    };
    send(&mut bank, accepted(1));
    send(&mut bank, accepted(2));
    // One that the network refused was on the air, one that never left the box was not.
    let refused = AttemptResult::Failed {
        answer: Answer::Cms(1),
        took: std::time::Duration::from_secs(3),
    };
    send(&mut bank, refused);
    send(&mut bank, AttemptResult::NotSent(Answer::NoPrompt));
    assert_eq!(days(&mut bank, plan), [(june.number(), 3)]);
    bank.pass(DAY);
    // What waited for its second try goes now.
    for due in bank.take(8) {
        let attempt = written(bank.begin(&due, 0, None));
        bank.close(attempt, accepted(3));
    }
    let all = [(june.number(), 3), (june.number() + 1, 1)];
    assert_eq!(days(&mut bank, plan), all);
    let now = bank.now;
    drop(bank);
    let mut bank = Bank::at_place(&place);
    bank.now = now;
    let moved = meet(&mut bank, "1", "2", plan);
    assert_eq!(moved.sim, bank.sim);
    let told: Vec<_> = moved.days.iter().map(|used| (used.day.number(), used.parts)).collect();
    assert_eq!(told, all, "after a restart, in another modem");
    assert_eq!(meet(&mut bank, "2", "1", plan).days, [], "the other SIM has its own");
    // The month began yesterday: what was before is not told.
    let Reply::Introduced(told) = bank.ask(Request::Introduce(Box::new(Introduce {
        plan: Plan {
            billing_day: 15,
            ..plan
        },
        ..introduction("1")
    }))) else {
        panic!("another answer");
    };
    let begin = told.plan.month(bank.now.utc).start;
    assert!(told.days.iter().all(|used| used.day >= begin));
    assert_eq!(
        begin,
        UtcDay::from_number(june.number()),
        "15 June is the bank's first day"
    );
    bank.now.utc = plan.month(bank.now.utc).end.begin();
    assert_eq!(days(&mut bank, plan), [], "a new month");
}

#[test]
fn retention_takes_the_attempts_and_leaves_the_count_of_the_month() {
    let brief = Retention {
        record: std::time::Duration::from_secs(2 * DAY),
        ..Retention::default()
    };
    let mut bank = Bank::with(
        &Place::Memory,
        Settings {
            retention: brief,
            ..Settings::default()
        },
    );
    let begin = bank.now.utc.day().number();
    for _ in 0..3 {
        let mut message = bank.message(1, "Come at ten.");
        message.delivery_report = false;
        bank.accept(message);
        let attempt = bank.begin_only(None);
        bank.close(attempt, accepted(1));
    }
    let attempts = |bank: &Bank| -> i64 {
        let db = bank.store.read().connection();
        db.query_row("SELECT count(*) FROM attempts", [], |row| row.get(0))
            .unwrap()
    };
    bank.pass(3 * DAY);
    for _ in 0..3 {
        bank.sweep();
        bank.pass(700);
    }
    assert_eq!(attempts(&bank), 0, "they are gone");
    assert_eq!(days(&mut bank, Plan::CAREFUL), [(begin, 3)]);
    let known = meet(&mut bank, "1", "1", Plan::CAREFUL);
    assert!(known.first_used_at.is_some(), "and the SIM is no new one");
    bank.pass(500 * DAY);
    for _ in 0..3 {
        bank.sweep();
        bank.pass(700);
    }
    let db = bank.store.read().connection();
    let left: i64 = db
        .query_row("SELECT count(*) FROM sim_days", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0, "the count does not grow for ever");
}

fn circle(bank: &Bank, plan: Plan) -> Option<Circle> {
    let month = plan.month(bank.now.utc);
    Some(Circle {
        most: plan.recipients_per_month,
        from: month.start,
        until: month.end,
    })
}

/// This message, if it is due; what else is due is given back.
fn take(bank: &mut Bank, id: MessageId) -> Option<DueMessage> {
    let (this, others): (Vec<_>, Vec<_>) = bank.take(9).into_iter().partition(|due| due.id == id);
    for other in others {
        bank.ask(Request::Release(other.id));
    }
    this.into_iter().next()
}

/// A text to this person through the bank's SIM, within two people a month; whether it went.
fn write_to(bank: &mut Bank, person: u32, result: AttemptResult) -> bool {
    let plan = Plan {
        recipients_per_month: 2,
        ..Plan::CAREFUL
    };
    let message = bank.message(person, "Come at ten.");
    let id = bank.accept(message);
    let due = take(bank, id).unwrap();
    let begin = Begin {
        message: due.id,
        part: due.parts[0].id,
        modem: bank.modem,
        sim: bank.sim,
        expected_tp_mr: None,
        circle: circle(bank, plan),
        marks: [None; 4],
    };
    let Reply::Begun(begun) = bank.ask(Request::Begin(begin)) else {
        panic!("another answer");
    };
    match begun {
        Begun::Written { attempt, .. } => {
            bank.close(attempt, result);
            true
        }
        Begun::NoRoom => {
            bank.ask(Request::Release(due.id));
            false
        }
        Begun::Withdrawn => panic!("it was not withdrawn"),
    }
}

/// People of each day, as the gateway is told and as the rows say.
fn people(bank: &mut Bank) -> Vec<u32> {
    let told: Vec<u32> = meet(bank, "1", "1", Plan::CAREFUL)
        .days
        .iter()
        .map(|used| used.recipients)
        .collect();
    let rows: u32 = bank
        .store
        .read()
        .connection()
        .query_row("SELECT count(*) FROM sim_people", [], |row| row.get(0))
        .unwrap();
    assert_eq!(told.iter().sum::<u32>(), rows);
    told
}

#[test]
fn people_are_counted_once_a_month_and_who_got_nothing_is_not() {
    let mut bank = Bank::new();
    assert!(write_to(&mut bank, 1, accepted(1)));
    assert!(write_to(&mut bank, 2, AttemptResult::NotSent(Answer::NoPrompt)));
    assert_eq!(people(&mut bank), [1], "the second got nothing");
    assert!(write_to(&mut bank, 3, accepted(2)));
    assert!(!write_to(&mut bank, 4, accepted(3)), "a third person");
    assert!(write_to(&mut bank, 1, accepted(4)), "the first costs nothing");
    assert_eq!(people(&mut bank), [2]);
    bank.pass(DAY);
    assert!(write_to(&mut bank, 1, accepted(5)));
    assert_eq!(people(&mut bank), [1, 1], "he moved to today");
    assert!(write_to(&mut bank, 3, AttemptResult::NotSent(Answer::NoPrompt)));
    assert_eq!(people(&mut bank), [1, 1], "and the other back to yesterday");
    assert!(!write_to(&mut bank, 4, accepted(6)));
    bank.now.utc = Plan::CAREFUL.month(bank.now.utc).end.begin();
    assert!(write_to(&mut bank, 4, accepted(7)), "a new month");
}

#[test]
fn a_message_tells_which_sims_count_its_recipient() {
    let mut bank = Bank::new();
    write_to(&mut bank, 1, accepted(1));
    let today = bank.now.utc.day();
    let counted = |bank: &mut Bank, person: u32, asked: bool| {
        let message = bank.message(person, "Again.");
        let id = bank.accept(message);
        let Reply::Due { messages, .. } = bank.ask(Request::TakeDue {
            ways: vec![Way::Any],
            depth: 9,
            room: 9,
            counted: asked,
        }) else {
            panic!("another answer");
        };
        messages.into_iter().find(|due| due.id == id).unwrap().counted
    };
    assert_eq!(counted(&mut bank, 1, true), [(bank.sim, today)]);
    assert_eq!(counted(&mut bank, 1, false), []);
    assert_eq!(counted(&mut bank, 2, true), []);
}

#[test]
fn what_a_person_enters_of_a_plan_goes_with_the_sim_and_ends_its_ramp() {
    let mut bank = Bank::new();
    let sim = bank.sim;
    let enter = |bank: &mut Bank, caps: &[(&'static str, Option<u32>)]| {
        let edit = SimEdit {
            caps: caps.to_vec(),
            ..SimEdit::default()
        };
        assert!(matches!(bank.one(Op::EditSim { sim, edit }), StoreAnswer::Done(true)));
    };
    enter(&mut bank, &[("per_day", Some(40)), ("billing_day", Some(5))]);
    let entered = Plan {
        per_day: 40,
        billing_day: 5,
        ramp: false,
        ..Plan::CAREFUL
    };
    assert_eq!(meet(&mut bank, "1", "2", Plan::CAREFUL).plan, entered);
    assert_eq!(
        meet(&mut bank, "2", "1", Plan::CAREFUL).plan,
        Plan::CAREFUL,
        "the other SIM"
    );
    let now = bank.now.utc;
    let record = bank
        .store
        .read()
        .sims(now)
        .unwrap()
        .into_iter()
        .find(|record| record.id == sim)
        .unwrap();
    assert_eq!(record.caps, [("billing_day".to_owned(), 5), ("per_day".to_owned(), 40)]);
    enter(&mut bank, &[("per_day", None), ("billing_day", None)]);
    assert_eq!(meet(&mut bank, "1", "1", Plan::CAREFUL).plan, Plan::CAREFUL);
}

#[test]
fn what_no_sim_may_send_waits_and_says_so_also_at_its_end() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    let due = bank.take(1).remove(0);
    let until = bank.now.utc + std::time::Duration::from_secs(600);
    bank.ask(Request::Defer { message: due.id, until });
    let error = |bank: &Bank| bank.record(id).error.map(|error| error.code);
    assert_eq!((bank.status(id), error(&bank)), (M::Queued, Some(ErrorCode::SimCap)));
    assert!(bank.take(1).is_empty());
    bank.pass(600);
    assert_eq!(bank.take(1).len(), 1, "and comes back");
    bank.ask(Request::Release(id));
    bank.pass(80 * 3_600);
    bank.sweep();
    assert_eq!((bank.status(id), error(&bank)), (M::Expired, Some(ErrorCode::SimCap)));
}

/// A store where a person gets two texts a day.
fn protecting() -> Bank {
    let settings = Settings {
        per_recipient_per_day: 2,
        ..Settings::default()
    };
    Bank::with(&Place::Memory, settings)
}

/// Gives a text a try; whether it went.
fn goes(bank: &mut Bank, id: MessageId) -> bool {
    match take(bank, id).map(|due| bank.begin(&due, 0, None)) {
        Some(Begun::Written { attempt, .. }) => {
            bank.close(attempt, accepted(1));
            true
        }
        Some(Begun::Withdrawn | Begun::NoRoom) | None => false,
    }
}

#[test]
fn a_person_gets_so_many_texts_a_day_and_what_is_over_waits_and_says_so() {
    let mut bank = protecting();
    let ids: Vec<_> = (0..4).map(|n| bank.text(&format!("Text {n}."))).collect();
    let mut last = bank.message(1, "For today only.");
    last.valid_until = bank.now.utc + std::time::Duration::from_secs(3_600);
    let last = bank.accept(last);
    assert!(goes(&mut bank, ids[0]));
    bank.pass(600);
    assert!(goes(&mut bank, ids[1]));
    for id in [ids[2], ids[3], last] {
        assert!(!goes(&mut bank, id));
        assert_eq!(
            (bank.status(id), bank.record(id).error.unwrap().code),
            (M::Queued, ErrorCode::CapRecipient)
        );
    }
    let other = bank.message(2, "Somebody else.");
    let other = bank.accept(other);
    assert!(goes(&mut bank, other));
    bank.pass(DAY - 601);
    assert!(!goes(&mut bank, ids[2]));
    bank.sweep();
    assert_eq!(
        (bank.status(last), bank.record(last).error.unwrap().code),
        (M::Expired, ErrorCode::CapRecipient)
    );
    bank.pass(1);
    assert!(goes(&mut bank, ids[2]), "the first is a day old");
    assert!(!goes(&mut bank, ids[3]));
    bank.pass(600);
    assert!(goes(&mut bank, ids[3]), "and now the second");
    assert_eq!(bank.record(ids[3]).error, None);
}

#[test]
fn answers_staff_and_emergencies_are_beside_what_a_person_may_get() {
    let mut bank = protecting();
    for n in 0..2 {
        let id = bank.text(&format!("Text {n}."));
        assert!(goes(&mut bank, id));
    }
    let over = bank.text("One too many.");
    assert!(!goes(&mut bank, over));
    let mut alert = bank.message(1, "Theatre 2, now.");
    alert.category = Some(Category::StaffAlert);
    let mut emergency = bank.message(1, "Leave the building.");
    emergency.priority = Priority::Emergency;
    for message in [alert, emergency] {
        let id = bank.accept(message);
        assert!(goes(&mut bank, id));
    }
    for part in super::inbound::parts(&bank, "When?", 0) {
        bank.ask(Request::Receive(part));
    }
    let answer = bank.text("At ten.");
    assert!(goes(&mut bank, answer), "the person asked");
    let more = bank.text("And more.");
    assert!(!goes(&mut bank, more), "once");
}

#[test]
fn what_waits_is_told_by_lane_and_long_lanes_hold_the_rest() {
    let mut bank = Bank::new();
    let told = |bank: &Bank| -> Vec<(Priority, u64, u32)> {
        let waiting = bank.store.read().waiting(bank.now.utc).unwrap();
        waiting
            .iter()
            .map(|lane| (lane.priority, lane.messages, lane.parts_each))
            .collect()
    };
    assert_eq!(told(&bank), []);
    let mut later = bank.message(1, "Tomorrow.");
    later.send_at = Some(bank.now.utc + std::time::Duration::from_secs(DAY));
    bank.accept(later);
    let mut urgent = bank.message(1, &"Two parts of text. ".repeat(12));
    urgent.priority = Priority::High;
    bank.accept(urgent);
    for _ in 0..1_005 {
        let mut message = bank.message(1, "Come at ten.");
        message.priority = Priority::Bulk;
        bank.accept(message);
    }
    assert_eq!(told(&bank), [(Priority::High, 1, 2), (Priority::Bulk, 1_005, 1)]);
}
