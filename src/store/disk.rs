//! Room on the disk: how much is left, and a reserve that new messages never touch, so that a STOP, a delivery report or
//! the result of a submit still gets in when nothing new is taken on. Nothing here writes the database.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Name of the reserve beside the database.
const RESERVE: &str = "reserve";
/// Warned of at a fifth and at a tenth of what there is.
const LOW: u64 = 5;
const SCARCE: u64 = 10;

/// How much of the disk the store may use. Without limit and reserve nobody looks at the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The database grows to this many octets at most; 0: as far as the disk goes.
    pub size: u64,
    /// Octets that new messages never touch: as many are set aside in a file, to be given back when others filled the
    /// disk, and as many are kept free besides. 0: no reserve.
    pub reserve: u64,
}

/// How the disk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskState {
    /// There is room.
    #[default]
    Ample,
    /// Less than a fifth is free.
    Low,
    /// Less than a tenth is free.
    Scarce,
    /// Only the reserve is left: no new message is taken on.
    Full,
    /// A write has taken longer than 10 s so far.
    Stuck,
    /// The last write failed for another reason than a full disk.
    Failing,
}

/// The disk at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// How it is.
    pub state: DiskState,
    /// Octets that may still be written, the reserve's file apart.
    pub free: u64,
    /// Octets there are in all, as far as the store may use them; 0 for a store in memory.
    pub total: u64,
}

impl Disk {
    /// Percent that are free, rounded down; 100 when there is no bound.
    #[must_use]
    pub fn free_percent(&self) -> u8 {
        let percent = (u128::from(self.free) * 100).checked_div(u128::from(self.total));
        percent.map_or(100, |percent| u8::try_from(percent.min(100)).unwrap_or(100))
    }

    /// What is left of `free` out of `total` means, where new messages leave `reserve` alone.
    fn judge(free: u64, total: u64, reserve: u64) -> DiskState {
        if free < reserve {
            DiskState::Full
        } else if free < total / SCARCE {
            DiskState::Scarce
        } else if free < total / LOW {
            DiskState::Low
        } else {
            DiskState::Ample
        }
    }
}

/// What the reserve's file is.
#[derive(Debug, PartialEq, Eq)]
enum Reserve {
    /// There.
    Kept,
    /// Given back to the file system, or it did not fit.
    Spent,
    /// None is wanted, or the file system sets no room aside.
    Without,
}

/// Watches the room for one database.
#[derive(Debug)]
pub(super) struct Watch {
    /// Where the database is; none for one in memory.
    folder: Option<PathBuf>,
    limits: Limits,
    reserve: Reserve,
    last: Disk,
}

impl Watch {
    /// Watches the room for the database in `folder`, sets the limit of its size, and sets the reserve aside.
    pub(super) fn new(db: &Connection, folder: Option<&Path>, limits: Limits) -> rusqlite::Result<Self> {
        if limits.size > 0 {
            let page: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            let pages = (limits.size / u64::from(page.max(1))).max(1);
            db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        }
        let wanted = limits.reserve > 0 && folder.is_some();
        let mut watch = Self {
            folder: folder.map(Path::to_owned),
            limits,
            reserve: if wanted { Reserve::Spent } else { Reserve::Without },
            last: Disk::default(),
        };
        watch.look(db);
        Ok(watch)
    }

    /// The last look.
    pub(super) fn last(&self) -> Disk {
        self.last
    }

    /// Looks how much is left, and sets the reserve aside again where it fits.
    pub(super) fn look(&mut self, db: &Connection) -> Disk {
        if self.limits == Limits::default() {
            return self.last;
        }
        let mut volume = self.volume();
        if self.reserve == Reserve::Spent && volume.is_some_and(|(free, _)| free / 2 >= self.limits.reserve) {
            self.set_aside();
            volume = self.volume();
        }
        let own = (self.limits.size > 0).then(|| within(db, self.limits.size)).flatten();
        // Whichever is nearer to its end.
        let Some((free, total)) = [volume, own].into_iter().flatten().min_by_key(|(free, _)| *free) else {
            return self.last;
        };
        let mut state = if self.reserve == Reserve::Spent {
            DiskState::Full
        } else {
            Disk::judge(free, total, self.limits.reserve)
        };
        // Back only once it is clearly better: a disk at the edge must not be told of at every write.
        if state < self.last.state {
            state = state.max(Disk::judge(free - free / 16, total, self.limits.reserve));
        }
        let before = self.last;
        self.last = Disk { state, free, total };
        if state != before.state {
            self.tell();
        }
        self.last
    }

