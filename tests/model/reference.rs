//! The reference model: all that callers, modems and the air know for certain, and what the store must therefore say. About
//! a page, and no word of how the store does it. Whoever plays a story against a store keeps it ([`super::story`]).

use std::collections::{BTreeMap, BTreeSet};

use wardwire::store::{AttemptState, EventKind, InboundRecord, ListFilter, MessageRecord, Store, Subject};
use wardwire_core::base::{AttemptId, MessageId, SimId, UtcTime};
use wardwire_core::queue::inbound::InboundKind;
use wardwire_core::queue::state::{MessageStatus as M, OnUnknown, PartState};
use wardwire_core::queue::status::{Context, status_of};
use wardwire_core::queue::verbs::InboundPart;

/// TP-ST of a report that is not the last.
pub const INTERIM: u8 = 0x30;

/// A text that somebody posted, maybe more than once, under one idempotency key.
#[derive(Clone)]
pub struct Post {
    pub recipient: String,
    pub parts: u8,
    pub policy: OnUnknown,
    /// What the gateway said its id is; none as long as no answer came.
    pub id: Option<MessageId>,
    /// The gateway confirmed that it is withdrawn.
    pub withdrawn: bool,
}

/// An attempt whose Ctrl-Z the store allowed.
#[derive(Clone)]
pub struct Allowed {
    pub message: MessageId,
    pub part: u8,
    /// The store confirmed that the SMSC took it, under this reference.
    pub accepted: Option<u8>,
}

/// A part that the SMSC took.
#[derive(Clone)]
pub struct Flight {
    pub message: MessageId,
    pub part: u8,
    pub sim: SimId,
    pub tp_mr: u8,
    pub at: UtcTime,
    /// TP-ST of the reports that the network made of it, in order.
    pub said: Vec<u8>,
    /// Those the store confirmed.
    pub heard: Vec<u8>,
}

/// A part of a text that a patient sent. Its text holds `mark`, which no other has.
#[derive(Clone)]
pub struct Sent {
    pub part: InboundPart,
    pub mark: String,
    /// The store confirmed that it is on disk.
    pub stored: bool,
}

#[derive(Clone, Default)]
pub struct Model {
    pub posts: Vec<Post>,
    pub allowed: BTreeMap<AttemptId, Allowed>,
    pub air: Vec<Flight>,
    pub sent: Vec<Sent>,
    /// Messages with an attempt that ended badly, or a verb whose answer nobody heard: they need not arrive.
    pub doubtful: BTreeSet<MessageId>,
    /// What was said of each message when it was looked at last.
    last: BTreeMap<MessageId, MessageRecord>,
}

impl Model {
    pub fn post_of(&mut self, id: MessageId) -> Option<&mut Post> {
        self.posts.iter_mut().find(|post| post.id == Some(id))
    }

    /// What must hold at every moment.
    pub fn check(&mut self, store: &Store) {
        let all = ListFilter {
            limit: 200,
            ..ListFilter::default()
        };
        let rows = store.read().messages(store.default_service(), &all).unwrap().rows;
        let ids: BTreeSet<MessageId> = rows.iter().map(|row| row.id).collect();
        for post in &self.posts {
            assert!(post.id.is_none_or(|id| ids.contains(&id)), "acknowledged and lost");
        }
        let asked: BTreeSet<&str> = rows.iter().map(|row| row.reference.as_deref().unwrap()).collect();
        assert_eq!(asked.len(), rows.len(), "taken on twice under one key");
        let mut attempts = BTreeMap::new();
        for row in rows {
            self.check_message(store, &row, &mut attempts);
            self.last.insert(row.id, row);
        }
        for (id, allowed) in &self.allowed {
            let Some((message, part, state, tp_mr)) = attempts.get(id) else {
                panic!("Ctrl-Z was allowed, and its attempt is not on disk");
            };
            assert_eq!((allowed.message, allowed.part), (*message, *part));
            if let Some(reference) = allowed.accepted {
                assert_eq!((*state, *tp_mr), (AttemptState::Accepted, Some(reference)));
            }
        }
        self.check_events(store);
        self.check_inbound(store);
    }

    fn check_message(
        &self,
        store: &Store,
        row: &MessageRecord,
        attempts: &mut BTreeMap<AttemptId, (MessageId, u8, AttemptState, Option<u8>)>,
    ) {
        let number: usize = row.reference.as_deref().unwrap().parse().unwrap();
        let post = &self.posts[number];
        assert!(post.id.is_none_or(|id| id == row.id), "two ids for one post");
        assert_eq!(row.recipient.as_ref().unwrap().as_e164(), post.recipient);
        let parts = store.read().parts(store.default_service(), row.id).unwrap().unwrap();
        assert_eq!(parts.len(), usize::from(post.parts));
        for part in &parts {
            for attempt in &part.attempts {
                attempts.insert(attempt.id, (row.id, part.sequence, attempt.state, attempt.tp_mr));
            }
            let of = |state| part.attempts.iter().filter(|attempt| attempt.state == state).count();
            match of(AttemptState::Written) {
                0 => assert_ne!(part.state, PartState::Submitting),
                1 if part.state == PartState::Submitting => {}
                // Word came of an earlier copy while another one was being written.
                1 => {
                    let gave_up = matches!(part.state, PartState::Undelivered | PartState::Expired);
                    assert!(
                        part.state.is_accepted_like() && !gave_up,
                        "given up with a copy under way"
                    );
                }
                more => panic!("{more} at once"),
            }
            let flights = || {
                self.air
                    .iter()
                    .filter(|flight| flight.message == row.id && flight.part == part.sequence)
            };
            let times = flights().count();
            assert!(times <= 1 || row.possible_copy, "silently repeated");
            assert!(
                times <= 1 || post.policy == OnUnknown::Retry,
                "repeated against its policy"
            );
            if part.state.is_accepted_like() {
                assert!(times > 0, "{:?}, and the air never saw it", part.state);
            }
            let told = |flight: &Flight| flight.heard.iter().any(|tp_st| *tp_st != INTERIM);
            let arrived = |flight: &Flight| flight.heard.iter().any(|tp_st| *tp_st <= 0x01) && self.is_known(flight);
            // The end of one copy is not the end of the part.
            let ended = |flight: &Flight| told(flight) && self.is_known(flight);
            let writing = of(AttemptState::Written) > 0;
            if flights().any(arrived) || (times > 0 && !writing && flights().all(ended)) {
                let waits = matches!(part.state, PartState::Accepted | PartState::Buffered);
                assert!(!waits, "a report that is not believed");
            }
            if let Some(tp_st) = part.tp_st {
                assert!(
                    flights().any(|flight| flight.said.contains(&tp_st)),
                    "a report of another part"
                );
            }
        }
        self.check_status(row, &parts.iter().map(|part| part.state).collect::<Vec<_>>());
    }

