//! The data directory: made with mode 0700, held by one process at a time, home of the database and the master key.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{FlockOperation, flock};

use super::seal::Keys;

/// Name of the database in the data directory.
const DATABASE: &str = "wardwire.db";
/// Name of the credential that systemd hands over.
const CREDENTIAL: &str = "wardwire.key";

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another process holds it.
    #[error("{path} is in use by process {pid}")]
    Held {
        /// The directory.
        path: PathBuf,
        /// Who holds it; 0 when it does not tell.
        pid: u32,
    },
    /// Others than the owner may read the file: `chmod 600` it, and think about who could.
    #[error("{path} must be readable by its owner alone (mode {mode:04o} now, 0600 wanted)")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key file does not hold a key.
    #[error("{path} holds no key: 32 octets or 64 hexadecimal digits are wanted")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The database is there and its key is not: bring the key back; a new one would not open it.
    #[error("{path} is missing, and the database beside it was sealed with it")]
    KeyMissing {
        /// The file that is missing.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DirectoryError + '_ {
    |error| DirectoryError::Io {
        path: path.to_owned(),
        error,
    }
}

/// Makes the directory (0700) when it is missing.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn prepare(data_dir: &Path) -> Result<(), DirectoryError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(at(data_dir))
}

/// Path of the database in a data directory.
#[must_use]
pub fn database(data_dir: &Path) -> PathBuf {
    data_dir.join(DATABASE)
}

/// The data directory held by this process; let go when dropped, also by a kill.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or tells who has it.
    ///
    /// # Errors
    /// [`DirectoryError::Held`], or [`DirectoryError::Io`].
    pub fn try_acquire(data_dir: &Path) -> Result<Self, DirectoryError> {
        let path = data_dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        if let Err(errno) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if errno != rustix::io::Errno::WOULDBLOCK {
                return Err(at(&path)(errno.into()));
            }
            let mut text = String::new();
            let _ = file.take(16).read_to_string(&mut text);
            return Err(DirectoryError::Held {
                path: data_dir.to_owned(),
                pid: text.trim().parse().unwrap_or_default(),
            });
        }
        file.set_len(0).map_err(at(&path))?;
        writeln!(file, "{}", std::process::id()).map_err(at(&path))?;
        Ok(Self { _file: file })
    }
}

/// The store's keys: from systemd's credential `wardwire.key` when `credentials` (`$CREDENTIALS_DIRECTORY`) has one,
/// else from the file `key` in the data directory, which is made on the first start.
///
/// # Errors
/// [`DirectoryError`].
pub fn keys(data_dir: &Path, credentials: Option<&Path>) -> Result<Keys, DirectoryError> {
    if let Some(path) = credentials.map(|dir| dir.join(CREDENTIAL))
        && path.exists()
    {
        // systemd keeps that directory from others; its files are 0400 with an access list.
        let octets = fs::read(&path).map_err(at(&path))?;
        return parse(&octets).ok_or(DirectoryError::NotAKey { path });
    }
    let path = data_dir.join("key");
    match fs::read(&path) {
        Ok(octets) => {
            let mode = fs::metadata(&path).map_err(at(&path))?.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(DirectoryError::Permissions { path, mode });
            }
            parse(&octets).ok_or(DirectoryError::NotAKey { path })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if database(data_dir).exists() {
                return Err(DirectoryError::KeyMissing { path });
            }
            create(data_dir, &path)
        }
        Err(error) => Err(at(&path)(error)),
    }
}

/// A new key, safely on disk before anything is sealed with it.
fn create(data_dir: &Path, path: &Path) -> Result<Keys, DirectoryError> {
    let mut master = [0; 32];
    SystemRandom::new()
        .fill(&mut master)
        .map_err(|_| at(path)(io::Error::other("the system has no random numbers")))?;
    let draft = data_dir.join("key.new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&master)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(data_dir)?.sync_all()
    };
    write().map_err(at(path))?;
    Ok(Keys::from_master(&master))
}

/// 32 octets as they are, or 64 hexadecimal digits with blank space around them.
fn parse(octets: &[u8]) -> Option<Keys> {
    if let Ok(master) = <&[u8; 32]>::try_from(octets) {
        return Some(Keys::from_master(master));
    }
    let text = std::str::from_utf8(octets).ok()?.trim();
    if text.len() != 64 {
        return None;
    }
    let mut master = [0; 32];
    for (place, pair) in master.iter_mut().zip(text.as_bytes().chunks(2)) {
        *place = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Keys::from_master(&master))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        prepare(&data).unwrap();
        assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        let first = keys(&data, None).unwrap();
        assert_eq!(
            fs::metadata(data.join("key")).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(keys(&data, None).unwrap().check(), first.check());
        assert!(!data.join("key.new").exists());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        keys(dir.path(), None).unwrap();
        fs::set_permissions(dir.path().join("key"), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            keys(dir.path(), None),
            Err(DirectoryError::Permissions { mode: 0o640, .. })
        ));
    }

    #[test]
    fn a_lost_key_is_not_replaced_when_there_is_a_database() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(database(dir.path()), b"").unwrap();
        assert!(matches!(keys(dir.path(), None), Err(DirectoryError::KeyMissing { .. })));
        assert!(!dir.path().join("key").exists());
    }

    #[test]
    fn a_credential_goes_before_the_file_and_may_be_hexadecimal() {
        let dir = tempfile::tempdir().unwrap();
        let credentials = dir.path().join("credentials");
        fs::create_dir(&credentials).unwrap();
        fs::write(credentials.join(CREDENTIAL), format!("{}\n", "0f".repeat(32))).unwrap();
        let keys = keys(dir.path(), Some(&credentials)).unwrap();
        assert_eq!(keys.check(), Keys::from_master(&[0x0F; 32]).check());
        assert!(!dir.path().join("key").exists());
        for rubbish in [&b"short"[..], &[7; 33], "zz".repeat(32).as_bytes()] {
            fs::write(credentials.join(CREDENTIAL), rubbish).unwrap();
            assert!(matches!(
                super::keys(dir.path(), Some(&credentials)),
                Err(DirectoryError::NotAKey { .. })
            ));
        }
    }

    #[test]
    fn one_holds_the_directory_and_the_other_learns_who() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::try_acquire(dir.path()).unwrap();
        let pid = std::process::id();
        match Lock::try_acquire(dir.path()) {
            Err(DirectoryError::Held { pid: holder, .. }) => assert_eq!(holder, pid),
            other => panic!("{other:?}"),
        }
        drop(lock);
        assert!(Lock::try_acquire(dir.path()).is_ok());
    }
}
