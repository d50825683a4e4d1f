//! One open port as a stream of bytes. A vanished peer is an error here, never an endless stream of nothing, and
//! flushing never blocks.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::termios::{ControlModes, OptionalActions, QueueSelector};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_serial::{ClearBuffer, SerialPort as _, SerialStream};

use super::{Allowed, PortSpec};

/// Speed of a UART; a USB modem or a pty ignores it.
const BAUD: u32 = 115_200;
/// How long a serial server may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;
/// Between two looks for a port that is not there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Nothing stands under this name, or nobody listens there.
    #[error("there is no such port")]
    Absent,
    /// Somebody else has it open.
    #[error("another program has the port open")]
    Busy,
    /// This user may not open it.
    #[error("no permission to open the port")]
    Denied,
    /// It is something else than a terminal.
    #[error("not a serial port")]
    NotASerialPort,
    /// A port of a modem that hangs when this one is opened.
    #[error("this port of the modem is for diagnosis, GPS or debugging and must never be opened")]
    Forbidden,
    /// A serial server outside the networks the configuration lists.
    #[error("the serial server stands at an address that tcp_ports_allowed does not hold")]
    NotAllowed,
    /// Anything else.
    #[error("cannot open the port: {0}")]
    Other(io::Error),
}

impl From<io::Error> for PortError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as K;
        match (error.kind(), error.raw_os_error()) {
            (K::NotFound | K::ConnectionRefused | K::TimedOut | K::HostUnreachable | K::NetworkUnreachable, _) => {
                Self::Absent
            }
            (K::ResourceBusy | K::WouldBlock, _) => Self::Busy,
            (K::PermissionDenied, _) => Self::Denied,
            // A device node whose device is gone.
            (_, Some(code)) if code == rustix::io::Errno::NXIO.raw_os_error() => Self::Absent,
            (_, Some(code)) if code == rustix::io::Errno::NODEV.raw_os_error() => Self::Absent,
            (_, Some(code)) if code == rustix::io::Errno::IO.raw_os_error() => Self::Absent,
            _ => Self::Other(error),
        }
    }
}

impl From<tokio_serial::Error> for PortError {
    fn from(error: tokio_serial::Error) -> Self {
        match error.kind {
            tokio_serial::ErrorKind::NoDevice => Self::Busy,
            tokio_serial::ErrorKind::Io(_)
            | tokio_serial::ErrorKind::InvalidInput
            | tokio_serial::ErrorKind::Unknown => io::Error::from(error).into(),
        }
    }
}

/// An open port. Reading 0 octets is reported as [`io::ErrorKind::UnexpectedEof`]: on a serial line it means that the
/// device is gone. `flush` returns at once, because draining a wedged device can block a thread for ever; bytes given
/// to `write` are the kernel's business.
#[derive(Debug)]
pub enum Port {
    /// A tty or pty.
    Tty(Box<SerialStream>),
    /// A serial server.
    Tcp(TcpStream),
}

impl Port {
    /// Closes it without waiting for output that was not sent yet.
    pub async fn close(self) {
        match self {
            // Closing a tty may wait for its output queue; the event loops must not.
            Self::Tty(stream) => {
                let closing = tokio::task::spawn_blocking(move || {
                    let _ = stream.clear(ClearBuffer::All);
                    drop(stream);
                });
                let _ = closing.await;
            }
            Self::Tcp(stream) => drop(stream),
        }
    }
}

impl AsyncRead for Port {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(match self.get_mut() {
            Self::Tty(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
        })?;
        if buf.filled().len() == before && buf.remaining() > 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Port {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tty(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Opens a port: raw, 8N1, no flow control, exclusively, what lay in its buffers thrown away, and so that closing it
/// does not drop DTR (which resets some modems).
///
/// # Errors
/// [`PortError`] says what a person has to do about it.
pub async fn open(spec: &PortSpec) -> Result<Port, PortError> {
    match spec {
        PortSpec::Path(path) => {
            let path = path.clone();
            let opening = tokio::task::spawn_blocking(move || open_tty(&path));
            opening.await.map_err(|_| PortError::Absent)?
        }
        PortSpec::Tcp { address, allowed } => {
            let connecting = tokio::time::timeout(CONNECT_TIMEOUT, connect(address, allowed));
            connecting.await.map_err(|_| PortError::Absent)?
        }
    }
}

/// Connects to the first address of the name that may be connected to. What was judged is what is connected to: the name
/// is resolved once.
async fn connect(address: &str, allowed: &Allowed) -> Result<Port, PortError> {
    let mut answer = PortError::Absent;
    for place in tokio::net::lookup_host(address).await?.take(ADDRESSES) {
        if !allowed.holds(place.ip()) {
            answer = PortError::NotAllowed;
            continue;
        }
        match TcpStream::connect(place).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(Port::Tcp(stream));
            }
            Err(error) => answer = error.into(),
        }
    }
    Err(answer)
}

/// Opens a port as soon as it is there: tries at once and then every second, for ever. `waiting` is told every reason
/// why it is not open yet.
pub async fn wait_and_open(spec: &PortSpec, mut waiting: impl FnMut(&PortError)) -> Port {
    loop {
        match open(spec).await {
            Ok(port) => return port,
            Err(error) => waiting(&error),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn open_tty(path: &Path) -> Result<Port, PortError> {
    // The serial library shows no descriptor that safe code may use, so a second one does what it has no call for.
    // It is opened first (afterwards the port is exclusive) and never becomes our controlling terminal.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let helper = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?;
    if !rustix::termios::isatty(&helper) {
        return Err(PortError::NotASerialPort);
    }
    // The device behind a link, so that what was opened first and what is opened now are the same.
    let path = std::fs::canonicalize(path)?;
    let name = path.to_str().ok_or(PortError::NotASerialPort)?;
    let stream = SerialStream::open(&tokio_serial::new(name, BAUD))?;
    let mut settings = rustix::termios::tcgetattr(&helper).map_err(io::Error::from)?;
    settings.control_modes -= ControlModes::HUPCL;
    rustix::termios::tcsetattr(&helper, OptionalActions::Now, &settings).map_err(io::Error::from)?;
    if path.starts_with("/dev/pts") {
        // The mark of exclusive use outlives a killed owner as long as the other side of a pty is open, and would shut
        // its successor out. The advisory lock, which dies with the process, stays.
        rustix::termios::ioctl_tiocnxcl(&helper).map_err(io::Error::from)?;
    }
    rustix::termios::tcflush(&helper, QueueSelector::IOFlush).map_err(io::Error::from)?;
    Ok(Port::Tty(Box::new(stream)))
}
