//! Parts back to messages, in any order. Bounded: so many messages are open at once, the oldest gives way.
//!
//! Parts belong together when sender, reference (with its width) and total agree (3GPP TS 23.040 clause 9.2.3.24.1); a
//! total that changes is another message. A part that comes twice with the same content is a duplicate; with another
//! content its reference is being used again, and what was there is given up as it is.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::text::TextDecoder;
use super::udh::{Concatenation, Reference};
use super::user_data::UserData;
use crate::base::UtcTime;

/// What stands in a text for each run of parts that never came.
pub const MISSING: &str = "[…]";

/// A message put together again: all its parts, or those that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<S> {
    /// Who sent it.
    pub sender: S,
    /// Reference; `None` when it is no concatenated one.
    pub reference: Option<Reference>,
    /// Its parts by sequence, `None` where one never came.
    pub parts: Vec<Option<UserData>>,
    /// When its first part came.
    pub first_at: UtcTime,
}

impl<S> Message<S> {
    /// Whether all parts are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts.iter().all(Option::is_some)
    }

    /// The joined text, [`MISSING`] where parts never came.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut decoder = TextDecoder::default();
        let mut gap = false;
        for part in &self.parts {
            match part {
                // A string takes whatever is written to it.
                Some(part) => _ = decoder.push(part, &mut text),
                None if gap => {}
                None => {
                    let _ = decoder.finish(&mut text);
                    text.push_str(MISSING);
                }
            }
            gap = part.is_none();
        }
        let _ = decoder.finish(&mut text);
        text
    }
}

/// What a part that came made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival<S> {
    /// The message is whole.
    Whole(Message<S>),
    /// More parts are to come.
    Waiting,
    /// This part was there before.
    Duplicate,
}

/// Joins parts. `S` names the sender, and whatever else keeps messages apart (the SIM that got them).
#[derive(Clone, Debug)]
pub struct Reassembler<S> {
    open: BTreeMap<Key<S>, Open>,
    given_up: Vec<Message<S>>,
    max_open: usize,
    patience: Duration,
}

type Key<S> = (S, Reference, u8);

/// A message of which parts came. It stays after it is whole, so that late duplicates are known as such.
#[derive(Clone, Debug)]
struct Open {
    parts: BTreeMap<u8, UserData>,
    first_at: UtcTime,
    whole: bool,
}

impl<S: Clone + Ord> Reassembler<S> {
    /// Keeps at most `max_open` messages (at least 1), each for at most `patience` from its first part.
    #[must_use]
    pub fn new(max_open: usize, patience: Duration) -> Self {
        Self {
            open: BTreeMap::new(),
            given_up: Vec::new(),
            max_open: max_open.max(1),
            patience,
        }
    }

    /// Takes a part.
    pub fn push(&mut self, sender: S, part: UserData, now: UtcTime) -> Arrival<S> {
        let Some(Concatenation {
            reference,
            total,
            sequence,
        }) = part.concatenation()
        else {
            return Arrival::Whole(Message {
                sender,
                reference: None,
                parts: [Some(part)].into(),
                first_at: now,
            });
        };
        let key = (sender, reference, total);
        match self.open.get(&key).and_then(|open| open.parts.get(&sequence)) {
            Some(there) if *there == part => return Arrival::Duplicate,
            Some(_) => self.give_up(&key),
            None => {}
        }
        if !self.open.contains_key(&key) {
            self.make_room();
        }
        let fresh = || Open {
            parts: BTreeMap::new(),
            first_at: now,
            whole: false,
        };
        let open = self.open.entry(key.clone()).or_insert_with(fresh);
        open.parts.insert(sequence, part);
        if open.parts.len() < usize::from(total) {
            return Arrival::Waiting;
        }
        open.whole = true;
        Arrival::Whole(message(key, open.clone()))
    }

    /// Messages that were given up (their time passed, their reference was used again, or too many were open), with the
    /// parts that came, oldest first.
    pub fn expire(&mut self, now: UtcTime) -> Vec<Message<S>> {
        let late: Vec<Key<S>> = self
            .open
            .iter()
            .filter(|(_, open)| now.since(open.first_at) >= self.patience)
            .map(|(key, _)| key.clone())
            .collect();
        for key in late {
            self.give_up(&key);
        }
        let mut given_up = core::mem::take(&mut self.given_up);
        given_up.sort_by_key(|message| message.first_at);
        given_up
    }

    fn give_up(&mut self, key: &Key<S>) {
        if let Some(open) = self.open.remove(key).filter(|open| !open.whole) {
            self.given_up.push(message(key.clone(), open));
        }
    }

    /// Lets the oldest go when as many are open as may be; those that are whole first.
    fn make_room(&mut self) {
        if self.open.len() < self.max_open {
            return;
        }
        let oldest = self
            .open
            .iter()
            .min_by_key(|(_, open)| (!open.whole, open.first_at))
            .map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.give_up(&key);
        }
    }
}