    /// A write found no room: gives the reserve back to the file system. Whether there was one.
    pub(super) fn spend(&mut self) -> bool {
        self.last.state = DiskState::Full;
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(RESERVE)) else {
            return false;
        };
        if self.reserve != Reserve::Kept {
            return false;
        }
        match fs::remove_file(&path) {
            Ok(()) => {
                self.reserve = Reserve::Spent;
                tracing::error!("the disk is full: the reserve is used for what comes in; nothing new is taken on");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the reserve cannot be used");
                false
            }
        }
    }

    fn set_aside(&mut self) {
        let Some(folder) = &self.folder else { return };
        match allocate(&folder.join(RESERVE), self.limits.reserve) {
            Ok(()) => self.reserve = Reserve::Kept,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::info!("the file system sets no room aside; what is kept free has to do");
                self.reserve = Reserve::Without;
            }
            Err(error) => tracing::warn!(%error, "no reserve can be set aside"),
        }
    }

    /// Octets of the file system, free and in all.
    fn volume(&self) -> Option<(u64, u64)> {
        let stat = statvfs(self.folder.as_ref()?).ok()?;
        // What only others may use is not part of the whole.
        let used = stat.f_blocks.saturating_sub(stat.f_bfree);
        let total = used.saturating_add(stat.f_bavail);
        Some((
            stat.f_bavail.saturating_mul(stat.f_frsize),
            total.saturating_mul(stat.f_frsize),
        ))
    }

    fn tell(&self) {
        let Disk { state, free, .. } = self.last;
        let percent = self.last.free_percent();
        let mib = free >> 20;
        match state {
            DiskState::Ample => tracing::info!(free_mib = mib, percent, "there is room on the disk again"),
            DiskState::Low => tracing::warn!(free_mib = mib, percent, "less than 20 % of the disk is free"),
            DiskState::Scarce => tracing::warn!(free_mib = mib, percent, "less than 10 % of the disk is free"),
            DiskState::Full | DiskState::Stuck | DiskState::Failing => {
                tracing::error!(free_mib = mib, percent, "the disk is full: no new message is taken on");
            }
        }
    }
}

/// Octets left of a database that may have `size`: pages it may still grow by, and free ones inside.
fn within(db: &Connection, size: u64) -> Option<(u64, u64)> {
    let pragma = |name: &str| -> Option<u64> {
        let mut statement = db.prepare_cached(&format!("PRAGMA {name}")).ok()?;
        let value: i64 = statement.query_row([], |row| row.get(0)).ok()?;
        u64::try_from(value).ok()
    };
    let used = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    let used = used.saturating_mul(pragma("page_size")?);
    Some((size.saturating_sub(used), size))
}

/// A file of `size` octets that are really there.
fn allocate(path: &Path, size: u64) -> io::Result<()> {
    let open = |path: &Path| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).open(path)
    };
    let file: File = open(path)?;
    let made = fallocate(&file, FallocateFlags::empty(), 0, size).map_err(|error| {
        if error == rustix::io::Errno::OPNOTSUPP {
            io::Error::from(io::ErrorKind::Unsupported)
        } else {
            io::Error::from(error)
        }
    });
    let made = made.and_then(|()| file.set_len(size));
    if made.is_err() {
        let _ = fs::remove_file(path);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_fifth_a_tenth_and_the_reserve_are_the_marks() {
        for (free, state) in [
            (1_000, DiskState::Ample),
            (200, DiskState::Ample),
            (199, DiskState::Low),
            (100, DiskState::Low),
            (99, DiskState::Scarce),
            (50, DiskState::Scarce),
            (49, DiskState::Full),
            (0, DiskState::Full),
        ] {
            assert_eq!(Disk::judge(free, 1_000, 50), state, "{free}");
        }
        // A reserve above a tenth goes first.
        assert_eq!(Disk::judge(150, 1_000, 151), DiskState::Full);
    }

    #[test]
    fn percent_are_rounded_down_and_never_divide_by_nothing() {
        let disk = |free, total| Disk {
            free,
            total,
            ..Disk::default()
        };
        assert_eq!(disk(199, 1_000).free_percent(), 19);
        assert_eq!(disk(0, 1_000).free_percent(), 0);
        assert_eq!(disk(0, 0).free_percent(), 100);
    }

    #[test]
    fn the_reserve_is_set_aside_spent_once_and_set_aside_again() {
        let folder = tempfile::tempdir().unwrap();
        let db = Connection::open_in_memory().unwrap();
        let limits = Limits { size: 0, reserve: MIB };
        let file = folder.path().join(RESERVE);
        let mut watch = Watch::new(&db, Some(folder.path()), limits).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().len(), MIB);
        assert!(watch.spend());
        assert!(!file.exists());
        assert_eq!(watch.last().state, DiskState::Full);
        assert!(!watch.spend(), "it is spent");
        assert_ne!(watch.look(&db).state, DiskState::Full);
        assert_eq!(fs::metadata(&file).unwrap().len(), MIB);
    }

    #[test]
    fn a_reserve_that_never_fits_leaves_the_disk_full() {
        let folder = tempfile::tempdir().unwrap();
        let db = Connection::open_in_memory().unwrap();
        let limits = Limits {
            size: 0,
            reserve: u64::MAX / 4,
        };
        let watch = Watch::new(&db, Some(folder.path()), limits).unwrap();
        assert_eq!(watch.last().state, DiskState::Full);
        assert!(!folder.path().join(RESERVE).exists());
    }
}
