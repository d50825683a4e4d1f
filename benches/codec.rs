//! What the codec costs: a full SUBMIT from a text, a full DELIVER to a text, a text of 1,000 characters to parts; and the
//! same work by libgammu in the same run, where libgammu-dev and a C compiler are here.
//!
//! `cargo bench --bench codec [-- TASK ..]`

#![expect(clippy::expect_used, reason = "a bench that cannot run fails")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use wardwire_core::base::PhoneNumber;
use wardwire_core::sms::{
    Address, Alphabet, Dcs, Decoded, Deliver, Direction, EncodeError, EncodedPart, Octets, Reading, SegmentOptions,
    SubmitOptions, TextDecoder, Timestamp, Tpdu, decode, hex, plan, segment, submit,
};

/// UTF-8 of any DELIVER.
const TEXT_OCTETS: usize = 480;
const ROUNDS: usize = 500;
const ITERATIONS: u32 = 1_000;

/// Nanoseconds of one turn: the best of many short rounds, so that others on a shared machine do not count. `gammu.c`
/// measures alike.
fn measure(work: impl Fn()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..ITERATIONS).for_each(|_| work());
            start.elapsed().as_secs_f64() * 1e9 / f64::from(ITERATIONS)
        })
        .fold(f64::INFINITY, f64::min)
}

fn number() -> PhoneNumber {
    PhoneNumber::from_e164("+353871234567").expect("a number")
}

fn encode(text: &str, to: &PhoneNumber) -> Result<Octets, EncodeError> {
    let plan = plan(black_box(text), &SegmentOptions::default()).expect("a plan");
    let (_, part) = plan.parts().next().expect("a part");
    outbound(&part, to)
}

fn outbound(part: &EncodedPart, to: &PhoneNumber) -> Result<Octets, EncodeError> {
    let options = SubmitOptions {
        validity: Some(Duration::from_secs(4 * 86_400)),
        ..SubmitOptions::default()
    };
    submit(part, to, options)
}

/// 140 octets, as a part at rest.
fn octets_at_rest() -> Vec<u8> {
    [&[Dcs::OCTETS.0, 0, 140][..], &[b'x'; 140]].concat()
}

fn octets_part(at_rest: &[u8]) -> EncodedPart {
    EncodedPart::from_octets(black_box(at_rest)).expect("a part")
}

fn deliver(part: &EncodedPart) -> Octets {
    let stamp = Timestamp([0x62, 0x10, 0x51, 0x01, 0x03, 0x00, 0x40]);
    let from = Address::from(&number());
    Deliver::new(from, stamp, Dcs(part.dcs), part.into())
        .encode()
        .expect("a TPDU")
}

fn read(octets: &[u8]) -> usize {
    let decoded = decode(black_box(octets), Direction::Inbound, Reading::Tolerant);
    let Ok(Decoded {
        tpdu: Tpdu::Deliver(deliver),
        ..
    }) = &decoded
    else {
        return 0;
    };
    let length = match deliver.user_data.alphabet() {
        Alphabet::Gsm7 | Alphabet::Ucs2 => {
            // As libgammu does, without allocating.
            let (mut text, mut decoder) = (heapless::String::<TEXT_OCTETS>::new(), TextDecoder::default());
            let whole = decoder
                .push(&deliver.user_data, &mut text)
                .and(decoder.finish(&mut text));
            whole.map_or(0, |()| black_box(&text).len())
        }
        Alphabet::Octets => deliver.user_data.body().len(),
    };
    length + usize::from(deliver.scts.to_utc().is_some())
}

fn main() {
    let (gsm7, ucs2) = ("0123456789abcdef".repeat(10), "ж".repeat(70));
    let (long_gsm7, long_ucs2) = ("0123456789abcdefghij".repeat(50), "ж".repeat(1_000));
    let (to, at_rest) = (number(), octets_at_rest());
    let options = SegmentOptions::default();
    let part = |text: &str| segment(text, &options).expect("parts").parts.remove(0);
    let delivers = [
        deliver(&part(&gsm7)),
        deliver(&part(&ucs2)),
        deliver(&octets_part(&at_rest)),
    ];
    let [deliver_gsm7, deliver_ucs2, deliver_octets] = &delivers;
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let tasks: [(&str, &dyn Fn()); 8] = [
        ("encode-gsm7", &|| _ = black_box(encode(&gsm7, &to))),
        ("encode-ucs2", &|| _ = black_box(encode(&ucs2, &to))),
        ("encode-8bit", &|| _ = black_box(outbound(&octets_part(&at_rest), &to))),
        ("decode-gsm7", &|| _ = black_box(read(deliver_gsm7))),
        ("decode-ucs2", &|| _ = black_box(read(deliver_ucs2))),
        ("decode-8bit", &|| _ = black_box(read(deliver_octets))),
        ("segment-gsm7", &|| {
            _ = black_box(segment(black_box(&long_gsm7), &options));
        }),
        ("segment-ucs2", &|| {
            _ = black_box(segment(black_box(&long_ucs2), &options));
        }),
    ];
    let theirs = gammu(&delivers);
    println!("{:<14} {:>10} {:>12} {:>8}", "task", "ours ns", "libgammu ns", "ratio");
    for (task, work) in tasks {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| task.contains(wanted.as_str())) {
            continue;
        }
        let nanoseconds = measure(work);
        match theirs.iter().find(|(theirs, _)| theirs == task) {
            Some((_, gammu)) => println!(
                "{task:<14} {nanoseconds:>10.0} {gammu:>12.0} {:>8.1}",
                gammu / nanoseconds
            ),
            None => println!("{task:<14} {nanoseconds:>10.0} {:>12} {:>8}", "-", "-"),
        }
    }
}

/// What libgammu takes, task by task; empty where it is not here.
fn gammu(delivers: &[Octets]) -> Vec<(String, f64)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/gammu.c");
    let program = std::env::temp_dir().join(format!("wardwire-bench-gammu-{}", std::process::id()));
    let built = Command::new("cc")
        .args(["-O2", "-I/usr/include/gammu", "-o"])
        .arg(&program)
        .arg(source)
        .arg("-lGammu")
        .status();
    if !built.is_ok_and(|status| status.success()) {
        println!("libgammu-dev or a C compiler is not here: no ratio");
        return Vec::new();
    }
    let delivers = delivers
        .iter()
        .map(|octets| hex::encode::<352>(octets).as_str().to_owned());
    let output = Command::new(&program).arg("200").args(delivers).output();
    // The program is in the folder for temporary files: who cannot remove it leaves it to the system.
    drop(std::fs::remove_file(&program));
    let output = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    output
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(task, nanoseconds)| Some((task.to_owned(), nanoseconds.parse().ok()?)))
        .collect()
}