fn message<S>((sender, reference, total): Key<S>, mut open: Open) -> Message<S> {
    let parts = (1..=total).map(|sequence| open.parts.remove(&sequence)).collect();
    Message {
        sender,
        reference: Some(reference),
        parts,
        first_at: open.first_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::{SegmentOptions, segment};
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn parts(text: &str, reference: u8) -> Vec<UserData> {
        let options = SegmentOptions {
            reference,
            ..SegmentOptions::default()
        };
        segment(text, &options)
            .unwrap()
            .parts
            .iter()
            .map(UserData::from)
            .collect()
    }

    fn at(seconds: i64) -> UtcTime {
        UtcTime::from_millis(seconds * 1000)
    }

    #[test]
    fn a_lone_part_is_whole_at_once() {
        let mut joiner = Reassembler::new(4, HOUR);
        let Arrival::Whole(message) = joiner.push('a', parts("hello", 1).remove(0), at(0)) else {
            panic!("whole")
        };
        assert_eq!((message.text().as_str(), message.reference), ("hello", None));
    }

    #[test]
    fn what_never_came_is_marked() {
        let mut joiner = Reassembler::new(4, HOUR);
        let all = parts(&"0123456789".repeat(62), 9);
        assert_eq!(all.len(), 5);
        for index in [4, 0] {
            assert_eq!(joiner.push('a', all[index].clone(), at(0)), Arrival::Waiting);
        }
        assert_eq!(joiner.expire(at(3599)), []);
        let late = joiner.expire(at(3600));
        assert!(!late[0].is_complete());
        let text = late[0].text();
        assert_eq!(
            (text.matches(MISSING).count(), text.len()),
            (1, 153 + MISSING.len() + 8)
        );
        assert_eq!(joiner.expire(at(9999)), []);
    }

    #[test]
    fn duplicates_are_known_before_and_after_it_is_whole() {
        let mut joiner = Reassembler::new(4, HOUR);
        let all = parts(&"x".repeat(200), 9);
        assert_eq!(joiner.push('a', all[1].clone(), at(0)), Arrival::Waiting);
        assert_eq!(joiner.push('a', all[1].clone(), at(1)), Arrival::Duplicate);
        assert!(matches!(joiner.push('a', all[0].clone(), at(2)), Arrival::Whole(_)));
        assert_eq!(joiner.push('a', all[0].clone(), at(3)), Arrival::Duplicate);
        assert_eq!(joiner.expire(at(9999)), [], "a whole one is not given up");
    }

    #[test]
    fn a_reference_used_again_gives_the_old_one_up() {
        let mut joiner = Reassembler::new(4, HOUR);
        let (old, new) = (parts(&"x".repeat(200), 9), parts(&"y".repeat(200), 9));
        assert_eq!(joiner.push('a', old[0].clone(), at(0)), Arrival::Waiting);
        assert_eq!(joiner.push('a', new[0].clone(), at(5)), Arrival::Waiting);
        let Arrival::Whole(message) = joiner.push('a', new[1].clone(), at(6)) else {
            panic!("whole")
        };
        assert_eq!(message.text(), "y".repeat(200));
        let given_up = joiner.expire(at(7));
        assert_eq!((given_up.len(), given_up[0].first_at), (1, at(0)));
    }

    #[test]
    fn sender_total_and_width_keep_messages_apart() {
        let mut joiner = Reassembler::new(9, HOUR);
        let two = parts(&"x".repeat(200), 9);
        let three = parts(&"x".repeat(400), 9);
        let wide = SegmentOptions {
            wide_reference: Some(9),
            ..SegmentOptions::default()
        };
        let wide = UserData::from(&segment(&"x".repeat(200), &wide).unwrap().parts[1]);
        assert_eq!(joiner.push('a', two[0].clone(), at(0)), Arrival::Waiting);
        assert_eq!(joiner.push('b', two[1].clone(), at(0)), Arrival::Waiting);
        assert_eq!(joiner.push('a', three[1].clone(), at(0)), Arrival::Waiting);
        assert_eq!(joiner.push('a', wide, at(0)), Arrival::Waiting);
        assert_eq!(joiner.expire(at(9999)).len(), 4);
    }

    #[test]
    fn the_oldest_gives_way() {
        let mut joiner = Reassembler::new(2, HOUR);
        for (second, sender) in (0_i64..).zip(['a', 'b', 'c']) {
            joiner.push(sender, parts(&"x".repeat(200), 9).remove(0), at(second));
        }
        let given_up = joiner.expire(at(3));
        assert_eq!((given_up.len(), given_up[0].sender), (1, 'a'));
    }

    proptest! {
        #[test]
        fn any_order_gives_the_text_back(
            texts in proptest::collection::vec("[a-z€ж😀]{1,400}", 1..5), order in any::<u64>(), twice in 0_usize..4,
        ) {
            let mut all: Vec<(usize, UserData)> = Vec::new();
            for (sender, text) in texts.iter().enumerate() {
                all.extend(parts(text, 7).into_iter().map(|part| (sender, part)));
            }
            let again: Vec<_> = all.iter().take(twice).filter(|(_, part)| part.has_header()).cloned().collect();
            all.extend(again.iter().cloned());
            fastrand::Rng::with_seed(order).shuffle(&mut all);
            let mut joiner = Reassembler::new(8, HOUR);
            let mut found = alloc::vec![None; texts.len()];
            let mut duplicates = 0;
            for (sender, part) in all {
                match joiner.push(sender, part, at(0)) {
                    Arrival::Whole(message) => found[sender] = Some(message.text()),
                    Arrival::Waiting => {}
                    Arrival::Duplicate => duplicates += 1,
                }
            }
            prop_assert_eq!(duplicates, again.len());
            prop_assert_eq!(found, texts.into_iter().map(Some).collect::<Vec<_>>());
            prop_assert!(joiner.expire(at(3600)).is_empty());
        }
    }
}
