//! What was said to the modem and by it lately, for a technician: a bounded ring of lines, masked when they are kept. Numbers, texts,
//! PDUs, codes and identities never stand in it, unless a person asked for whole lines for a while.

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::time::Duration;

use crate::at::{FinalResult, limits, parse, urc};
use crate::base::{Instant, Now, UtcTime};

/// Lines kept.
const LINES: usize = 400;

/// Octets kept.
const OCTETS: usize = 16 * 1024;

/// Memory of a usual line.
const SHORT: usize = OCTETS / LINES * 2;

/// Whole lines are kept at most so long.
const WHOLE: Duration = Duration::from_secs(60 * 60);

/// Parameters that are words of the standards, not of people.
const WORDS: &[&str] = &[
    "READY",
    "SIM PIN",
    "SIM PUK",
    "SIM PIN2",
    "SIM PUK2",
    "PH-NET PIN",
    "PH-SIM PIN",
    "NOT INSERTED",
    "NOT READY",
    "SIM BUSY",
    "REMOVED",
    "SM",
    "ME",
    "MT",
    "SR",
    "BM",
    "TA",
    "GSM",
    "IRA",
    "UCS2",
    "8859-1",
    "SMS DONE",
    "SMSFULL",
    "SERVINGCELL",
    "GPRS",
    "LTE",
    "GSM/GPRS",
    "NOCONN",
    "CONNECT",
    "LIMSRV",
    "SEARCH",
];

/// Commands whose parameters are codes or numbers whatever they look like.
const SECRETS: &[&str] = &["AT+CPIN", "AT+CLCK", "AT+CPWD", "AT+CUSD", "AT+CSCA"];

#[derive(Debug)]
struct Entry {
    at: UtcTime,
    said: bool,
    text: String,
    /// Not masked.
    whole: bool,
    /// The command it stands behind, which tells what may be kept of it.
    command: Name,
}

/// A command up to its parameters: `AT+CSQ`.
type Name = heapless::String<24>;

/// The ring.
#[derive(Debug, Default)]
pub(super) struct Trace {
    ring: Ring,
    /// A line that has not ended.
    partial: heapless::Vec<u8, { limits::LINE }>,
    now: Now,
    whole_until: Option<Instant>,
    command: Name,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    octets: usize,
}

impl Ring {
    fn keep(&mut self, at: UtcTime, said: bool, line: &str, whole: bool, command: &Name) {
        // Once it is full, the oldest line makes room, and lends its memory, unless that is much.
        let gone = if self.entries.len() >= LINES {
            self.drop_oldest().filter(|gone| gone.capacity() <= SHORT)
        } else {
            None
        };
        let mut text = gone.unwrap_or_default();
        text.clear();
        if whole {
            text.extend(line.chars().filter(|c| !c.is_control() || *c == '\u{1a}'));
        } else {
            mask(said, line, command, &mut text);
        }
        self.octets += text.len();
        self.entries.push_back(Entry {
            at,
            said,
            text,
            whole,
            command: command.clone(),
        });
        while self.octets > OCTETS && self.drop_oldest().is_some() {}
    }

    fn drop_oldest(&mut self) -> Option<String> {
        let gone = self.entries.pop_front()?;
        self.octets = self.octets.saturating_sub(gone.text.len());
        Some(gone.text)
    }

    fn mask_all(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.whole) {
            let whole = core::mem::take(&mut entry.text);
            mask(entry.said, &whole, &entry.command, &mut entry.text);
            entry.whole = false;
        }
        self.octets = self.entries.iter().map(|entry| entry.text.len()).sum();
    }
}

impl Trace {
    /// Time passed.
    pub(super) fn turn(&mut self, now: Now) {
        self.now = now;
        if self.whole_until.take_if(|until| *until <= now.monotonic).is_some() {
            self.ring.mask_all();
        }
    }

    /// Lines are kept whole until then, or no longer.
    pub(super) fn keep_whole(&mut self, now: Now, until: UtcTime) {
        let time = until.since(now.utc).min(WHOLE);
        self.whole_until = Some(now.monotonic + time);
        self.turn(now);
    }

    /// Octets for the modem.
    pub(super) fn said(&mut self, octets: &[u8]) {
        for line in octets.split(|octet| *octet == b'\r').filter(|line| !line.is_empty()) {
            let text = readable(line);
            if text.starts_with("AT") {
                self.command = name(&text).chars().take(self.command.capacity()).collect();
            }
            let whole = self.whole_until.is_some();
            self.ring.keep(self.now.utc, true, &text, whole, &self.command);
        }
    }

    /// Octets from the modem.
    pub(super) fn heard(&mut self, now: Now, octets: &[u8]) {
        self.turn(now);
        for octet in octets {
            let prompt = *octet == b' ' && self.partial == b">";
            if matches!(octet, b'\r' | b'\n') || prompt {
                self.line_ended();
            } else if self.partial.push(*octet).is_err() {
                // Longer than any line of use: kept in pieces.
                self.line_ended();
            }
        }
    }

