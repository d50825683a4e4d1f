//! The store through power cuts and failing disks: a story is played to every single write, sync and truncation, there the
//! power goes (or the disk refuses), and what the disk kept is opened and held against the reference model.
//!
//! More of it: `WARDWIRE_STORIES=50 cargo test --release -- --nocapture`.

#[path = "../../model/reference.rs"]
mod reference;
#[path = "../../model/story.rs"]
mod story;

use std::sync::atomic::{AtomicU64, Ordering};

use power::disk::{Disk, Plan, Survives};
use power::vfs;
use story::{Mind, Story, World, at};
use wardwire::store::{Answer, Keys, Op, OpenError, Place, Settings, Store};
use wardwire_core::base::Now;

/// Steps of a story.
const STEPS: usize = 40;
/// The log is brought back into the file every so many transactions, as in an idle moment.
const IDLE: usize = 7;

static OPENED: AtomicU64 = AtomicU64::new(0);

/// The one place of the database. The folder is there, for whatever the store asks the host about it.
fn path() -> std::path::PathBuf {
    std::env::temp_dir().join("power.db")
}

fn open(now: Now) -> Result<Store, OpenError> {
    let settings = Settings {
        seed: OPENED.fetch_add(1, Ordering::Relaxed),
        ..Settings::default()
    };
    Store::open(&Place::File(path()), Keys::from_master(&[7; 32]), settings, now)
}

/// The whole file is in order, every reference leads somewhere. Changes nothing.
fn inspect() {
    let disk = vfs::with(|disk| disk.clone());
    {
        let db = rusqlite::Connection::open(path()).unwrap();
        let found: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
        let astray = db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0));
        assert_eq!(astray, Ok(0));
    }
    vfs::insert(disk);
}

/// A store on the disk of this thread.
struct Powered {
    store: Option<Store>,
    transactions: usize,
    survives: Survives,
}

impl Powered {
    /// The power comes back, and the process starts.
    fn after_the_cut(disk: &Disk, survives: Survives, now: Now) -> Self {
        vfs::insert(disk.after_the_cut(survives));
        inspect();
        Self {
            store: Some(open(now).expect("what a cut leaves opens")),
            transactions: 0,
            survives,
        }
    }
}

impl World for Powered {
    fn apply(&mut self, now: Now, ops: Vec<Op>) -> Option<Vec<Answer>> {
        let store = self.store.as_mut().unwrap();
        self.transactions += 1;
        if self.transactions.is_multiple_of(IDLE) {
            store.tidy();
        }
        let answers = store.apply(now, ops);
        (!vfs::with(|disk| disk.is_dead())).then_some(answers)
    }

    fn restart(&mut self, now: Now) {
        self.store = None;
        let disk = vfs::with(|disk| disk.clone());
        *self = Self::after_the_cut(&disk, self.survives, now);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }
}

/// What a story begins with: the schema and the modems are there.
fn beginning() -> (Mind, Disk) {
    vfs::insert(Disk::default());
    let store = Some(open(at(0)).unwrap());
    let mut story = Story::new(Powered {
        store,
        transactions: 0,
        survives: Survives::Everything,
    });
    story.world.store = None;
    let disk = vfs::with(|disk| disk.clone()).after_the_cut(Survives::Everything);
    (story.mind, disk)
}

struct Script {
    mind: Mind,
    disk: Disk,
    steps: Vec<(u8, u8)>,
}

impl Script {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mind, disk) = beginning();
        let steps = (0..STEPS).map(|_| (random.u8(..), random.u8(..))).collect();
        Self { mind, disk, steps }
    }

    /// Plays it on a disk with this plan, until the power is cut, else to its last step.
    fn play(&self, plan: Plan, survives: Survives) -> Story<Powered> {
        let mut world = Powered::after_the_cut(&self.disk, survives, self.mind.now);
        vfs::with(|disk| disk.set_plan(plan));
        world.transactions = 0;
        let mut story = Story {
            world,
            mind: self.mind.clone(),
        };
        for (verb, pick) in &self.steps {
            let deaths = story.mind.deaths;
            // A store that cannot be written is not started anew in the middle of it.
            if verb % 14 == 12 && pick.is_multiple_of(8) {
                continue;
            }
            story.step(*verb, *pick);
            if story.mind.deaths > deaths {
                break;
            }
        }
        story
    }

    /// Changes of the disk before the first step and after the last.
    fn span(&self) -> std::ops::Range<u64> {
        let first = Powered::after_the_cut(&self.disk, Survives::Everything, self.mind.now);
        let from = vfs::with(|disk| disk.changes());
        drop(first);
        let story = self.play(Plan::Sound, Survives::Everything);
        let to = vfs::with(|disk| disk.changes());
        drop(story);
        from + 1..to + 1
    }
}

fn stories() -> u64 {
    let text = std::env::var("WARDWIRE_STORIES").ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn a_cut_at_every_write_loses_nothing_acknowledged() {
    vfs::install();
    for seed in 0..stories() {
        let script = Script::new(seed);
        let (mut cuts, span) = (0, script.span());
        for at in span.clone() {
            let survives = match at % 4 {
                0 => Survives::Nothing,
                1 => Survives::Everything,
                _ => Survives::Some(at),
            };
            let mut story = script.play(Plan::Cut { at }, survives);
            if story.mind.deaths == 0 {
                // The power went in an idle moment after the last step.
                story.restart();
            }
            story.check();
            if at % 16 == 2 {
                story.end_well(8);
            }
            cuts += 1;
        }
        println!("story {seed}: the power was cut {cuts} times, at {span:?}");
        assert!(cuts > 200, "a story that writes {cuts} times");
    }
}

#[test]
fn a_cut_at_every_write_of_the_first_start_leaves_what_opens() {
    vfs::install();
    vfs::insert(Disk::default());
    drop(open(at(0)).unwrap());
    let changes = vfs::with(|disk| disk.changes());
    for cut in 1..=changes {
        vfs::insert(Disk::default());
        vfs::with(|disk| disk.set_plan(Plan::Cut { at: cut }));
        drop(open(at(0)));
        let disk = vfs::with(|disk| disk.clone());
        // The power goes again, in the middle of setting right what the first cut left.
        let again = disk.after_the_cut(Survives::Some(cut));
        vfs::insert(again);
        vfs::with(|disk| disk.set_plan(Plan::Cut { at: cut + 1 + cut % 9 }));
        drop(open(at(0)));
        let disk = vfs::with(|disk| disk.clone());
        drop(Powered::after_the_cut(&disk, Survives::Some(cut + 1), at(0)));
    }
    println!("the first start was cut {changes} times");
}

#[test]
fn a_disk_that_refuses_stops_the_store_and_loses_nothing() {
    vfs::install();
    for seed in 0..stories() {
        let script = Script::new(1_000 + seed);
        let mut refused = 0;
        for from in script.span().step_by(3) {
            let count = [1, 2, 40][(from % 3) as usize];
            let plan = if from % 2 == 0 {
                Plan::Full { from, count }
            } else {
                Plan::Broken { from, count }
            };
            let mut story = script.play(plan, Survives::Some(from));
            vfs::with(|disk| disk.set_plan(Plan::Sound));
            story.check();
            story.restart();
            story.check();
            if from % 15 == 0 {
                story.end_well(8);
            }
            refused += 1;
        }
        println!("story {seed}: the disk refused {refused} times");
    }
}
