//! The engine: one command at a time, its answer told apart from what the modem says by itself, and no wait without a
//! clock. It retries nothing and decides nothing about what an answer means.

use alloc::collections::VecDeque;
use core::fmt;
use core::time::Duration;

use super::framer::{Frame, Framer, Line};
use super::limits;
use super::parse::{self, EntryHeader};
use super::pdu::{self, Pdu};
use super::request::{Kind, QUIET, QUIET_AT_MOST, Request};
use super::result::FinalResult;
use super::urc::{self, Routed, Urc};
use crate::base::{Instant, Now};

/// Octets for the port.
pub type Transmit = heapless::Vec<u8, { limits::TRANSMIT }>;

const CTRL_Z: u8 = 0x1A;
const ESC: u8 = 0x1B;

/// How long ESC may take to be answered; several modems do not answer it at all.
const ESCAPE: Duration = Duration::from_secs(1);
/// How long a prompt is held open while nobody says what to write.
const HOLD: Duration = Duration::from_secs(30);
/// How long an announced PDU line may take.
const ANNOUNCED: Duration = Duration::from_secs(2);
/// Lines that may stand between `+CMT:` and its PDU.
const BETWEEN: u8 = 4;
/// Transmissions not fetched yet: a command, data and an escape.
const OUT: usize = 4;

/// What is asked of the engine.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "on the stack for a moment; a box would cost an allocation a message"
)]
pub enum Command {
    /// Send a command. Ignored while one is outstanding.
    Run(Request),
    /// Write at the prompt; with `finish`, Ctrl-Z follows in the same transmission. Ignored without a prompt.
    Write {
        /// Hex.
        data: heapless::Vec<u8, { limits::TRANSMIT }>,
        /// Ctrl-Z follows: from here on the message may be out.
        finish: bool,
    },
    /// Leave the prompt, or the wait for it, without sending. Ignored after Ctrl-Z.
    Escape,
    /// The port is another one or has lost its state: forget everything but that the modem had stopped to echo, tell nothing.
    Reset,
}

/// What the engine tells.
#[derive(PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "on the stack for a moment; a box would cost an allocation a line"
)]
pub enum Event {
    /// A line of the outstanding command's answer.
    Info(Line),
    /// An entry of a storage.
    Entry {
        /// Its index, in a listing.
        index: Option<u16>,
        /// Its TPDU.
        pdu: Pdu,
    },
    /// The prompt is there.
    Prompt,
    /// The outstanding command ended; the next may be sent.
    Done(Outcome),
    /// The modem says something by itself.
    Urc(Urc),
    /// It routes a PDU to us.
    Routed(Routed, Pdu),
    /// A final result, or a prompt, that belongs to no outstanding command: the answers may be out of step.
    Stray,
    /// The modem echoes again although it had stopped: its settings are lost.
    EchoReturned,
}

impl fmt::Debug for Event {
    /// Never what a line or a PDU says: either may hold a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Info(line) => write!(f, "Info({} characters)", line.len()),
            Self::Entry { index, pdu } => write!(f, "Entry({index:?}, {pdu:?})"),
            Self::Prompt => f.write_str("Prompt"),
            Self::Done(outcome) => write!(f, "Done({outcome:?})"),
            Self::Urc(urc) => write!(f, "Urc({urc:?})"),
            Self::Routed(kind, pdu) => write!(f, "Routed({kind:?}, {pdu:?})"),
            Self::Stray => f.write_str("Stray"),
            Self::EchoReturned => f.write_str("EchoReturned"),
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a final result.
    Final(FinalResult),
    /// Its answer came, its OK did not; or, for a drain, the line is silent.
    Settled,
    /// Without an answer in time. For a submit before Ctrl-Z: no prompt, and ESC was written.
    Silent,
    /// By [`Command::Escape`], or because a prompt was held open too long.
    Escaped,
}

/// What the engine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeReason {
    /// An answer.
    Answer,
    /// A prompt.
    Prompt,
    /// Somebody to say what to write at the prompt.
    Data,
    /// The result after Ctrl-Z.
    Result,
    /// An OK behind an answer that is there.
    Settle,
    /// An answer to ESC.
    Escape,
    /// Silence.
    Quiet,
}

