//! What people do to the bank: SIMs and their successors, refused PINs, loopback tests, the record; and a database of the
//! first schema.

use rusqlite::Connection;
use wardwire_core::base::{Body, Originator, SimId, Ulid};
use wardwire_core::queue::loopback::{LoopbackState, judge};
use wardwire_core::queue::state::OnUnknown;
use wardwire_core::queue::verbs::{AttemptResult, Begin, DueMessage, InboundPart, NewMessage, Reply, Request, Silence};
use wardwire_core::sms::{Address, Dcs, Deliver, SegmentOptions, Timestamp, Tpdu, UserData, segment};

use super::Bank;
use super::bank::{accepted, introduction, number, written};
use crate::config::credit::Judged;
use crate::store::migrate::migrate_to;
use crate::store::{
    Answer, EventKind as E, ListFilter, NewAudit, NewBalance, NewLoopback, Op, Place, Replaced, SimEdit, SimRecord,
};

fn replace(bank: &mut Bank, old: SimId, new: SimId) -> Replaced {
    let Answer::Replaced(replaced) = bank.one(Op::ReplaceSim { old, new }) else {
        panic!("another answer");
    };
    replaced
}

fn edit(bank: &mut Bank, sim: SimId, edit: SimEdit) -> bool {
    let Answer::Done(found) = bank.one(Op::EditSim { sim, edit }) else {
        panic!("another answer");
    };
    found
}

fn record(bank: &Bank, sim: SimId) -> SimRecord {
    let sims = bank.store.read().sims(bank.now.utc).unwrap();
    sims.into_iter().find(|record| record.id == sim).unwrap()
}

fn receives_only(bank: &mut Bank, name: &str) -> bool {
    let Reply::Introduced(introduced) = bank.ask(Request::Introduce(Box::new(introduction(name)))) else {
        panic!("another answer");
    };
    introduced.receive_only
}

/// Sends a text to the first number through the bank's SIM.
fn send(bank: &mut Bank) {
    bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(1));
}

fn due(bank: &mut Bank) -> DueMessage {
    bank.text("Come at eleven.");
    bank.take(1).remove(0)
}

#[test]
fn a_person_keeps_the_sim_and_follows_it_to_its_successor() {
    let mut bank = Bank::new();
    let old = bank.sim;
    let (_, new) = bank.introduce("2");
    let (_, newest) = bank.introduce("3");
    assert_eq!(due(&mut bank).prefer, None);
    let mut bank = Bank::new();
    bank.introduce("2");
    bank.introduce("3");
    send(&mut bank);
    assert_eq!(due(&mut bank).prefer, Some(old));
    bank.store.restart(bank.now).unwrap();
    assert_eq!(replace(&mut bank, old, new), Replaced::Done);
    assert!(receives_only(&mut bank, "1") && !receives_only(&mut bank, "2"));
    assert_eq!(bank.take(1)[0].prefer, Some(new));
    bank.store.restart(bank.now).unwrap();
    // Replaced again: one step, never a chain.
    assert_eq!(replace(&mut bank, new, newest), Replaced::Done);
    assert_eq!(bank.take(1)[0].prefer, Some(newest));
    assert_eq!(record(&bank, old).replaced_by, Some(newest));
    assert_eq!(record(&bank, new).replaced_by, Some(newest));
    // A mistake is taken back.
    let back = SimEdit {
        receive_only: Some(false),
        ..SimEdit::default()
    };
    assert!(edit(&mut bank, old, back));
    let found = record(&bank, old);
    assert_eq!((found.receive_only, found.replaced_by), (false, None));
    assert!(!receives_only(&mut bank, "1"));
}

#[test]
fn a_message_begun_on_a_replaced_sim_goes_on_through_its_successor() {
    let mut bank = Bank::new();
    let (_, new) = bank.introduce("2");
    bank.text(&"long ".repeat(60));
    let due = bank.take(1).remove(0);
    let first = written(bank.begin(&due, 0, None));
    bank.close(first, AttemptResult::NoAnswer(Silence::Timeout));
    let old = bank.sim;
    replace(&mut bank, old, new);
    bank.store.restart(bank.now).unwrap();
    let rest = bank.take(1).remove(0);
    assert_eq!((rest.sim, rest.parts.len()), (Some(new), 1));
}

