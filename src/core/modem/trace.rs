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
    entries: VecDeque<Entry>,
    octets: usize,
    /// A line that has not ended.
    partial: heapless::Vec<u8, { limits::LINE }>,
    now: Now,
    whole_until: Option<Instant>,
    command: Name,
}

impl Trace {
    /// Time passed.
    pub(super) fn turn(&mut self, now: Now) {
        self.now = now;
        if self.whole_until.take_if(|until| *until <= now.monotonic).is_some() {
            self.mask_all();
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
            self.keep(true, &text);
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
            let line = readable(&self.partial).into_owned();
            self.partial.clear();
            self.keep(false, &line);
        }
    }

    fn keep(&mut self, said: bool, text: &str) {
        let whole = self.whole_until.is_some();
        let text = if whole {
            text.chars().filter(|c| !c.is_control() || *c == '\u{1a}').collect()
        } else {
            mask(said, text, &self.command)
        };
        self.octets += text.len();
        self.entries.push_back(Entry {
            at: self.now.utc,
            said,
            text,
            whole,
            command: self.command.clone(),
        });
        while self.entries.len() > LINES || self.octets > OCTETS {
            let Some(gone) = self.entries.pop_front() else { break };
            self.octets = self.octets.saturating_sub(gone.text.len());
        }
    }

    fn mask_all(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.whole) {
            entry.text = mask(entry.said, &entry.text, &entry.command);
            entry.whole = false;
        }
        self.octets = self.entries.iter().map(|entry| entry.text.len()).sum();
    }

    /// All lines, oldest first: time, `>` for the modem or `<` from it, text.
    pub(super) fn lines(&mut self, now: Now) -> Vec<String> {
        self.turn(now);
        let line = |entry: &Entry| {
            let way = if entry.said { '>' } else { '<' };
            format!("{} {way} {}", entry.at, entry.text)
        };
        self.entries.iter().map(line).collect()
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

/// What may be kept of a line. `command` is the one said last.
fn mask(said: bool, text: &str, command: &str) -> String {
    let text = text.trim();
    let (text, end) = match text.strip_suffix('\u{1a}') {
        Some(data) => (data, " ^Z"),
        None => (text, ""),
    };
    if text == "\u{1b}" {
        return String::from("^[");
    }
    if said && text.starts_with("AT") {
        return masked_command(text);
    }
    if FinalResult::from_line(text).is_some() && !text.contains(|c: char| c.is_ascii_lowercase()) {
        return masked_prefixed(text).unwrap_or_else(|| String::from(text));
    }
    // What echoes a command says no more than the command did.
    if !said && name(text).eq_ignore_ascii_case(command) && !command.is_empty() {
        return masked_command(text);
    }
    if text == ">" {
        return String::from(">");
    }
    if parse::is_hex(text) && text.len() % 2 == 0 {
        return format!("<{} octets>{end}", text.len() / 2);
    }
    let known = parse::split_prefix(text).is_some_and(|(word, _)| {
        let asked = command
            .strip_prefix("AT")
            .is_some_and(|asked| asked.eq_ignore_ascii_case(word));
        asked || (is_name(word) && urc::classify(text).is_some())
    });
    let masked = if known { masked_prefixed(text) } else { None };
    masked.unwrap_or_else(|| match urc::classify(text) {
        // A word of the table, alone on its line.
        Some(told) if told != urc::Urc::Ignored && is_shout(text) => String::from(text),
        Some(_) | None => format!("<{} characters>{end}", text.chars().count()),
    })
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

fn masked_command(text: &str) -> String {
    let (name, rest) = text.split_at_checked(name(text).len()).unwrap_or((text, ""));
    match rest.strip_prefix('=') {
        Some("?") | None => format!("{name}{rest}"),
        Some(_) if SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) => format!("{name}=<masked>"),
        Some(params) => {
            let mut masked = String::with_capacity(text.len());
            masked.push_str(name);
            masked.push('=');
            mask_params(params, &mut masked);
            masked
        }
    }
}

fn masked_prefixed(text: &str) -> Option<String> {
    let (word, rest) = parse::split_prefix(text)?;
    let mut masked = String::with_capacity(text.len() + 2);
    masked.push_str(word);
    masked.push_str(": ");
    mask_params(rest, &mut masked);
    Some(masked)
}

fn mask_params(rest: &str, masked: &mut String) {
    let mut quoted = false;
    let outside = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    for (at, param) in rest.split(outside).enumerate() {
        if at > 0 {
            masked.push(',');
        }
        let param = param.trim();
        let bare = param.trim_matches('"');
        if is_small(param) || WORDS.iter().any(|word| word.eq_ignore_ascii_case(bare)) {
            masked.push_str(param);
        } else if bare.len() >= 4 && bare.chars().all(|c| c.is_ascii_digit() || c == '+') {
            masked.push_str("<number>");
        } else {
            let _ = write!(masked, "<{}>", bare.chars().count());
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