    /// The store confirmed that the part was taken, under the reference the air knows it by.
    fn is_known(&self, flight: &Flight) -> bool {
        self.allowed.values().any(|allowed| {
            (allowed.message, allowed.part, allowed.accepted) == (flight.message, flight.part, Some(flight.tp_mr))
        })
    }

    /// The status follows from the parts alone, and what is final stays so.
    fn check_status(&self, row: &MessageRecord, parts: &[PartState]) {
        let context = Context {
            delivery_report: true,
            wait_over: row.is_final && matches!(row.status, M::Sent | M::Unknown),
            ..Context::default()
        };
        let derived = status_of(parts, context);
        assert_eq!((derived.status, derived.is_final), (row.status, row.is_final));
        let Some(last) = self.last.get(&row.id).filter(|last| last.is_final) else {
            return;
        };
        let p13 = matches!(last.status, M::Expired | M::PartiallyDelivered | M::Undelivered);
        let (before, now) = (last.status, row.status);
        assert!(row.is_final && (p13 || before == now), "{before:?} to {now:?}");
        assert!(row.possible_copy || !last.possible_copy, "the mark of a copy is gone");
    }

    /// One event for every change, numbered without gaps; the last word on a message is its status.
    fn check_events(&self, store: &Store) {
        let mut created = BTreeSet::new();
        let mut status = BTreeMap::new();
        let last = store.read().last_sequence().unwrap();
        let mut seen = 0;
        while seen < last {
            for event in store.read().events(None, seen, 200).unwrap() {
                seen += 1;
                assert_eq!(event.sequence, seen, "a gap in the events");
                match (event.kind, event.subject) {
                    (EventKind::MessageCreated, Subject::Message(id)) => assert!(created.insert(id), "made twice"),
                    (EventKind::MessageStatus(now), Subject::Message(id)) => drop(status.insert(id, now)),
                    _ => {}
                }
            }
        }
        assert_eq!(
            created,
            self.last.keys().copied().collect(),
            "a message without an event"
        );
        for (id, row) in &self.last {
            let told = status.get(id).copied().unwrap_or(M::Queued);
            assert_eq!(told, row.status, "a change without an event");
        }
        let kept = store.read().status_counts(UtcTime::from_millis(0)).unwrap();
        let count = |status| self.last.values().filter(|row| row.status == status).count() as u64;
        assert_eq!((kept.waiting, kept.unknown), (count(M::Queued), count(M::Unknown)));
    }

    /// Everything that came in is listed once at most, and what is whole and on disk is listed.
    fn check_inbound(&self, store: &Store) {
        let rows = inbox(store);
        for sent in &self.sent {
            let listed = sent.listed(&rows);
            assert!(listed <= 1, "listed {listed} times");
            assert!(
                listed == 1 || !sent.stored || sent.part.concat.is_some(),
                "confirmed and lost"
            );
        }
    }

    /// What must hold after some hours with a network that works: everything came to rest, and nothing is missing.
    pub fn check_at_the_end(&mut self, store: &Store) {
        self.check(store);
        let rows = inbox(store);
        assert!(self.sent.iter().all(|sent| sent.listed(&rows) == 1), "inbound is lost");
        for post in self.posts.iter().filter(|post| !post.withdrawn) {
            let Some(id) = post.id else { continue };
            let status = self.last[&id].status;
            let open = matches!(status, M::Queued | M::Assigned | M::Submitting);
            assert!(!open, "{status:?} for ever");
            assert!(
                status != M::Unknown || post.policy != OnUnknown::Retry || self.last[&id].attempts >= 3,
                "unknown for ever, although it was to be sent again"
            );
            let on_air = |part| {
                self.air
                    .iter()
                    .any(|flight| (flight.message, flight.part) == (id, part))
            };
            let sent = (1..=post.parts).all(on_air);
            assert!(sent || self.doubtful.contains(&id), "{status:?}, and never sent");
        }
    }
}

impl Sent {
    fn listed(&self, rows: &[InboundRecord]) -> usize {
        rows.iter()
            .filter(|row| row.body.as_ref().unwrap().reveal().contains(&self.mark))
            .count()
    }
}

/// Everything that came in, whatever its kind.
fn inbox(store: &Store) -> Vec<InboundRecord> {
    let filter = ListFilter {
        limit: 200,
        kinds: InboundKind::ALL.to_vec(),
        ..ListFilter::default()
    };
    store.read().inbound(store.default_service(), &filter).unwrap().rows
}
