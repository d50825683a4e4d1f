//! Words and times as HTML.

use std::fmt::Write as _;

use wardwire_core::base::UtcTime;

/// A time in UTC that the script turns into the reader's own.
pub(super) fn time(html: &mut String, at: UtcTime) -> std::fmt::Result {
    let minutes = at.as_millis().div_euclid(60_000).rem_euclid(24 * 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    write!(html, "<time datetime=\"{at}\">{hours:02}:{minutes:02} UTC</time>")
}

/// What came from a modem or a file, harmless.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
