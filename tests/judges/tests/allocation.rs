//! Nothing is allocated between a text of one part and its TPDU on the line, and back: a counting allocator says so. It is
//! here and not in the product's tests, since an allocator is unsafe code.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

use wardwire_core::base::PhoneNumber;
use wardwire_core::sms::{
    Context, Direction, Frame, Reading, SegmentOptions, Submit, TextDecoder, Tpdu, Validity, frame, plan,
};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches a thread-local number only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

#[test]
fn the_counter_counts() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1_u8; 100]))) > 0);
}

#[test]
fn a_text_of_one_part_goes_to_the_line_and_back_without_allocating() {
    let to = PhoneNumber::from_e164("+353871234567").unwrap();
    let texts = [
        "0123456789abcdef".repeat(10),
        "Your visit: 3 June, 9:30 [room 4] €5".into(),
        "ж".repeat(70),
        "😀".repeat(35),
    ];
    for text in texts {
        let mut back = heapless::String::<560>::new();
        let count = allocations(|| {
            let plan = plan(&text, &SegmentOptions::default()).unwrap();
            let (_, part) = plan.parts().next().unwrap();
            let mut submit = Submit::new(&part, &to);
            submit.validity = Some(Validity::relative_at_most(core::time::Duration::from_secs(3_600)));
            let (line, _) = frame(None, &submit.encode().unwrap()).unwrap();
            let frame = Frame::parse(&line).unwrap();
            let context = Context {
                direction: Direction::Outbound,
                reading: Reading::Strict,
                report: None,
            };
            let Tpdu::Submit(read) = frame.decode(context, None).unwrap().tpdu else {
                panic!("a submit")
            };
            let mut decoder = TextDecoder::default();
            decoder.push(&read.user_data, &mut back).unwrap();
            decoder.finish(&mut back).unwrap();
            write!(back, "{}", read.destination.to_text()).unwrap();
        });
        assert_eq!(back.as_str(), format!("{text}+353871234567"));
        assert_eq!(count, 0, "{} characters", text.chars().count());
    }
}

#[test]
fn refusals_do_not_allocate_either() {
    let count = allocations(|| {
        for line in [
            "00",
            "0006",
            "00zz",
            "0004FF91",
            "00440891515510000000422092329585400A0500",
        ] {
            for reading in [Reading::Strict, Reading::Tolerant] {
                let context = Context {
                    direction: Direction::Inbound,
                    reading,
                    report: None,
                };
                let _ = Frame::parse(line).map(|frame| frame.decode(context, None));
            }
        }
    });
    assert_eq!(count, 0);
}
