//! What an unknown outcome may be settled by, and who is who when a read fails.

use wardwire_core::queue::state::MessageStatus as M;
use wardwire_core::queue::verbs::{AttemptResult, Introduce, Reply, Request, Silence};

use super::bank::{Bank, accepted, written};

fn silence() -> AttemptResult {
    AttemptResult::NoAnswer(Silence::PortLost)
}

/// Two parts: the first never left, the second did. Its report must not make the first one delivered.
#[test]
fn the_report_of_one_part_is_no_evidence_for_another() {
    let mut bank = Bank::new();
    let id = bank.text(&"Two parts of text. ".repeat(12));
    let due = bank.take(1).remove(0);
    assert_eq!(due.parts.len(), 2);
    let first = written(bank.begin(&due, 0, Some(4)));
    bank.close(first, silence());
    let due = bank.take(1).remove(0);
    let second = written(bank.begin(&due, 0, Some(4)));
    // It comes before the modem's own answer: it may speak of either part.
    bank.report(4, 0x00);
    assert_eq!(bank.parts(id)[0].state.as_str(), "unknown");
    bank.close(second, accepted(4));
    let states: Vec<_> = bank.parts(id).iter().map(|part| part.state.as_str()).collect();
    assert_eq!(states, ["unknown", "delivered"]);
    // The same word again proves nothing more.
    bank.pass(1);
    bank.report(4, 0x00);
    assert_eq!(bank.parts(id)[0].state.as_str(), "unknown");
}

/// The first part did leave: once the second has its own report, the held one can only be the first's.
#[test]
fn a_held_report_is_believed_when_no_other_attempt_is_left_for_it() {
    let mut bank = Bank::new();
    let id = bank.text(&"Two parts of text. ".repeat(12));
    let due = bank.take(1).remove(0);
    let first = written(bank.begin(&due, 0, Some(4)));
    bank.close(first, silence());
    let due = bank.take(1).remove(0);
    let second = written(bank.begin(&due, 0, Some(4)));
    bank.close(second, accepted(5));
    bank.report(4, 0x00);
    assert_eq!(
        bank.parts(id)[0].state.as_str(),
        "unknown",
        "the second part still waits for a report"
    );
    bank.report(5, 0x00);
    assert_eq!(bank.status(id), M::Delivered);
}

#[test]
fn a_read_that_fails_once_makes_no_new_modem_and_no_new_sim() {
    let mut bank = Bank::new();
    let whole = Introduce {
        label: "m7".into(),
        imei: Some("356938035643809".into()),
        iccid: Some("8935301000000000019".into()),
        imsi: Some("272011234567890".into()),
        ..Introduce::default()
    };
    let mut introduce = |introduce: Introduce| {
        let Reply::Introduced(who) = bank.ask(Request::Introduce(introduce)) else {
            panic!("another answer");
        };
        (who.modem, who.sim)
    };
    let known = introduce(whole.clone());
    for (imei, iccid, imsi) in [
        (false, true, true),
        (true, false, true),
        (true, true, false),
        (true, false, false),
    ] {
        let partly = Introduce {
            imei: whole.imei.clone().filter(|_| imei),
            iccid: whole.iccid.clone().filter(|_| iccid),
            imsi: whole.imsi.clone().filter(|_| imsi),
            ..whole.clone()
        };
        assert_eq!(introduce(partly), known, "{imei} {iccid} {imsi}");
    }
    let swapped = Introduce {
        iccid: Some("8935301000000000027".into()),
        imsi: Some("272019999999999".into()),
        ..whole.clone()
    };
    let (modem, other) = introduce(swapped);
    assert_eq!(modem, known.0);
    assert_ne!(other, known.1, "another SIM in the same modem");
    assert_eq!(introduce(whole), known, "and back");
}
