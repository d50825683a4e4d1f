//! Orders of people: each ends in exactly one result.

use super::machine::Modem;
use super::order::{Order, OrderResult};
use super::verbs::{Event, Why};
use crate::base::Now;

impl Modem {
    pub(super) fn order(&mut self, _now: Now, token: u64, order: Order) {
        let result = match order {
            Order::Restart
            | Order::Disable
            | Order::Enable
            | Order::Drain
            | Order::GivePin(_)
            | Order::GivePuk { .. }
            | Order::Ussd(_)
            | Order::Line(_)
            | Order::ClearForbidden
            | Order::ReadStatus
            | Order::ReadTrace
            | Order::TraceRaw { .. } => OrderResult::NotNow(Why::Busy),
        };
        self.tell(Event::Ordered { token, result });
    }
}
