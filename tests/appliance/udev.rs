//! As much of udev's rule language as these rules speak: enough to ask what becomes of a device.

use std::collections::BTreeMap;

/// An event: what the kernel says of a device, and its parents' attributes, nearest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) action: &'static str,
    pub(super) subsystem: &'static str,
    pub(super) name: &'static str,
    pub(super) parents: Vec<BTreeMap<&'static str, String>>,
    pub(super) env: BTreeMap<String, String>,
}

/// What the rules made of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) env: BTreeMap<String, String>,
    pub(super) group: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) links: Vec<String>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) run: Vec<String>,
}

pub(super) struct Token<'a> {
    key: &'a str,
    argument: &'a str,
    operator: &'a str,
    value: &'a str,
}

fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut rest = line;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (left, after) = rest.split_once('"').expect(line);
        let (value, after) = after.split_once('"').expect(line);
        let at = left.find(['=', '!', '+']).expect(line);
        let (key, operator) = left.split_at(at);
        assert!(["==", "!=", "=", "+="].contains(&operator), "{line}");
        let (key, argument) = key.split_once('{').map_or((key, ""), |(key, argument)| {
            (key, argument.strip_suffix('}').expect(line))
        });
        found.push(Token {
            key,
            argument,
            operator,
            value,
        });
        rest = after.strip_prefix(", ").unwrap_or(after);
    }
    found
}

fn matches(pattern: &str, text: &str) -> bool {
    fn one(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => one(rest, text) || text.split_first().is_some_and(|(_, t)| one(pattern, t)),
            ([b'?', rest @ ..], [_, text @ ..]) => one(rest, text),
            ([p, rest @ ..], [t, text @ ..]) if p == t => one(rest, text),
            _ => false,
        }
    }
    pattern
        .split('|')
        .any(|pattern| one(pattern.as_bytes(), text.as_bytes()))
}

/// Rules in the order in which udev reads them.
pub(super) struct Rules<'a>(Vec<Vec<Token<'a>>>);

pub(super) fn parse<'a>(files: &[&'a str]) -> Rules<'a> {
    let lines = files.iter().flat_map(|file| file.lines());
    Rules(
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(tokens)
            .collect(),
    )
}

pub(super) fn apply(rules: &Rules<'_>, event: &Event) -> Outcome {
    let mut outcome = Outcome {
        env: event.env.clone(),
        ..Outcome::default()
    };
    let mut skip_to = None;
    for tokens in &rules.0 {
        let label = tokens
            .iter()
            .find(|token| token.key == "LABEL")
            .map(|token| token.value);
        match skip_to {
            Some(target) if label == Some(target) => skip_to = None,
            Some(_) => {}
            None => skip_to = rule(tokens, event, &mut outcome),
        }
    }
    assert_eq!(skip_to, None, "a GOTO without its LABEL");
    outcome
}

fn rule<'a>(tokens: &[Token<'a>], event: &Event, outcome: &mut Outcome) -> Option<&'a str> {
    let conditions: Vec<&Token<'_>> = tokens.iter().filter(|t| matches!(t.operator, "==" | "!=")).collect();
    let nothing = BTreeMap::new();
    let parent = if conditions.iter().any(|token| token.key == "ATTRS") {
        let fits = |attributes: &&BTreeMap<&str, String>| {
            let mut wanted = conditions.iter().filter(|token| token.key == "ATTRS");
            wanted.all(|t| attributes.get(t.argument).is_some_and(|value| matches(t.value, value)))
        };
        event.parents.iter().find(fits)?
    } else {
        &nothing
    };
    for token in conditions {
        let actual = match token.key {
            "ACTION" => event.action,
            "SUBSYSTEM" => event.subsystem,
            "ENV" => outcome.env.get(token.argument).map_or("", String::as_str),
            "ATTRS" => continue,
            key => panic!("not spoken here: {key}"),
        };
        if matches(token.value, actual) != (token.operator == "==") {
            return None;
        }
    }
    let mut skip_to = None;
    for token in tokens.iter().filter(|t| matches!(t.operator, "=" | "+=")) {
        let mut value = token.value.replace("$name", event.name);
        value = value.replace("$devpath", &format!("/devices/{}", event.name));
        for (name, text) in &outcome.env {
            value = value.replace(&format!("$env{{{name}}}"), text);
        }
        for (name, text) in parent {
            value = value.replace(&format!("$attr{{{name}}}"), text);
        }
        assert!(!value.contains('$'), "not filled in: {value}");
        match token.key {
            "ENV" => drop(outcome.env.insert(token.argument.to_owned(), value)),
            "ATTR" => drop(outcome.attributes.insert(token.argument.to_owned(), value)),
            "GROUP" => outcome.group = Some(value),
            "MODE" => outcome.mode = Some(value),
            "SYMLINK" => outcome.links.push(value),
            "RUN" => outcome.run.push(value),
            "GOTO" => skip_to = Some(token.value),
            "OWNER" | "LABEL" => {}
            key => panic!("not spoken here: {key}"),
        }
    }
    skip_to
}
