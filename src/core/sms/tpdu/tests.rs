//! Properties of the six TPDUs: what is written is read again as the same value; octets of any kind break nothing; what
//! the tolerant reading mends, the strict one takes.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::base::UtcTime;
use crate::sms::gsm7::fill_bits;
use crate::sms::udh::Element;
use crate::sms::validity::Enhanced;
use crate::sms::{Address, AddressType, Alphabet, Dcs, Status, Timestamp, Validity};

fn address() -> impl Strategy<Value = Address> {
    let digits = (0x80_u8..=0xFF, "[0-9*#abc]{0,20}").prop_filter_map("digits", |(kind, digits)| {
        Address::digits(AddressType(kind), &digits).ok()
    });
    let name = "[@-Za-zÄÖé€ ]{1,10}".prop_filter_map("name", |name| Address::name(&name).ok());
    prop_oneof![3 => digits, 1 => name]
}

fn stamp() -> impl Strategy<Value = Timestamp> {
    (315_619_200_i64..3_471_206_400, -79_i8..=79)
        .prop_map(|(second, quarters)| Timestamp::from_utc(UtcTime::from_millis(second * 1000), quarters))
}

/// Elements whose lengths and values make sense.
fn elements() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let concatenation = (any::<u8>(), 1_u8..=255).prop_flat_map(|(reference, total)| {
        (1..=total).prop_map(move |sequence| (0x00, [reference, total, sequence].to_vec()))
    });
    let one = prop_oneof![
        concatenation,
        vec(any::<u8>(), 4).prop_map(|data| (0x05, data)),
        vec(any::<u8>(), 2).prop_map(|data| (0x01, data)),
        (0x24_u8..=0x25, any::<u8>()).prop_map(|(identifier, language)| (identifier, [language].to_vec())),
        (0x70_u8..=0x7F, vec(any::<u8>(), 0..12)),
    ];
    vec(one, 0..4)
}

/// A coding that is not compressed, and user data in its alphabet of at most `max` octets.
fn coded(max: usize) -> impl Strategy<Value = (Dcs, UserData)> {
    let dcs = any::<u8>()
        .prop_map(Dcs)
        .prop_filter("compressed", |dcs| !dcs.is_compressed());
    (dcs, elements(), vec(any::<u8>(), 0..200)).prop_map(move |(dcs, elements, body)| {
        let elements: Vec<Element<'_>> = elements
            .iter()
            .map(|(identifier, data)| Element {
                identifier: *identifier,
                data,
            })
            .collect();
        let header: usize = elements.iter().map(|element| element.data.len() + 2).sum::<usize>() + 1;
        let room = max - header;
        let data = match dcs.alphabet() {
            Alphabet::Gsm7 => {
                let septets: Vec<u8> = body
                    .iter()
                    .take((room * 8 - fill_bits(header)) / 7)
                    .map(|octet| octet & 0x7F)
                    .collect();
                UserData::from_septets(&elements, &septets)
            }
            Alphabet::Ucs2 => {
                let octets = &body[..body.len().min(room) & !1];
                UserData::from_octets(Alphabet::Ucs2, &elements, octets)
            }
            Alphabet::Octets => UserData::from_octets(Alphabet::Octets, &elements, &body[..body.len().min(room)]),
        };
        (dcs, data.unwrap())
    })
}

fn parameters(max: usize) -> impl Strategy<Value = Parameters> {
    (option::of(any::<u8>()), option::of(coded(max)), any::<bool>()).prop_map(|(pid, coded, plain)| match coded {
        None => Parameters {
            pid,
            dcs: None,
            user_data: None,
        },
        // Without TP-DCS user data is in the default alphabet.
        Some((dcs, data)) if plain && data.alphabet() == Alphabet::Gsm7 => {
            let _ = dcs;
            Parameters {
                pid,
                dcs: None,
                user_data: Some(data),
            }
        }
        Some((dcs, data)) => Parameters {
            pid,
            dcs: Some(dcs),
            user_data: Some(data),
        },
    })
}

