//! The signature of Standard Webhooks: HMAC-SHA256 over id, time and body, in Base64.

use ring::hmac;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A webhook's secret.
pub(super) struct Secret(hmac::Key);

impl Secret {
    /// From its octets.
    pub(super) fn new(octets: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, octets))
    }

    /// The header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", encode(tag.as_ref()))
    }
}

fn encode(octets: &[u8]) -> String {
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let all = chunk.iter().fold(0_u32, |all, octet| all << 8 | u32::from(*octet)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = usize::try_from(all >> (18 - 6 * place) & 63).unwrap_or_default();
            let digit = ALPHABET.get(index).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), text);
        }
    }

    #[test]
    fn the_signature_is_the_one_receivers_compute() {
        let config = crate::config::webhook_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"id":"evt_01JZ3M8Q4W8J7V5N2K9C6B1A0D","type":"message.delivered","created_at":"2026-06-15T09:15:22.000Z","data":{"message_id":"msg_01JZ3M8Q4W0000000000000001","status":"delivered"}}"#;
        assert_eq!(
            Secret::new(&config).sign("evt_01JZ3M8Q4W8J7V5N2K9C6B1A0D", 1_781_514_922, body),
            "v1,rubJBio0Pg+SDJEm1PLZ9gYUoDPGsbAnXIq/fqQ1JnQ="
        );
    }
}
