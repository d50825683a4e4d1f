//! Taking a command line apart, as the modem does (ITU-T V.250 clause 5). Written apart from the driver's side, so that
//! a mistake in one is not repeated in the other.

use alloc::string::String;
use alloc::vec::Vec;

/// One command of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Upper case: `E`, `&F`, `S0`, `+CMGS`.
    pub(super) name: String,
    pub(super) what: What,
}

/// What is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// `+CSQ`, or `E` without a number.
    Run,
    /// `+CREG?`
    Read,
    /// `+CNMI=?`
    Test,
    /// `+CNMI=2,1`, or `E0`.
    Set(Parameters),
}

/// Parameters in order; one that was left out is empty. Quotes are taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(pub(super) Vec<String>);

/// A parameter that should be a number is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotANumber;

impl Parameters {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Empty when it was left out.
    pub(super) fn text(&self, place: usize) -> &str {
        self.0.get(place).map(String::as_str).unwrap_or_default()
    }

    /// `None` when it was left out.
    pub(super) fn number(&self, place: usize) -> Result<Option<u32>, NotANumber> {
        match self.text(place) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| NotANumber),
        }
    }
}

/// A command that did not end with OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// `ERROR`
    Plain,
    /// As the model says of a command it does not know.
    Unknown,
    /// `+CME ERROR: n`
    Cme(u16),
    /// `+CMS ERROR: n`
    Cms(u16),
}

/// The line is no sequence of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What follows `AT` in a line, whatever stands before it; `None` when there is no `AT` (such a line is not answered).
pub(super) fn body(line: &str) -> Option<&str> {
    if line.starts_with("AT") || line.starts_with("at") {
        return line.get(2..);
    }
    let at = line.find("AT").into_iter().chain(line.find("at")).min()?;
    line.get(at + 2..)
}

/// The name of the first command of a line; empty when it has none.
pub(super) fn first_name(line: &str) -> String {
    let commands = body(line).and_then(|body| parse(body).ok()).unwrap_or_default();
    commands
        .into_iter()
        .next()
        .map(|command| command.name)
        .unwrap_or_default()
}

/// Takes the body of a line apart.
pub(super) fn parse(body: &str) -> Result<Vec<Command>, Malformed> {
    let mut rest = body.trim_matches([' ', ';']);
    let mut commands = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (command, tail) = match first {
            '+' | '^' | '#' | '%' | '$' | '*' | '!' | '_' => extended(rest)?,
            'd' | 'D' => (dial(rest), ""),
            '&' | '\\' => basic(rest, 2)?,
            _ if first.is_ascii_alphabetic() => basic(rest, 1)?,
            _ => return Err(Malformed),
        };
        commands.push(command);
        rest = tail.trim_start_matches([' ', ';']);
    }
    Ok(commands)
}

fn dial(text: &str) -> Command {
    Command {
        name: "D".into(),
        what: What::Set(Parameters(Vec::from([text.get(1..).unwrap_or_default().into()]))),
    }
}

/// `E0`, `&F`, `S0=1`, `S0?`: the name has `letters` characters, for S the register's number belongs to it.
fn basic(text: &str, letters: usize) -> Result<(Command, &str), Malformed> {
    let (name, rest) = text.split_at_checked(letters).ok_or(Malformed)?;
    let mut name = name.to_ascii_uppercase();
    if !name.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(Malformed);
    }
    let (number, mut rest) = digits(rest);
    if name != "S" {
        let what = if number.is_empty() {
            What::Run
        } else {
            What::Set(one(number))
        };
        return Ok((Command { name, what }, rest));
    }
    name.push_str(number);
    let what = if let Some(tail) = rest.strip_prefix('?') {
        rest = tail;
        What::Read
    } else {
        let (value, tail) = digits(rest.strip_prefix('=').ok_or(Malformed)?);
        rest = tail;
        What::Set(one(value))
    };
    Ok((Command { name, what }, rest))
}

/// `+NAME`, `+NAME?`, `+NAME=?`, `+NAME=parameters`, up to the next semicolon outside quotes.
fn extended(text: &str) -> Result<(Command, &str), Malformed> {
    let end = end_of_command(text);
    let (text, rest) = text.split_at_checked(end).ok_or(Malformed)?;
    let text = text.trim_end();
    let (name, what) = match text.split_once('=') {
        Some((name, "?")) => (name, What::Test),
        Some((name, list)) => (name, What::Set(parameters(list))),
        None => match text.strip_suffix('?') {
            Some(name) => (name, What::Read),
            None => (text, What::Run),
        },
    };
    let name = name.trim().to_ascii_uppercase();
    let legal = name.len() > 1 && name.bytes().skip(1).all(|b| b.is_ascii_alphanumeric());
    legal.then_some((Command { name, what }, rest)).ok_or(Malformed)
}

fn end_of_command(text: &str) -> usize {
    let mut quoted = false;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b';' if !quoted => return place,
            _ => {}
        }
    }
    text.len()
}

fn parameters(list: &str) -> Parameters {
    let mut all = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    for character in list.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(core::mem::take(&mut current)),
            ' ' if !quoted => {}
            _ => current.push(character),
        }
    }
    all.push(current);
    Parameters(all)
}

fn one(value: &str) -> Parameters {
    Parameters(Vec::from([value.into()]))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn set(name: &str, values: &[&str]) -> Command {
        let values = values.iter().map(|v| (*v).into()).collect();
        Command {
            name: name.into(),
            what: What::Set(Parameters(values)),
        }
    }

    fn plain(name: &str, what: What) -> Command {
        Command {
            name: name.into(),
            what,
        }
    }

    #[test]
    fn basic_commands_need_nothing_between_them_extended_ones_a_semicolon() {
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(
            parse("E0V1Q0 S0=0&d0"),
            Ok(vec![
                set("E", &["0"]),
                set("V", &["1"]),
                set("Q", &["0"]),
                set("S0", &["0"]),
                set("&D", &["0"]),
            ])
        );
        assert_eq!(
            parse("+CMEE=1;+creg?;+CNMI=?;Z"),
            Ok(vec![
                set("+CMEE", &["1"]),
                plain("+CREG", What::Read),
                plain("+CNMI", What::Test),
                plain("Z", What::Run),
            ])
        );
    }

    #[test]
    fn parameters_may_be_left_out_and_quotes_keep_what_would_separate() {
        assert_eq!(
            parse("+CPMS=\"ME\", \"SM\",,\"a,;b\""),
            Ok(vec![set("+CPMS", &["ME", "SM", "", "a,;b"])])
        );
        let Ok(commands) = parse("+X=7,,y") else {
            panic!("legal")
        };
        let What::Set(parameters) = &commands[0].what else {
            panic!("a set")
        };
        assert_eq!(parameters.number(0), Ok(Some(7)));
        assert_eq!(parameters.number(1), Ok(None));
        assert_eq!(parameters.number(2), Err(NotANumber));
        assert_eq!(parameters.number(9), Ok(None));
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for text in ["?", "+", "+C-X", "=1", "S", "SX", "&", "&1", "1", "é"] {
            assert_eq!(parse(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn noise_before_the_prefix_is_ignored_and_a_line_without_it_is_not_answered() {
        assert_eq!(body("AT+CSQ"), Some("+CSQ"));
        assert_eq!(body("\u{fffd}x at"), Some(""));
        assert_eq!(body("aT"), None);
        assert_eq!(body(""), None);
    }
}
