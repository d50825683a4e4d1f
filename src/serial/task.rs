//! The task of one port: bytes from the device become events, commands become bytes to the device. It opens the port,
//! opens it again when it vanished, and never decides what is said.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::seek::first_that_answers;
use super::{Arrival, Port, PortError, PortSpec, Tree, open};

/// Which of the caller's ports: its index.
pub type Slot = usize;

/// Octets read at once; more stays in the kernel until the next turn.
const READ_OCTETS: usize = 2_048;
/// A device that takes nothing for this long is given up; the longest single write (a PDU) takes 0.4 s at 9600 baud.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks for a port that is not there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Commands that may wait for the task: an AT engine has one command under way, so a few are plenty.
const COMMANDS: usize = 16;

/// What a port tells the event loop.
#[derive(Debug, PartialEq, Eq)]
pub enum PortEvent {
    /// It is open. What was known about the modem's settings is void.
    Opened(Slot),
    /// Bytes came in, at most 2,048; never empty.
    Input(Slot, Vec<u8>),
    /// It is closed, or could not be opened; it is looked for every second. Told once for each new reason.
    Lost(Slot, LostReason),
}

/// Why a port is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostReason {
    /// The device hung up or went away.
    Vanished,
    /// The device took no bytes for 5 s.
    WriteStuck,
    /// [`PortCommand::Reopen`].
    Requested,
    /// There is no such port.
    Absent,
    /// Another program has it open.
    Busy,
    /// No permission.
    Denied,
    /// Not a serial port.
    NotASerialPort,
    /// A port of a modem that hangs when this one is opened.
    Forbidden,
    /// A serial server outside the networks the configuration lists.
    NotAllowed,
    /// Another error of the operating system.
    Failed(io::ErrorKind),
}

impl LostReason {
    /// For people: what is wrong, without a full stop.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vanished => "the port vanished",
            Self::WriteStuck => "the device takes no data",
            Self::Requested => "the port is being opened again",
            Self::Absent => "there is no such port",
            Self::Busy => "another program has the port open",
            Self::Denied => "no permission to open the port",
            Self::NotASerialPort => "not a serial port",
            Self::Forbidden => "this port of the modem is for diagnosis, GPS or debugging and must never be opened",
            Self::NotAllowed => "the serial server stands at an address that tcp_ports_allowed does not hold",
            Self::Failed(_) => "the port cannot be used",
        }
    }
}

impl From<&PortError> for LostReason {
    fn from(error: &PortError) -> Self {
        match error {
            PortError::Absent => Self::Absent,
            PortError::Busy => Self::Busy,
            PortError::Denied => Self::Denied,
            PortError::NotASerialPort => Self::NotASerialPort,
            PortError::Forbidden => Self::Forbidden,
            PortError::NotAllowed => Self::NotAllowed,
            PortError::Other(error) => Self::Failed(error.kind()),
        }
    }
}

/// What the event loop asks of a port.
#[derive(Debug, PartialEq, Eq)]
pub enum PortCommand {
    /// Write these bytes. Dropped when the port is not open: whoever sends them learns that from [`PortEvent::Lost`].
    Write(Vec<u8>),
    /// Close the port and open it again.
    Reopen,
    /// Close the port and look for it again after this time: something is being done to the device.
    CloseFor(Duration),
    /// Close the port and end the task.
    Close,
}

/// The port's queue of commands is full: it takes no bytes, and [`PortEvent::Lost`] will follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the port takes no commands now")]
pub struct Busy;

/// The event loop's end of a port.
#[derive(Debug)]
pub struct PortHandle {
    commands: mpsc::Sender<PortCommand>,
}

impl PortHandle {
    /// Hands a command over without waiting. An event loop must never wait for a port: the port may just then be
    /// waiting for the event loop.
    ///
    /// # Errors
    /// [`Busy`] when 16 commands wait already or the task ended.
    pub fn send(&self, command: PortCommand) -> Result<(), Busy> {
        self.commands.try_send(command).map_err(|_| Busy)
    }

    /// False once the task has ended: the modem it served is gone.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.commands.is_closed()
    }
}