fn validity() -> impl Strategy<Value = Validity> {
    prop_oneof![
        any::<u8>().prop_map(Validity::Relative),
        stamp().prop_map(Validity::Absolute),
        any::<[u8; 7]>().prop_map(|octets| Validity::Enhanced(Enhanced(octets))),
    ]
}

fn deliver() -> impl Strategy<Value = Tpdu> {
    (any::<[bool; 4]>(), address(), any::<u8>(), stamp(), coded(140)).prop_map(
        |([more_messages, loop_prevention, status_report, reply_path], originator, pid, scts, (dcs, user_data))| {
            let plain = Deliver::new(originator, scts, dcs, user_data);
            Tpdu::Deliver(Deliver {
                more_messages,
                loop_prevention,
                status_report,
                reply_path,
                pid,
                ..plain
            })
        },
    )
}

fn submit() -> impl Strategy<Value = Tpdu> {
    (
        any::<[bool; 3]>(),
        any::<[u8; 2]>(),
        address(),
        option::of(validity()),
        coded(140),
    )
        .prop_map(
            |(
                [reject_duplicates, status_report, reply_path],
                [tp_mr, pid],
                destination,
                validity,
                (dcs, user_data),
            )| {
                Tpdu::Submit(Submit {
                    reject_duplicates,
                    status_report,
                    reply_path,
                    tp_mr,
                    destination,
                    pid,
                    dcs,
                    validity,
                    user_data,
                })
            },
        )
}

fn status_report() -> impl Strategy<Value = Tpdu> {
    (
        any::<[bool; 3]>(),
        any::<[u8; 2]>(),
        address(),
        stamp(),
        stamp(),
        option::of(parameters(131)),
    )
        .prop_map(
            |([more_messages, loop_prevention, answers_command], [tp_mr, status], recipient, scts, at, parameters)| {
                let plain = StatusReport::new(tp_mr, recipient, scts, at, Status(status));
                Tpdu::StatusReport(StatusReport {
                    more_messages,
                    loop_prevention,
                    answers_command,
                    parameters,
                    ..plain
                })
            },
        )
}

fn any_tpdu() -> impl Strategy<Value = Tpdu> {
    let cause = || option::of(0x80_u8..=0xFF);
    let submit_report =
        (cause(), stamp(), parameters(151)).prop_map(|(failure_cause, scts, parameters)| SubmitReport {
            failure_cause,
            scts,
            parameters,
        });
    let deliver_report = (cause(), parameters(158)).prop_map(|(failure_cause, parameters)| DeliverReport {
        failure_cause,
        parameters,
    });
    let command = (
        any::<[bool; 2]>(),
        any::<[u8; 4]>(),
        address(),
        vec(any::<u8>(), 0..=157),
    )
        .prop_map(
            |([status_report, has_header], [tp_mr, pid, command_type, message_number], destination, data)| Command {
                status_report,
                has_header,
                tp_mr,
                pid,
                command_type,
                message_number,
                destination,
                data: heapless::Vec::from_slice(&data).unwrap(),
            },
        );
    prop_oneof![
        deliver(),
        submit(),
        status_report(),
        submit_report.prop_map(Tpdu::SubmitReport),
        deliver_report.prop_map(Tpdu::DeliverReport),
        command.prop_map(Tpdu::Command),
    ]
}

fn context(tpdu: &Tpdu, reading: Reading) -> Context {
    let (direction, cause) = match tpdu {
        Tpdu::Deliver(_) | Tpdu::StatusReport(_) => (Direction::Inbound, None),
        Tpdu::SubmitReport(report) => (Direction::Inbound, Some(report.failure_cause)),
        Tpdu::Submit(_) | Tpdu::Command(_) => (Direction::Outbound, None),
        Tpdu::DeliverReport(report) => (Direction::Outbound, Some(report.failure_cause)),
    };
    let report = cause.map(|cause| match cause {
        Some(_) => ReportKind::Failure,
        None => ReportKind::Acknowledgement,
    });
    Context {
        direction,
        reading,
        report,
    }
}

