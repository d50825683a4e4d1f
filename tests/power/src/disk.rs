//! A disk as the power cut leaves it: what was synced is there; of what was written since, each piece may be there, be
//! missing, or be torn. Single writes and syncs can be made to fail, for good or for a while.
//!
//! What it grants, as the file systems SQLite is made for do: a sync that succeeds keeps its word; a write changes nothing
//! outside its own octets; a name that was synced once stays.

use std::collections::BTreeMap;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// How the names of scratch files begin.
const SCRATCH: &str = "scratch-";

/// What goes wrong, counted in changes of the disk (writes, truncations, syncs) from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    #[default]
    Sound,
    /// The power fails in the middle of this one; nothing works after it.
    Cut { at: u64 },
    /// So many from this one on fail, as if the disk were full.
    Full { from: u64, count: u64 },
    /// So many from this one on fail in the middle; what a failed sync was to save is lost, although it can be read.
    Broken { from: u64, count: u64 },
}

/// Why a change did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No space left.
    Full,
    /// The device does not answer, or says that it failed.
    Broken,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, octets) => {
                content.resize(content.len().max(at + octets.len()), 0);
                content[*at..at + octets.len()].copy_from_slice(octets);
            }
            Self::Truncate(length) => content.truncate(*length),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct File {
    /// What a reader sees.
    cached: Vec<u8>,
    /// What the last sync saved; none before the first one.
    durable: Option<Vec<u8>>,
    pending: Vec<Change>,
}

/// How much of what was not synced survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    Nothing,
    Everything,
    /// Piece by piece, by chance.
    Some(u64),
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: BTreeMap<String, File>,
    changes: u64,
    scratch: u64,
    plan: Plan,
    dead: bool,
}

impl Disk {
    /// Changes so far, those that failed included.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    pub fn is_dead(&self) -> bool {
        self.dead
    }

    pub fn set_plan(&mut self, plan: Plan) {
        self.plan = plan;
    }

    pub fn open(&mut self, name: &str) {
        self.files.entry(name.to_owned()).or_default();
    }

    /// A scratch file of the process: no power cut and no fault touches it, since nothing of it matters afterwards.
    pub fn temporary(&mut self) -> String {
        self.scratch += 1;
        let name = format!("{SCRATCH}{}", self.scratch);
        self.open(&name);
        name
    }

    /// A scratch file goes with its handle.
    pub fn close(&mut self, name: &str) {
        if name.starts_with(SCRATCH) {
            self.files.remove(name);
        }
    }

    pub fn delete(&mut self, name: &str) -> Result<(), Refused> {
        if self.dead {
            return Err(Refused::Broken);
        }
        self.files.remove(name);
        Ok(())
    }

    /// Octets of a file; none when there is no such file.
    pub fn length(&self, name: &str) -> Option<usize> {
        self.files.get(name).map(|file| file.cached.len())
    }

    /// Fills `octets` from `at` on; how many there were.
    pub fn read(&self, name: &str, at: usize, octets: &mut [u8]) -> usize {
        let content = self.files.get(name).map_or(&[][..], |file| &file.cached);
        let rest = content.get(at..).unwrap_or_default();
        let count = rest.len().min(octets.len());
        octets[..count].copy_from_slice(&rest[..count]);
        count
    }

    pub fn write(&mut self, name: &str, at: usize, octets: &[u8]) -> Result<(), Refused> {
        let change = Change::Write(at, octets.to_vec());
        match self.next(name) {
            Ok(()) => self.change(name, change),
            Err(Refused::Full) => return Err(Refused::Full),
            // It fails in the middle.
            Err(Refused::Broken) => {
                self.change(name, Change::Write(at, octets[..octets.len() / 2].to_vec()));
                return Err(Refused::Broken);
            }
        }
        Ok(())
    }

    pub fn truncate(&mut self, name: &str, length: usize) -> Result<(), Refused> {
        self.next(name)?;
        self.change(name, Change::Truncate(length));
        Ok(())
    }

    pub fn sync(&mut self, name: &str) -> Result<(), Refused> {
        let granted = self.next(name);
        let dead = self.dead;
        let Some(file) = self.files.get_mut(name) else {
            return granted;
        };
        match granted {
            Ok(()) => {
                let durable = file.durable.get_or_insert_default();
                for change in file.pending.drain(..) {
                    change.apply(durable);
                }
            }
            // The kernel forgets what it could not save, and shows it to readers all the same.
            Err(_) if !dead => file.pending.clear(),
            Err(_) => {}
        }
        granted
    }

    fn change(&mut self, name: &str, change: Change) {
        let file = self.files.entry(name.to_owned()).or_default();
        change.apply(&mut file.cached);
        file.pending.push(change);
    }

    fn next(&mut self, name: &str) -> Result<(), Refused> {
        if name.starts_with(SCRATCH) {
            return Ok(());
        }
        if self.dead {
            return Err(Refused::Broken);
        }
        self.changes += 1;
        let now = self.changes;
        let due = |from: u64, count: u64| (from..from.saturating_add(count)).contains(&now);
        match self.plan {
            Plan::Cut { at } if at == now => {
                self.dead = true;
                Err(Refused::Broken)
            }
            Plan::Full { from, count } if due(from, count) => Err(Refused::Full),
            Plan::Broken { from, count } if due(from, count) => Err(Refused::Broken),
            Plan::Sound | Plan::Cut { .. } | Plan::Full { .. } | Plan::Broken { .. } => Ok(()),
        }
    }

    /// The disk when the power is back.
    pub fn after_the_cut(&self, survives: Survives) -> Self {
        let mut random = fastrand::Rng::with_seed(match survives {
            Survives::Some(seed) => seed,
            Survives::Nothing | Survives::Everything => 0,
        });
        let mut after = Self {
            changes: self.changes,
            ..Self::default()
        };
        for (name, file) in self.files.iter().filter(|(name, _)| !name.starts_with(SCRATCH)) {
            let mut content = file.durable.clone();
            for change in &file.pending {
                let kept = match survives {
                    Survives::Nothing => None,
                    Survives::Everything => Some(change.clone()),
                    Survives::Some(_) => torn(change, &mut random),
                };
                if let Some(change) = kept {
                    change.apply(content.get_or_insert_default());
                }
            }
            // The name of a file that was never synced may be gone.
            let Some(content) = content else { continue };
            let file = File {
                cached: content.clone(),
                durable: Some(content),
                pending: Vec::new(),
            };
            after.files.insert(name.clone(), file);
        }
        after
    }
}