/// What was seen and did not fit, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Lines over [`limits::LINE`].
    pub too_long: u64,
    /// Lines nobody knows.
    pub unknown: u64,
    /// Final results and prompts out of step.
    pub stray: u64,
}

struct Active {
    request: Request,
    stage: Stage,
    deadline: Instant,
    /// Where a drain ends at the latest.
    hard: Instant,
    /// The command has left: before, no line can be its answer.
    sent: bool,
    echoed: bool,
    /// An entry's header came, its PDU line is awaited.
    entry: Option<EntryHeader>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Answer,
    Settling,
    Prompt,
    /// The prompt is there; nothing or only hex has been written.
    Prompted,
    /// Ctrl-Z is written.
    Result,
    /// ESC is written; the command will end so.
    Escaping(Outcome),
}

#[derive(Clone, Copy, Debug)]
struct Announced {
    kind: Routed,
    length: u16,
    until: Instant,
    lines_left: u8,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({:?}, {:?})", self.poll_timeout(), self.counters)
    }
}

/// The engine of one port.
#[derive(Default)]
pub struct Engine {
    framer: Framer,
    active: Option<Active>,
    announced: Option<Announced>,
    /// The modem was seen not to echo.
    echo_off: bool,
    out: heapless::Deque<Transmit, OUT>,
    events: VecDeque<Event>,
    counters: Counters,
}

impl Engine {
    /// Octets came from the port. One octet makes at most one event: drain [`Engine::poll_event`] after each call.
    pub fn handle_input(&mut self, now: Now, octets: &[u8]) {
        for octet in octets {
            let prompt_expected = self.active.as_ref().is_some_and(|a| a.sent && a.stage == Stage::Prompt);
            self.restart_idle_clock(now.monotonic);
            match self.framer.push(*octet, prompt_expected) {
                None => {}
                Some(Frame::Line(line)) => self.line(now.monotonic, line),
                Some(Frame::Prompt) => self.prompt(now.monotonic),
                Some(Frame::TooLong) => {
                    self.counters.too_long += 1;
                    self.announced = None;
                }
            }
        }
    }

    /// Somebody asks for something.
    pub fn handle_command(&mut self, now: Now, command: Command) {
        let now = now.monotonic;
        match command {
            Command::Run(request) => self.run(now, request),
            Command::Write { data, finish } => self.write(now, data, finish),
            Command::Escape => {
                if let Some(Stage::Prompt | Stage::Prompted) = self.active.as_ref().map(|a| a.stage) {
                    self.escape(now, Outcome::Escaped);
                }
            }
            Command::Reset => {
                *self = Self {
                    counters: self.counters,
                    echo_off: self.echo_off,
                    ..Self::default()
                };
            }
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.monotonic;
        let Some(active) = self.active.as_ref().filter(|a| a.deadline <= now) else {
            return;
        };
        match (active.stage, active.request.kind) {
            (Stage::Answer, Kind::Quiet) | (Stage::Settling, _) => self.end(Outcome::Settled),
            (Stage::Answer | Stage::Result, _) => self.end(Outcome::Silent),
            (Stage::Prompt, _) => self.escape(now, Outcome::Silent),
            (Stage::Prompted, _) => self.escape(now, Outcome::Escaped),
            (Stage::Escaping(outcome), _) => self.end(outcome),
        }
    }

    /// The next octets for the port, in order.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let octets = self.out.pop_front()?;
        if let Some(active) = &mut self.active {
            active.sent = true;
        }
        Some(octets)
    }

