//! A bank of virtual modems on real ptys in real time: what `wardwire simulate` and `wardwire demo` run. One task moves
//! the bytes of all modems; when nothing happens it sleeps without a timer.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};
use wardwire_core::simulator::{AirEvent, Bank, BankEvent, Fault, NotInjected, Options};

use super::pty::{Heard, Link, Pty, Ready, Watch};
use crate::clock;

/// Octets read at once.
const READ_OCTETS: usize = 4_096;
/// Octets kept for a driver that does not read; more are lost, as in a modem.
const BACKLOG: usize = 65_536;
/// The PIN of a card that asks for one.
const PIN: &str = "1234";
/// Who calls.
const CALLER: &str = "+353861234567";
/// Messages to inject that may wait.
const COMMANDS: usize = 256;

/// Takes what the air saw, in order and at once. An error ends the bank: a journal with a hole proves nothing.
pub type Journal = Box<dyn FnMut(&[AirEvent]) -> io::Result<()> + Send>;

/// Whose octets went over a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The program that has the port open.
    Driver,
    /// The virtual modem.
    Modem,
}

/// Takes what goes over the lines, in order and at once: which modem's, who speaks, and what. An error ends the bank.
pub type Wire = Box<dyn FnMut(usize, Speaker, &[u8]) -> io::Result<()> + Send>;

/// A running bank. Dropping it leaves the bank running; see [`BankHandle::stop`].
#[derive(Debug)]
pub struct BankHandle {
    ports: Vec<PathBuf>,
    injector: Injector,
    task: JoinHandle<io::Result<()>>,
}

/// Puts messages on the air of a running bank.
#[derive(Clone, Debug)]
pub struct Injector(mpsc::Sender<Command>);

#[derive(Debug)]
enum Command {
    Inject {
        modem: usize,
        from: String,
        text: String,
        done: oneshot::Sender<Result<u64, NotInjected>>,
    },
    Act {
        modem: usize,
        act: Act,
        done: oneshot::Sender<()>,
    },
    Stop,
}

/// What may be done to a modem of a running bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A person pulls it out.
    Unplug,
    /// A person plugs it in again.
    Plug,
    /// The host resets its USB side.
    UsbReset,
    /// The host takes its power for some seconds.
    PowerCycle,
    /// Somebody calls it.
    Call,
    /// Whatever is the matter with it is over.
    Cure,
    /// A person puts a card into it that asks for its PIN, 1234, with all three tries left.
    LockSim,
    /// Something goes wrong with it.
    Fault(Fault),
}

impl BankHandle {
    /// Names of the ports, `DIR/modem0` and on.
    #[must_use]
    pub fn ports(&self) -> &[PathBuf] {
        &self.ports
    }

    /// To put messages on the air.
    #[must_use]
    pub fn injector(&self) -> Injector {
        self.injector.clone()
    }

    /// Waits until the bank ends by itself, which it does only by an error.
    ///
    /// # Errors
    /// The journal's, or the operating system's.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.task)
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Ends the bank and removes the names of its ports.
    ///
    /// # Errors
    /// The journal's, or the operating system's, should it have ended by one before.
    pub async fn stop(mut self) -> io::Result<()> {
        let _ = self.injector.0.send(Command::Stop).await;
        self.ended().await
    }
}

impl Injector {
    /// A message from `from` (a number or a name) to the SIM in `modem`; tells the number the journal knows it by.
    /// Waits while 256 others wait already.
    ///
    /// # Errors
    /// [`NotInjected`]; a bank that has ended has no modem.
    pub async fn inject(&self, modem: usize, from: String, text: String) -> Result<u64, NotInjected> {
        let (done, answer) = oneshot::channel();
        let command = Command::Inject {
            modem,
            from,
            text,
            done,
        };
        self.0.send(command).await.map_err(|_| NotInjected::NoSuchModem)?;
        answer.await.map_err(|_| NotInjected::NoSuchModem)?
    }

    /// Does something to a modem; nothing where there is none.
    ///
    /// # Errors
    /// The bank has ended.
    pub async fn act(&self, modem: usize, act: Act) -> Result<(), NotInjected> {
        let (done, answer) = oneshot::channel();
        let command = Command::Act { modem, act, done };
        self.0.send(command).await.map_err(|_| NotInjected::NoSuchModem)?;
        answer.await.map_err(|_| NotInjected::NoSuchModem)
    }
}

/// Makes the ptys and their names in `dir` (which is made when missing) and starts the bank on the current runtime. All
/// ports can be opened when this returns.
///
/// # Errors
/// What the operating system says about the directory, the ptys or inotify.
pub fn spawn_bank(options: Options, dir: &Path, journal: Journal, wire: Option<Wire>) -> io::Result<BankHandle> {
    std::fs::create_dir_all(dir)?;
    let bank = Bank::new(options);
    let watch = Watch::create()?;
    let woken = watch.ready()?;
    let ports: Vec<PathBuf> = (0..bank.modems()).map(|i| dir.join(format!("modem{i}"))).collect();
    let places = ports
        .iter()
        .map(|path| Place::create(path, &watch))
        .collect::<io::Result<Vec<_>>>()?;
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let running = Running {
        bank,
        watch,
        woken,
        places,
        commands: inbox,
        journal,
        wire,
        alarm: Box::pin(tokio::time::sleep_until(Instant::now())),
        alarm_at: None,
        next: 0,
        buffer: Box::new([0; READ_OCTETS]),
    };
    Ok(BankHandle {
        ports,
        injector: Injector(commands),
        task: tokio::spawn(running.run()),
    })
}

