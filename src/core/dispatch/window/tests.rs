//! Tables: who takes what, in which order.

use super::*;
use crate::base::{PartId, PhoneNumber};
use crate::dispatch::Preference;
use crate::dispatch::prefer::{self, Card, Ranks, Rule, Tariff};
use crate::dispatch::taker::{Known, Leaning, Rival};
use crate::queue::lane::PoolId;
use crate::sms::EncodedPart;
use std::vec;

const SIM_A: SimId = SimId(Ulid::from_bits(1));
const SIM_B: SimId = SimId(Ulid::from_bits(2));

fn message(id: u128, priority: Priority, due: i64, parts: u8) -> DueMessage {
    let content = EncodedPart {
        dcs: 0,
        udhi: false,
        udl: 0,
        user_data: heapless::Vec::new(),
    };
    DueMessage {
        id: MessageId(Ulid::from_bits(id)),
        lane: Lane {
            priority,
            way: Way::Any,
            service: ServiceId(Ulid::from_bits(0)),
        },
        weight: 1,
        due_at: UtcTime::from_millis(due),
        valid_until: UtcTime::from_millis(i64::MAX),
        recipient: PhoneNumber::from_e164("+353871234567").unwrap(),
        sim: None,
        avoid: None,
        prefer: None,
        counted: Vec::new(),
        delivery_report: true,
        parts: (1..=parts)
            .map(|sequence| DuePart {
                id: PartId(Ulid::from_bits(id * 100 + u128::from(sequence))),
                sequence,
                attempts: 0,
                content: content.clone(),
            })
            .collect(),
    }
}

fn window(messages: Vec<DueMessage>) -> Window {
    let mut window = Window::default();
    for message in messages {
        window.insert(Instant::ZERO, message);
    }
    window
}

fn after(passed: Duration) -> Now {
    Now {
        monotonic: Instant::ZERO + passed,
        utc: UtcTime::default() + passed,
    }
}

/// What a SIM that serves every way beside others would take.
fn pick(window: &mut Window, passed: Duration, sim: SimId, others: bool) -> Option<Picked> {
    let ways = [Way::Any, Way::Sim(sim)];
    let taker = Taker {
        sim,
        ways: &ways,
        reserve: false,
        others,
        free: &[],
        rests: false,
        known: None,
        leaning: Leaning::default(),
    };
    window.pick(after(passed), &taker, |_| true)
}

fn next(window: &mut Window, sim: SimId) -> Option<(u128, u8)> {
    let picked = pick(window, Duration::ZERO, sim, true)?;
    Some((picked.message.0.bits(), picked.part.sequence))
}

#[test]
fn lanes_first_then_age() {
    let mut w = window(vec![
        message(1, Priority::Normal, 10, 1),
        message(2, Priority::Normal, 5, 1),
        message(3, Priority::Emergency, 99, 1),
        message(4, Priority::Bulk, 0, 1),
    ]);
    let order: Vec<_> = std::iter::from_fn(|| next(&mut w, SIM_A)).map(|(id, _)| id).collect();
    assert_eq!(order, [3, 2, 1, 4]);
}

#[test]
fn an_emergency_goes_between_two_parts_and_the_rest_follows_on_its_sim() {
    let mut w = window(vec![
        message(1, Priority::Normal, 1, 3),
        message(2, Priority::Normal, 0, 1),
    ]);
    w.forget(MessageId(Ulid::from_bits(2)));
    assert_eq!(next(&mut w, SIM_A), Some((1, 1)));
    w.insert(Instant::ZERO, message(3, Priority::Emergency, 9, 1));
    w.insert(Instant::ZERO, message(4, Priority::Normal, 0, 1));
    w.done(MessageId(Ulid::from_bits(1)));
    assert_eq!(next(&mut w, SIM_A), Some((3, 1)), "emergency first");
    assert_eq!(
        next(&mut w, SIM_B),
        Some((4, 1)),
        "another SIM leaves the begun message alone"
    );
    assert_eq!(next(&mut w, SIM_A), Some((1, 2)), "the begun message before older ones");
}

#[test]
fn a_taken_message_is_not_picked_twice_and_leaves_after_its_last_part() {
    let mut w = window(vec![message(1, Priority::Normal, 1, 2)]);
    assert_eq!(next(&mut w, SIM_A), Some((1, 1)));
    assert_eq!(next(&mut w, SIM_A), None);
    w.done(MessageId(Ulid::from_bits(1)));
    assert_eq!(next(&mut w, SIM_A), Some((1, 2)));
    w.done(MessageId(Ulid::from_bits(1)));
    assert!(w.is_empty());
}

