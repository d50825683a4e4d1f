//! Unsolicited codes: lines a modem sends by itself (3GPP TS 27.005 and 27.007, and what vendors add). Here a line gets
//! its meaning; whether it is unsolicited at all is the engine's question.

use alloc::string::String;
use core::fmt;

use super::Memory;
use super::parse;

/// What an unsolicited line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Urc {
    /// `+CMTI`, `+CDSI`: something was stored.
    Stored {
        /// Where; none when the name is none of the standard's.
        memory: Option<Memory>,
        /// The index.
        index: u16,
        /// `+CDSI`: a delivery report. Some firmware keeps those elsewhere than it says.
        report: bool,
    },
    /// `+CMT`, `+CDS`, `+CBM` announce a PDU line.
    Announced(Routed, u16),
    /// `+CREG`, `+CGREG`, `+CEREG`, `+C5GREG`.
    Registration(Domain, parse::RegistrationLine),
    /// The SIM.
    Sim(SimState),
    /// The modem has just started (or goes down): every setting is lost.
    Restarted,
    /// `+CFUN: 1` by itself, seen within a start: a restart, unless one is known already.
    Booting,
    /// The SMS stack is usable from now.
    SmsReady,
    /// A storage is full: no more `+CMTI` until it is drained.
    StorageFull,
    /// `RING` and its relatives: somebody calls.
    Ring,
    /// `+CMGS` although no submit is outstanding: the answer to one that was given up.
    LateSubmit(u8),
    /// `+CUSD`: the network answers a USSD code, or says something by itself.
    Ussd(Told),
    /// Known, of no use here.
    Ignored,
}

/// The parameters of a line, whose text is a person's. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Told(String);

impl Told {
    /// As they came.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Told({} characters)", self.0.len())
    }
}

/// What kind of PDU is routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routed {
    /// `+CMT`.
    Deliver,
    /// `+CDS`.
    StatusReport,
    /// `+CBM`: cell broadcast, dropped.
    Broadcast,
}

/// Which registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Circuit switched.
    Circuit,
    /// Packet (2G, 3G); SMS does not depend on it.
    Packet,
    /// LTE.
    Eps,
    /// 5G.
    FiveG,
}

/// State of the SIM as `+CPIN:` and vendors' codes tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimState {
    /// Usable.
    Ready,
    /// Wants its PIN.
    PinNeeded,
    /// Wants its PUK or another code.
    Locked,
    /// The modem wants a code: it is locked to an operator.
    DeviceLocked,
    /// Not usable yet, or gone.
    NotReady,
    /// Not there.
    Absent,
}