/// One modem's port.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Gone while the port has vanished.
    line: Option<(Pty, Link)>,
    /// There while a driver has it open.
    driver: Option<Ready>,
    backlog: VecDeque<u8>,
}

impl Place {
    fn create(path: &Path, watch: &Watch) -> io::Result<Self> {
        let pty = Pty::create()?;
        watch.add(&pty)?;
        let link = Link::create(path, &pty)?;
        Ok(Self {
            path: path.to_owned(),
            line: Some((pty, link)),
            driver: None,
            backlog: VecDeque::new(),
        })
    }

    /// Writes as much of the backlog as the driver takes; false when it takes no more.
    fn write_backlog(&mut self) -> bool {
        let Some((pty, _)) = &self.line else { return true };
        while !self.backlog.is_empty() {
            let (front, _) = self.backlog.as_slices();
            match pty.write(front) {
                Ok(0) => return false,
                Ok(count) => drop(self.backlog.drain(..count)),
                // The driver is gone; the next read finds out.
                Err(_) => self.backlog.clear(),
            }
        }
        true
    }

    /// Goes on writing when the driver takes bytes again; wakes the task for more.
    fn poll_write(&mut self, cx: &mut Context<'_>) {
        while !self.backlog.is_empty()
            && let Some(driver) = self.driver.take()
        {
            let Poll::Ready(Ok(mut guard)) = driver.poll_write_ready(cx) else {
                self.driver = Some(driver);
                return;
            };
            if !self.write_backlog() {
                guard.clear_ready();
            }
            drop(guard);
            self.driver = Some(driver);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.driver.is_some() {
            let room = BACKLOG.saturating_sub(self.backlog.len());
            self.backlog.extend(bytes.iter().take(room));
            self.write_backlog();
        }
    }
}

/// Why the task woke.
enum Woken {
    Command(Option<Command>),
    /// A driver may have opened or closed a port.
    Doors,
    Bytes(usize),
    Alarm,
}

struct Running {
    bank: Bank,
    watch: Watch,
    woken: Ready,
    places: Vec<Place>,
    commands: mpsc::Receiver<Command>,
    journal: Journal,
    wire: Option<Wire>,
    alarm: Pin<Box<Sleep>>,
    /// What the alarm is set to.
    alarm_at: Option<wardwire_core::base::Instant>,
    /// The place that is looked at first, so that none is always last.
    next: usize,
    buffer: Box<[u8; READ_OCTETS]>,
}

impl Running {
    async fn run(mut self) -> io::Result<()> {
        // Handles may all be gone (a demo that never injects): then only the ports matter.
        let mut handles = true;
        loop {
            self.carry_out()?;
            self.set_alarm();
            match self.wait(handles).await {
                Woken::Command(Some(Command::Stop)) => return Ok(()),
                Woken::Command(Some(Command::Inject {
                    modem,
                    from,
                    text,
                    done,
                })) => {
                    // Whoever asked may have gone.
                    let _ = done.send(self.bank.inject(clock::now(), modem, &from, &text));
                }
                Woken::Command(Some(Command::Act { modem, act, done })) => {
                    self.act(modem, act);
                    let _ = done.send(());
                }
                Woken::Command(None) => handles = false,
                Woken::Doors => self.look_at_doors()?,
                Woken::Bytes(place) => self.hear(place)?,
                Woken::Alarm => self.bank.handle_timeout(clock::now()),
            }
        }
    }

    fn act(&mut self, modem: usize, act: Act) {
        let now = clock::now();
        match act {
            Act::Unplug => self.bank.unplug(modem),
            Act::Plug => self.bank.plug(now, modem),
            Act::UsbReset => self.bank.usb_reset(now, modem),
            Act::PowerCycle => self.bank.power_cycle(now, modem),
            Act::Call => self.bank.call(now, modem, CALLER),
            Act::Cure => self.bank.cure(now, modem),
            Act::LockSim => self.bank.lock_sim(now, modem, PIN, 3),
            Act::Fault(fault) => self.bank.provoke(now, modem, fault),
        }
    }