#[test]
fn a_part_put_back_is_next_again_and_free_when_it_was_the_first() {
    let mut w = window(vec![message(1, Priority::Normal, 1, 2)]);
    let picked = pick(&mut w, Duration::ZERO, SIM_A, true).unwrap();
    w.put_back(picked.message, picked.part);
    assert_eq!(next(&mut w, SIM_B), Some((1, 1)));
}

#[test]
fn a_begun_message_waits_for_its_sim_but_not_for_ever() {
    let mut begun = message(1, Priority::Normal, 1, 2);
    begun.sim = Some(SIM_A);
    let mut w = window(vec![begun]);
    assert!(pick(&mut w, SIM_PATIENCE / 2, SIM_B, true).is_none());
    assert!(pick(&mut w, SIM_PATIENCE, SIM_B, true).is_some());
}

#[test]
fn nobody_waits_for_a_sim_that_is_left() {
    let mut begun = message(1, Priority::Normal, 1, 2);
    begun.sim = Some(SIM_A);
    let mut w = window(vec![begun]);
    assert_eq!(next(&mut w, SIM_B), None);
    w.leave(SIM_A);
    assert_eq!(next(&mut w, SIM_B), Some((1, 1)));
}

#[test]
fn a_sim_that_refused_is_avoided_while_there_is_another() {
    let mut refused = message(1, Priority::Normal, 1, 1);
    refused.avoid = Some(SIM_A);
    let mut w = window(vec![refused]);
    assert!(pick(&mut w, Duration::ZERO, SIM_A, true).is_none());
    assert!(pick(&mut w, Duration::ZERO, SIM_A, false).is_some());
}

#[test]
fn a_message_refused_by_its_own_sim_goes_by_another_at_once() {
    let mut refused = message(1, Priority::Normal, 1, 1);
    refused.sim = Some(SIM_A);
    refused.avoid = Some(SIM_A);
    let mut w = window(vec![refused]);
    assert!(pick(&mut w, Duration::ZERO, SIM_A, true).is_none());
    assert!(pick(&mut w, Duration::ZERO, SIM_B, true).is_some());
}

#[test]
fn an_urgency_the_budget_closes_is_passed_over() {
    let mut w = window(vec![
        message(1, Priority::Emergency, 1, 1),
        message(2, Priority::Normal, 1, 1),
    ]);
    let taker = Taker {
        sim: SIM_A,
        ways: &[Way::Any],
        reserve: false,
        others: true,
        free: &[],
        rests: false,
        known: None,
        leaning: Leaning::default(),
    };
    let only_emergency = |urgency: Priority| urgency == Priority::Emergency;
    assert!(w.pick(after(Duration::ZERO), &taker, only_emergency).is_some());
    assert!(w.pick(after(Duration::ZERO), &taker, only_emergency).is_none());
    let waits: Vec<_> = w.wanted(after(Duration::ZERO), &taker).collect();
    assert_eq!(waits, [Priority::Normal], "and told of");
}

/// A message of a service, on a way.
fn of(id: u128, lane: (Priority, Way, u128), weight: u32) -> DueMessage {
    let whole = message(id, lane.0, i64::try_from(id).unwrap(), 1);
    DueMessage {
        lane: Lane {
            priority: lane.0,
            way: lane.1,
            service: ServiceId(Ulid::from_bits(lane.2)),
        },
        weight,
        ..whole
    }
}

/// What each of so many picks of one SIM went to: the service.
fn services(w: &mut Window, picks: usize) -> Vec<u128> {
    let mut of = Vec::new();
    for _ in 0..picks {
        let picked = pick(w, Duration::ZERO, SIM_A, true).unwrap();
        of.push(w.message(picked.message).unwrap().lane.service.0.bits());
        w.done(picked.message);
    }
    of
}

#[test]
fn one_text_of_a_service_does_not_wait_behind_the_thousands_of_another() {
    let mut w = Window::default();
    for id in 0..1_000 {
        w.insert(Instant::ZERO, of(id, (Priority::Normal, Way::Any, 1), 1));
    }
    services(&mut w, 100);
    w.insert(Instant::ZERO, of(5_000, (Priority::Normal, Way::Any, 2), 1));
    assert!(services(&mut w, 2).contains(&2));
}

