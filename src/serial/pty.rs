//! Pseudo-terminals: the place where a virtual modem meets whoever drives it. The modem's side is the master; the
//! driver (DTE) opens the other side by its name.
//!
//! No descriptor of the driver's side is kept open here. That makes the state of the driver plain: while nobody has
//! it open, a read of the master fails with EIO, and this is true at every moment, also right after the driver was
//! killed. The kernel tells when the last driver closes, but not when one opens, so [`Watch`] (inotify on the device
//! node) wakes us for both; what counts is the read that follows. The alternatives fail: a driver's-side descriptor
//! of our own hides every close, packet mode tells of neither, and counting inotify events errs because the kernel
//! merges equal ones.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::OptionalActions;
use tokio::io::unix::AsyncFd;

/// Tells when a descriptor can be read or written; belongs to the runtime it was made in.
pub type Ready = AsyncFd<Arc<OwnedFd>>;

#[expect(
    deprecated,
    reason = "the successor is an unsafe function; a shared owned descriptor stays open as long as it asks for"
)]
pub(super) fn ready(descriptor: &Arc<OwnedFd>) -> io::Result<Ready> {
    AsyncFd::new(Arc::clone(descriptor))
}

/// A pty, raw (no echo, no line editing, no translation), with a master that never blocks.
#[derive(Debug)]
pub struct Pty {
    master: Arc<OwnedFd>,
    path: PathBuf,
}

/// What a read of the master's side found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// So many bytes, at least one.
    Bytes(usize),
    /// A driver has the other side open and says nothing.
    Silence,
    /// No driver has the other side open.
    Nobody,
}

impl Pty {
    /// Makes one that nobody has open.
    ///
    /// # Errors
    /// What the operating system says: no more ptys, no `/dev/pts`.
    pub fn create() -> io::Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        let pty = Self {
            master: Arc::new(master),
            path: PathBuf::from(OsStr::from_bytes(name.to_bytes())),
        };
        // Before its first opening a pty looks as if somebody had it open; this opens and closes it once.
        pty.prepare()?;
        Ok(pty)
    }

    /// Name of the driver's side, `/dev/pts/N`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Readiness of the master's side. To be made anew each time a driver opened the other side: once a driver was
    /// gone, an old one says "ready" for ever.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn ready(&self) -> io::Result<Ready> {
        ready(&self.master)
    }

    /// Makes the line raw again after a driver left it otherwise, and takes away its mark of exclusive use. To be called
    /// when nobody has it open; a driver who opens it just then loses nothing.
    ///
    /// # Errors
    /// `ResourceBusy` when a killed driver left its mark and only root may take it away: such a pty is of no more use to
    /// anyone and has to be replaced.
    pub fn prepare(&self) -> io::Result<()> {
        let mut settings = rustix::termios::tcgetattr(&self.master)?;
        settings.make_raw();
        rustix::termios::tcsetattr(&self.master, OptionalActions::Now, &settings)?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let side = rustix::fs::open(&self.path, flags, Mode::empty())?;
        rustix::termios::ioctl_tiocnxcl(&side)?;
        Ok(())
    }

    /// Reads what the driver wrote; never waits.
    ///
    /// # Errors
    /// What the operating system says, apart from what [`Heard`] has words for.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<Heard> {
        match rustix::io::read(self.master.as_fd(), buffer) {
            Ok(0) | Err(rustix::io::Errno::IO) => Ok(Heard::Nobody),
            Ok(count) => Ok(Heard::Bytes(count)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(Heard::Silence),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes towards the driver as much as fits; never waits.
    ///
    /// # Errors
    /// What the operating system says. A full buffer is no error but `Ok(0)`.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(self.master.as_fd(), bytes) {
            Ok(count) => Ok(count),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

/// Wakes when a driver opens or closes one of the ptys.
#[derive(Debug)]
pub struct Watch {
    inotify: Arc<OwnedFd>,
}

impl Watch {
    /// One for all ptys of a bank.
    ///
    /// # Errors
    /// What the operating system says, such as too many inotify instances of this user.
    pub fn create() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self {
            inotify: Arc::new(inotify),
        })
    }

    /// Readiness of the events.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn ready(&self) -> io::Result<Ready> {
        ready(&self.inotify)
    }

    /// Watches one more pty; a pty that is closed is forgotten by itself.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&self, pty: &Pty) -> io::Result<()> {
        let what = WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE;
        inotify::add_watch(&self.inotify, pty.path(), what)?;
        Ok(())
    }

    /// Forgets the events so far; true when there were any. Which pty it was does not matter: the reads tell.
    pub fn drain(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut any = false;
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        while events.next().is_ok() {
            any = true;
        }
        any
    }
}

/// A name in the file system for a pty, as `DIR/modem0`; removed when dropped.
#[derive(Debug)]
pub struct Link {
    path: PathBuf,
}

impl Link {
    /// Makes `path` point to the pty; whatever pointed elsewhere before is replaced at one blow.
    ///
    /// # Errors
    /// What the operating system says; `AlreadyExists` when something that is no symbolic link stands there.
    pub fn create(path: &Path, pty: &Pty) -> io::Result<Self> {
        if std::fs::symlink_metadata(path).is_ok_and(|entry| !entry.is_symlink()) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        let _ = std::fs::remove_file(&fresh);
        std::os::unix::fs::symlink(pty.path(), &fresh)?;
        std::fs::rename(&fresh, path)?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