    /// Does what the bank wants done.
    fn carry_out(&mut self) -> io::Result<()> {
        while let Some((modem, bytes)) = self.bank.poll_transmit() {
            if let Some(wire) = &mut self.wire {
                wire(modem, Speaker::Modem, &bytes)?;
            }
            if let Some(place) = self.places.get_mut(modem) {
                place.write(&bytes);
            }
        }
        while let Some(event) = self.bank.poll_event() {
            match event {
                BankEvent::PortGone(modem) => {
                    if let Some(place) = self.places.get_mut(modem) {
                        place.line = None;
                        place.driver = None;
                        place.backlog.clear();
                    }
                }
                BankEvent::PortBack(modem) => self.replace(modem)?,
            }
        }
        let seen = self.bank.take_journal();
        if seen.is_empty() { Ok(()) } else { (self.journal)(&seen) }
    }

    /// What a driver wrote is in the buffer.
    fn take_in(&mut self, modem: usize, count: usize) -> io::Result<()> {
        let octets = self.buffer.get(..count).unwrap_or_default();
        if let Some(wire) = &mut self.wire {
            wire(modem, Speaker::Driver, octets)?;
        }
        self.bank.handle_input(clock::now(), modem, octets);
        Ok(())
    }

    /// A new pty under the old name.
    fn replace(&mut self, modem: usize) -> io::Result<()> {
        if let Some(place) = self.places.get_mut(modem) {
            // The old name must not outlive the new one: its removal comes first.
            place.line = None;
            *place = Place::create(&place.path, &self.watch)?;
        }
        Ok(())
    }

    /// Sets the alarm to the bank's next time.
    fn set_alarm(&mut self) {
        let at = self.bank.poll_timeout();
        if at != self.alarm_at
            && let Some(at) = at
        {
            let deadline = Instant::now() + at.since(clock::now().monotonic);
            self.alarm.as_mut().reset(deadline);
        }
        self.alarm_at = at;
    }

    async fn wait(&mut self, handles: bool) -> Woken {
        poll_fn(|cx| {
            if self.alarm_at.is_some() && self.alarm.as_mut().poll(cx).is_ready() {
                self.alarm_at = None;
                return Poll::Ready(Woken::Alarm);
            }
            if handles && let Poll::Ready(command) = self.commands.poll_recv(cx) {
                return Poll::Ready(Woken::Command(command));
            }
            if let Poll::Ready(Ok(mut guard)) = self.woken.poll_read_ready(cx) {
                self.watch.drain();
                guard.clear_ready();
                return Poll::Ready(Woken::Doors);
            }
            self.poll_places(cx)
        })
        .await
    }

    fn poll_places(&mut self, cx: &mut Context<'_>) -> Poll<Woken> {
        let count = self.places.len();
        for index in (self.next..count).chain(0..self.next) {
            let Some(place) = self.places.get_mut(index) else {
                continue;
            };
            let Some(driver) = &place.driver else { continue };
            if driver.poll_read_ready(cx).is_ready() {
                self.next = index + 1;
                return Poll::Ready(Woken::Bytes(index));
            }
            place.poll_write(cx);
        }
        Poll::Pending
    }

    /// Reads what a driver wrote.
    fn hear(&mut self, index: usize) -> io::Result<()> {
        let Some(place) = self.places.get_mut(index) else {
            return Ok(());
        };
        let (Some((pty, _)), Some(driver)) = (&place.line, &place.driver) else {
            return Ok(());
        };
        let mut context = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Ok(mut guard)) = driver.poll_read_ready(&mut context) else {
            return Ok(());
        };
        match pty.read(self.buffer.as_mut_slice())? {
            Heard::Bytes(count) => {
                if count < READ_OCTETS {
                    guard.clear_ready();
                }
                self.take_in(index, count)
            }
            // A driver came after another had gone: this readiness knows only of the one who has gone.
            Heard::Silence if guard.ready().is_read_closed() => {
                self.closed(index);
                self.look_at_doors()
            }
            Heard::Silence => {
                guard.clear_ready();
                Ok(())
            }
            Heard::Nobody => {
                self.closed(index);
                self.prepare(index)
            }
        }
    }

    fn closed(&mut self, index: usize) {
        if let Some(place) = self.places.get_mut(index) {
            place.driver = None;
            place.backlog.clear();
            self.bank.handle_closed(clock::now(), index);
        }
    }

    /// Makes a port fit for the next driver.
    fn prepare(&mut self, index: usize) -> io::Result<()> {
        let Some((pty, _)) = self.places.get(index).and_then(|place| place.line.as_ref()) else {
            return Ok(());
        };
        match pty.prepare() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => self.replace(index),
            other => other,
        }
    }

    /// Finds the ports that were opened.
    fn look_at_doors(&mut self) -> io::Result<()> {
        for index in 0..self.places.len() {
            let Some(place) = self.places.get_mut(index) else {
                continue;
            };
            let (Some((pty, _)), None) = (&place.line, &place.driver) else {
                continue;
            };
            match pty.read(self.buffer.as_mut_slice())? {
                Heard::Nobody => {}
                Heard::Silence => place.driver = Some(pty.ready()?),
                Heard::Bytes(count) => {
                    place.driver = Some(pty.ready()?);
                    self.take_in(index, count)?;
                }
            }
        }
        Ok(())
    }
}
