//! What must hold for any octets: shared by the fuzz targets and by the replay of their corpus in `cargo test`.

use std::collections::BTreeMap;
use std::time::Duration;

use wardwire_core::at::framer::{Frame as AtFrame, Framer};
use wardwire_core::at::limits::LINE;
use wardwire_core::base::UtcTime;
use wardwire_core::sms::frame::{FRAME_OCTETS, Frame};
use wardwire_core::sms::udh::Element;
use wardwire_core::sms::{
    Alphabet, Arrival, Context, Decoded, Direction, Reading, Reassembler, ReportKind, SegmentOptions, Timestamp, Tpdu,
    UserData, hex, join_text, segment,
};

/// The first octet chooses how the rest is read.
fn context(data: &[u8]) -> Option<(Context, &[u8])> {
    let (choice, octets) = data.split_first()?;
    let direction = if choice & 1 == 0 {
        Direction::Inbound
    } else {
        Direction::Outbound
    };
    let reading = if choice & 2 == 0 {
        Reading::Tolerant
    } else {
        Reading::Strict
    };
    let report = match choice >> 2 & 3 {
        0 => Some(ReportKind::Acknowledgement),
        1 => Some(ReportKind::Failure),
        _ => None,
    };
    Some((
        Context {
            direction,
            reading,
            report,
        },
        octets,
    ))
}

/// A frame as it stands on a line.
fn read(octets: &[u8], context: Context) -> Option<Decoded> {
    if octets.len() > FRAME_OCTETS {
        return None;
    }
    let frame = Frame::parse(&hex::encode::<{ FRAME_OCTETS * 2 }>(octets)).ok()?;
    let whole = frame.octets.len();
    let decoded = frame.decode(
        context,
        Some(&mut |_, range| assert!(range.start < range.end && range.end <= whole)),
    );
    decoded.inspect_err(|error| assert!(error.offset <= whole)).ok()
}

/// Nothing panics, whatever is asked of what was read.
pub(crate) fn decode(data: &[u8]) {
    let Some((context, octets)) = context(data) else { return };
    if let Ok(text) = std::str::from_utf8(octets) {
        let _ = Frame::parse(text);
    }
    let Some(decoded) = read(octets, context) else { return };
    if context.reading == Reading::Strict {
        assert!(decoded.deviations.is_empty());
    }
    if let Some(data) = decoded.tpdu.user_data() {
        let text = data.text().unwrap_or_default();
        assert!(text.chars().count() <= data.units().max(1));
        assert!(data.elements().count() <= data.octets().len());
        if data.alphabet() != Alphabet::Octets {
            assert_eq!(join_text(&[data]), text);
        }
    }
    if let Tpdu::Deliver(deliver) = &decoded.tpdu {
        assert!(deliver.originator.to_text().len() <= 33);
        assert_eq!(deliver.scts.rfc3339().is_some(), deliver.scts.civil().is_some());
        if let Some(at) = deliver.scts.to_utc() {
            let again = Timestamp::from_utc(at, deliver.scts.quarters());
            assert_eq!(again.to_utc(), Some(at));
        }
    }
}

/// What strict takes is written back octet for octet; what tolerant mends completely, strict takes.
pub(crate) fn decode_encode_decode(data: &[u8]) {
    let Some((context, octets)) = context(data) else { return };
    let reread = |octets: &[u8]| {
        let framed = [&[0], octets].concat();
        read(
            &framed,
            Context {
                reading: Reading::Strict,
                ..context
            },
        )
    };
    let Some(decoded) = read(
        &[&[0], octets].concat(),
        Context {
            reading: Reading::Tolerant,
            ..context
        },
    ) else {
        assert_eq!(reread(octets), None);
        return;
    };
    if decoded.deviations.is_empty() {
        assert_eq!(decoded.tpdu.encode().as_deref(), Ok(octets));
        assert_eq!(reread(octets), Some(decoded));
    } else {
        assert_eq!(reread(octets), None);
        if decoded.is_complete() {
            let again = decoded.tpdu.encode().expect("what is complete can be written");
            let strict = reread(&again).expect("what is mended is right");
            assert_eq!(strict.tpdu, decoded.tpdu);
        }
    }
}

