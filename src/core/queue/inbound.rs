//! What a received message is: a text that may be a reply, or something that is kept for technicians and never read as
//! one (3GPP TS 23.040 clauses 9.2.3.9 and 9.2.3.24, 23.038 clause 4, WAP-230 clause 8.2.4.1). Pure; the store calls it
//! with the parts it put together. What a reply *means* is decided elsewhere.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::sms::pid::Protocol;
use crate::sms::udh::{self, Element};
use crate::sms::{Alphabet, Deliver};

/// What was received (the index in [`InboundKind::ALL`] is the code on disk; only append).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InboundKind {
    /// A text for people: the only kind that is handed on.
    #[default]
    Text,
    /// A text beyond what one sender may send in an hour ([`FLOOD`]).
    Flood,
    /// A text of our own that came back to the SIM it was sent from: a passed loopback test.
    Loopback,
    /// Type 0, which a phone takes and shows to nobody.
    Silent,
    /// Something waits: voicemail, fax, mail.
    Waiting,
    /// A WAP push (port 2948 or 2949) that is no notice of an MMS.
    WapPush,
    /// The notice that an MMS waits; the MMS itself is never fetched.
    MmsNotice,
    /// For a port of some other application.
    Ported,
    /// 8-bit data, or a download to phone or SIM.
    Binary,
    /// Not readable as SMS-DELIVER; its octets are kept as they came.
    Unreadable,
}

impl InboundKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Flood,
        Self::Loopback,
        Self::Silent,
        Self::Waiting,
        Self::WapPush,
        Self::MmsNotice,
        Self::Ported,
        Self::Binary,
        Self::Unreadable,
    ];

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flood => "flood",
            Self::Loopback => "loopback",
            Self::Silent => "silent",
            Self::Waiting => "waiting",
            Self::WapPush => "wap_push",
            Self::MmsNotice => "mms_notice",
            Self::Ported => "ported",
            Self::Binary => "binary",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether its body is words; else it is octets.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Text | Self::Flood | Self::Loopback | Self::Silent | Self::Waiting => true,
            Self::WapPush | Self::MmsNotice | Self::Ported | Self::Binary | Self::Unreadable => false,
        }
    }
}

/// Texts of one sender handed on within an hour at most; what comes beyond is kept as [`InboundKind::Flood`], unless
/// it is a STOP.
pub const FLOOD: u32 = 30;
/// The hour of [`FLOOD`].
pub const FLOOD_WINDOW: Duration = Duration::from_secs(3600);

/// Ports of WAP push, connectionless and secure (IANA `wap-push`, `wap-pushsecure`).
const WAP_PUSH: [u16; 2] = [2948, 2949];
/// PDU type Push of the wireless session protocol (WAP-230 table 34).
const WSP_PUSH: u8 = 0x06;
/// `application/vnd.wap.mms-message` as a well-known value (0x3E with the high bit of short integers).
const MMS_SHORT: u8 = 0xBE;
const MMS_WORDS: &[u8] = b"application/vnd.wap.mms-message";

