//! The store against a model of a page: random verbs in random order, with lost answers and restarts, and after each step
//! what must always hold; at the end everything that may go out does.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a harness: a wrong assumption must stop the run"
)]

mod gateway;
mod reference;
mod story;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use story::{Story, World, at};
use wardwire::store::{Answer, Keys, Op, Place, Settings, Store};
use wardwire_core::base::Now;

/// A store in memory; a process that dies there keeps what was committed.
struct Memory {
    store: Store,
    unheard: bool,
}

impl World for Memory {
    fn apply(&mut self, now: Now, ops: Vec<Op>) -> Option<Vec<Answer>> {
        let answers = self.store.apply(now, ops);
        (!std::mem::take(&mut self.unheard)).then_some(answers)
    }

    fn restart(&mut self, now: Now) {
        self.unheard = false;
        self.store.restart(now).unwrap();
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn die_unheard(&mut self) {
        self.unheard = true;
    }
}

/// Looking is what costs: after every so many steps.
const LOOKED_AT: usize = 4;

fn play(steps: &[(u8, u8)]) {
    let store = Store::open(&Place::Memory, Keys::from_master(&[7; 32]), Settings::default(), at(0)).unwrap();
    let mut story = Story::new(Memory { store, unheard: false });
    for (place, (verb, pick)) in (1..).zip(steps) {
        story.step(*verb, *pick);
        if place % LOOKED_AT == 0 {
            story.check();
        }
    }
    story.check();
    story.end_well(40);
}

/// As many as the environment says: `PROPTEST_CASES=10000 cargo test --release --test model`.
fn cases() -> u32 {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default().cases,
        None => 64,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/model/regressions.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_verbs_keep_every_promise(steps in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..200)) {
        play(&steps);
    }

    #[test]
    fn random_days_of_a_gateway_keep_every_promise(
        seed in any::<u64>(),
        steps in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..60),
    ) {
        gateway::play(seed, &steps);
    }
}
