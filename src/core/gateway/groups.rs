//! Trouble that several modems share: of one hub, or of one operator. Who shares it is spared what would not help; a hub is switched
//! off and on once. A pure value: who fails goes in, who shares and what to do comes out.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::SlotIndex;
use crate::base::Instant;
use crate::modem::Shared;

/// Modems of one hub that fail within this time of each other fail together.
const TOGETHER: Duration = Duration::from_secs(60);
/// So many of them are the hub's fault.
const HUB_FAILS: usize = 3;
/// From the alert to the switching of the hub, and from there to the end of the consideration.
const BEFORE_CYCLE: Duration = Duration::from_secs(60);
const AFTER_CYCLE: Duration = Duration::from_secs(180);

/// SIMs of one operator that lose their network within this time lose it together.
const NETWORK: Duration = Duration::from_secs(5 * 60);
/// So many at least, and half of all of that operator.
const OPERATOR_FAILS: usize = 2;

/// What is known of one modem.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    /// The hub it is plugged into.
    pub(super) hub: Option<String>,
    /// MCC and MNC of its SIM.
    pub(super) operator: Option<String>,
    /// Since when it fails: silent, or its port gone.
    pub(super) fails_since: Option<Instant>,
    /// Since when it has no network.
    pub(super) lost_network: Option<Instant>,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Several modems of a hub fail together: told once.
    HubFails(String),
    /// Switch the hub of these off and on.
    CycleHub(String, Vec<SlotIndex>),
}

#[derive(Clone, Copy, Debug)]
struct Alarm {
    since: Instant,
    cycled_at: Option<Instant>,
}

/// Hubs that fail.
#[derive(Debug, Default)]
pub(super) struct Groups {
    hubs: BTreeMap<String, Alarm>,
}

impl Groups {
    /// Looks at everybody; finds what is new.
    pub(super) fn look(&mut self, now: Instant, members: &[&Member]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut failing: BTreeMap<&String, Vec<(SlotIndex, Instant)>> = BTreeMap::new();
        for (slot, member) in members.iter().enumerate() {
            if let (Some(hub), Some(since)) = (&member.hub, member.fails_since) {
                failing.entry(hub).or_default().push((slot, since));
            }
        }
        self.hubs.retain(|hub, alarm| {
            let still = failing.get(hub).is_some_and(|failing| failing.len() >= HUB_FAILS);
            let over = alarm.cycled_at.is_some_and(|at| now.since(at) >= AFTER_CYCLE);
            still && !over || alarm.cycled_at.is_some_and(|at| now.since(at) < AFTER_CYCLE)
        });
        for (hub, failing) in failing {
            let slots = || failing.iter().map(|(slot, _)| *slot).collect();
            match self.hubs.get_mut(hub) {
                Some(alarm) if alarm.cycled_at.is_none() && now.since(alarm.since) >= BEFORE_CYCLE => {
                    alarm.cycled_at = Some(now);
                    findings.push(Finding::CycleHub(hub.clone(), slots()));
                }
                Some(_) => {}
                None if fail_together(&failing, now) => {
                    let alarm = Alarm {
                        since: now,
                        cycled_at: None,
                    };
                    self.hubs.insert(hub.clone(), alarm);
                    findings.push(Finding::HubFails(hub.clone()));
                }
                None => {}
            }
        }
        findings
    }

    /// Whose trouble each modem shares, in their order.
    pub(super) fn shared(&self, now: Instant, members: &[&Member]) -> Vec<Option<Shared>> {
        let lost = members.iter().filter(|member| member.lost_network.is_some());
        let mut failing: Vec<&String> = lost.filter_map(|member| member.operator.as_ref()).collect();
        failing.sort_unstable();
        failing.dedup();
        failing.retain(|operator| operator_fails(now, members, operator));
        let of = |member: &&Member| {
            if member
                .operator
                .as_ref()
                .is_some_and(|operator| failing.contains(&operator))
            {
                return Some(Shared::Operator);
            }
            let hub = member.hub.as_ref()?;
            self.hubs.contains_key(hub).then_some(Shared::Hub)
        };
        members.iter().map(of).collect()
    }

    /// When to look again.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let next = |alarm: &Alarm| match alarm.cycled_at {
            None => alarm.since + BEFORE_CYCLE,
            Some(at) => at + AFTER_CYCLE,
        };
        self.hubs.values().map(next).min()
    }
}

/// The latest failures lie close together, and the last of them is fresh.
fn fail_together(failing: &[(SlotIndex, Instant)], now: Instant) -> bool {
    let fresh = failing.iter().filter(|(_, since)| now.since(*since) <= TOGETHER);
    fresh.count() >= HUB_FAILS
}