#[test]
fn senseless_replacements_change_nothing() {
    let mut bank = Bank::new();
    let old = bank.sim;
    let (_, new) = bank.introduce("2");
    let nobody = SimId(Ulid::from_bits(7));
    assert_eq!(replace(&mut bank, old, old), Replaced::Same);
    assert_eq!(replace(&mut bank, old, nobody), Replaced::NotFound);
    assert_eq!(replace(&mut bank, nobody, new), Replaced::NotFound);
    replace(&mut bank, old, new);
    assert_eq!(replace(&mut bank, new, old), Replaced::NewReceivesOnly);
    assert!(!receives_only(&mut bank, "2"));
    assert!(!edit(&mut bank, nobody, SimEdit::default()));
}

#[test]
fn notes_of_a_sim_change_field_by_field_and_outlive_its_next_introduction() {
    let mut bank = Bank::new();
    let sim = bank.sim;
    let noted = SimEdit {
        number: Some(Some(number(5))),
        operator: Some(Some("Example Mobile".into())),
        plan: Some(Some("500 texts a month".into())),
        note: Some(Some("contract 12".into())),
        balance: Some(balance("12.40 EUR", Some(1_240), false)),
        ..SimEdit::default()
    };
    assert!(edit(&mut bank, sim, noted));
    let cleared = SimEdit {
        note: Some(None),
        ..SimEdit::default()
    };
    bank.pass(9);
    edit(&mut bank, sim, cleared);
    bank.introduce("1");
    let found = record(&bank, sim);
    assert_eq!(found.number, Some(number(5)));
    assert_eq!(found.operator.as_deref(), Some("Example Mobile"));
    assert_eq!((found.plan.as_deref(), found.note), (Some("500 texts a month"), None));
    let balance = found.balance.unwrap();
    assert_eq!(balance.text, "12.40 EUR");
    assert_eq!(bank.now.utc.since(balance.at).as_secs(), 9);
    assert_eq!((found.slot.as_str(), found.sent_lately), ("m1", 0));
    send(&mut bank);
    assert_eq!(record(&bank, sim).sent_lately, 1);
}

fn balance(text: &str, amount: Option<i64>, low: bool) -> NewBalance {
    NewBalance {
        text: text.into(),
        said: Judged { amount, low },
    }
}

#[test]
fn low_credit_is_told_once_and_so_is_its_return() {
    let mut bank = Bank::new();
    let sim = bank.sim;
    let mut told = |text: &str, amount: Option<i64>, low: bool| {
        let noted = SimEdit {
            balance: Some(balance(text, amount, low)),
            ..SimEdit::default()
        };
        bank.pass(60);
        assert!(edit(&mut bank, sim, noted));
        let kinds = bank.events().into_iter();
        let of_credit = kinds
            .filter(|kind| matches!(kind, E::SimCreditLow | E::SimCreditRestored))
            .collect::<Vec<_>>();
        let kept = record(&bank, sim).balance.unwrap();
        assert_eq!((kept.text.as_str(), kept.amount), (text, amount));
        let low: Vec<SimId> = kept.low_since.map(|_| sim).into_iter().collect();
        assert_eq!(bank.store.read().low_on_credit().unwrap(), low);
        (
            of_credit.len(),
            of_credit.last().copied(),
            kept.low_since.map(|since| bank.now.utc.since(since).as_secs()),
        )
    };
    assert_eq!(told("12.40", Some(1_240), false), (0, None, None));
    assert_eq!(told("4.40", Some(440), true), (1, Some(E::SimCreditLow), Some(0)));
    assert_eq!(told("3.40", Some(340), true), (1, Some(E::SimCreditLow), Some(60)));
    assert_eq!(
        told("try again later", None, false),
        (1, Some(E::SimCreditLow), Some(120))
    );
    assert_eq!(told("20.00", Some(2_000), false), (2, Some(E::SimCreditRestored), None));
    let nobody = SimId(Ulid::from_bits(7));
    let noted = SimEdit {
        balance: Some(balance("0", Some(0), true)),
        ..SimEdit::default()
    };
    assert!(!edit(&mut bank, nobody, noted));
}