    /// The next thing it tells.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Engine::handle_timeout`] is due, and for what; none while no command is outstanding.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, WakeReason)> {
        let active = self.active.as_ref()?;
        let reason = match (active.stage, active.request.kind) {
            (Stage::Answer, Kind::Quiet) => WakeReason::Quiet,
            (Stage::Answer, Kind::Plain | Kind::Entries { .. } | Kind::Submit { .. }) => WakeReason::Answer,
            (Stage::Settling, _) => WakeReason::Settle,
            (Stage::Prompt, _) => WakeReason::Prompt,
            (Stage::Prompted, _) => WakeReason::Data,
            (Stage::Result, _) => WakeReason::Result,
            (Stage::Escaping(_), _) => WakeReason::Escape,
        };
        Some((active.deadline, reason))
    }

    /// No command is outstanding.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.active.is_none()
    }

    /// What was seen and did not fit.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn run(&mut self, now: Instant, request: Request) {
        if self.active.is_some() {
            return;
        }
        let silent = request.text.is_empty();
        if !silent {
            let mut octets = Transmit::new();
            // A command is shorter than a transmission.
            let _ = octets.extend_from_slice(request.text.as_bytes());
            let _ = octets.push(b'\r');
            self.transmit(octets);
        }
        self.active = Some(Active {
            stage: match request.kind {
                Kind::Submit { .. } => Stage::Prompt,
                Kind::Plain | Kind::Entries { .. } | Kind::Quiet => Stage::Answer,
            },
            deadline: now + request.timeout,
            hard: now + QUIET_AT_MOST,
            request,
            sent: silent,
            echoed: false,
            entry: None,
        });
    }

    fn write(&mut self, now: Instant, mut data: Transmit, finish: bool) {
        let Some(active) = self.active.as_mut().filter(|a| a.stage == Stage::Prompted) else {
            return;
        };
        if finish {
            if let Kind::Submit { result, .. } = active.request.kind {
                active.deadline = now + result;
            }
            active.stage = Stage::Result;
            let _ = data.push(CTRL_Z);
        }
        self.transmit(data);
    }

    fn escape(&mut self, now: Instant, outcome: Outcome) {
        if let Some(active) = &mut self.active {
            active.stage = Stage::Escaping(outcome);
            active.deadline = now + ESCAPE;
            self.transmit([ESC].into_iter().collect());
        }
    }

    fn transmit(&mut self, octets: Transmit) {
        // A command, its data and an escape fit; a fourth cannot arise before the first is fetched.
        let _ = self.out.push_back(octets);
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(active) = self.active.take() {
            self.torn(active.entry);
            let quiet = active.request.kind == Kind::Quiet;
            self.echo_off |= !active.echoed && !quiet && matches!(outcome, Outcome::Final(_));
            self.events.push_back(Event::Done(outcome));
        }
    }

    /// An entry whose PDU line did not come.
    fn torn(&mut self, entry: Option<EntryHeader>) {
        if let Some(header) = entry {
            let pdu = pdu::pdu("", header.length);
            self.events.push_back(Event::Entry {
                index: header.index,
                pdu,
            });
        }
    }

    fn restart_idle_clock(&mut self, now: Instant) {
        if let Some(active) = &mut self.active {
            match active.request.kind {
                Kind::Entries { .. } => active.deadline = now + active.request.timeout,
                Kind::Quiet => active.deadline = (now + QUIET).min(active.hard),
                Kind::Plain | Kind::Submit { .. } => {}
            }
        }
    }

    fn prompt(&mut self, now: Instant) {
        if let Some(active) = &mut self.active {
            active.stage = Stage::Prompted;
            active.deadline = now + HOLD;
            self.events.push_back(Event::Prompt);
        }
    }

    fn line(&mut self, now: Instant, line: Line) {
        if self.is_announced_pdu(now, &line) || self.is_entry_pdu(&line) || self.is_echo(&line) {
            return;
        }
        if line.starts_with('>') {
            self.stray();
            return;
        }
        if let Some(result) = self.final_result(&line) {
            self.finish(result);
            return;
        }
        if self.awaiting().is_some_and(|active| active.owns(&line)) {
            self.own(now, line);
            return;
        }
        match urc::classify(&line) {
            Some(Urc::Announced(kind, length)) => {
                self.announced = Some(Announced {
                    kind,
                    length,
                    until: now + ANNOUNCED,
                    lines_left: BETWEEN,
                });
            }
            Some(urc) => self.events.push_back(Event::Urc(urc)),
            None if self.awaiting().is_some_and(|active| active.request.takes_bare()) => {
                self.events.push_back(Event::Info(line));
            }
            None => self.counters.unknown += 1,
        }
    }

    /// The outstanding command, once it has left.
    fn awaiting(&self) -> Option<&Active> {
        self.active.as_ref().filter(|active| active.sent)
    }

    fn is_announced_pdu(&mut self, now: Instant, line: &str) -> bool {
        let Some(announced) = &mut self.announced else {
            return false;
        };
        if now <= announced.until && parse::is_hex(line) {
            let (kind, length) = (announced.kind, announced.length);
            self.announced = None;
            self.events.push_back(Event::Routed(kind, pdu::pdu(line, length)));
            return true;
        }
        announced.lines_left = announced.lines_left.saturating_sub(1);
        if now > announced.until || announced.lines_left == 0 {
            self.announced = None;
        }
        false
    }

    fn is_entry_pdu(&mut self, line: &str) -> bool {
        let Some(active) = &mut self.active else {
            return false;
        };
        if !parse::is_hex(line) {
            return false;
        }
        let Some(header) = active.entry.take() else {
            // At and after the prompt, hex alone is our own PDU, echoed.
            return matches!(active.stage, Stage::Prompted | Stage::Result | Stage::Escaping(_));
        };
        self.events.push_back(Event::Entry {
            index: header.index,
            pdu: pdu::pdu(line, header.length),
        });
        true
    }

    fn is_echo(&mut self, line: &str) -> bool {
        let Some(active) = self.active.as_mut().filter(|active| active.sent) else {
            return begins_as_command(line);
        };
        if !line.eq_ignore_ascii_case(&active.request.text) {
            let strange = begins_as_command(line) && !active.request.takes_bare();
            self.counters.unknown += u64::from(strange);
            return strange;
        }
        active.echoed = true;
        if core::mem::take(&mut self.echo_off) {
            self.events.push_back(Event::EchoReturned);
        }
        true
    }

    fn final_result(&self, line: &str) -> Option<FinalResult> {
        FinalResult::from_line(line).or_else(|| {
            let plain = self
                .awaiting()
                .is_some_and(|a| a.request.kind == Kind::Plain && !a.request.takes_bare());
            FinalResult::from_digit(line).filter(|_| plain)
        })
    }

    fn finish(&mut self, result: FinalResult) {
        match self.awaiting().map(|active| (active.stage, active.request.kind)) {
            // An OK before the prompt ends nothing: it is the answer of an older command.
            None | Some((Stage::Prompt | Stage::Prompted, _)) if result == FinalResult::Ok => self.stray(),
            None => self.stray(),
            // What comes while a line is drained is what it is drained of.
            Some((_, Kind::Quiet)) => {}
            Some((Stage::Escaping(outcome), _)) => self.end(outcome),
            Some((Stage::Answer | Stage::Settling | Stage::Prompt | Stage::Prompted | Stage::Result, _)) => {
                self.end(Outcome::Final(result));
            }
        }
    }

    fn stray(&mut self) {
        self.counters.stray += 1;
        self.events.push_back(Event::Stray);
    }

    /// A line of the outstanding command's answer.
    fn own(&mut self, now: Instant, line: Line) {
        let Some(active) = &mut self.active else { return };
        if let Kind::Entries { listing } = active.request.kind {
            let rest = parse::split_prefix(&line).map_or("", |(_, rest)| rest);
            let header = parse::entry(rest, listing).filter(|header| header.length > 0);
            let torn = core::mem::replace(&mut active.entry, header);
            self.torn(torn);
            return;
        }
        if let Some(settle) = active.request.settle() {
            active.stage = Stage::Settling;
            active.deadline = now + settle;
        }
        self.events.push_back(Event::Info(line));
    }
}

impl Active {
    fn owns(&self, line: &str) -> bool {
        let stage = match self.stage {
            Stage::Answer | Stage::Settling | Stage::Result => true,
            Stage::Prompt | Stage::Prompted | Stage::Escaping(_) => false,
        };
        stage && self.request.owns(line)
    }
}

/// A line that begins as our commands do: an echo, whole or torn.
fn begins_as_command(line: &str) -> bool {
    let mut letters = line.chars();
    let at = |c: Option<char>, letter| c.is_some_and(|c| c.eq_ignore_ascii_case(&letter));
    at(letters.next(), 'A') && at(letters.next(), 'T') && letters.next().is_none_or(|c| !c.is_ascii_lowercase())
}