#[test]
fn services_share_by_weight_and_each_part_counts() {
    let mut w = Window::default();
    for id in 0..400 {
        let three = DueMessage {
            parts: message(id, Priority::Normal, 0, 3).parts,
            ..of(id, (Priority::Normal, Way::Any, 1), 3)
        };
        w.insert(Instant::ZERO, three);
        w.insert(Instant::ZERO, of(1_000 + id, (Priority::Normal, Way::Any, 2), 1));
    }
    let got = services(&mut w, 400);
    let first = got.iter().filter(|service| **service == 1).count();
    assert!((295..=305).contains(&first), "{first} of 400 parts");
}

#[test]
fn what_a_sim_does_not_serve_it_does_not_take_and_nothing_waits_behind_it() {
    let mut w = Window::default();
    for id in 0..500 {
        w.insert(Instant::ZERO, of(id, (Priority::Emergency, Way::Sim(SIM_B), 1), 1));
        w.insert(
            Instant::ZERO,
            of(1_000 + id, (Priority::High, Way::Pool(PoolId::of("b")), 1), 1),
        );
    }
    w.insert(Instant::ZERO, of(9_000, (Priority::Bulk, Way::Any, 1), 1));
    assert_eq!(next(&mut w, SIM_A), Some((9_000, 1)));
    assert_eq!(next(&mut w, SIM_A), None);
    assert_eq!(
        pick(&mut w, SIM_PATIENCE * 2, SIM_A, false).map(|p| p.message),
        None,
        "however long it waits"
    );
    assert_eq!(next(&mut w, SIM_B), Some((0, 1)));
}

#[test]
fn a_sim_of_several_ways_serves_them_in_turn() {
    let mut w = Window::default();
    for id in 0..100 {
        w.insert(Instant::ZERO, of(id, (Priority::Normal, Way::Any, 1), 1));
        w.insert(Instant::ZERO, of(1_000 + id, (Priority::Normal, Way::Sim(SIM_A), 2), 1));
    }
    let got = services(&mut w, 100);
    assert_eq!(got.iter().filter(|service| **service == 2).count(), 50);
}

#[test]
fn bulk_gets_its_share_beside_normal_ones_and_all_when_there_are_none() {
    let mut w = Window::new(20);
    for id in 0..200 {
        w.insert(Instant::ZERO, of(id, (Priority::Bulk, Way::Any, 1), 1));
        w.insert(Instant::ZERO, of(1_000 + id, (Priority::Normal, Way::Any, 2), 1));
    }
    let got = services(&mut w, 100);
    assert_eq!(got.iter().filter(|service| **service == 1).count(), 20);
    assert_eq!(services(&mut w, 300).len(), 300);
    assert!(w.is_empty());
}

#[test]
fn bulk_that_waited_half_its_time_stands_beside_the_normal_ones() {
    let mut w = Window::new(0);
    let hour = Duration::from_secs(3_600);
    let bulk = DueMessage {
        due_at: UtcTime::default(),
        valid_until: UtcTime::default() + hour,
        ..of(1, (Priority::Bulk, Way::Any, 1), 1)
    };
    w.insert(Instant::ZERO, bulk);
    for id in 0..200 {
        let normal = DueMessage {
            due_at: UtcTime::default(),
            ..of(1_000 + id, (Priority::Normal, Way::Any, 2), 1)
        };
        w.insert(Instant::ZERO, normal);
    }
    for _ in 0..50 {
        let picked = pick(&mut w, hour / 2 - Duration::from_secs(1), SIM_A, true).unwrap();
        assert_ne!(picked.message.0.bits(), 1, "nothing is left for bulk");
        w.done(picked.message);
    }
    let late: Vec<_> = (0..2)
        .map(|_| pick(&mut w, hour / 2, SIM_A, true).unwrap().message.0.bits())
        .collect();
    assert!(late.contains(&1), "{late:?}");
}

#[test]
fn what_is_not_urgent_moves_on_beside_an_endless_stream_of_high_ones() {
    let mut w = Window::default();
    for id in 0..500 {
        w.insert(Instant::ZERO, of(id, (Priority::High, Way::Any, 1), 1));
        w.insert(Instant::ZERO, of(1_000 + id, (Priority::Normal, Way::Any, 2), 1));
    }
    let got = services(&mut w, 100);
    assert_eq!(got.iter().filter(|service| **service == 2).count(), 2);
    w.insert(Instant::ZERO, of(5_000, (Priority::Emergency, Way::Any, 3), 1));
    assert_eq!(services(&mut w, 1), [3], "and an emergency goes before all");
}