/// Both readings agree on what is right; what tolerant mends completely, strict takes.
fn check(octets: &[u8], context: Context) -> Result<(), TestCaseError> {
    let strict = read(
        octets,
        0,
        Context {
            reading: Reading::Strict,
            ..context
        },
        None,
    );
    let mut covered = 0;
    let mut watch = |_: Field, range: core::ops::Range<usize>| covered = covered.max(range.end);
    let tolerant = read(
        octets,
        0,
        Context {
            reading: Reading::Tolerant,
            ..context
        },
        Some(&mut watch),
    );
    prop_assert!(covered <= octets.len());
    match (strict, tolerant) {
        (Ok(strict), tolerant) => {
            prop_assert_eq!(&strict.tpdu.encode().unwrap()[..], octets);
            prop_assert_eq!(Ok(strict), tolerant);
        }
        (Err(first), Ok(tolerant)) => {
            prop_assert_eq!(tolerant.deviations.as_slice().first(), Some(&first));
            if tolerant.is_complete() {
                let again = tolerant.tpdu.encode().unwrap();
                let strict = read(
                    &again,
                    0,
                    Context {
                        reading: Reading::Strict,
                        ..context
                    },
                    None,
                );
                prop_assert_eq!(strict.map(|decoded| decoded.tpdu), Ok(tolerant.tpdu));
            }
        }
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_value(tpdu in any_tpdu()) {
        let octets = tpdu.encode().unwrap();
        for reading in [Reading::Strict, Reading::Tolerant] {
            let decoded = read(&octets, 0, context(&tpdu, reading), None).unwrap();
            prop_assert!(decoded.deviations.is_empty());
            prop_assert_eq!(&decoded.tpdu, &tpdu);
        }
    }

    #[test]
    fn damage_is_named_and_survived(
        tpdu in any_tpdu(), places in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3), end in any::<prop::sample::Index>(),
        cut: bool, extra in vec(any::<u8>(), 0..3),
    ) {
        let mut octets = tpdu.encode().unwrap().to_vec();
        for (place, octet) in places {
            let at = place.index(octets.len());
            octets[at] = octet;
        }
        if cut {
            octets.truncate(end.index(octets.len()));
        }
        octets.extend(extra);
        let context = context(&tpdu, Reading::Tolerant);
        check(&octets, context)?;
        check(&octets, Context { report: None, ..context })?;
    }

    #[test]
    fn octets_of_any_kind_break_nothing(octets in vec(any::<u8>(), 0..190), inbound: bool) {
        let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
        check(&octets, Context { direction, reading: Reading::Tolerant, report: None })?;
    }

    #[test]
    fn names_that_are_read_are_written(name in "[@-Za-zÄÖé€ ]{1,5}") {
        prop_assert_eq!(String::from(Address::name(&name).unwrap().to_text().as_str()), name);
    }
}

#[test]
fn nothing_is_read_that_is_longer_than_a_tpdu() {
    let error = decode(&[0; TPDU_OCTETS + 1], Direction::Inbound, Reading::Tolerant).unwrap_err();
    assert_eq!(error.cause, Cause::TooLong { is: 177, max: 176 });
}

#[test]
fn what_contradicts_itself_is_not_written() {
    let text = UserData::from_septets(&[], &[0x61]).unwrap();
    let originator = Address::parse("50123").unwrap();
    let deliver = |dcs, data| Deliver::new(originator.clone(), Timestamp([0; 7]), dcs, data).encode();
    assert_eq!(deliver(Dcs::UCS2, text.clone()), Err(EncodeError::AlphabetMismatch));
    assert_eq!(
        deliver(Dcs(0x20), text),
        Err(EncodeError::AlphabetMismatch),
        "compressed"
    );
    let long = UserData::from_octets(Alphabet::Octets, &[], &[0; 141]).unwrap();
    assert_eq!(
        deliver(Dcs::OCTETS, long),
        Err(EncodeError::UserDataTooLong { is: 141, max: 140 })
    );
    let low = SubmitReport {
        failure_cause: Some(0x7F),
        ..SubmitReport::default()
    };
    assert_eq!(low.encode(), Err(EncodeError::FailureCause));
}