/// Starts [`run_port`] on the current runtime, for a port that a configuration names: one that must never be opened is not,
/// whatever name leads to it.
pub fn spawn_configured(slot: Slot, spec: PortSpec, tree: Tree, events: mpsc::Sender<PortEvent>) -> PortHandle {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let source = Source::Configured(spec, Some(tree));
    tokio::spawn(serve(slot, source, events, inbox));
    PortHandle { commands }
}

/// Starts [`run_port`] on the current runtime.
pub fn spawn_port(
    slot: Slot,
    spec: PortSpec,
    events: mpsc::Sender<PortEvent>,
) -> (PortHandle, tokio::task::JoinHandle<()>) {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    (
        PortHandle { commands },
        tokio::spawn(run_port(slot, spec, events, inbox)),
    )
}

/// Serves a modem that was found, until it is unplugged; then it may be found again.
pub fn spawn_found(slot: Slot, arrival: Arrival, events: mpsc::Sender<PortEvent>) -> PortHandle {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let source = Source::Found {
        ports: arrival.ports,
        open: Some(arrival.port),
    };
    let claim = arrival.claim;
    tokio::spawn(async move {
        serve(slot, source, events, inbox).await;
        // Only now, when the port is closed and the handle says so.
        drop(claim);
    });
    PortHandle { commands }
}

/// Where a port comes from.
#[derive(Debug)]
enum Source {
    /// The configuration: it is looked for until it is there. The tree tells which ports must never be opened.
    Configured(PortSpec, Option<Tree>),
    /// A modem that was found, with all its ports that answer AT commands: the first that answers is taken. Once none of
    /// them is there any more, the modem is gone.
    Found { ports: Vec<PortSpec>, open: Option<Port> },
}

impl Source {
    async fn open(&mut self) -> Result<Port, PortError> {
        match self {
            Self::Configured(spec, tree) => {
                if let (PortSpec::Path(path), Some(tree)) = (&*spec, tree) {
                    let (tree, path) = (tree.clone(), path.clone());
                    let looking = tokio::task::spawn_blocking(move || tree.port_of(&path));
                    if looking
                        .await
                        .is_ok_and(|found| found.is_some_and(|port| port.forbidden))
                    {
                        return Err(PortError::Forbidden);
                    }
                }
                open(spec).await
            }
            Self::Found { ports, open: first } => {
                if let Some(port) = first.take() {
                    return Ok(port);
                }
                if let Some((_, _, port)) = first_that_answers(ports).await {
                    return Ok(port);
                }
                // Nobody answers: that is for the modem's owner to mend, so he gets the best of them.
                match ports.first() {
                    Some(best) => open(best).await,
                    None => Err(PortError::Absent),
                }
            }
        }
    }

    fn is_gone(&self, error: &PortError) -> bool {
        matches!((self, error), (Self::Found { .. }, PortError::Absent))
    }
}

/// Serves one port until [`PortCommand::Close`], or until the event loop or all senders of commands are gone.
pub async fn run_port(
    slot: Slot,
    spec: PortSpec,
    events: mpsc::Sender<PortEvent>,
    commands: mpsc::Receiver<PortCommand>,
) {
    serve(slot, Source::Configured(spec, None), events, commands).await;
}

async fn serve(
    slot: Slot,
    mut source: Source,
    events: mpsc::Sender<PortEvent>,
    mut commands: mpsc::Receiver<PortCommand>,
) {
    let mut told = None;
    loop {
        let port = match source.open().await {
            Ok(port) => port,
            Err(error) => {
                let reason = LostReason::from(&error);
                if told != Some(reason) && events.send(PortEvent::Lost(slot, reason)).await.is_err() {
                    return;
                }
                if source.is_gone(&error) {
                    return;
                }
                told = Some(reason);
                if pause(&mut commands, LOOK_EVERY).await.is_break() {
                    return;
                }
                continue;
            }
        };
        // What was meant for the port before it was lost must not reach the one that is open now.
        while let Ok(command) = commands.try_recv() {
            if command == PortCommand::Close {
                return port.close().await;
            }
        }
        let opened = Instant::now();
        if events.send(PortEvent::Opened(slot)).await.is_err() {
            return port.close().await;
        }
        let mut session = Session::new(slot, port);
        let end = session.run(&events, &mut commands).await;
        session.port.close().await;
        let End::Lost(reason, pause_for) = end else { return };
        if events.send(PortEvent::Lost(slot, reason)).await.is_err() {
            return;
        }
        told = None;
        // A device that hangs up as soon as it is opened must not be opened in a tight loop.
        let rest = LOOK_EVERY.saturating_sub(opened.elapsed()).max(pause_for);
        if pause(&mut commands, rest).await.is_break() {
            return;
        }
    }
}