impl SimState {
    /// From the parameter of `+CPIN:`.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        let word = word.trim().trim_matches('"');
        let begins = |begin: &str| word.get(..begin.len()).is_some_and(|w| w.eq_ignore_ascii_case(begin));
        // PIN2 guards the list of fixed numbers, not the SMS.
        if ["READY", "SIM PIN2", "SIM PUK2"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
        {
            Self::Ready
        } else if begins("PH-") {
            Self::DeviceLocked
        } else if word.eq_ignore_ascii_case("SIM PIN") {
            Self::PinNeeded
        } else if ["NOT INSERTED", "REMOVED", "NO SIM"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
        {
            Self::Absent
        } else if ["NOT READY", "SIM BUSY", ""]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
        {
            Self::NotReady
        } else {
            Self::Locked
        }
    }
}

/// The meaning of lines known by their first word (before a colon, else the whole line).
const WORDS: &[(&str, Urc)] = &[
    ("RDY", Urc::Restarted),
    ("START", Urc::Restarted),
    ("APP RDY", Urc::Restarted),
    ("*ATREADY", Urc::Restarted),
    ("*EMRDY", Urc::Restarted),
    ("^SYSSTART", Urc::Restarted),
    ("^SYSSTART AIRPLANE MODE", Urc::Restarted),
    ("^SHUTDOWN", Urc::Restarted),
    ("+AT", Urc::Restarted),
    ("+KSUP", Urc::Restarted),
    ("+MBAN", Urc::Restarted),
    ("POWERED DOWN", Urc::Restarted),
    ("NORMAL POWER DOWN", Urc::Restarted),
    ("UNDER-VOLTAGE POWER DOWN", Urc::Restarted),
    ("OVER-VOLTAGE POWER DOWN", Urc::Restarted),
    ("+CFUN", Urc::Booting),
    ("SMS Ready", Urc::SmsReady),
    ("SMS READY", Urc::SmsReady),
    ("SMS DONE", Urc::SmsReady),
    ("^SSIM READY", Urc::SmsReady),
    ("^SMMEMFULL", Urc::StorageFull),
    ("SMOV", Urc::StorageFull),
    ("RING", Urc::Ring),
    ("+CRING", Urc::Ring),
    ("+CSMINS", Urc::Sim(SimState::NotReady)),
    ("+SIM REMOVED", Urc::Sim(SimState::Absent)),
    ("SIM drop", Urc::Sim(SimState::Absent)),
    ("+SIM READY", Urc::Sim(SimState::Ready)),
];

/// First words that are known and of no use: progress, time, signal, calls, packet domain.
const IGNORED: &[&str] = &[
    "+CBMI",
    "+CIEV",
    "+CTZV",
    "+CTZE",
    "+CTZEU",
    "+CTZDST",
    "+CTZU",
    "+NITZ",
    "+CSSI",
    "+CSSU",
    "+CCWA",
    "+CLIP",
    "+COLP",
    "+CDIP",
    "+CNAP",
    "+CGEV",
    "+CGURC",
    "+CIREGU",
    "+CMWI",
    "+CMTE",
    "+CNSMOD",
    "+CSQN",
    "+QUSIM",
    "+QNITZ",
    "+QLTS",
    "+QGPSURC",
    "+QIURC",
    "+QLWURC",
    "+CUSATP",
    "+CUSATEND",
    "+ZUSIMR",
    "+ZDONR",
    "+ZPASR",
    "+ZPSTM",
    "+ZEND",
    "+ZMSRI",
    "+ZURDY",
    "+PACSP",
    "+UUPSDA",
    "+UUSORD",
    "+UUSTS",
    "+UUDTMFD",
    "+UCALLSTAT",
    "+UMWI",
    "+UUSIMSTAT",
    "+PBREADY",
    "+READY",
    "Call Ready",
    "PB DONE",
    "NO CARRIER",
    "BUSY",
    "NO ANSWER",
    "NO DIALTONE",
    "CONNECT",
    "MISSED_CALL",
    "VOICE CALL",
    "RXDTMF",
    "DST",
];

/// What a line means as an unsolicited code; none when it is not known as one.
#[must_use]
pub fn classify(line: &str) -> Option<Urc> {
    let (word, rest) = parse::split_prefix(line).unwrap_or((line, ""));
    let urc = match word {
        "+CMTI" | "+CDSI" => parse::stored(rest).map_or(Urc::Ignored, |(memory, index)| Urc::Stored {
            memory,
            index,
            report: word == "+CDSI",
        }),
        "+CMT" => announced(Routed::Deliver, rest),
        "+CDS" => announced(Routed::StatusReport, rest),
        "+CBM" => announced(Routed::Broadcast, rest),
        "+CREG" => registration(Domain::Circuit, rest),
        "+CGREG" => registration(Domain::Packet, rest),
        "+CEREG" => registration(Domain::Eps, rest),
        "+C5GREG" => registration(Domain::FiveG, rest),
        "+CPIN" => Urc::Sim(SimState::from_word(rest)),
        "+CMGS" => parse::submitted(rest).map_or(Urc::Ignored, |(tp_mr, _)| Urc::LateSubmit(tp_mr)),
        "+CUSD" => Urc::Ussd(Told(String::from(rest))),
        "+QIND" => indication(rest),
        "+QSIMSTAT" => match parse::params(rest).get(1).copied() {
            Some("0") => Urc::Sim(SimState::Absent),
            _ => Urc::Ignored,
        },
        "^SIMST" => match parse::params(rest).first().copied() {
            Some("1") => Urc::Ignored,
            _ => Urc::Sim(SimState::NotReady),
        },
        "#QSS" => match parse::params(rest).last().copied() {
            Some("0") => Urc::Sim(SimState::Absent),
            Some("3") => Urc::SmsReady,
            _ => Urc::Ignored,
        },
        "+WIND" => match rest {
            "0" => Urc::Sim(SimState::Absent),
            "16" => Urc::SmsReady,
            // Basic commands, then all commands are ready: told once, at a start.
            "3" | "4" => Urc::Booting,
            _ => Urc::Ignored,
        },
        _ => return by_word(word).or_else(|| vendor_noise(word)),
    };
    Some(urc)
}

fn by_word(word: &str) -> Option<Urc> {
    let known = WORDS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, urc)| urc.clone());
    known.or_else(|| IGNORED.contains(&word).then_some(Urc::Ignored))
}