/// What becomes of one unsynced change: all of it, nothing, its first sectors, its last, or a sector torn in the middle.
fn torn(change: &Change, random: &mut fastrand::Rng) -> Option<Change> {
    let Change::Write(at, octets) = change else {
        return random.bool().then(|| change.clone());
    };
    let sectors = octets.len().div_ceil(SECTOR);
    let cut = (random.usize(0..=sectors) * SECTOR).min(octets.len());
    match random.u8(0..5) {
        0 => None,
        1 => Some(change.clone()),
        2 => Some(Change::Write(*at, octets[..cut].to_vec())),
        3 => Some(Change::Write(at + cut, octets[cut..].to_vec())),
        _ => {
            let mut octets = octets.clone();
            let end = (cut + SECTOR).min(octets.len());
            octets[cut..end].iter_mut().for_each(|octet| *octet = random.u8(..));
            Some(Change::Write(*at, octets))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(disk: &Disk) -> Option<Vec<u8>> {
        let mut octets = vec![0; disk.length("a")?];
        disk.read("a", 0, &mut octets);
        Some(octets)
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_may_go() {
        let mut disk = Disk::default();
        disk.write("a", 0, b"old").unwrap();
        assert_eq!(content(&disk.after_the_cut(Survives::Nothing)), None);
        disk.sync("a").unwrap();
        disk.write("a", 0, b"new!").unwrap();
        assert_eq!(content(&disk).unwrap(), b"new!");
        assert_eq!(content(&disk.after_the_cut(Survives::Nothing)).unwrap(), b"old");
        assert_eq!(content(&disk.after_the_cut(Survives::Everything)).unwrap(), b"new!");
    }

    #[test]
    fn some_of_a_long_write_survives() {
        let mut disk = Disk::default();
        disk.write("a", 0, &[1; 8 * SECTOR]).unwrap();
        disk.sync("a").unwrap();
        disk.write("a", 0, &[2; 8 * SECTOR]).unwrap();
        let images: std::collections::BTreeSet<Vec<u8>> = (0..50)
            .filter_map(|seed| content(&disk.after_the_cut(Survives::Some(seed))))
            .collect();
        assert!(images.len() > 10);
        assert!(images.iter().all(|image| image.len() == 8 * SECTOR));
        assert!(images.iter().any(|image| image.contains(&1) && image.contains(&2)));
    }

    #[test]
    fn a_failed_sync_loses_what_it_was_to_save() {
        let mut disk = Disk::default();
        disk.write("a", 0, b"old").unwrap();
        disk.sync("a").unwrap();
        disk.set_plan(Plan::Broken { from: 4, count: 1 });
        disk.write("a", 0, b"new").unwrap();
        assert_eq!(disk.sync("a"), Err(Refused::Broken));
        disk.sync("a").unwrap();
        assert_eq!(content(&disk).unwrap(), b"new");
        assert_eq!(content(&disk.after_the_cut(Survives::Everything)).unwrap(), b"old");
    }

    #[test]
    fn nothing_works_after_a_cut() {
        let mut disk = Disk::default();
        disk.set_plan(Plan::Cut { at: 2 });
        disk.write("a", 0, b"1").unwrap();
        assert_eq!(disk.write("a", 1, b"23"), Err(Refused::Broken));
        assert!(disk.is_dead());
        assert_eq!(disk.sync("a"), Err(Refused::Broken));
        assert_eq!(content(&disk.after_the_cut(Survives::Everything)).unwrap(), b"12");
    }
}
