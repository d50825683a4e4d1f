//! `wardwire pdu encode` and `wardwire pdu count`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use wardwire_core::sms::{
    Address, EncodingChoice, Language, Languages, SegmentError, SegmentOptions, Submit, TypeOfNumber, UserData,
    Validity, dcs::Dcs, frame, gsm7, plan,
};

use super::Encoding;

#[derive(Debug, Args)]
pub(super) struct EncodeArgs {
    /// JSON on one line
    #[arg(long)]
    json: bool,
    /// Where to: +353871234567, or a short code
    #[arg(long)]
    to: String,
    /// The text
    #[arg(long)]
    text: String,
    /// Show it at once instead of storing it (class 0)
    #[arg(long)]
    flash: bool,
    /// Ask for delivery reports
    #[arg(long)]
    report: bool,
    /// How long the network may try: 30m, 12h, 4d, 2w; rounded down to what TP-VP can say
    #[arg(long, value_parser = duration)]
    validity: Option<Duration>,
    /// Alphabet
    #[arg(long, value_enum, default_value = "auto")]
    encoding: Encoding,
    /// National tables that may be used, such as tr,es; none unless named, since not every phone knows them
    #[arg(long, value_delimiter = ',', value_parser = super::language)]
    language: Vec<Language>,
    /// Reference of a text in parts; from 256 on it is written with 16 bits
    #[arg(long = "ref", value_name = "N", default_value_t = 0)]
    reference: u16,
}

#[derive(Debug, Args)]
pub(super) struct CountArgs {
    /// JSON on one line
    #[arg(long)]
    json: bool,
    /// The text
    #[arg(long)]
    text: String,
    /// National tables that may be used, such as tr,es
    #[arg(long, value_delimiter = ',', value_parser = super::language)]
    language: Vec<Language>,
}

fn options(languages: &[Language]) -> SegmentOptions {
    let languages: Languages = languages.iter().copied().collect();
    SegmentOptions {
        single_shift: languages,
        locking_shift: languages,
        ..SegmentOptions::default()
    }
}

pub(super) fn run(args: &EncodeArgs) -> Result<ExitCode, String> {
    let destination = Address::parse(&args.to).map_err(|error| format!("--to: {error}"))?;
    if destination.kind().number() == TypeOfNumber::Alphanumeric || destination.semi_octets() == 0 {
        return Err("--to: a name cannot be a destination; give +353871234567 or a short code".into());
    }
    let short = u8::try_from(args.reference);
    let options = SegmentOptions {
        encoding: EncodingChoice::from(args.encoding),
        flash: args.flash,
        reference: short.unwrap_or_default(),
        wide_reference: short.is_err().then_some(args.reference),
        ..options(&args.language)
    };
    let plan = plan(&args.text, &options).map_err(|error| error.to_string())?;
    let mut written = Vec::new();
    for ((text, part), number) in plan.parts().zip(1..) {
        let submit = Submit {
            reject_duplicates: false,
            status_report: args.report,
            reply_path: false,
            tp_mr: 0,
            destination: destination.clone(),
            pid: 0,
            dcs: Dcs(part.dcs),
            validity: args.validity.map(Validity::relative_at_most),
            user_data: UserData::from(&part),
        };
        let tpdu = submit.encode().map_err(|error| error.to_string())?;
        let (line, octets) = frame(None, &tpdu).map_err(|error| error.to_string())?;
        if !args.json {
            println!("AT+CMGS={octets}\n{line}");
        }
        written.push(json!({
            "pdu": line.as_str(), "tpdu_octets": octets, "text": text, "part": number, "parts": plan.total()
        }));
    }
    if args.json {
        println!("{}", serde_json::Value::from(written));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn count(args: &CountArgs) -> Result<ExitCode, String> {
    let plan = match plan(&args.text, &options(&args.language)) {
        Ok(plan) => plan,
        Err(SegmentError::TooManyParts { parts, .. }) => {
            return Err(format!("{parts} parts; a message has at most 255"));
        }
        Err(error @ (SegmentError::Empty | SegmentError::NotGsm7 { .. })) => return Err(error.to_string()),
    };
    let alphabet = plan.form().alphabet;
    let mut forcing: Vec<char> = Vec::new();
    if alphabet == wardwire_core::sms::Alphabet::Ucs2 {
        for character in args.text.chars().filter(|character| gsm7::code(*character).is_none()) {
            if !forcing.contains(&character) {
                forcing.push(character);
            }
        }
    }
    let (units, parts) = (plan.units(), plan.total());
    let tables = [
        ("locking", plan.form().charset.locking),
        ("single", plan.form().charset.single),
    ];
    if args.json {
        let code = |language: Option<Language>| language.map(Language::code);
        let [(_, locking), (_, single)] = tables;
        let forcing: Vec<String> = forcing.iter().map(char::to_string).collect();
        println!(
            "{}",
            json!({
                "alphabet": alphabet.as_str(), "units": units, "parts": parts, "forced_by": forcing,
                "locking_shift": code(locking), "single_shift": code(single)
            })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("alphabet  {}", alphabet.as_str());
    for (kind, language) in tables {
        if let Some(language) = language {
            println!("{kind:<8}  {}", language.code());
        }
    }
    println!("units     {units}\nparts     {parts}");
    if !forcing.is_empty() {
        let listed: Vec<String> = forcing
            .iter()
            .map(|character| format!("{character} (U+{:04X})", u32::from(*character)))
            .collect();
        println!("forced by {}", listed.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Numbers with units, added up: `90m`, `1h30m`, `4d`, `2w`, `45s`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "numbers with units s, m, h, d, w, such as 30m or 1h30m".to_string();
    let (mut seconds, mut number) = (0_u64, None::<u64>);
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            let value = number
                .unwrap_or_default()
                .checked_mul(10)
                .and_then(|n| n.checked_add(u64::from(digit)));
            number = Some(value.ok_or_else(wrong)?);
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        let value = number
            .take()
            .and_then(|n| n.checked_mul(unit))
            .and_then(|n| n.checked_add(seconds));
        seconds = value.ok_or_else(wrong)?;
    }
    if number.is_some() || seconds == 0 {
        Err(wrong())
    } else {
        Ok(Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("2w"), Ok(Duration::from_secs(1_209_600)));
        for wrong in ["", "30", "m", "5y", "1h30", "0m", "99999999999999999999d", "-1h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
