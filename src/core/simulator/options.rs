//! What a bank is made of and what may go wrong in it. Plain data; every default is the well-behaved one.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::str::FromStr;
use core::time::Duration;

use super::Model;

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
    /// Places in each of a modem's storages, 1 to 255; none: as many as its model has.
    pub places: Option<usize>,
    /// Models of the modems, over and over; none: [`Model::GENERIC`].
    pub models: Vec<&'static Model>,
    /// What the network answers to a USSD request.
    pub ussd: Vec<Ussd>,
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
            places: None,
            models: Vec::new(),
            ussd: vec![Ussd::balance()],
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

/// What the network answers to one USSD request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ussd {
    /// The request.
    pub code: String,
    /// The answer.
    pub answer: String,
}

impl Ussd {
    /// The credit, asked for by `*100#`.
    #[must_use]
    pub fn balance() -> Self {
        Self {
            code: "*100#".into(),
            answer: "Your balance is EUR 10.00".into(),
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
    /// Report: it names the recipient in national form.
    ReportNational = "report-national";
    /// Report: the service centre's clock is some hours wrong.
    ReportClockOff = "report-clock-off";
    /// Inbound: it is stored on the SIM, though `AT+CPMS` says otherwise, and announced there.
    WrongMemory = "wrong-memory";
    /// Delete: the answer is `OK`, and the message stays.
    DeleteFails = "delete-fails";
    /// Submit: octets of the PDU are lost on the line.
    BytesLost = "bytes-lost";
    /// Command, at a twentieth: the answer comes 6 to 25 s late, when the driver has given up.
    OverdueAnswer = "overdue-answer";
    /// Command, at a twentieth: another program drives the same port for 10 s; its echo and its answers come between.
    ForeignTalk = "foreign-talk";
    /// Command after 30 s without one: the modem slept, and the line is lost.
    FirstLineLost = "first-line-lost";
    /// `AT+CFUN=`: the answer is lost, and the modem is deaf and mute for 10 to 30 s.
    RadioAnswerLost = "radio-answer-lost";
    /// Restart: the modem comes up with the radio off.
    StartsRadioOff = "starts-radio-off";
    /// Command, at a twentieth: the settings are those after power-on again, without any sign.
    SettingsForgotten = "settings-forgotten";
    /// Submit, and any command at a twentieth: the SIM loses contact for 1 to 5 minutes.
    SimDropsOut = "sim-drops-out";
    /// Submit, and any command at a twentieth: the port goes and comes back 4 to 8 times within a minute.
    PortFlaps = "port-flaps";
    /// Submit, at a twentieth: the ports of all modems on the same hub (four neighbours) vanish and come back.
    HubFails = "hub-fails";
    /// Submit: somebody calls; `RING` for half a minute, unless the call is ended.
    CallComes = "call-comes";
    /// USSD: no answer ever comes.
    UssdSilent = "ussd-silent";
    /// Submit: from now on, and for 30 to 120 minutes, the network says yes and drops what is sent.
    SilentDrop = "silent-drop";
    /// Submit: the credit is used up; from now on nothing is said after Ctrl-Z.
    NoCredit = "no-credit";
    /// Submit: from now on the network refuses this SIM with the same cause.
    Barred = "barred";
    /// Submit: from now on the modem finds no way to send (`+CMS ERROR: 500`), though it is registered.
    NoBearer = "no-bearer";
    /// Submit: from now on sending fails until `AT&F` or `ATZ`: an odd profile is active.
    OddProfile = "odd-profile";
    /// Submit, and any command at a twentieth: the network denies the SIM and is put on its list of forbidden ones. Until
    /// the list is cleared and the radio switched off and on.
    Denied = "denied";
    /// Submit: from now on nothing comes in any more, until the radio is switched off and on or the modem restarts.
    Deaf = "deaf";
    /// Submit: from now on nothing comes in any more, until `AT+CPMS` chose another memory for it.
    DeafUntilToggled = "deaf-until-toggled";
    /// Inbound: from now on nothing is announced, until the modem restarts.
    NoticesStop = "notices-stop";
    /// Command, at a twentieth: this command is never answered again, until the modem restarts.
    PoisonCommand = "poison-command";
    /// Submit, and any command at a twentieth: unsolicited lines come, answers do not. Until a USB reset.
    UrcsOnly = "urcs-only";
    /// Submit, and any command at a twentieth: the modem is deaf and mute until a USB reset.
    DeadUntilUsbReset = "dead-until-usb-reset";
    /// Submit, and any command at a twentieth: the modem is deaf and mute until its power is cut.
    DeadUntilPowerCycle = "dead-until-power-cycle";
    /// Submit, and any command at a twentieth: the modem is deaf and mute for ever; without power its port does not come back.
    DeadForEver = "dead-for-ever";
}

impl Fault {
    /// Does not pass by itself: only a remedy (a reset, a person) ends it, or nothing does.
    #[must_use]
    pub const fn lasts(self) -> bool {
        self as usize >= Self::SilentDrop as usize
    }
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

    /// Every fault that passes by itself at the same rate, those that last never.
    #[must_use]
    pub fn all(per_mille: u16) -> Self {
        let passing = Fault::ALL.into_iter().filter(|fault| !fault.lasts());
        passing.fold(Self::none(), |faults, fault| faults.with(fault, per_mille))
    }

    /// The same with every fault that lasts at this rate.
    #[must_use]
    pub fn with_lasting(mut self, per_mille: u16) -> Self {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.lasts()) {
            self = self.with(fault, per_mille);
        }
        self
    }

    /// The same with one fault at another rate (above 1,000 counts as always).
    #[must_use]
    pub fn with(mut self, fault: Fault, per_mille: u16) -> Self {
        if let Some(rate) = self.0.get_mut(fault as usize) {
            *rate = per_mille.min(1_000);
        }
        self
    }

    /// Whether anything may go wrong at all.
    #[must_use]
    pub fn any(&self) -> bool {
        self.0.iter().any(|rate| *rate > 0)
    }

    /// Its rate.
    #[must_use]
    pub fn per_mille(&self, fault: Fault) -> u16 {
        self.0.get(fault as usize).copied().unwrap_or_default()
    }
}
