//! What one model of modem is like, as data: who it says it is, and where it departs from the standards. The table of models
//! is in `models`; nothing here acts.

use super::command::Failure;
use super::options::Fault;
use super::storage::Memory;

/// A model of modem that a bank can be made of. One of [`Model::ALL`].
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name on the command line.
    pub name: &'static str,
    pub(super) manufacturer: &'static str,
    pub(super) model: &'static str,
    pub(super) firmware: &'static str,
    /// The maker's own commands that only tell something.
    pub(super) told: &'static [Told],
    /// The maker's own commands that are accepted without effect.
    pub(super) taken: &'static [&'static str],
    /// Commands that hang the firmware for good.
    pub(super) fatal: &'static [&'static str],
    /// The maker's own commands that restart it; `AT+CFUN=1,1` does so always.
    pub(super) restart: &'static [&'static str],
    /// Levels of `AT+CFUN` that restart it.
    pub(super) restart_levels: &'static [u8],
    /// Its port goes at a restart and comes back when it is up: the USB side is part of the same chip.
    pub(super) leaves_bus: bool,
    pub(super) boot: Boot,
    pub(super) stores: Stores,
    pub(super) notices: Notices,
    /// What it says every so many seconds while nobody forbids it.
    pub(super) noise: Option<Noise>,
    pub(super) manners: Manners,
    /// Lasting faults it starts with each time.
    pub(super) starts_with: &'static [Fault],
}

/// A command of the maker that only tells something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Upper case, without what follows it.
    pub(super) name: &'static str,
    pub(super) how: How,
    /// The line; [`super::modem`] puts in `{iccid}`, `{swapped}`, `{imei}`, `{pin}`, `{puk}`, `{asked}`.
    pub(super) line: &'static str,
}

/// In which form a command is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// `+SPIC`
    Run,
    /// `+QPINC?`
    Read,
    /// `+ZPINPUK=?`
    Test,
    /// Any of them, and with parameters.
    Any,
}

/// How it starts. Times are milliseconds, least and most.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Boot {
    /// Until it answers.
    pub(super) up: (u64, u64),
    /// From then until the SIM answers.
    pub(super) sim: (u64, u64),
    /// From then until messages can be sent, kept and read.
    pub(super) sms: (u64, u64),
    /// What it says when it answers, when the SIM does, and when messages are possible.
    pub(super) says: [&'static str; 3],
    /// What message commands fail with before that.
    pub(super) early: Failure,
    /// The level of `AT+CFUN` it starts with.
    pub(super) level: u8,
    /// The echo is on.
    pub(super) echo: bool,
}

/// Where it keeps messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stores {
    /// Places in the device, on the SIM, and for reports.
    pub(super) places: [u8; 3],
    /// First index.
    pub(super) base: u8,
    /// Memories `AT+CPMS` takes for reading, writing, receiving.
    pub(super) listed: [&'static [Memory]; 3],
    /// What they are after power-on.
    pub(super) first: [Memory; 3],
    /// `AT+CPMS` takes the first one alone.
    pub(super) one_parameter: bool,
    /// Reading an index that holds nothing is an error.
    pub(super) strict: bool,
    /// Where reports go that are to be stored, and the name they are announced under.
    pub(super) reports: Reports,
    /// What it says when the storage for what is received has no place left. It says no `+CMTI` any more from then on until
    /// a place is free, as all models do.
    pub(super) full: &'static str,
}

/// Where reports go that are to be stored (`+CNMI` ds 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reports {
    /// With the messages.
    WithMessages,
    /// To a storage of their own, and announced so.
    Apart,
    /// To a storage of their own, but announced as `"SM",0`.
    ApartUnderFalseName,
}

/// What `AT+CNMI` takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notices {
    /// mode, mt, bm, ds, bfr as `AT+CNMI=?` lists them.
    pub(super) ranges: [&'static [u8]; 5],
    /// Place and value that are listed, yet refused.
    pub(super) refused: &'static [(usize, u8)],
}

/// A line that is said again and again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Noise {
    pub(super) line: &'static str,
    pub(super) seconds: u64,
    /// The command that ends it, until the next start.
    pub(super) ended_by: &'static str,
}

/// Habits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manners {
    /// It knows E-UTRAN (`+CEREG`).
    pub(super) lte: bool,
    /// What precedes the data of a message.
    pub(super) prompt: &'static str,
    /// What it says when data is cancelled by ESC.
    pub(super) cancelled: Cancelled,
    /// What it says of an unknown command.
    pub(super) unknown: &'static str,
    /// What `AT+CMMS` fails with.
    pub(super) keep_link: Option<Failure>,
    /// What `AT+CMGF=1` fails with.
    pub(super) text_mode: Option<Failure>,
    /// How an accepted message is told.
    pub(super) accepted: Acceptance,
    /// `AT+CFUN=1` restarts it also when it is at that level.
    pub(super) restarts_at_level_1: bool,
    /// TPDU octets beyond which it hangs.
    pub(super) longest: Option<usize>,
    /// No blank after the colon of an information line.
    pub(super) tight: bool,
    pub(super) ussd: UssdForm,
    /// It keeps and shows messages of type 0, which nobody is to see.
    pub(super) keeps_type_0: bool,
}

/// What is said when data is cancelled by ESC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancelled {
    Ok,
    Error,
    Nothing,
}

/// How an accepted message is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acceptance {
    /// `+CMGS: n`, then `OK`.
    Whole,
    /// `OK` alone.
    OkAlone,
}

/// In which form the network's answer to a USSD request is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UssdForm {
    /// As characters, `dcs` 15.
    Text,
    /// Packed septets in hexadecimal, `dcs` 15; the request must come so, too.
    Packed,
    /// UCS-2 in hexadecimal, `dcs` 72.
    Ucs2,
}

impl Model {
    /// The one of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|model| model.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_model_is_found_by_a_name_of_its_own_and_is_in_order() {
        let names: BTreeSet<_> = Model::ALL.iter().map(|model| model.name).collect();
        assert_eq!(names.len(), Model::ALL.len());
        assert_eq!(Model::of_name("generic"), Some(&Model::GENERIC));
        assert_eq!(Model::of_name("teapot"), None);
        for model in Model::ALL {
            assert_eq!(Model::of_name(model.name), Some(model));
            for (memory, listed) in model.stores.first.iter().zip(model.stores.listed) {
                assert!(listed.contains(memory) || model.stores.one_parameter, "{}", model.name);
            }
            assert!(
                model.boot.up.0 <= model.boot.up.1
                    && model.boot.sim.0 <= model.boot.sim.1
                    && model.boot.sms.0 <= model.boot.sms.1
            );
            assert!(
                model.notices.ranges.iter().all(|range| !range.is_empty()),
                "{}",
                model.name
            );
        }
    }
}