/// Huawei (`^`), Telit (`#`), Ericsson and SIMCom (`*`), Option (`_`): what is not known by name is chatter, as long as it
/// is no command's answer, which the engine has looked at before.
fn vendor_noise(word: &str) -> Option<Urc> {
    word.starts_with(['^', '#', '*', '_']).then_some(Urc::Ignored)
}

fn announced(kind: Routed, rest: &str) -> Urc {
    parse::routed_length(rest).map_or(Urc::Ignored, |length| Urc::Announced(kind, length))
}

fn registration(domain: Domain, rest: &str) -> Urc {
    parse::registration(rest).map_or(Urc::Ignored, |line| Urc::Registration(domain, line))
}

/// Quectel's generic indication.
fn indication(rest: &str) -> Urc {
    match parse::params(rest).first().copied() {
        Some("SMS DONE") => Urc::SmsReady,
        Some("smsfull") => Urc::StorageFull,
        _ => Urc::Ignored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(stat: u16, act: Option<u16>, answer: bool) -> parse::RegistrationLine {
        parse::RegistrationLine { stat, act, answer }
    }

    #[test]
    fn every_line_has_its_meaning() {
        for (line, urc) in [
            (
                "+CMTI: \"SM\",3",
                Urc::Stored {
                    memory: Some(Memory::SM),
                    index: 3,
                    report: false,
                },
            ),
            (
                "+CMTI:\"ME\" , 0",
                Urc::Stored {
                    memory: Some(Memory::ME),
                    index: 0,
                    report: false,
                },
            ),
            (
                "+CDSI: \"SR\",1",
                Urc::Stored {
                    memory: Some(Memory::SR),
                    index: 1,
                    report: true,
                },
            ),
            ("+CMT: ,23", Urc::Announced(Routed::Deliver, 23)),
            ("+CMT: \"Ann, B\",23", Urc::Announced(Routed::Deliver, 23)),
            ("+CMT: 23", Urc::Announced(Routed::Deliver, 23)),
            ("+CDS: 25", Urc::Announced(Routed::StatusReport, 25)),
            ("+CDS: ,25", Urc::Announced(Routed::StatusReport, 25)),
            (
                "+CREG: 1,\"00D1\",\"0000ABCD\",7",
                Urc::Registration(Domain::Circuit, registered(1, Some(7), false)),
            ),
            ("+CEREG: 5", Urc::Registration(Domain::Eps, registered(5, None, false))),
            ("+CPIN: READY", Urc::Sim(SimState::Ready)),
            ("+CPIN:\"SIM PUK\"", Urc::Sim(SimState::Locked)),
            ("+CPIN: NOT INSERTED", Urc::Sim(SimState::Absent)),
            ("+QIND: \"smsfull\",\"SM\"", Urc::StorageFull),
            ("+QIND: SMS DONE", Urc::SmsReady),
            ("^SMMEMFULL:\"SM\"", Urc::StorageFull),
            ("^RSSI: 21", Urc::Ignored),
            ("*PSNWID: \"272\"", Urc::Ignored),
            ("*ATREADY: 1", Urc::Restarted),
            ("^SYSSTART", Urc::Restarted),
            ("RDY", Urc::Restarted),
            ("+CFUN: 1", Urc::Booting),
            ("+WIND: 4", Urc::Booting),
            ("+WIND: 7", Urc::Ignored),
            ("+CMGS: 7", Urc::LateSubmit(7)),
            ("+CMTI: nonsense", Urc::Ignored),
            ("RING", Urc::Ring),
        ] {
            assert_eq!(classify(line), Some(urc), "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_none() {
        for line in [
            "",
            "868123040000001",
            "quectel",
            "+CSCA: \"+35387\",145",
            "0791",
            "READYISH",
        ] {
            assert_eq!(classify(line), None, "{line}");
        }
    }
}