#[test]
fn what_a_free_sim_is_known_by_is_left_to_it() {
    let mut known = message(1, Priority::Normal, 0, 1);
    known.prefer = Some(SIM_B);
    let mut w = window(vec![known]);
    let taker = Taker {
        sim: SIM_A,
        ways: &[Way::Any],
        reserve: false,
        others: true,
        free: &[SIM_A, SIM_B],
        rests: false,
        known: None,
        leaning: Leaning::default(),
    };
    assert!(w.pick(after(Duration::ZERO), &taker, |_| true).is_none());
    assert!(
        w.pick(after(Duration::ZERO), &Taker { free: &[], ..taker }, |_| true)
            .is_some()
    );
}

#[test]
fn a_sim_kept_for_emergencies_takes_nothing_else_but_what_is_its_own() {
    let mut w = Window::default();
    w.insert(Instant::ZERO, of(1, (Priority::High, Way::Any, 1), 1));
    w.insert(Instant::ZERO, of(2, (Priority::Normal, Way::Sim(SIM_A), 1), 1));
    w.insert(Instant::ZERO, of(3, (Priority::Emergency, Way::Any, 1), 1));
    let taker = Taker {
        sim: SIM_A,
        ways: &[Way::Any, Way::Sim(SIM_A)],
        reserve: true,
        others: true,
        free: &[],
        rests: false,
        known: None,
        leaning: Leaning::default(),
    };
    let mut take = || {
        w.pick(after(Duration::ZERO), &taker, |_| true)
            .map(|picked| picked.message.0.bits())
    };
    assert_eq!([take(), take(), take()], [Some(3), Some(2), None]);
}

#[test]
fn a_lane_that_runs_low_is_told_of_while_the_store_has_more() {
    let lane = of(1, (Priority::Normal, Way::Any, 1), 1).lane;
    let mut w = Window::default();
    for id in 0..4 {
        w.insert(Instant::ZERO, of(id, (Priority::Normal, Way::Any, 1), 1));
    }
    w.set_more(&[lane]);
    assert!(!w.is_low(4));
    services(&mut w, 2);
    assert!(w.is_low(4));
    w.set_more(&[]);
    assert!(!w.is_low(4));
}

#[test]
fn a_recipient_keeps_the_sim_it_knows_as_long_as_nothing_waits_for_that() {
    let knowing = |id, sim| DueMessage {
        prefer: sim,
        ..message(id, Priority::Normal, i64::try_from(id).unwrap(), 1)
    };
    let bank = || window(vec![knowing(1, Some(SIM_B)), knowing(2, None), knowing(3, Some(SIM_A))]);
    let order = |sim| {
        let mut w = bank();
        std::iter::from_fn(|| next(&mut w, sim))
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    };
    assert_eq!(order(SIM_A), [3, 2, 1], "a free SIM never waits for a better match");
    assert_eq!(order(SIM_B), [1, 2, 3]);
    let mut w = bank();
    let picked = pick(&mut w, PREFERENCE_PATIENCE, SIM_A, true).unwrap();
    assert_eq!(picked.message.0.bits(), 1, "nobody is passed over for ever");
}

#[test]
fn urgency_goes_before_preference() {
    let mut mine = message(1, Priority::Normal, 0, 1);
    mine.prefer = Some(SIM_A);
    let mut w = window(vec![mine, message(2, Priority::High, 9, 1)]);
    assert_eq!(next(&mut w, SIM_A), Some((2, 1)));
}

/// Texts to `+35387` cost less through A, those to `+35386` less through B.
fn costs() -> Preference {
    let tariff = |sim: &str, prefix: &str, cost_per_part| Tariff {
        sims: vec![sim.into()],
        prefixes: vec![prefix.into()],
        cost_per_part,
        ..Tariff::default()
    };
    let tariffs = vec![
        tariff("a", "+35387", 1),
        tariff("a", "+35386", 9),
        tariff("b", "+35386", 1),
        tariff("b", "+353", 5),
    ];
    Preference::new(vec![Rule::LeastCost], Vec::new(), tariffs)
}

fn ranks(iccid: &str) -> Ranks {
    costs().ranks(Card {
        iccid: Some(iccid),
        imsi: None,
    })
}

const WAYS: [Way; 1] = [Way::Any];

