//! `wardwire pdu`: the codec for people. Reads a PDU octet by octet, writes a text as PDUs, counts what a text takes.

mod decode;
mod dump;
mod encode;
mod findings;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use wardwire_core::sms::{self, EncodingChoice, Language};

#[derive(Debug, Args)]
pub(super) struct PduArgs {
    #[command(subcommand)]
    command: PduCommand,
}

#[derive(Debug, Subcommand)]
enum PduCommand {
    /// Say what a PDU says, octet by octet
    Decode(decode::DecodeArgs),
    /// Write a text as PDUs ready for AT+CMGS
    Encode(encode::EncodeArgs),
    /// Count what a text takes: alphabet, units, parts, and the characters that force UCS-2
    Count(encode::CountArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Encoding {
    /// The cheapest
    Auto,
    /// GSM-7 or nothing
    Gsm7,
    /// Always UCS-2
    Ucs2,
}

impl From<Encoding> for EncodingChoice {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Auto => Self::Auto,
            Encoding::Gsm7 => Self::Gsm7,
            Encoding::Ucs2 => Self::Ucs2,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Direction {
    /// From the service centre to the phone
    Inbound,
    /// From the phone to the service centre
    Outbound,
}

impl From<Direction> for sms::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
        }
    }
}

/// Language codes for `--language`.
fn language(code: &str) -> Result<Language, String> {
    Language::from_code(&code.to_ascii_lowercase()).ok_or_else(|| {
        let known: Vec<&str> = Language::ALL.into_iter().map(Language::code).collect();
        format!("one of {}", known.join(", "))
    })
}

pub(super) fn run(args: &PduArgs) -> ExitCode {
    let done = match &args.command {
        PduCommand::Decode(args) => decode::run(args),
        PduCommand::Encode(args) => encode::run(args),
        PduCommand::Count(args) => encode::count(args),
    };
    done.unwrap_or_else(|error| super::fail(&error))
}