/// No part is lost or doubled; a text that is cut, shuffled and joined is the same.
pub(crate) fn reassemble(data: &[u8]) {
    let mut joiner = Reassembler::new(8, Duration::from_secs(60));
    let (mut pushed, mut found, mut duplicates) = (0, 0, 0);
    for (second, chunk) in (0_i64..).zip(data.chunks(6)) {
        let &[sender, reference, total, sequence, content, kind] = chunk else {
            break;
        };
        let wide = [reference >> 4, reference, total % 8, sequence % 8];
        let elements = if kind & 1 == 0 {
            [Element {
                identifier: 0x00,
                data: &wide[1..],
            }]
        } else {
            [Element {
                identifier: 0x08,
                data: &wide,
            }]
        };
        let Some(part) = UserData::from_septets(&elements, &[content & 0x7F]) else {
            continue;
        };
        pushed += 1;
        match joiner.push(sender % 4, part, UtcTime::from_millis(second * 1000)) {
            Arrival::Whole(message) => {
                assert!(message.is_complete());
                found += message.parts.len();
            }
            Arrival::Waiting => {}
            Arrival::Duplicate => duplicates += 1,
        }
        if kind & 0x80 != 0 {
            found += given_up(&mut joiner, second);
        }
    }
    found += given_up(&mut joiner, i64::from(i32::MAX));
    assert_eq!(pushed, found + duplicates);
    if let Ok(text) = std::str::from_utf8(data) {
        shuffle(text);
    }
}

fn given_up(joiner: &mut Reassembler<u8>, second: i64) -> usize {
    let messages = joiner.expire(UtcTime::from_millis(second * 1000));
    messages
        .iter()
        .for_each(|message| assert!(!message.is_complete() && !message.text().is_empty()));
    messages.iter().flat_map(|message| &message.parts).flatten().count()
}

fn shuffle(text: &str) {
    let Ok(done) = segment(text, &SegmentOptions::default()) else {
        return;
    };
    let mut joiner = Reassembler::new(1, Duration::from_secs(60));
    let mut order: BTreeMap<usize, UserData> = BTreeMap::new();
    for (index, part) in done.parts.iter().enumerate() {
        // Any order will do, as long as it is not the one they were cut in.
        order.insert((index * 7919 + text.len()) % 65_537, UserData::from(part));
    }
    assert_eq!(order.len(), done.parts.len());
    let mut whole = None;
    for part in order.into_values() {
        match joiner.push('x', part, UtcTime::from_millis(0)) {
            Arrival::Whole(message) => whole = Some(message.text()),
            Arrival::Waiting => assert!(whole.is_none()),
            Arrival::Duplicate => panic!("no part came twice"),
        }
    }
    assert_eq!(whole.as_deref(), Some(text));
}

/// Lines are bounded and clean, and the framer is the same after `clear` as at the begin.
pub(crate) fn at_framer(data: &[u8]) {
    let Some((choice, octets)) = data.split_first() else {
        return;
    };
    let mut framer = Framer::default();
    let mut lines = 0;
    for (index, octet) in octets.iter().enumerate() {
        let prompt_expected = choice & 1 == 1 && index % 3 != 0;
        match framer.push(*octet, prompt_expected) {
            Some(AtFrame::Line(line)) => {
                assert!(!line.is_empty() && line.len() <= LINE);
                assert!(line.bytes().all(|octet| (b' '..=b'~').contains(&octet)));
                assert!(!line.starts_with(' ') && !line.ends_with(' '));
                lines += 1;
            }
            Some(AtFrame::Prompt) => assert!(prompt_expected),
            Some(AtFrame::TooLong) => assert!(index >= LINE),
            None => {}
        }
    }
    assert!(lines <= octets.len());
    framer.clear();
    assert_eq!(framer.push(b'x', true), None);
    assert_eq!(framer.push(b'\r', true), Some(AtFrame::Line("x".try_into().unwrap())));
}
