//! What an unknown outcome may be settled by, and who is who when a read fails.

use std::time::Duration;

use wardwire_core::base::MessageId;
use wardwire_core::queue::state::MessageStatus as M;
use wardwire_core::queue::verbs::{Answer, AttemptResult, Introduce, Reply, Request, Silence};

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

/// The first part never left; the second did, although the modem said `ERROR` at once.
#[test]
fn a_quick_refusal_may_be_none_so_its_report_is_no_evidence_for_another_part() {
    let mut bank = Bank::new();
    let id = bank.text(&"Two parts of text. ".repeat(12));
    let due = bank.take(1).remove(0);
    let first = written(bank.begin(&due, 0, Some(4)));
    bank.close(first, silence());
    let due = bank.take(1).remove(0);
    let second = written(bank.begin(&due, 0, Some(4)));
    let refused = AttemptResult::Failed {
        answer: Answer::Error,
        took: Duration::from_millis(2_600),
    };
    bank.close(second, refused);
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

/// The report of a first copy is held, its part is sent again and delivered: the report is none of the other part.
#[test]
fn the_report_of_a_first_copy_is_no_evidence_for_a_sibling_when_the_second_copy_has_arrived() {
    for last in [0x00, 0x41] {
        let mut bank = Bank::new();
        let id = bank.text(&"Two parts of text. ".repeat(12));
        let due = bank.take(1).remove(0);
        let submitted = bank.now.utc;
        let first = written(bank.begin(&due, 0, Some(30)));
        bank.close(first, silence());
        let due = bank.take(1).remove(0);
        bank.pass(60);
        let second = written(bank.begin(&due, 0, Some(30)));
        bank.close(second, silence());
        bank.report_of(8, 0x41, submitted);
        assert_eq!(states(&bank, id), ["unknown", "unknown"]);
        // The evidence window has passed: both are sent again.
        bank.pass(16 * 60);
        bank.sweep();
        let due = bank.take(1).remove(0);
        let again = written(bank.begin(&due, 0, Some(9)));
        bank.close(again, accepted(9));
        bank.report(9, last);
        let word = if last == 0 { "delivered" } else { "undelivered" };
        assert_eq!(states(&bank, id), [word, "pending"]);
        bank.pass(1);
        bank.report_of(8, 0x00, submitted);
        assert_eq!(states(&bank, id), [word, "pending"], "it may be the first copy's");
    }
}

/// Sends a text in two parts; the modem names these references, whatever the network uses.
fn two_parts(bank: &mut Bank, expected: [u8; 2], told: [Option<u8>; 2]) -> MessageId {
    let id = bank.text(&"Two parts of text. ".repeat(12));
    let due = bank.take(1).remove(0);
    for (place, (expected, tp_mr)) in expected.into_iter().zip(told).enumerate() {
        bank.pass(4);
        let attempt = written(bank.begin(&due, place, Some(expected)));
        let result = AttemptResult::Accepted {
            tp_mr,
            smsc_timestamp: None,
        };
        bank.close(attempt, result);
    }
    id
}

fn states(bank: &Bank, id: MessageId) -> Vec<&'static str> {
    bank.parts(id).iter().map(|part| part.state.as_str()).collect()
}

/// The network takes two parts and loses one of them without a word; the modem's references are not true. The report of
/// the one must not make the other delivered.
#[test]
fn the_report_of_one_part_is_not_taken_for_a_sibling_that_the_network_lost() {
    let cases = [
        // Always the same reference, as some firmware tells.
        ([8, 1], [Some(0), Some(0)], 0),
        // The first part's is made up and happens to be the second's true one.
        ([8, 10], [Some(9), Some(30)], 9),
        // None at all.
        ([8, 8], [None, None], 8),
    ];
    for (expected, told, reported) in cases {
        let mut bank = Bank::new();
        let id = two_parts(&mut bank, expected, told);
        bank.report(reported, 0x00);
        assert_eq!(states(&bank, id), ["accepted", "accepted"], "{told:?}");
        assert_eq!(bank.status(id), M::Sent);
        // The other one's would settle both.
        bank.pass(1);
        bank.report(reported.wrapping_add(1), 0x00);
        assert_eq!(bank.status(id), M::Delivered, "{told:?}");
    }
}

#[test]
fn held_reports_of_siblings_are_given_out_in_the_order_of_their_submits() {
    let mut bank = Bank::new();
    let id = two_parts(&mut bank, [8, 1], [Some(0), Some(0)]);
    bank.report(10, 0x41);
    bank.report(9, 0x20);
    assert_eq!(states(&bank, id), ["buffered", "undelivered"]);
    // The last word after the interim one, an hour later.
    let submitted = bank.now.utc;
    bank.pass(3_600);
    bank.report_of(9, 0x00, submitted);
    assert_eq!(states(&bank, id), ["delivered", "undelivered"]);
    assert_eq!(
        bank.parts(id)[0].tp_mr,
        Some(9),
        "the network's reference, not the modem's"
    );
}

#[test]
fn a_modem_without_references_is_matched_by_number_and_time() {
    let mut bank = Bank::new();
    let message = bank.message(1, "Come at ten.");
    let id = bank.accept(message);
    let attempt = bank.begin_only(Some(9));
    let result = AttemptResult::Accepted {
        tp_mr: None,
        smsc_timestamp: None,
    };
    bank.close(attempt, result);
    bank.report_of(9, 0x00, bank.now.utc.before(Duration::from_secs(600)));
    assert_eq!(bank.status(id), M::Sent, "of another text, ten minutes ago");
    bank.pass(1);
    bank.report(9, 0x00);
    assert_eq!(bank.status(id), M::Delivered);
}

/// A report that was held an hour ago is weighed again when the sibling has had its word.
#[test]
fn a_held_report_waits_as_long_as_its_sibling() {
    let mut bank = Bank::new();
    let id = two_parts(&mut bank, [8, 1], [Some(0), Some(0)]);
    let submitted = bank.now.utc;
    bank.report(9, 0x00);
    bank.pass(26 * 3_600);
    bank.report_of(10, 0x46, submitted);
    assert_eq!(states(&bank, id), ["delivered", "expired"]);
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
        let Reply::Introduced(who) = bank.ask(Request::Introduce(Box::new(introduce))) else {
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
    assert_eq!(introduce(whole.clone()), known, "and back");
    // Each half alone, one after the other.
    let half = |iccid: Option<&str>, imsi: Option<&str>| Introduce {
        imei: Some("356938035643817".into()),
        iccid: iccid.map(Into::into),
        imsi: imsi.map(Into::into),
        ..whole.clone()
    };
    let (imsi, iccid) = ("272013333333333", "8935301000000000035");
    let first = introduce(half(None, Some(imsi)));
    assert_eq!(introduce(half(Some(iccid), None)), first);
    assert_eq!(introduce(half(None, Some(imsi))), first);
    let (_, swapped) = introduce(half(None, Some("272014444444444")));
    assert_ne!(swapped, first.1);
    assert_eq!(introduce(half(Some(iccid), Some(imsi))), first);
}
