//! The states of parts and messages and the words the API uses for them.

/// How urgent a message is. The order is the order of sending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Overtakes everything, between two parts.
    Emergency,
    /// Staff alerts, codes.
    High,
    /// Appointment texts and whatever has no category.
    #[default]
    Normal,
    /// Broadcasts.
    Bulk,
}

/// How long the text is kept after the message's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// As long as texts are kept.
    #[default]
    Usual,
    /// Shorter: its sender said that it is sensitive.
    Sensitive,
    /// Shortest: it is a code to log in with.
    Code,
}

/// What to do with a part whose outcome stays unknown after the evidence window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// Never sent again by itself: at most once.
    Hold,
    /// Sent again while valid, marked as a possible copy: at least once.
    #[default]
    Retry,
    /// Sent again only when the evidence says that it was not sent.
    Auto,
}

/// What a text is for; gives the defaults of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Booked, moved, canceled, reminded.
    Appointment,
    /// A result is there; never the result itself.
    ResultNotice,
    /// A programme that people enrolled in.
    Program,
    /// Somebody on duty is called.
    StaffAlert,
    /// The same to many.
    Broadcast,
    /// A notice of public health.
    PublicHealth,
    /// Advertising.
    Marketing,
    /// A code for a log-in.
    Otp,
    /// The gateway's and other systems' own.
    System,
}

impl Category {
    /// Every category (the index is the code on disk; only append).
    pub const ALL: [Self; 9] = [
        Self::Appointment,
        Self::ResultNotice,
        Self::Program,
        Self::StaffAlert,
        Self::Broadcast,
        Self::PublicHealth,
        Self::Marketing,
        Self::Otp,
        Self::System,
    ];

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appointment => "appointment",
            Self::ResultNotice => "result_notice",
            Self::Program => "program",
            Self::StaffAlert => "staff_alert",
            Self::Broadcast => "broadcast",
            Self::PublicHealth => "public_health",
            Self::Marketing => "marketing",
            Self::Otp => "otp",
            Self::System => "system",
        }
    }

    /// Lane, where the caller names none.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Appointment | Self::ResultNotice | Self::PublicHealth => Priority::Normal,
            Self::StaffAlert | Self::Otp | Self::System => Priority::High,
            Self::Program | Self::Broadcast | Self::Marketing => Priority::Bulk,
        }
    }

    /// Policy for unknown outcomes, where the caller names none.
    #[must_use]
    pub const fn on_unknown(self) -> OnUnknown {
        match self {
            Self::Appointment
            | Self::ResultNotice
            | Self::PublicHealth
            | Self::StaffAlert
            | Self::Otp
            | Self::System => OnUnknown::Retry,
            Self::Program | Self::Broadcast | Self::Marketing => OnUnknown::Auto,
        }
    }

    /// Somebody waits for it: it does not wait for evidence, and is old within the hour.
    #[must_use]
    pub const fn is_alert(self) -> bool {
        match self {
            Self::StaffAlert | Self::Otp | Self::System => true,
            Self::Appointment
            | Self::ResultNotice
            | Self::PublicHealth
            | Self::Program
            | Self::Broadcast
            | Self::Marketing => false,
        }
    }
}

/// Whether somebody waits for it: by its category, without one by its lane.
#[must_use]
pub const fn is_alert(category: Option<Category>, priority: Priority) -> bool {
    match (category, priority) {
        (Some(category), _) => category.is_alert(),
        (None, Priority::Emergency | Priority::High) => true,
        (None, Priority::Normal | Priority::Bulk) => false,
    }
}

/// State of one part. `Assigned` is never stored: it lives in the gateway's memory and is `Pending` on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartState {
    /// Waiting for a SIM.
    Pending,
    /// Leased to a SIM, nothing written.
    Assigned,
    /// An attempt is on disk as written, no answer yet.
    Submitting,
    /// The SMSC took it.
    Accepted,
    /// Interim report: the SMSC keeps trying.
    Buffered,
    /// Report 0x00: the phone took it.
    Delivered,
    /// Report 0x01: passed on, not confirmed.
    DeliveredUnconfirmed,
    /// The network gave up for good.
    Undelivered,
    /// Report 0x46: the SMSC's validity ran out.
    Expired,
    /// Our own `valid_until` passed before it was accepted.
    Lapsed,
    /// Not accepted; permanent, or no tries left.
    Refused,
    /// Written, truth not known.
    Unknown,
    /// Withdrawn before writing.
    Canceled,
}

impl PartState {
    /// Every state, for enumeration and for the store's codes (the index is the code on disk; only append).
    pub const ALL: [Self; 13] = [
        Self::Pending,
        Self::Assigned,
        Self::Submitting,
        Self::Accepted,
        Self::Buffered,
        Self::Delivered,
        Self::DeliveredUnconfirmed,
        Self::Undelivered,
        Self::Expired,
        Self::Lapsed,
        Self::Refused,
        Self::Unknown,
        Self::Canceled,
    ];

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Submitting => "submitting",
            Self::Accepted => "accepted",
            Self::Buffered => "buffered",
            Self::Delivered => "delivered",
            Self::DeliveredUnconfirmed => "delivered_unconfirmed",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
            Self::Lapsed => "lapsed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Canceled => "canceled",
        }
    }
}

/// Status of a message, the one its parts give it (rules M1 to M13) or one from before any part moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageStatus {
    /// Its time or window has not come.
    Scheduled,
    /// Waits for a person or a condition; see [`HoldReason`].
    Held,
    /// Not sent on purpose: policy said no. Final.
    Blocked,
    /// Withdrawn. Final.
    Canceled,
    /// Waiting for a SIM.
    Queued,
    /// Leased to a SIM.
    Assigned,
    /// On its way out.
    Submitting,
    /// The SMSC has all of it.
    Sent,
    /// The phone has all of it. Final.
    Delivered,
    /// The network gave up on all that mattered. Final.
    Undelivered,
    /// Some parts reached the phone, others did not. Final.
    PartiallyDelivered,
    /// Some parts were accepted, others never will be. Final.
    PartiallySent,
    /// Time ran out, here or in the network. Final.
    Expired,
    /// It could not be sent. Final.
    Failed,
    /// May or may not have been sent.
    Unknown,
}

impl MessageStatus {
    /// Every status (the index is the code on disk; only append).
    pub const ALL: [Self; 15] = [
        Self::Scheduled,
        Self::Held,
        Self::Blocked,
        Self::Canceled,
        Self::Queued,
        Self::Assigned,
        Self::Submitting,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::PartiallyDelivered,
        Self::PartiallySent,
        Self::Expired,
        Self::Failed,
        Self::Unknown,
    ];

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Held => "held",
            Self::Blocked => "blocked",
            Self::Canceled => "canceled",
            Self::Queued => "queued",
            Self::Assigned => "assigned",
            Self::Submitting => "submitting",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::PartiallyDelivered => "partially_delivered",
            Self::PartiallySent => "partially_sent",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a message is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// The box is in pilot and the number is not on its list.
    Pilot,
    /// Its moment passed during an outage; a person decides.
    Stale,
    /// Its batch is paused.
    Paused,
}

impl HoldReason {
    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pilot => "pilot",
            Self::Stale => "stale",
            Self::Paused => "paused",
        }
    }
}
