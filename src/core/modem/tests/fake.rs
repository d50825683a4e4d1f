//! A well-behaved modem in a few lines: answers to the commands of a bring-up, a prompt for a submit, one storage. It follows the
//! standard and shares no code with the engine; what a test needs otherwise it overrides.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// The modem's side of a port.
pub(super) struct Fake {
    /// Whole command to answer, in place of the usual one.
    pub(super) overrides: BTreeMap<String, String>,
    /// Answers nothing.
    pub(super) mute: bool,
    pub(super) echo: bool,
    /// Index to hex line (with service centre) and TPDU length.
    pub(super) stored: BTreeMap<u16, (String, usize)>,
    /// The same of another storage, and whether that is the one selected.
    pub(super) elsewhere: BTreeMap<u16, (String, usize)>,
    pub(super) is_elsewhere: bool,
    /// What was written at the prompt, Ctrl-Z not included.
    pub(super) sent: Vec<String>,
    /// Commands in order.
    pub(super) commands: Vec<String>,
    line: String,
    at_prompt: bool,
    reference: u8,
}

impl Fake {
    pub(super) fn new() -> Self {
        Self {
            overrides: BTreeMap::new(),
            mute: false,
            echo: true,
            stored: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            is_elsewhere: false,
            sent: Vec::new(),
            commands: Vec::new(),
            line: String::new(),
            at_prompt: false,
            reference: 0,
        }
    }

    pub(super) fn with(mut self, command: &str, answer: &str) -> Self {
        self.overrides.insert(command.to_string(), answer.to_string());
        self
    }

    /// Takes what the host wrote, gives what comes back.
    pub(super) fn take(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut back = String::new();
        for octet in octets {
            match (*octet, self.at_prompt) {
                (0x1A, true) => {
                    self.at_prompt = false;
                    self.sent.push(core::mem::take(&mut self.line));
                    self.reference = self.reference.wrapping_add(1);
                    back += &format!("\r\n+CMGS: {}\r\n\r\nOK\r\n", self.reference);
                }
                (0x1B, true) => {
                    self.at_prompt = false;
                    self.line.clear();
                    back += "\r\nOK\r\n";
                }
                (0x1B, false) => {}
                (b'\r', false) => {
                    let command = core::mem::take(&mut self.line);
                    if !command.is_empty() {
                        if self.echo {
                            back += &format!("{command}\r");
                        }
                        back += &self.answer(&command);
                        self.commands.push(command);
                    }
                }
                (octet, _) => self.line.push(char::from(octet)),
            }
        }
        if self.mute { Vec::new() } else { back.into_bytes() }
    }

    fn answer(&mut self, command: &str) -> String {
        if let Some(answer) = self.overrides.get(command) {
            return answer.clone();
        }
        if let Some((first, second)) = command.split_once(";+") {
            let answer = self.answer(first);
            return match answer.strip_suffix("\r\nOK\r\n") {
                Some(lines) => lines.to_string() + &self.answer(&format!("AT+{second}")),
                None => answer,
            };
        }
        let stored = if self.is_elsewhere {
            &mut self.elsewhere
        } else {
            &mut self.stored
        };
        if command.starts_with("AT+CMGS=") {
            self.at_prompt = true;
            return "\r\n> ".to_string();
        }
        if let Some(index) = command.strip_prefix("AT+CMGR=") {
            return match index.parse().ok().and_then(|index: u16| stored.get(&index)) {
                Some((pdu, length)) => ok(&format!("+CMGR: 0,,{length}\r\n{pdu}")),
                None => ok(""),
            };
        }
        if let Some(index) = command.strip_prefix("AT+CMGD=") {
            let gone = index.parse().ok().and_then(|index: u16| stored.remove(&index));
            return if gone.is_some() {
                ok("")
            } else {
                "\r\n+CMS ERROR: 321\r\n".to_string()
            };
        }
        if command == "AT+CMGL=4" {
            let list = stored
                .iter()
                .map(|(index, (pdu, length))| format!("+CMGL: {index},1,,{length}\r\n{pdu}"));
            return ok(&list.collect::<Vec<_>>().join("\r\n"));
        }
        if command == "ATE0" {
            self.echo = false;
        }
        match command {
            "AT+CGMI" => ok("Acme"),
            "AT+CGMM" => ok("M1"),
            "AT+CGMR" => ok("Revision: 1.0"),
            "AT+CGSN" => ok("866123040000017"),
            "AT+CPIN?" => ok("+CPIN: READY"),
            "AT+CIMI" => ok("272010123456789"),
            "AT+CCID" => ok("8935301234567890123"),
            "AT+CPMS=?" => ok("+CPMS: (\"SM\"),(\"SM\"),(\"SM\")"),
            "AT+CPMS?" => ok(&format!(
                "+CPMS: \"SM\",{0},30,\"SM\",{0},30,\"SM\",{0},30",
                stored.len()
            )),
            "AT+CNMI=?" => ok("+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)"),
            "AT+CNMI?" => ok("+CNMI: 2,1,0,1,0"),
            "AT+CREG?" => ok("+CREG: 1,1"),
            "AT+CEREG?" => ok("+CEREG: 1,0"),
            "AT+CSQ" => ok("+CSQ: 20,99"),
            "AT+COPS?" => ok("+COPS: 0,0,\"Operator\",7"),
            "AT+CSMS?" => ok("+CSMS: 0,1,1,1"),
            "AT+CFUN=4" | "AT+CFUN=1" | "AT+CFUN=1,1" | "AT" | "ATE0" | "AT+CMEE=1" | "AT+CREG=1" | "AT+CEREG=1"
            | "AT+CMGF=0" | "AT+CNMI=2,1,0,1,0" | "AT+CNMA" => ok(""),
            _ if command.starts_with("AT+CPMS=") => {
                self.is_elsewhere = command.starts_with("AT+CPMS=\"ME\"");
                ok(&format!("+CPMS: {0},30,{0},30,{0},30", self.stored.len()))
            }
            _ => "\r\nERROR\r\n".to_string(),
        }
    }
}

fn ok(lines: &str) -> String {
    if lines.is_empty() {
        "\r\nOK\r\n".to_string()
    } else {
        format!("\r\n{lines}\r\n\r\nOK\r\n")
    }
}
