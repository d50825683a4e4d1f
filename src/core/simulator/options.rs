//! What a bank is made of and what may go wrong in it. Plain data; every default is the well-behaved one.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::str::FromStr;
use core::time::Duration;

/// A bank of virtual modems with its network.
#[derive(Clone, Debug)]
pub struct Options {
    /// Virtual modems, at most [`crate::base::limits::MODEMS`]; more are not made.
    pub modems: usize,
    /// Everything random follows from it.
    pub seed: u64,
    /// From Ctrl-Z to `+CMGS:`.
    pub latency: Duration,
    /// From acceptance to the delivery report; each takes up to half as much again.
    pub report_delay: Duration,
    /// What happens to a delivery report while no driver listens.
    pub reports_while_closed: ReportsWhileClosed,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// What the handsets answer.
    pub script: Vec<Rule>,
    /// Places in each of a modem's two storages, `ME` and `SM`; 1 to 255.
    pub places: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            modems: 4,
            seed: 1,
            latency: Duration::from_millis(0),
            report_delay: Duration::from_millis(800),
            reports_while_closed: ReportsWhileClosed::Lose,
            faults: Faults::none(),
            script: vec![Rule::reply_y()],
            places: 30,
        }
    }
}

/// What happens to a delivery report that is to be routed (`+CDS`) while no driver listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportsWhileClosed {
    /// The modem acknowledges it to the network and it is gone, as with real modems.
    Lose,
    /// The network keeps it until a driver listens.
    Keep,
}

/// One line of the handsets' script: a text that contains something is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What the text has to contain, in any case.
    pub contains: String,
    /// The answer, sent by the recipient to the SIM the text came from.
    pub answer: String,
    /// From acceptance of the last part to the answer.
    pub after: Duration,
}

impl Rule {
    /// A text that asks to "Reply Y" is answered `Y` after 1.5 s.
    #[must_use]
    pub fn reply_y() -> Self {
        Self {
            contains: "Reply Y".into(),
            answer: "Y".into(),
            after: Duration::from_millis(1_500),
        }
    }
}

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// What can go wrong. Each is drawn at its own opportunity (given below), with its own probability.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $variant,)+ }

        impl Fault {
            /// Every fault.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

faults! {
    /// Submit: the network took it, and the modem never says so.
    ResultLost = "result-lost";
    /// Submit: the network took it, and the modem says `+CMS ERROR: 500` 2 to 45 s later.
    ErrorAfterAcceptance = "error-after-acceptance";
    /// Submit: the network refuses it with an RP-cause.
    NetworkRefusal = "network-refusal";
    /// `AT+CMGS`: the modem refuses it before the prompt.
    LocalRefusal = "local-refusal";
    /// `AT+CMGS`: the prompt never shows, yet the modem waits for the PDU.
    PromptLost = "prompt-lost";
    /// Submit: the Ctrl-Z is lost on the line, the modem goes on collecting.
    CtrlZLost = "ctrl-z-lost";
    /// Submit: the result comes 30 to 150 s late.
    LateAnswer = "late-answer";
    /// Submit: `+CMGS:` names a wrong reference.
    WrongReference = "wrong-reference";
    /// Command: an unsolicited line stands in the middle of the answer.
    UrcInAnswer = "urc-in-answer";
    /// Command: bytes that mean nothing precede the answer.
    Noise = "noise";
    /// Command: the answer comes 50 ms to 2 s late.
    SlowAnswer = "slow-answer";
    /// Command: the answer comes in pieces.
    TornWrite = "torn-write";
    /// Command, at a twentieth: the echo is on again.
    EchoReturns = "echo-returns";
    /// Submit, and any command at a twentieth: the modem restarts and forgets its settings.
    Restart = "restart";
    /// Submit, and any command at a twentieth: the port vanishes and comes back 1 to 10 s later.
    PortVanishes = "port-vanishes";
    /// Submit, and any command at a twentieth: the modem is deaf and mute for 5 to 60 s.
    Hang = "hang";
    /// Submit, and any command at a twentieth: no network for 10 to 60 s.
    RegistrationLost = "registration-lost";
    /// Inbound: `+CMTI` comes twice.
    NoticeTwice = "notice-twice";
    /// Inbound: `+CMTI` does not come; only a listing finds the message.
    NoticeLost = "notice-lost";
    /// Inbound: the storage takes nothing more for 30 to 120 s.
    StorageFull = "storage-full";
    /// Report: it is lost on its way.
    ReportLost = "report-lost";
    /// Report: it comes twice.
    ReportTwice = "report-twice";
    /// Report: it comes before the `+CMGS:` of its message.
    ReportEarly = "report-early";
    /// Report: another one comes along whose reference nobody used.
    ReportForeign = "report-foreign";
    /// Report: an interim one precedes the final one.
    ReportInterim = "report-interim";
    /// Report: the handset was not reached; the report says so.
    Undeliverable = "undeliverable";
}

/// The text names no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no fault has this name")]
pub struct UnknownFault;

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        Self::ALL.into_iter().find(|f| f.as_str() == text).ok_or(UnknownFault)
    }
}

/// How often each fault happens, per thousand opportunities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults([u16; Fault::ALL.len()]);

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn none() -> Self {
        Self([0; Fault::ALL.len()])
    }

    /// Every fault at the same rate.
    #[must_use]
    pub const fn all(per_mille: u16) -> Self {
        Self([per_mille; Fault::ALL.len()])
    }

    /// The same with one fault at another rate (above 1,000 counts as always).
    #[must_use]
    pub fn with(mut self, fault: Fault, per_mille: u16) -> Self {
        if let Some(rate) = self.0.get_mut(fault as usize) {
            *rate = per_mille.min(1_000);
        }
        self
    }

    /// Its rate.
    #[must_use]
    pub fn per_mille(&self, fault: Fault) -> u16 {
        self.0.get(fault as usize).copied().unwrap_or_default()
    }
}