    fn line_ended(&mut self) {
        if !self.partial.is_empty() {
            let (line, whole) = (readable(&self.partial), self.whole_until.is_some());
            self.ring.keep(self.now.utc, false, &line, whole, &self.command);
            self.partial.clear();
        }
    }

    /// All lines, oldest first: time, `>` for the modem or `<` from it, text.
    pub(super) fn lines(&mut self, now: Now) -> Vec<String> {
        self.turn(now);
        let line = |entry: &Entry| {
            let way = if entry.said { '>' } else { '<' };
            format!("{} {way} {}", entry.at, entry.text)
        };
        self.ring.entries.iter().map(line).collect()
    }
}

/// Octets as the characters of ISO 8859-1.
fn readable(octets: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(octets) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        Ok(_) | Err(_) => Cow::Owned(octets.iter().map(|octet| char::from(*octet)).collect()),
    }
}

/// A command up to its parameters.
fn name(command: &str) -> &str {
    let end = command.find(['=', '?']).unwrap_or(command.len());
    command.get(..end).unwrap_or_default()
}

/// Writes down what may be kept of a line. `command` is the one said last.
fn mask(said: bool, text: &str, command: &str, kept: &mut String) {
    let text = text.trim_ascii();
    let (text, end) = match text.strip_suffix('\u{1a}') {
        Some(data) => (data, " ^Z"),
        None => (text, ""),
    };
    if text == "\u{1b}" {
        return kept.push_str("^[");
    }
    if said && text.starts_with("AT") {
        return masked_command(text, kept);
    }
    if FinalResult::from_line(text).is_some() && !text.contains(|c: char| c.is_ascii_lowercase()) {
        return match parse::split_prefix(text) {
            Some((word, rest)) => masked_prefixed(word, rest, kept),
            None => kept.push_str(text),
        };
    }
    // What echoes a command says no more than the command did.
    if !said && !command.is_empty() && name(text).eq_ignore_ascii_case(command) {
        return masked_command(text, kept);
    }
    if text == ">" {
        return kept.push('>');
    }
    if parse::is_hex(text) && text.len() % 2 == 0 {
        let _ = write!(kept, "<{} octets>{end}", text.len() / 2);
        return;
    }
    if let Some((word, rest)) = parse::split_prefix(text) {
        let asked = command
            .strip_prefix("AT")
            .is_some_and(|asked| asked.eq_ignore_ascii_case(word));
        if asked || (is_name(word) && urc::classify(text).is_some()) {
            return masked_prefixed(word, rest, kept);
        }
    }
    match urc::classify(text) {
        // A word of the table, alone on its line.
        Some(told) if told != urc::Urc::Ignored && is_shout(text) => kept.push_str(text),
        Some(_) | None => {
            let _ = write!(kept, "<{} characters>{end}", text.chars().count());
        }
    }
}

/// `+`, `^`, `#`, `*` and capitals: a name that a manufacturer gave.
fn is_name(word: &str) -> bool {
    let known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    word.len() <= 12
        && word
            .strip_prefix(['+', '^', '#', '*'])
            .is_some_and(|rest| rest.chars().all(known))
}

fn is_shout(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_uppercase() || " ^*+-".contains(c))
}

fn masked_command(text: &str, kept: &mut String) {
    let (name, rest) = text.split_at_checked(name(text).len()).unwrap_or((text, ""));
    kept.push_str(name);
    match rest.strip_prefix('=') {
        Some("?") | None => kept.push_str(rest),
        Some(_) if SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) => kept.push_str("=<masked>"),
        Some(params) => {
            kept.push('=');
            mask_params(params, kept);
        }
    }
}

fn masked_prefixed(word: &str, rest: &str, kept: &mut String) {
    kept.push_str(word);
    kept.push_str(": ");
    mask_params(rest, kept);
}

fn mask_params(rest: &str, kept: &mut String) {
    let mut quoted = false;
    let outside = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    for (at, param) in rest.split(outside).enumerate() {
        if at > 0 {
            kept.push(',');
        }
        let param = param.trim_ascii();
        let bare = param.trim_matches('"');
        if is_small(param) || WORDS.iter().any(|word| word.eq_ignore_ascii_case(bare)) {
            kept.push_str(param);
        } else if bare.len() >= 4 && bare.chars().all(|c| c.is_ascii_digit() || c == '+') {
            kept.push_str("<number>");
        } else {
            let _ = write!(kept, "<{}>", bare.chars().count());
        }
    }
}

/// Numbers of at most three digits and ranges of them: indexes, codes, levels.
fn is_small(param: &str) -> bool {
    let known = |c: char| c.is_ascii_digit() || "()-".contains(c);
    let short = param.split(|c: char| !c.is_ascii_digit()).all(|run| run.len() <= 3);
    param.len() <= 12 && short && param.chars().all(known)
}

#[cfg(test)]
#[path = "tests/trace.rs"]
mod tests;