/// Waits while the port is closed; what is to be written meanwhile has nowhere to go.
async fn pause(commands: &mut mpsc::Receiver<PortCommand>, time: Duration) -> std::ops::ControlFlow<()> {
    let deadline = Instant::now() + time;
    loop {
        match tokio::time::timeout_at(deadline, commands.recv()).await {
            Err(_) => return std::ops::ControlFlow::Continue(()),
            Ok(None | Some(PortCommand::Close)) => return std::ops::ControlFlow::Break(()),
            Ok(Some(PortCommand::Write(_) | PortCommand::Reopen | PortCommand::CloseFor(_))) => {}
        }
    }
}

/// How serving an open port ended.
enum End {
    /// Why, and how long it is not to be looked for.
    Lost(LostReason, Duration),
    Closed,
}

/// One thing that happened on an open port.
enum Step {
    Read(usize),
    Command(Option<PortCommand>),
    Failed(LostReason),
}

/// An open port with what is still to be written to it.
struct Session {
    slot: Slot,
    port: Port,
    output: Vec<u8>,
    written: usize,
    stuck: Pin<Box<Sleep>>,
    buffer: Box<[u8; READ_OCTETS]>,
}

impl Session {
    fn new(slot: Slot, port: Port) -> Self {
        Self {
            slot,
            port,
            output: Vec::new(),
            written: 0,
            stuck: Box::pin(tokio::time::sleep(WRITE_TIMEOUT)),
            buffer: Box::new([0; READ_OCTETS]),
        }
    }

    async fn run(&mut self, events: &mpsc::Sender<PortEvent>, commands: &mut mpsc::Receiver<PortCommand>) -> End {
        loop {
            match self.step(commands).await {
                Step::Read(count) => {
                    let bytes = self.buffer.get(..count).unwrap_or_default().to_vec();
                    if events.send(PortEvent::Input(self.slot, bytes)).await.is_err() {
                        return End::Closed;
                    }
                }
                Step::Command(Some(PortCommand::Write(bytes))) => {
                    self.output = bytes;
                    self.written = 0;
                    self.stuck.as_mut().reset(Instant::now() + WRITE_TIMEOUT);
                }
                Step::Command(Some(PortCommand::Reopen)) => return End::Lost(LostReason::Requested, Duration::ZERO),
                Step::Command(Some(PortCommand::CloseFor(time))) => return End::Lost(LostReason::Requested, time),
                Step::Command(None | Some(PortCommand::Close)) => return End::Closed,
                Step::Failed(reason) => return End::Lost(reason, Duration::ZERO),
            }
        }
    }

    /// Writes what is to be written, and comes back with the next bytes or command. Reading goes on while the device
    /// does not take our bytes, else two full buffers could wait for each other.
    async fn step(&mut self, commands: &mut mpsc::Receiver<PortCommand>) -> Step {
        poll_fn(|cx| {
            while let Some(rest) = self.output.get(self.written..).filter(|rest| !rest.is_empty()) {
                match Pin::new(&mut self.port).poll_write(cx, rest) {
                    Poll::Ready(Ok(count)) if count > 0 => self.written += count,
                    Poll::Ready(Ok(_) | Err(_)) => return Poll::Ready(Step::Failed(LostReason::Vanished)),
                    Poll::Pending if self.stuck.as_mut().poll(cx).is_ready() => {
                        return Poll::Ready(Step::Failed(LostReason::WriteStuck));
                    }
                    Poll::Pending => break,
                }
            }
            if self.written >= self.output.len()
                && let Poll::Ready(command) = commands.poll_recv(cx)
            {
                return Poll::Ready(Step::Command(command));
            }
            let mut buffer = ReadBuf::new(self.buffer.as_mut_slice());
            match Pin::new(&mut self.port).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) => Poll::Ready(Step::Read(buffer.filled().len())),
                Poll::Ready(Err(_)) => Poll::Ready(Step::Failed(LostReason::Vanished)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}
