//! What a driver can set, with the values a modem has after power-on.

use super::super::model::Model;
use super::super::storage::Memory;

/// All settings; a restart, `ATZ` and `AT&F` bring those after power-on back.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct Settings {
    /// `ATE`
    pub(in crate::simulator) echo: bool,
    /// `ATV`
    pub(super) verbose: bool,
    /// `ATQ`
    pub(super) quiet: bool,
    /// `AT+CMEE`
    pub(super) errors: u8,
    /// `AT+CFUN`
    pub(in crate::simulator) functionality: u8,
    /// `AT+CREG`, `AT+CGREG`, `AT+CEREG`
    pub(in crate::simulator) registration: [u8; 3],
    /// `AT+COPS=3,n`
    pub(super) operator_format: u8,
    /// `AT+COPS=2`
    pub(super) deregistered: bool,
    /// `AT+CMGF=1`
    pub(super) text_mode: u8,
    /// `AT+CSMS`
    pub(super) service: u8,
    /// `AT+CNMI`: mode, mt, bm, ds, bfr
    pub(in crate::simulator) notifications: [u8; 5],
    /// `AT+CPMS`: read and delete, write and send, receive
    pub(in crate::simulator) memories: [Memory; 3],
    /// `AT+CSMP`: first octet, validity, protocol, coding
    pub(super) text_parameters: [u8; 4],
    /// `AT+CSDH`
    pub(super) text_details: u8,
    /// `AT+CSCS`
    pub(super) character_set: &'static str,
    /// `AT+CGSMS`
    pub(super) bearer: u8,
    /// `AT+CMMS`
    pub(super) keep_link: u8,
    /// `ATS0`
    pub(super) auto_answer: u8,
    /// `AT+CPBS`
    pub(super) phone_book: Book,
    /// `AT+CLIP`
    pub(in crate::simulator) caller_told: u8,
    /// `AT+CUSD=1`
    pub(super) ussd: u8,
}

/// Which phone book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Book {
    /// On the SIM.
    Sim,
    /// Own numbers.
    Own,
}

impl Settings {
    /// Those of this model after power-on.
    pub(super) fn of(model: &Model) -> Self {
        Self {
            echo: model.boot.echo,
            verbose: true,
            quiet: false,
            errors: 0,
            functionality: model.boot.level,
            registration: [0; 3],
            operator_format: 0,
            deregistered: false,
            text_mode: 0,
            service: 0,
            notifications: model
                .notices
                .ranges
                .map(|range| range.first().copied().unwrap_or_default()),
            memories: model.stores.first,
            text_parameters: [17, 167, 0, 0],
            text_details: 0,
            character_set: "GSM",
            bearer: 1,
            keep_link: 0,
            auto_answer: 0,
            phone_book: Book::Sim,
            caller_told: 0,
            ussd: 0,
        }
    }

    /// Whether a command is answered at this level of `AT+CFUN`: at minimum functionality only those that lead out.
    pub(super) fn functions_with(&self, name: &str) -> bool {
        self.functionality != 0
            || matches!(
                name,
                "+CFUN" | "+CMEE" | "+CGSN" | "+CGMI" | "+CGMM" | "+CGMR" | "+CPIN"
            )
    }
}