fn taker(sim: SimId) -> Taker<'static> {
    Taker {
        sim,
        ways: &WAYS,
        reserve: false,
        others: true,
        free: &[],
        rests: false,
        known: None,
        leaning: Leaning::default(),
    }
}

/// A, free as well, as B sees it.
fn rival() -> Rival {
    Rival {
        ranks: ranks("a"),
        ways: WAYS.to_vec(),
        allowed: PRIORITIES.to_vec(),
        taker: Taker {
            ways: &[],
            ..taker(SIM_A)
        },
    }
}

/// Which of these B takes, with A in this state beside it.
fn b_takes(messages: Vec<DueMessage>, rivals: &[Rival], passed: Duration) -> Option<u128> {
    let mut w = Window::default().with_zones(costs().zones().clone());
    for message in messages {
        w.insert(Instant::ZERO, message);
    }
    let own = ranks("b");
    let leaning = Leaning {
        ranks: &own,
        least: &prefer::least([&ranks("a"), &own].into_iter()),
        rivals,
    };
    let taker = Taker {
        leaning,
        ..taker(SIM_B)
    };
    w.pick(after(passed), &taker, |_| true)
        .map(|picked| picked.message.0.bits())
}

#[test]
fn what_costs_less_through_another_free_sim_is_left_to_it_if_it_may_take_it() {
    let text = || message(1, Priority::Normal, 0, 1);
    let of = |change: fn(&mut DueMessage)| {
        let mut message = text();
        change(&mut message);
        message
    };
    let known = Known {
        since: UtcTime::default().day(),
        emergencies: true,
    };
    let a = |change: fn(&mut Rival)| {
        let mut rival = rival();
        change(&mut rival);
        vec![rival]
    };
    let full = vec![Rival {
        taker: Taker {
            known: Some(known),
            ..rival().taker
        },
        ..rival()
    }];
    let emergency = |message: &mut DueMessage| message.lane.priority = Priority::Emergency;
    for (what, message, rivals, takes) in [
        ("A could take it", text(), vec![rival()], false),
        ("A is not free", text(), Vec::new(), true),
        ("A is as good", text(), a(|a| a.ranks = ranks("b")), true),
        (
            "B serves the number better",
            of(|m| m.recipient = PhoneNumber::from_e164("+353861234567").unwrap()),
            vec![rival()],
            true,
        ),
        (
            "its recipient knows B",
            of(|m| m.prefer = Some(SIM_B)),
            vec![rival()],
            true,
        ),
        (
            "its recipient knows another",
            of(|m| m.prefer = Some(SIM_A)),
            vec![rival()],
            false,
        ),
        ("A refused it", of(|m| m.avoid = Some(SIM_A)), vec![rival()], true),
        ("A does not serve it", text(), a(|a| a.ways.clear()), true),
        (
            "A's pace holds it back",
            text(),
            a(|a| a.allowed = vec![Priority::Emergency]),
            true,
        ),
        ("A rests", text(), a(|a| a.taker.rests = true), true),
        (
            "an emergency does not mind",
            of(emergency),
            a(|a| a.taker.rests = true),
            false,
        ),
        ("A is kept for emergencies", text(), a(|a| a.taker.reserve = true), true),
        ("for such", of(emergency), a(|a| a.taker.reserve = true), false),
        ("A knows enough people", text(), full, true),
    ] {
        let taken = b_takes(vec![message], &rivals, Duration::ZERO);
        assert_eq!(taken.is_some(), takes, "{what}");
    }
}

#[test]
fn of_what_waits_a_sim_takes_first_what_no_other_serves_better_but_lets_nothing_grow_old() {
    let to_a = || message(1, Priority::Normal, 0, 1);
    let mut to_b = message(2, Priority::Normal, 5, 1);
    to_b.recipient = PhoneNumber::from_e164("+353861234567").unwrap();
    let mut knows_b = message(3, Priority::Normal, 9, 1);
    knows_b.prefer = Some(SIM_B);
    let now = Duration::ZERO;
    assert_eq!(b_takes(vec![to_a(), to_b.clone()], &[], now), Some(2));
    assert_eq!(b_takes(vec![to_a(), to_b.clone(), knows_b], &[], now), Some(3));
    assert_eq!(b_takes(vec![to_a(), to_b.clone()], &[], PREFERENCE_PATIENCE), Some(1));
    let mut urgent = to_a();
    urgent.lane.priority = Priority::High;
    assert_eq!(b_takes(vec![urgent, to_b], &[], now), Some(1));
}
