//! Walks a parsed TOML document by hand, so that every mistake is found in one pass and named with its place. Knows
//! types and positions, not the meaning of keys: that is `check`.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// More mistakes than this are not listed: the file is something else.
const ERRORS: usize = 100;

/// A value with the place it stands at.
pub(super) type At<T> = (T, Range<usize>);

/// Collects mistakes while the document is walked.
pub(super) struct Walk<'a> {
    file: &'a str,
    text: &'a str,
    pub(super) errors: Vec<ConfigError>,
    /// Lines that do not parse: what recovery made of them is not judged again.
    broken_lines: Vec<usize>,
}

/// One table of the document with its path and place.
#[derive(Clone)]
pub(super) struct Section<'a> {
    table: Option<&'a DeTable<'a>>,
    path: String,
    span: Range<usize>,
}

impl<'a> Section<'a> {
    pub(super) fn new(table: Option<&'a DeTable<'a>>, path: &str, span: Range<usize>) -> Self {
        Self {
            table,
            path: path.to_owned(),
            span,
        }
    }

    /// The full name of one of its keys.
    pub(super) fn key(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.and_then(|t| t.get(name))
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            errors: Vec::new(),
            broken_lines: Vec::new(),
        }
    }

    /// Notes a line that does not parse.
    pub(super) fn syntax(&mut self, span: Option<Range<usize>>, what: &str) {
        let at = span.map_or(self.text.len(), |s| s.start);
        self.fail(
            at,
            "",
            what.to_owned(),
            "see the TOML examples in the shipped wardwire.toml",
        );
        let line = self.place(at).0;
        self.broken_lines.push(line);
    }

    /// Notes a mistake at a byte offset.
    pub(super) fn fail(&mut self, at: usize, key: &str, what: impl Into<String>, mend: impl Into<String>) {
        let (line, column) = self.place(at);
        if self.errors.len() >= ERRORS || self.broken_lines.contains(&line) {
            return;
        }
        self.errors.push(ConfigError {
            file: self.file.to_owned(),
            line,
            column,
            key: key.to_owned(),
            what: what.into(),
            mend: mend.into(),
        });
    }

    /// 1-based line and column (in characters) of a byte offset.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// A key that must be there and is not. Silent when part of the file did not parse: it may stand there.
    pub(super) fn missing(&mut self, section: &Section<'a>, name: &str, mend: &str) {
        if self.broken_lines.is_empty() && section.value(name).is_none() {
            self.fail(section.span.start, &section.key(name), "is missing", mend);
        }
    }

    /// Notes every key that `known` does not list.
    pub(super) fn unknown_keys(
        &mut self,
        section: &Section<'a>,
        known: &[&str],
        elsewhere: impl Fn(&str) -> Option<String>,
    ) {
        for (key, _) in section.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let mend = match (nearest(name, known), elsewhere(name)) {
                (_, Some(place)) => format!("it belongs under {place}"),
                (Some(near), None) => format!("did you mean {near}?"),
                (None, None) => format!("known here: {}", known.join(", ")),
            };
            self.fail(key.span().start, &section.key(name), "unknown key", mend);
        }
    }

    /// A table below the root; an absent one reads as empty.
    pub(super) fn section(&mut self, root: &Section<'a>, name: &str) -> Section<'a> {
        let path = root.key(name);
        let Some(value) = root.value(name) else {
            return Section::new(None, &path, root.span.clone());
        };
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.fail(
                value.span().start,
                &path,
                "must be a table",
                format!("write it as [{path}]"),
            );
        }
        Section::new(table, &path, value.span())
    }

    /// An array of tables below the root.
    pub(super) fn sections(&mut self, root: &Section<'a>, name: &str) -> Vec<Section<'a>> {
        let Some(value) = root.value(name) else {
            return Vec::new();
        };
        let mend = format!("write each one as [[{name}]]");
        let Some(array) = value.get_ref().as_array() else {
            self.fail(value.span().start, name, "must be a list of tables", mend);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, entry) in array.iter().enumerate() {
            let path = format!("{name}[{}]", index + 1);
            match entry.get_ref().as_table() {
                Some(table) => sections.push(Section::new(Some(table), &path, entry.span())),
                None => self.fail(entry.span().start, &path, "must be a table", mend.clone()),
            }
        }
        sections
    }

    pub(super) fn string(&mut self, section: &Section<'a>, name: &str) -> Option<At<&'a str>> {
        let value = section.value(name)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(value, &section.key(name), "a text in double quotes");
        }
        text.map(|t| (t, value.span()))
    }

    /// The entries of a list of texts that are texts.
    pub(super) fn strings(&mut self, section: &Section<'a>, name: &str) -> Option<At<Vec<At<&'a str>>>> {
        let value = section.value(name)?;
        let key = section.key(name);
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(value, &key, "a list of texts, as [\"..\", \"..\"]");
            return None;
        };
        let mut texts = Vec::new();
        for (index, entry) in array.iter().enumerate() {
            match entry.get_ref().as_str() {
                Some(text) => texts.push((text, entry.span())),
                None => self.wrong_type(entry, &format!("{key}[{}]", index + 1), "a text in double quotes"),
            }
        }
        Some((texts, value.span()))
    }

    pub(super) fn boolean(&mut self, section: &Section<'a>, name: &str, default: bool) -> bool {
        let Some(value) = section.value(name) else {
            return default;
        };
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(value, &section.key(name), "true or false");
        }
        found.unwrap_or(default)
    }

    pub(super) fn number(&mut self, section: &Section<'a>, name: &str, range: Range<u32>, default: u32) -> u32 {
        let Some(value) = section.value(name) else {
            return default;
        };
        let found = match value.get_ref().as_integer() {
            Some(n) => i64::from_str_radix(n.as_str(), n.radix()).ok(),
            None => {
                self.wrong_type(value, &section.key(name), "a whole number without quotes");
                return default;
            }
        };
        let fits = found.and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
        if fits.is_none() {
            let mend = format!("write a number from {} to {}", range.start, range.end.saturating_sub(1));
            self.fail(value.span().start, &section.key(name), "out of range", mend);
        }
        fits.unwrap_or(default)
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, key: &str, wanted: &str) {
        let what = format!("is {}", type_name(value.get_ref()));
        self.fail(value.span().start, key, what, format!("write {wanted}"));
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known word nearest to `name`, if it is near enough to be a slip of the hand.
pub(super) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > 64 {
        return None;
    }
    let limit = (name.chars().count() / 3).clamp(1, 3);
    known
        .iter()
        .map(|k| (distance(name, k), *k))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, k)| k)
}

/// Edit distance: insertions, deletions and replacements of one character.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, y) in row.iter().skip(1).zip(&b) {
            left = (corner + usize::from(x != *y)).min(above + 1).min(left + 1);
            next.push(left);
            corner = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