/// At least two SIMs of the operator, and half of them, lost the network, the first not long before the last.
fn operator_fails(now: Instant, members: &[&Member], operator: &String) -> bool {
    let of_it = members
        .iter()
        .filter(|member| member.operator.as_ref() == Some(operator));
    let (mut all, mut lost, mut latest) = (0, 0, None);
    for member in of_it {
        all += 1;
        if let Some(since) = member.lost_network {
            lost += 1;
            latest = latest.max(Some(since));
        }
    }
    let near = |since: Instant| latest.is_some_and(|latest: Instant| latest.since(since) <= NETWORK);
    let together = members
        .iter()
        .filter(|member| member.operator.as_ref() == Some(operator))
        .filter_map(|member| member.lost_network)
        .filter(|since| near(*since) && *since <= now)
        .count();
    together >= OPERATOR_FAILS && lost * 2 >= all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(secs)
    }

    fn refs(members: &[Member]) -> Vec<&Member> {
        members.iter().collect()
    }

    fn look(groups: &mut Groups, secs: u64, members: &[Member]) -> Vec<Finding> {
        groups.look(at(secs), &refs(members))
    }

    fn shared(groups: &Groups, secs: u64, members: &[Member], slot: SlotIndex) -> Option<Shared> {
        groups.shared(at(secs), &refs(members))[slot]
    }

    /// Modems of hub `1-1` that fail since these seconds; none is well.
    fn hub(fails: &[Option<u64>]) -> Vec<Member> {
        let member = |since: &Option<u64>| Member {
            hub: Some("1-1".into()),
            fails_since: since.map(at),
            ..Member::default()
        };
        fails.iter().map(member).collect()
    }

    fn operator(lost: &[Option<u64>]) -> Vec<Member> {
        let member = |since: &Option<u64>| Member {
            operator: Some("27201".into()),
            lost_network: since.map(at),
            ..Member::default()
        };
        lost.iter().map(member).collect()
    }

    #[test]
    fn three_of_a_hub_within_a_minute_are_one_alert_and_one_cycle() {
        let mut groups = Groups::default();
        let members = hub(&[Some(100), Some(130), Some(155), None]);
        assert_eq!(look(&mut groups, 155, &members), [Finding::HubFails("1-1".into())]);
        assert_eq!(look(&mut groups, 156, &members), []);
        assert_eq!(shared(&groups, 156, &members, 3), Some(Shared::Hub));
        assert_eq!(groups.next_at(), Some(at(215)));
        assert_eq!(
            look(&mut groups, 215, &members),
            [Finding::CycleHub("1-1".into(), vec![0, 1, 2])]
        );
        assert_eq!(look(&mut groups, 216, &members), []);
        // Afterwards each helps itself; they do not fail together again without failing anew.
        assert_eq!(look(&mut groups, 395, &members), []);
        assert_eq!(shared(&groups, 395, &members, 0), None);
    }

    #[test]
    fn a_hub_whose_modems_come_back_is_not_switched() {
        let mut groups = Groups::default();
        look(&mut groups, 100, &hub(&[Some(90), Some(95), Some(100)]));
        assert_eq!(look(&mut groups, 130, &hub(&[Some(90), None, None])), []);
        assert_eq!(look(&mut groups, 200, &hub(&[Some(90), None, None])), []);
        assert_eq!(shared(&groups, 200, &hub(&[Some(90), None, None]), 0), None);
    }

    #[test]
    fn failures_far_apart_or_of_different_hubs_are_each_their_own() {
        let mut groups = Groups::default();
        assert_eq!(look(&mut groups, 300, &hub(&[Some(100), Some(200), Some(300)])), []);
        let mut members = hub(&[Some(299), Some(299), Some(300)]);
        if let Some(last) = members.last_mut() {
            last.hub = Some("1-2".into());
        }
        assert_eq!(look(&mut groups, 300, &members), []);
        assert_eq!(look(&mut groups, 300, &hub(&[Some(299), Some(300)])), []);
    }

    #[test]
    fn half_of_an_operators_sims_without_network_are_the_operators_matter() {
        let groups = Groups::default();
        for (lost, theirs) in [
            (vec![Some(10), Some(100), None, None], true),
            (vec![Some(10), None], false),
            (vec![Some(10)], false),
            (vec![Some(10), Some(20), None, None, None], false),
            (vec![Some(10), Some(1_000), None, None], false),
            (vec![Some(10), Some(1_000), Some(1_001), None], true),
            (vec![None, None], false),
        ] {
            let members = operator(&lost);
            let found = shared(&groups, 2_000, &members, 0) == Some(Shared::Operator);
            assert_eq!(found, theirs, "{lost:?}");
        }
    }
}