#[test]
fn a_sim_that_only_receives_needs_no_credit() {
    let mut bank = Bank::new();
    let sim = bank.sim;
    let noted = SimEdit {
        balance: Some(balance("0", Some(0), true)),
        ..SimEdit::default()
    };
    assert!(edit(&mut bank, sim, noted));
    assert_eq!(bank.store.read().low_on_credit().unwrap(), [sim]);
    let retired = SimEdit {
        receive_only: Some(true),
        ..SimEdit::default()
    };
    assert!(edit(&mut bank, sim, retired));
    assert_eq!(bank.store.read().low_on_credit().unwrap(), []);
}

#[test]
fn the_record_takes_rows_and_gives_none_back() {
    let mut bank = Bank::new();
    let restart = NewAudit {
        actor: "local admin".into(),
        action: "modem.restart",
        target: "m1".into(),
        detail: String::new(),
    };
    for expected in 1..=3 {
        let Answer::Audited(sequence) = bank.one(Op::Audit(restart.clone())) else {
            panic!("audited");
        };
        assert_eq!(sequence, expected);
    }
    bank.pass(2);
    for outcome in ["done", "another word"] {
        bank.one(Op::AuditOutcome {
            sequence: 2,
            outcome: outcome.into(),
        });
    }
    let rows = bank.store.read().audit(None, 2).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.sequence, row.outcome.as_deref())).collect();
    assert_eq!(told, [(3, None), (2, Some("done"))]);
    assert_eq!(rows[1].ended_at, Some(bank.now.utc));
    assert_eq!(bank.store.read().audit(Some(2), 9).unwrap().len(), 1);
    let db = bank.store.read().connection();
    for sql in [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit WHERE sequence = 3",
        "UPDATE audit_outcomes SET outcome = 'failed'",
        "DELETE FROM audit_outcomes",
    ] {
        assert!(db.execute(sql, []).is_err(), "{sql}");
    }
    // An outcome of nothing is refused, and nothing else with it.
    let answer = bank.one(Op::AuditOutcome {
        sequence: 99,
        outcome: "done".into(),
    });
    assert!(matches!(answer, Answer::Unavailable));
}

fn to_itself(bank: &Bank, token: &str) -> NewLoopback {
    let cut = segment(&format!("Test {token}"), &SegmentOptions::default()).unwrap();
    let ends_at = bank.now.utc + std::time::Duration::from_secs(300);
    NewLoopback {
        message: NewMessage {
            body: Body::new("Test"),
            parts: cut.parts,
            sim: Some(bank.sim),
            valid_until: ends_at,
            on_unknown: OnUnknown::Hold,
            ..bank.message(1, "x")
        },
        token: token.into(),
        ends_at,
    }
}

fn arrive(bank: &mut Bank, sim: SimId, text: &str) {
    let data = UserData::from_septets(&[], text.as_bytes()).unwrap();
    let scts = Timestamp::from_utc(bank.now.utc, 0);
    let deliver = Deliver::new(Address::parse(number(1).as_e164()).unwrap(), scts, Dcs::GSM7, data);
    let part = InboundPart {
        sim,
        modem: bank.modem,
        from: Originator::new(number(1).as_e164()),
        smsc_timestamp: None,
        concat: None,
        raw: Tpdu::Deliver(deliver).encode().unwrap().to_vec(),
    };
    bank.ask(Request::Receive(part));
}

