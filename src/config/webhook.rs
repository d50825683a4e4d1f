//! `[[webhook]]`: who is told of events.

use std::fmt;

use super::keys::known;
use super::walk::{At, Section, Walk};

/// Webhooks at most.
const WEBHOOKS: usize = 16;
/// Octets of a secret, at least and at most.
const SECRET: std::ops::RangeInclusive<usize> = 24..=64;

/// A system that is told of events.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, unique.
    pub label: String,
    /// `host:port` of its URL.
    pub host: String,
    /// Path and query of its URL.
    pub path: String,
    /// What its messages are signed with, 24 to 64 octets.
    pub secret: Vec<u8>,
    /// Types of events, as `message.*`; empty: all.
    pub types: Vec<String>,
}

impl fmt::Debug for Webhook {
    /// Without its secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Webhook({} at {}{} of {:?})",
            self.label, self.host, self.path, self.types
        )
    }
}

/// The octets of a secret written `whsec_` and Base64; none when it is none.
#[must_use]
pub fn webhook_secret(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("whsec_")?.trim_end_matches('=');
    let mut octets = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push(u8::try_from(held >> bits & 0xFF).unwrap_or_default());
        }
    }
    SECRET.contains(&octets.len()).then_some(octets)
}

pub(super) fn webhooks<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Vec<Webhook> {
    let sections = walk.sections(root, "webhook");
    if let Some(beyond) = sections.get(WEBHOOKS) {
        let at = beyond.value("label").map_or(0, |value| value.span().start);
        walk.fail(
            at,
            "webhook",
            format!("more than {WEBHOOKS} webhooks"),
            "let one system pass events on",
        );
    }
    let mut found: Vec<Webhook> = Vec::new();
    for section in sections.iter().take(WEBHOOKS) {
        known(walk, section, "webhook");
        for (name, mend) in [
            ("label", "give it a short name, as label = \"pas\""),
            ("url", "write where it listens, as url = \"http://127.0.0.1:9000/sms\""),
            ("secret", "write secret = \"whsec_...\", at least 24 octets in Base64"),
        ] {
            walk.missing(section, name, mend);
        }
        let label = walk
            .string(section, "label")
            .filter(|at| label(walk, section, at, &found));
        let url = walk.string(section, "url").and_then(|at| url(walk, section, &at));
        let secret = walk.string(section, "secret").and_then(|at| secret(walk, section, &at));
        let types = walk
            .strings(section, "types")
            .map(|(types, _)| types)
            .unwrap_or_default();
        if let (Some((label, _)), Some((host, path)), Some(secret)) = (label, url, secret) {
            found.push(Webhook {
                label: label.to_owned(),
                host,
                path,
                secret,
                types: types.into_iter().map(|(text, _)| text.to_owned()).collect(),
            });
        }
    }
    found
}

fn label(walk: &mut Walk<'_>, section: &Section<'_>, (text, span): &At<&str>, found: &[Webhook]) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = (1..=32).contains(&text.len()) && text.chars().all(plain);
    if !fits {
        let mend = "1 to 32 characters of A-Z a-z 0-9 . _ -";
        walk.fail(span.start, &section.key("label"), "is no name", mend);
    }
    let twice = found.iter().any(|other| other.label == *text);
    if twice {
        walk.fail(
            span.start,
            &section.key("label"),
            "is there twice",
            "give each its own name",
        );
    }
    fits && !twice
}

/// Host with port, and path.
fn url(walk: &mut Walk<'_>, section: &Section<'_>, (text, span): &At<&str>) -> Option<(String, String)> {
    let parsed = text.parse::<axum::http::Uri>().ok();
    let parsed = parsed.filter(|uri| uri.scheme_str() == Some("http") && !text.contains('@'));
    let host = parsed.as_ref().and_then(axum::http::Uri::host);
    let Some((uri, host)) = parsed.as_ref().zip(host) else {
        let mend = "write http://HOST:PORT/PATH; https is not spoken yet";
        walk.fail(span.start, &section.key("url"), "cannot be told", mend);
        return None;
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Some((format!("{host}:{}", uri.port_u16().unwrap_or(80)), path.to_owned()))
}

fn secret(walk: &mut Walk<'_>, section: &Section<'_>, (text, span): &At<&str>) -> Option<Vec<u8>> {
    let secret = webhook_secret(text);
    if secret.is_none() {
        let mend = "write whsec_ and 24 to 64 octets in Base64, as `openssl rand -base64 32` makes them";
        walk.fail(span.start, &section.key("secret"), "is no secret of a webhook", mend);
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;

    fn with(line: &str) -> Result<Vec<Webhook>, String> {
        let text = format!("data_dir = 'd'\nregion = 'IE'\n[[webhook]]\nlabel = 'a'\n{line}\n");
        check(&text, "w.toml")
            .map(|config| config.webhooks)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_webhook_has_a_plain_url_and_a_long_secret() {
        let secret = "secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";
        let good = with(&format!("url = 'http://10.0.0.1/x?y=1'\n{secret}")).unwrap();
        assert_eq!(
            (good[0].host.as_str(), good[0].path.as_str()),
            ("10.0.0.1:80", "/x?y=1")
        );
        assert_eq!(good[0].secret.len(), 24);
        assert!(!format!("{good:?}").contains("MfKQ"));
        for url in ["https://a/", "ftp://a/", "a", "http://user@a/", "/x"] {
            assert!(
                with(&format!("url = '{url}'\n{secret}"))
                    .unwrap_err()
                    .contains("webhook[1].url"),
                "{url}"
            );
        }
        for secret in [
            "whsec_MfKQ",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*",
        ] {
            let said = with(&format!("url = 'http://a/'\nsecret = '{secret}'")).unwrap_err();
            assert!(said.contains("webhook[1].secret") && !said.contains("MfKQ"), "{said}");
        }
    }
}
