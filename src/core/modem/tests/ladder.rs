//! The ladder alone: order, limits, what it learns, when it stops.

use std::vec::Vec;

use super::*;

const ALL: Means = Means {
    usb_reset: true,
    power_cycle: true,
};

fn at(secs: u64) -> Now {
    Now {
        monotonic: Instant::ZERO + Duration::from_secs(secs),
        utc: UtcTime::from_millis(1_781_481_600_000) + Duration::from_secs(secs),
    }
}

fn tomorrow() -> Now {
    at(24 * 3_600)
}

/// Climbs until it rests or stays, each step failing, and gives the levels with their pauses in seconds, and the end.
fn climb(
    ladder: &mut Ladder,
    now: Now,
    fault: Fault,
    means: Means,
    shared: Option<Shared>,
) -> (Vec<(Level, u64)>, Move) {
    let mut taken = Vec::new();
    for _ in 0..50 {
        match ladder.next(now, fault, means, shared) {
            Move::Take(level, after) => {
                taken.push((level, after.as_secs()));
                ladder.begin(now, level, fault);
            }
            end @ (Move::Rest(_) | Move::Stay(_)) => return (taken, end),
        }
    }
    panic!("it never ends");
}

fn levels(ladder: &mut Ladder, now: Now, fault: Fault, means: Means, shared: Option<Shared>) -> Vec<Level> {
    let (taken, _) = climb(ladder, now, fault, means, shared);
    taken.into_iter().map(|(level, _)| level).collect()
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

#[test]
fn a_silent_modem_gets_every_step_once_with_growing_pauses_and_then_rest() {
    let (taken, end) = climb(&mut Ladder::default(), at(0), Fault::Silent, ALL, None);
    use Level::{Power, Reopen, Restart, Resync, Usb};
    let expected = [
        (Resync, 0),
        (Reopen, 0),
        (Reopen, 10),
        (Restart, 20),
        (Usb, 30),
        (Power, 45),
    ];
    assert_eq!(taken, expected);
    assert_eq!(end, Move::Rest(Duration::from_secs(15 * 60)));
}

#[test]
fn each_fault_has_its_own_steps() {
    use Level::{Power, Radio, Reopen, Restart, SetUp, Usb};
    for (fault, expected) in [
        (Fault::Refusing, &[SetUp, SetUp, Reopen, Radio, Restart, Usb, Power][..]),
        (Fault::Sim, &[Radio]),
        (Fault::Network, &[Radio, Radio, Restart]),
        (Fault::Mute, &[Radio, Restart]),
        (Fault::Deaf, &[SetUp, Radio, Restart]),
    ] {
        let mut ladder = Ladder::default();
        assert_eq!(levels(&mut ladder, at(0), fault, ALL, None), expected, "{fault:?}");
    }
}

#[test]
fn a_fault_that_is_not_grave_never_ends_in_quarantine() {
    for fault in [Fault::Sim, Fault::Network, Fault::Mute, Fault::Deaf] {
        let (_, end) = climb(&mut Ladder::default(), at(0), fault, ALL, None);
        assert!(matches!(end, Move::Stay(_)), "{fault:?}");
    }
}

#[test]
fn what_is_not_possible_is_left_out() {
    let taken = levels(&mut Ladder::default(), at(0), Fault::Silent, Means::default(), None);
    assert_eq!(taken.last(), Some(&Level::Restart));
}

#[test]
fn shared_trouble_spares_the_modem() {
    for (fault, shared, highest) in [
        (Fault::Silent, Shared::Hub, Some(Level::Restart)),
        (Fault::Refusing, Shared::Hub, Some(Level::Restart)),
        (Fault::Silent, Shared::Operator, Some(Level::Reopen)),
        (Fault::Network, Shared::Operator, None),
        (Fault::Sim, Shared::Operator, None),
    ] {
        let taken = levels(&mut Ladder::default(), at(0), fault, ALL, Some(shared));
        assert_eq!(taken.into_iter().max(), highest, "{fault:?} {shared:?}");
    }
}

#[test]
fn rests_grow_and_begin_again_with_one_look_and_the_restart() {
    let mut ladder = Ladder::default();
    let mut now = at(0);
    for expected in [hours(1) / 4, hours(1), hours(4), hours(24), hours(24)] {
        let (taken, end) = climb(&mut ladder, now, Fault::Silent, Means::default(), None);
        assert_eq!(end, Move::Rest(expected));
        if now != at(0) {
            assert_eq!(taken.first(), Some(&(Level::Reopen, 10)));
            assert!(taken.len() <= 2, "{taken:?}");
        }
        now = Now {
            monotonic: now.monotonic + expected,
            utc: now.utc + expected,
        };
    }
}

#[test]
fn a_day_has_three_restarts_and_the_next_day_three_again() {
    let mut ladder = Ladder::default();
    let mut restarts = |hour: u64| {
        let mut count = 0;
        for minute in 0..20 {
            let now = at(hour * 3_600 + minute * 60);
            ladder.over(now);
            // What never helped is not the point here.
            ladder.books.restart.helped = ladder.books.restart.tried;
            let taken = levels(&mut ladder, now, Fault::Silent, Means::default(), None);
            count += taken.iter().filter(|level| **level == Level::Restart).count();
        }
        (count, ladder.resets_on(at(hour * 3_600).utc))
    };
    assert_eq!(restarts(0), (3, 3));
    assert_eq!(restarts(23), (0, 3));
    assert_eq!(restarts(24), (3, 3));
    assert_eq!(ladder.resets_on(at(72 * 3_600).utc), 0);
}

#[test]
fn the_radio_is_cycled_twice_an_hour_at_most() {
    let mut ladder = Ladder::default();
    let mut cycled = |secs: u64| {
        ladder.over(at(secs));
        ladder.books.radio.helped = ladder.books.radio.tried;
        let taken = levels(&mut ladder, at(secs), Fault::Sim, ALL, None);
        taken.len()
    };
    assert_eq!([0, 600, 1_200, 3_599].map(&mut cycled), [1, 1, 0, 0]);
    assert_eq!([3_601, 3_700].map(&mut cycled), [1, 0]);
}

#[test]
fn a_step_that_silenced_the_modem_is_not_taken_again_that_day() {
    let mut ladder = Ladder::default();
    ladder.begin(at(0), Level::Radio, Fault::Network);
    assert!(matches!(
        ladder.next(at(60), Fault::Silent, ALL, None),
        Move::Take(Level::Resync, _)
    ));
    ladder.over(at(100));
    assert_eq!(
        levels(&mut ladder, at(4_000), Fault::Network, ALL, None),
        [Level::Restart]
    );
    ladder.over(at(5_000));
    let tomorrow = levels(&mut ladder, at(26 * 3_600), Fault::Network, ALL, None);
    assert_eq!(tomorrow.first(), Some(&Level::Radio));
}

#[test]
fn a_step_after_which_the_port_did_not_come_back_is_not_taken_again_that_day() {
    let mut ladder = Ladder::default();
    ladder.begin(at(0), Level::Usb, Fault::Silent);
    ladder.lost_it();
    ladder.over(at(10));
    assert!(!levels(&mut ladder, at(500), Fault::Silent, ALL, None).contains(&Level::Usb));
}

#[test]
fn a_step_that_hardly_ever_helps_is_left_out_until_that_fades() {
    let mut ladder = Ladder::default();
    let mut tried = |hour: u64| {
        let now = at(hour * 3_600);
        // Only waiting brings it back.
        let taken = levels(&mut ladder, now, Fault::Sim, ALL, None);
        ladder.over(now);
        taken.len()
    };
    assert_eq!([0, 2, 4, 6, 8, 10, 12].map(&mut tried), [1, 1, 1, 1, 1, 0, 0]);
    assert_eq!(tried(25), 1);
}

#[test]
fn trouble_that_comes_back_soon_goes_on_where_it_was() {
    let mut ladder = Ladder::default();
    assert_eq!(
        ladder.next(at(0), Fault::Silent, ALL, None),
        Move::Take(Level::Resync, Duration::ZERO)
    );
    ladder.begin(at(0), Level::Resync, Fault::Silent);
    ladder.helped(at(5));
    assert_eq!(
        ladder.next(at(30), Fault::Silent, ALL, None),
        Move::Take(Level::Resync, Duration::ZERO)
    );
    ladder.begin(at(30), Level::Resync, Fault::Silent);
    ladder.helped(at(35));
    assert_eq!(
        ladder.next(at(60), Fault::Silent, ALL, None),
        Move::Take(Level::Reopen, Duration::ZERO)
    );
    ladder.begin(at(60), Level::Reopen, Fault::Silent);
    ladder.helped(at(70));
    assert_eq!(
        ladder.next(at(300), Fault::Silent, ALL, None),
        Move::Take(Level::Resync, Duration::ZERO)
    );
}

#[test]
fn what_was_learned_outlives_a_restart_and_no_day_more() {
    let mut ladder = Ladder::default();
    levels(&mut ladder, at(0), Fault::Silent, ALL, None);
    let past = ladder.past();
    let kept: Vec<(u8, u8)> = past.iter().map(|step| (step.level, step.today)).collect();
    assert_eq!(kept, [(4, 1), (5, 1), (6, 1)], "milder steps are not kept");

    // The day's budget goes on: two restarts more, not three.
    let mut next = Ladder::default();
    next.recall(&past);
    assert_eq!(next.changes(), 0, "what is recalled is not written again");
    assert_eq!(next.resets_on(at(1).utc), 3);
    for _ in 0..2 {
        next.begin(at(1), Level::Restart, Fault::Silent);
    }
    assert!(!next.allows(at(2), Level::Restart, ALL, None));
    // Recalled once more, nothing is counted twice.
    let changes = next.changes();
    next.recall(&next.past());
    assert_eq!((next.resets_on(at(1).utc), next.changes()), (5, changes));
    next.next(tomorrow(), Fault::Silent, ALL, None);
    assert!(next.allows(tomorrow(), Level::Restart, ALL, None));

    // What made it worse is left out for the day.
    let mut hurt = Ladder::default();
    hurt.next(at(0), Fault::Mute, ALL, None);
    hurt.begin(at(0), Level::Radio, Fault::Mute);
    hurt.next(at(1), Fault::Silent, ALL, None);
    let mut next = Ladder::default();
    next.recall(&hurt.past());
    assert!(!next.allows(at(2), Level::Radio, ALL, None));
    next.next(tomorrow(), Fault::Mute, ALL, None);
    assert!(next.allows(tomorrow(), Level::Radio, ALL, None));
}

#[test]
fn only_what_is_kept_counts_as_a_change() {
    let mut ladder = Ladder::default();
    for level in [Level::Resync, Level::SetUp, Level::Reopen] {
        ladder.begin(at(0), level, Fault::Silent);
        ladder.helped(at(1));
    }
    assert_eq!((ladder.changes(), ladder.past()), (0, Vec::new()));
    ladder.begin(at(2), Level::Usb, Fault::Silent);
    let begun = ladder.changes();
    ladder.helped(at(3));
    assert!(0 < begun && begun < ladder.changes());
    let calm = ladder.changes();
    ladder.over(at(4));
    assert_eq!(ladder.changes(), calm);
}
