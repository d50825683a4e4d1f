//! The stage rules and the limits on tries.

use super::*;
use crate::queue::verbs::Silence;

const FIRST: History = History { attempts: 1, seed: 7 };

fn after(attempts: u32) -> History {
    History { attempts, ..FIRST }
}

fn failed_after(answer: Answer, millis: u64, history: History) -> Verdict {
    let took = Duration::from_millis(millis);
    classify(AttemptResult::Failed { answer, took }, history)
}

/// Every answer there is, the unnamed codes included.
fn answers() -> impl Iterator<Item = Answer> {
    let numbers = (0..=1_000).chain([u16::MAX]);
    numbers.clone().map(Answer::Cms).chain(numbers.map(Answer::Cme)).chain([
        Answer::Error,
        Answer::NoPrompt,
        Answer::Withdrawn,
    ])
}

#[test]
fn before_ctrl_z_nothing_is_ever_unknown_or_a_copy() {
    for answer in answers() {
        for attempts in [1, 2, 3, 50] {
            match classify(AttemptResult::NotSent(answer), after(attempts)) {
                Verdict::NotSent { .. } | Verdict::Never => {}
                other @ (Verdict::Accepted { .. }
                | Verdict::Later { .. }
                | Verdict::OtherSim { .. }
                | Verdict::Unknown) => panic!("{answer:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_cause_of_the_network_is_never_unknown() {
    for code in (0..=255).filter(|code| *code != 17) {
        for millis in [0, 2_999, 3_000, 60_000] {
            let verdict = failed_after(Answer::Cms(code), millis, FIRST);
            assert_ne!(verdict, Verdict::Unknown, "{code}");
            if code != 197 {
                assert!(!matches!(verdict, Verdict::Accepted { .. }), "{code}");
            }
        }
    }
    assert_eq!(failed_after(Answer::Cms(17), 10_001, FIRST), Verdict::Unknown);
    assert_ne!(failed_after(Answer::Cms(17), 10_000, FIRST), Verdict::Unknown);
}

#[test]
fn a_local_code_says_something_for_three_seconds() {
    for answer in [
        Answer::Cms(300),
        Answer::Cms(302),
        Answer::Cms(500),
        Answer::Error,
        Answer::Cme(0),
        Answer::Cme(3),
        Answer::Cme(100),
        Answer::Cms(4_711),
        Answer::Cme(4_711),
    ] {
        assert!(
            matches!(failed_after(answer, 2_999, FIRST), Verdict::Later { copy: true, .. }),
            "{answer:?}"
        );
        assert_eq!(failed_after(answer, 3_000, FIRST), Verdict::Unknown, "{answer:?}");
    }
}

#[test]
fn codes_that_hide_an_accepted_message_are_unknown_at_once() {
    for answer in [
        Answer::Cms(332),
        Answer::Cms(513),
        Answer::Cms(521),
        Answer::Cms(514),
        Answer::Cme(31),
        Answer::Cme(52),
    ] {
        assert_eq!(failed_after(answer, 10, FIRST), Verdict::Unknown, "{answer:?}");
    }
    for silence in [
        Silence::Timeout,
        Silence::ModemReset,
        Silence::PortLost,
        Silence::Restart,
    ] {
        assert_eq!(classify(AttemptResult::NoAnswer(silence), FIRST), Verdict::Unknown);
    }
}

#[test]
fn tries_are_bounded_where_the_network_refuses_and_where_we_are_wrong() {
    let tries = |answer| (1..).find(|n| failed_after(answer, 10, after(*n)) == Verdict::Never);
    assert_eq!(tries(Answer::Cms(1)), Some(1));
    assert_eq!(tries(Answer::Cms(304)), Some(2));
    assert_eq!(tries(Answer::Cms(41)), Some(REFUSALS));
    assert_eq!(tries(Answer::Cms(21)), Some(REFUSALS));
    assert!(matches!(
        failed_after(Answer::Cms(41), 10, after(2)),
        Verdict::Later { copy: false, .. }
    ));
    assert!(matches!(
        failed_after(Answer::Cms(41), 10, after(3)),
        Verdict::OtherSim { copy: false, .. }
    ));
    // A SIM without network is no reason to give a message up: its validity is.
    assert!(matches!(
        failed_after(Answer::Cms(331), 10, after(1_000)),
        Verdict::OtherSim { .. }
    ));
}

#[test]
fn a_duplicate_rejected_is_an_acceptance() {
    assert!(matches!(
        failed_after(Answer::Cms(197), 10, FIRST),
        Verdict::Accepted { tp_mr: None, .. }
    ));
}

#[test]
fn delays_double_up_to_a_quarter_of_an_hour_within_a_fifth() {
    for attempts in 1..40 {
        for seed in 0..50 {
            let Verdict::Later { after, .. } =
                refused(codes::row_of(Answer::Cms(42)), false, History { attempts: 1, seed })
            else {
                panic!("42 is tried again");
            };
            assert!((24..=36).contains(&after.as_secs()), "{after:?}");
            let grown = delay(Duration::from_secs(30), History { attempts, seed }).as_secs_f64();
            let ideal = (30.0 * 2f64.powi(i32::try_from(attempts).unwrap() - 1)).min(900.0);
            assert!((grown / ideal - 1.0).abs() <= 0.2, "{attempts}: {grown}");
            // A long delay of the table is kept as it is.
            let long = delay(Duration::from_secs(3_600), History { attempts, seed }).as_secs();
            assert!((2_880..=4_320).contains(&long));
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_delay_and_others_spread() {
    let of = |seed| failed_after(Answer::Cms(42), 10, History { attempts: 1, seed });
    assert_eq!(of(1), of(1));
    assert!((2..20).any(|seed| of(seed) != of(1)));
}