/// What one received TPDU is, by itself.
#[must_use]
pub fn kind_of(deliver: &Deliver) -> InboundKind {
    let data = &deliver.user_data;
    let by_protocol = match Protocol::of(deliver.pid) {
        Protocol::Type0 => Some(InboundKind::Silent),
        Protocol::ReturnCall => Some(InboundKind::Waiting),
        Protocol::DeviceTriggering
        | Protocol::Ansi136
        | Protocol::EquipmentDownload
        | Protocol::Depersonalisation
        | Protocol::SimDownload => Some(InboundKind::Binary),
        Protocol::Plain(_)
        | Protocol::Telematic(_)
        | Protocol::Replace(_)
        | Protocol::Enhanced
        | Protocol::CentreSpecific(_)
        | Protocol::Reserved(_) => None,
    };
    if let Some(kind) = by_protocol {
        return kind;
    }
    if let Some(ports) = data.ports() {
        return match WAP_PUSH.contains(&ports.destination) {
            true if tells_of_mms(data.body()) => InboundKind::MmsNotice,
            true => InboundKind::WapPush,
            false => InboundKind::Ported,
        };
    }
    let has = |is: fn(&Element<'_>) -> bool| data.elements().any(|element| is(&element));
    if deliver.dcs.waiting().is_some() || has(|e| matches!(e.identifier, udh::SPECIAL_MESSAGE | udh::VOICEMAIL)) {
        return InboundKind::Waiting;
    }
    // 70 to 7F: security headers of the SIM toolkit (clause 9.2.3.24).
    let for_the_sim = has(|e| matches!(e.identifier, 0x70..=0x7F));
    if for_the_sim || deliver.user_data.alphabet() == Alphabet::Octets {
        return InboundKind::Binary;
    }
    InboundKind::Text
}

/// What a message of several parts is: the first part, in their order, that is no text says it.
#[must_use]
pub fn kind_of_parts(parts: impl IntoIterator<Item = InboundKind>) -> InboundKind {
    parts
        .into_iter()
        .find(|kind| *kind != InboundKind::Text)
        .unwrap_or_default()
}

/// Whether the octets after the header are a push whose content type is that of MMS: transaction id, PDU type, length of
/// the headers, content type as a well-known value or in words, by itself or after its length (WAP-230 clause 8.4.2.24).
fn tells_of_mms(body: &[u8]) -> bool {
    let [_, WSP_PUSH, rest @ ..] = body else {
        return false;
    };
    let names_mms = |value: &[u8]| value.first() == Some(&MMS_SHORT) || value.starts_with(MMS_WORDS);
    match after_integer(rest) {
        [1..=30, value @ ..] => names_mms(value),
        [31, value @ ..] => names_mms(after_integer(value)),
        value => names_mms(value),
    }
}

/// What follows an integer of variable length: at most five octets, of which all but the last have their high bit set.
/// Nothing follows one that has no last.
fn after_integer(octets: &[u8]) -> &[u8] {
    let last = octets.iter().take(5).position(|octet| octet & 0x80 == 0);
    last.and_then(|last| octets.get(last + 1..)).unwrap_or_default()
}

/// Words that ask for an end of texts wherever they stand.
const STOP_WORDS: [&str; 10] = [
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "OPTOUT",
    "REVOKE",
    "STAD",
    "ARRET",
    "ARRÊT",
    "ALTO",
    "BASTA",
];
/// Two words that do.
const STOP_PAIRS: [(&str, &str); 2] = [("OPT", "OUT"), ("REMOVE", "ME")];
/// Words that do when they stand alone.
const STOP_ALONE: [&str; 3] = ["END", "QUIT", "CANCEL"];

/// Whether a text may ask for an end of texts, read generously: such a one is handed on whatever its sender sent before.
#[must_use]
pub fn may_ask_to_stop(text: &str) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_uppercase)
        .collect();
    let pair =
        |pair: &[String]| matches!(pair, [first, second] if STOP_PAIRS.contains(&(first.as_str(), second.as_str())));
    let alone = matches!(words.as_slice(), [word] if STOP_ALONE.contains(&word.as_str()));
    alone || words.iter().any(|word| STOP_WORDS.contains(&word.as_str())) || words.windows(2).any(pair)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::{Address, Dcs, Timestamp, UserData};

    fn deliver(pid: u8, dcs: u8, elements: &[(u8, &[u8])], body: &[u8]) -> Deliver {
        let elements: Vec<Element<'_>> = elements
            .iter()
            .map(|(identifier, data)| Element {
                identifier: *identifier,
                data,
            })
            .collect();
        let alphabet = Dcs(dcs).alphabet();
        let user_data = match alphabet {
            Alphabet::Gsm7 => UserData::from_septets(&elements, body),
            Alphabet::Ucs2 | Alphabet::Octets => UserData::from_octets(alphabet, &elements, body),
        };
        let sender = Address::parse("+353871234567").unwrap();
        let mut deliver = Deliver::new(sender, Timestamp([0; 7]), Dcs(dcs), user_data.unwrap());
        deliver.pid = pid;
        deliver
    }

    const NOTICE: &[u8] = &[0x01, 0x06, 0x22, MMS_SHORT, 0xAF, 0x84];
    const INDICATION: &[u8] = &[0x01, 0x06, 0x04, 0x03, 0xAE, 0x81, 0xEA];
    const PUSH: &[(u8, &[u8])] = &[(0x05, &[0x0B, 0x84, 0x23, 0xF0])];
    const SECURE: &[(u8, &[u8])] = &[(0x05, &[0x0B, 0x85, 0x23, 0xF0])];
    const OTHER: &[(u8, &[u8])] = &[(0x05, &[0x23, 0xF4, 0x23, 0xF0])];

    /// Kind, TP-PID, TP-DCS, header elements, what follows them.
    type Case = (InboundKind, u8, u8, &'static [(u8, &'static [u8])], &'static [u8]);

    const CASES: &[Case] = &[
        // Plain, flash, UCS-2, from a mail gateway, replacing, a part, a national table, a reserved coding.
        (InboundKind::Text, 0x00, 0x00, &[], b"Y"),
        (InboundKind::Text, 0x00, 0x10, &[], b"Y"),
        (InboundKind::Text, 0x00, 0x08, &[], &[0x00, 0x59]),
        (InboundKind::Text, 0x32, 0x00, &[], b"Y"),
        (InboundKind::Text, 0x41, 0x00, &[], b"Y"),
        (InboundKind::Text, 0x00, 0x00, &[(0x00, &[7, 2, 1])], b"Y"),
        (InboundKind::Text, 0x00, 0x00, &[(0x24, &[1])], b"Y"),
        (InboundKind::Text, 0x00, 0x80, &[], b"Y"),
        // Type 0, also with octets.
        (InboundKind::Silent, 0x40, 0x00, &[], b""),
        (InboundKind::Silent, 0x40, 0x04, &[], &[1]),
        // Return call; voicemail to discard, to store, gone; mail in UCS-2; by header, plain and enhanced.
        (InboundKind::Waiting, 0x5F, 0x00, &[], b""),
        (InboundKind::Waiting, 0x00, 0xC8, &[], b"1 new"),
        (InboundKind::Waiting, 0x00, 0xD8, &[], b"1 new"),
        (InboundKind::Waiting, 0x00, 0xD0, &[], b" "),
        (InboundKind::Waiting, 0x00, 0xEA, &[], &[0, 0x31]),
        (InboundKind::Waiting, 0x00, 0x00, &[(0x01, &[0x80, 2])], b"2 new"),
        (InboundKind::Waiting, 0x00, 0x00, &[(0x23, &[0; 9])], b""),
        (InboundKind::MmsNotice, 0x00, 0xF5, PUSH, NOTICE),
        (InboundKind::MmsNotice, 0x00, 0x04, SECURE, NOTICE),
        // Another push; cut short, empty, a later part of one.
        (InboundKind::WapPush, 0x00, 0xF5, PUSH, INDICATION),
        (InboundKind::WapPush, 0x00, 0x04, PUSH, &[1]),
        (InboundKind::WapPush, 0x00, 0x04, PUSH, b""),
        (InboundKind::WapPush, 0x00, 0x04, PUSH, b"http"),
        // A ringtone by 8-bit ports, a text to a port.
        (InboundKind::Ported, 0x00, 0x04, &[(0x04, &[0x81, 0])], &[1, 2]),
        (InboundKind::Ported, 0x00, 0x00, OTHER, b"Y"),
        // Octets; for the SIM by class, by protocol and by header; depersonalisation.
        (InboundKind::Binary, 0x00, 0x04, &[], &[1, 2]),
        (InboundKind::Binary, 0x00, 0xF6, &[], &[1, 2]),
        (InboundKind::Binary, 0x7F, 0xF6, &[(0x70, &[])], &[1]),
        (InboundKind::Binary, 0x00, 0x00, &[(0x71, &[])], b"x"),
        (InboundKind::Binary, 0x7E, 0x00, &[], b"x"),
    ];

    #[test]
    fn each_kind_is_told_by_protocol_coding_or_header() {
        for case in CASES {
            let (kind, pid, dcs, elements, body) = *case;
            assert_eq!(kind_of(&deliver(pid, dcs, elements, body)), kind, "{case:02X?}");
        }
    }

    #[test]
    fn an_mms_is_known_in_every_form_of_its_content_type() {
        let whole = [&[0x01, 0x06, 0x20][..], MMS_WORDS, &[0]].concat();
        let general = [&[0x01, 0x06, 0x22, 0x1F, 0x20][..], MMS_WORDS, &[0]].concat();
        let long_headers = [0x01, 0x06, 0x81, 0x22, MMS_SHORT];
        for body in [
            &whole[..],
            &general,
            &long_headers,
            &[0x01, 0x06, 0x03, 0x01, MMS_SHORT],
        ] {
            assert!(tells_of_mms(body), "{body:02X?}");
        }
        // Another PDU type, an endless length, another content type.
        for body in [
            &[0x01, 0x07, 0x22, MMS_SHORT][..],
            &[0x01, 0x06, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, MMS_SHORT],
            &[0x01, 0x06, 0x22, 0xAE],
            &[0x01, 0x06],
            &[],
        ] {
            assert!(!tells_of_mms(body), "{body:02X?}");
        }
    }

    #[test]
    fn the_first_part_that_is_no_text_says_what_the_whole_is() {
        use InboundKind as K;
        assert_eq!(kind_of_parts([]), K::Text);
        assert_eq!(kind_of_parts([K::Text, K::Text]), K::Text);
        assert_eq!(kind_of_parts([K::MmsNotice, K::WapPush]), K::MmsNotice);
        assert_eq!(kind_of_parts([K::Text, K::Binary]), K::Binary);
    }

    #[test]
    fn a_stop_is_known_by_all_its_names() {
        for text in [
            "STOP",
            "stop",
            "\"Stop.\"",
            "Stop please",
            "Stop texting me",
            "Yes stop",
            "STOP ALL",
            "stopall",
            "unsubscribe",
            "opt out",
            "Opt-out!",
            "remove me from this list",
            "END",
            "quit.",
            "Cancel",
            "stad",
            "Arrêt",
            "arret",
        ] {
            assert!(may_ask_to_stop(text), "{text}");
        }
        for text in [
            "",
            "Y",
            "yes cancel it",
            "in the end I can come",
            "nonstop",
            "stopped",
            "opt in",
            "remove the cast",
            "?",
        ] {
            assert!(!may_ask_to_stop(text), "{text}");
        }
    }

    #[test]
    fn codes_on_disk_are_the_places_in_the_list() {
        for (place, kind) in InboundKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, place);
        }
    }
}
