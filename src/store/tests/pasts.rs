//! What of a modem outlives a restart: kept by slot, found by slot and by modem.

use wardwire_core::base::{Ban, Past, StepPast};
use wardwire_core::queue::verbs::{Introduce, KeepPast, Reply, Request};

use super::bank::Bank;
use crate::store::{PastRecord, Place};

const A: &str = "866123040000017";

fn step(level: u8, today: u8) -> StepPast {
    StepPast {
        level,
        day: 20_000,
        today,
        tried: 9,
        helped: 1,
        worse: level == 5,
    }
}

fn keep(bank: &mut Bank, label: &str, imei: Option<&str>, ban: Option<Ban>, steps: &[StepPast]) {
    let keep = KeepPast {
        label: label.into(),
        imei: imei.map(str::to_owned),
        past: Past {
            ban,
            steps: steps.to_vec(),
        },
    };
    assert!(matches!(bank.ask(Request::KeepPast(keep)), Reply::PastKept));
}

fn pasts(bank: &Bank) -> Vec<PastRecord> {
    bank.store.read().pasts().unwrap()
}

fn introduced(bank: &mut Bank, imei: Option<&str>) -> Past {
    let introduce = Introduce {
        label: "m9".into(),
        imei: imei.map(str::to_owned),
        ..Introduce::default()
    };
    let Reply::Introduced(introduced) = bank.ask(Request::Introduce(Box::new(introduce))) else {
        panic!("another answer");
    };
    introduced.past
}

#[test]
fn a_past_is_there_after_a_restart_and_the_newest_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    keep(&mut bank, "m0", None, Some(Ban::Disabled), &[step(4, 1), step(5, 2)]);
    keep(&mut bank, "m1", Some(A), Some(Ban::Drained), &[]);
    // Its modem told its IMEI later, and a step is not known of any more.
    keep(
        &mut bank,
        "m0",
        Some("866123040000025"),
        Some(Ban::Disabled),
        &[step(5, 3)],
    );
    keep(&mut bank, "m0", None, None, &[step(5, 4)]);
    drop(bank);
    let kept = pasts(&Bank::at_place(&place));
    let labels: Vec<_> = kept
        .iter()
        .map(|kept| (kept.label.as_str(), kept.imei.as_deref()))
        .collect();
    assert_eq!(labels, [("m0", Some("866123040000025")), ("m1", Some(A))]);
    assert_eq!((kept[0].past.ban, &kept[0].past.steps[..]), (None, &[step(5, 4)][..]));
    assert_eq!(kept[1].past.ban, Some(Ban::Drained));
}

#[test]
fn a_modem_that_moves_takes_its_past_along() {
    let mut bank = Bank::new();
    keep(&mut bank, "m0", Some(A), Some(Ban::Drained), &[step(6, 4)]);
    assert_eq!(introduced(&mut bank, Some(A)).steps, [step(6, 4)]);
    assert_eq!(introduced(&mut bank, Some("866123040000025")), Past::default());
    assert_eq!(introduced(&mut bank, None), Past::default());
    keep(&mut bank, "m5", Some(A), None, &[step(6, 4)]);
    let kept = pasts(&bank);
    assert_eq!((kept.len(), kept[0].label.as_str()), (1, "m5"));
    assert_eq!(introduced(&mut bank, Some(A)).ban, None);
}