#[test]
fn a_loopback_test_goes_through_its_sim_alone_and_ends_when_it_is_back_and_reported() {
    let mut bank = Bank::new();
    let (_, other) = bank.introduce("2");
    let new = to_itself(&bank, "K3Y7ZQ9M2T");
    let Answer::Loopback(Some(id)) = bank.one(Op::Loopback(Box::new(new))) else {
        panic!("begun");
    };
    let state = |bank: &Bank| judge(&bank.store.read().loopback(id).unwrap().unwrap().facts, bank.now.utc);
    let due = bank.take(1).remove(0);
    assert_eq!((due.sim, due.avoid), (Some(bank.sim), None));
    // Refused for now: it waits for its own SIM, and avoids none.
    let attempt = written(bank.begin(&due, 0, None));
    bank.close(
        attempt,
        AttemptResult::NotSent(wardwire_core::queue::verbs::Answer::NoPrompt),
    );
    bank.pass(120);
    let again = bank.take(1).remove(0);
    assert_eq!((again.sim, again.avoid), (Some(bank.sim), None));
    let begin = Begin {
        message: again.id,
        part: again.parts[0].id,
        modem: bank.modem,
        sim: bank.sim,
        expected_tp_mr: None,
        circle: None,
        marks: [None; 4],
    };
    let Reply::Begun(begun) = bank.ask(Request::Begin(begin)) else {
        panic!("begun");
    };
    bank.close(written(begun), accepted(4));
    assert_eq!(state(&bank), LoopbackState::Pending);
    arrive(&mut bank, other, "Test K3Y7ZQ9M2T");
    assert_eq!(state(&bank), LoopbackState::Pending, "another SIM's is another's");
    bank.pass(3);
    let own = bank.sim;
    arrive(&mut bank, own, "Test K3Y7ZQ9M2T");
    bank.report(4, 0x00);
    assert_eq!(state(&bank), LoopbackState::Passed);
    let texts = bank
        .store
        .read()
        .inbound(bank.store.default_service(), &ListFilter::default())
        .unwrap();
    assert_eq!(texts.rows.len(), 1, "the one that came back is no reply");
    let stranger = to_itself(&bank, "AAAAAAAAAA");
    let unbound = NewLoopback {
        message: bank.message(1, "x"),
        ..stranger
    };
    assert!(matches!(
        bank.one(Op::Loopback(Box::new(unbound))),
        Answer::Loopback(None)
    ));
}

#[test]
fn a_test_that_was_sent_and_never_came_back_is_told_once() {
    let mut bank = Bank::new();
    let deaf = |bank: &mut Bank| {
        let Reply::Swept { deaf, .. } = bank.ask(Request::Sweep) else {
            panic!("swept");
        };
        deaf
    };
    for sends in [false, true] {
        let new = to_itself(&bank, if sends { "BBBBBBBBBB" } else { "CCCCCCCCCC" });
        assert!(matches!(
            bank.one(Op::Loopback(Box::new(new))),
            Answer::Loopback(Some(_))
        ));
        if sends {
            let attempt = bank.begin_only(None);
            bank.close(attempt, accepted(4));
        }
        bank.pass(299);
        assert_eq!(deaf(&mut bank), []);
        bank.pass(1);
        let told: Vec<SimId> = sends.then_some(bank.sim).into_iter().collect();
        assert_eq!(deaf(&mut bank), told, "sent: {sends}");
        assert_eq!(deaf(&mut bank), []);
    }
}

#[test]
fn a_database_of_the_first_schema_opens_with_all_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let mut db = Connection::open(&path).unwrap();
    migrate_to(&mut db, 1);
    // What a gateway of that time wrote, as far as it needs no key.
    db.execute_batch(
        "INSERT INTO services VALUES (x'01000000000000000000000000000000', 'default', 5);
         INSERT INTO modems VALUES (x'02000000000000000000000000000000', 'm1', '350000000000001', 'M', 'X', '1', 5, 5);
         INSERT INTO sims (id, iccid, number, modem, created_at, seen_at) VALUES
         (x'03000000000000000000000000000000', '8949100000000000001', '+353850000005',
          x'02000000000000000000000000000000', 5, 5);
         INSERT INTO numbers (id, hash, created_at) VALUES (1, x'04000000000000000000000000000000', 5);
         INSERT INTO inbound_messages (id, service, sim, number, parts, incomplete, received_at) VALUES
         (x'05000000000000000000000000000000', x'01000000000000000000000000000000',
          x'03000000000000000000000000000000', 1, 1, 0, 5);
         INSERT INTO tallies VALUES (104, 0, 1);",
    )
    .unwrap();
    drop(db);
    for start in 0..2 {
        let mut bank = Bank::at_place(&Place::File(path.clone()));
        bank.pass(60 * start);
        assert_eq!(bank.sim.0.to_octets()[0], 3, "the SIM is known by its ICCID");
        let found = record(&bank, bank.sim);
        assert_eq!(found.number.unwrap().as_e164(), "+353850000005");
        assert_eq!(
            (found.receive_only, found.replaced_by, found.balance),
            (false, None, None)
        );
        let page = bank
            .store
            .read()
            .inbound(bank.store.default_service(), &ListFilter::default())
            .unwrap();
        assert_eq!(page.rows.len(), 1, "what was received then counts as a text");
        bank.text("Come at ten.");
    }
}
