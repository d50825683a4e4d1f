//! The real store on a real disk, stopped without goodbye around every commit of a story: just before it, and after it
//! with nobody having heard. What a stopped process leaves is the files as they lie there; they are copied, opened and
//! held against the reference model, and the story goes on.
//!
//! More of it: `WARDWIRE_STORIES=50 cargo test --release --test crash -- --nocapture`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[path = "model/reference.rs"]
mod reference;
#[path = "model/story.rs"]
mod story;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use story::{Mind, Story, World, at};
use wardwire::store::{Answer, Keys, Op, Place, Settings, Store};
use wardwire_core::base::Now;

const FILE: &str = "wardwire.db";
/// Steps of one story.
const STEPS: usize = 120;
/// Steps that a story goes on for after it was stopped.
const AFTER: usize = 6;
/// Every so many stops the story is brought to its end.
const ENDED: usize = 10;

/// Every process has a seed of its own, else it would give ids twice.
static OPENED: AtomicU64 = AtomicU64::new(0);

struct OnDisk {
    folder: tempfile::TempDir,
    store: Store,
    commits: usize,
    /// The process dies before it can ask anything more.
    dead: bool,
    /// The next commit is not heard of.
    unheard: bool,
}

impl OnDisk {
    fn open(folder: tempfile::TempDir, now: Now) -> Self {
        let place = Place::File(folder.path().join(FILE));
        let settings = Settings {
            seed: OPENED.fetch_add(1, Ordering::Relaxed),
            ..Settings::default()
        };
        let store = Store::open(&place, Keys::from_master(&[7; 32]), settings, now).unwrap();
        Self {
            folder,
            store,
            commits: 0,
            dead: false,
            unheard: false,
        }
    }

    /// A process that starts on what lies in `folder`.
    fn after(folder: &Path, now: Now) -> Self {
        Self::open(copy(folder), now)
    }
}

/// The files as they lie there. The log's index is memory of the process, not of the disk.
fn copy(folder: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    for name in [FILE.to_owned(), format!("{FILE}-wal")] {
        if folder.join(&name).exists() {
            std::fs::copy(folder.join(&name), image.path().join(&name)).unwrap();
        }
    }
    image
}

impl World for OnDisk {
    fn apply(&mut self, now: Now, ops: Vec<Op>) -> Option<Vec<Answer>> {
        if self.dead {
            return None;
        }
        self.commits += 1;
        let answers = self.store.apply(now, ops);
        assert!(!answers.iter().any(|answer| matches!(answer, Answer::Unavailable)));
        (!self.unheard).then_some(answers)
    }

    fn restart(&mut self, now: Now) {
        *self = Self::after(self.folder.path(), now);
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn die_unheard(&mut self) {
        self.unheard = true;
    }
}

/// Goes on from a stop: the step that was under way is lost, the next ones are not.
fn stopped(image: &Path, mind: Mind, steps: &[(u8, u8)], to_the_end: bool) {
    let mut world = OnDisk::after(image, mind.now);
    world.dead = true;
    let mut story = Story { world, mind };
    story.step(steps[0].0, steps[0].1);
    assert!(!story.world.dead, "it started again");
    story.check();
    for (verb, pick) in &steps[1..] {
        story.step(*verb, *pick);
    }
    story.check();
    if to_the_end {
        story.end_well(8);
    }
}

/// Plays a story of `STEPS` steps and stops it around every commit. How many stops there were.
fn play(seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let steps: Vec<(u8, u8)> = (0..STEPS).map(|_| (random.u8(..), random.u8(..))).collect();
    let mut story = Story::new(OnDisk::open(tempfile::tempdir().unwrap(), at(0)));
    let mut stops = 0;
    for place in 0..steps.len() {
        let before = copy(story.world.folder.path());
        let (mind, commits) = (story.mind.clone(), story.world.commits);
        story.step(steps[place].0, steps[place].1);
        if story.world.commits == commits + 1 {
            let rest = &steps[place..steps.len().min(place + AFTER)];
            let after = copy(story.world.folder.path());
            for image in [before, after] {
                stopped(image.path(), mind.clone(), rest, stops % ENDED == 0);
                stops += 1;
            }
        }
    }
    story.end_well(40);
    stops
}

#[test]
fn a_stop_around_every_commit_loses_nothing_and_repeats_nothing() {
    let stories = std::env::var("WARDWIRE_STORIES")
        .ok()
        .and_then(|text| text.parse().ok());
    for seed in 0..stories.unwrap_or(1) {
        let stops = play(seed);
        println!("story {seed}: stopped {stops} times");
        assert!(stops > STEPS, "a story of {STEPS} steps that is stopped {stops} times");
    }
}
