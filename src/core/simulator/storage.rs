//! The places a modem and its SIM keep messages in.

use alloc::vec::Vec;

/// Which storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Memory {
    /// Of the device.
    Me,
    /// Of the SIM.
    Sm,
    /// Both; what is put there is put into the device.
    Mt,
    /// For delivery reports.
    Sr,
}

impl Memory {
    const ALL: [Self; 4] = [Self::Me, Self::Sm, Self::Mt, Self::Sr];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Me => "ME",
            Self::Sm => "SM",
            Self::Mt => "MT",
            Self::Sr => "SR",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// What is known of a kept message (3GPP TS 27.005 clause 3.1, `<stat>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Unread,
    Read,
    Unsent,
    Sent,
}

impl Status {
    pub(super) const ALL: [Self; 4] = [Self::Unread, Self::Read, Self::Unsent, Self::Sent];

    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Unread => 0,
            Self::Read => 1,
            Self::Unsent => 2,
            Self::Sent => 3,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Unread => "REC UNREAD",
            Self::Read => "REC READ",
            Self::Unsent => "STO UNSENT",
            Self::Sent => "STO SENT",
        }
    }
}

/// A kept message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) status: Status,
    /// The TPDU, without service-centre address.
    pub(super) tpdu: Vec<u8>,
    /// The inbound message it is a part of.
    pub(super) inbound: Option<u64>,
}

/// One storage: a fixed number of places.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    places: Vec<Option<Kept>>,
    /// Index of the first place: 0 or 1, as modems differ.
    base: usize,
}

impl Storage {
    pub(super) fn new(places: usize, base: usize) -> Self {
        Self {
            places: (0..places).map(|_| None).collect(),
            base,
        }
    }

    pub(super) fn total(&self) -> usize {
        self.places.len()
    }

    pub(super) fn used(&self) -> usize {
        self.places.iter().flatten().count()
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.iter().all(Option::is_some)
    }

    /// First and last index.
    pub(super) fn range(&self) -> (usize, usize) {
        (self.base, self.base + self.places.len().saturating_sub(1))
    }

    /// Puts it into the lowest free place and tells its index.
    pub(super) fn put(&mut self, kept: Kept) -> Option<usize> {
        let place = self.places.iter().position(Option::is_none)?;
        *self.places.get_mut(place)? = Some(kept);
        Some(place + self.base)
    }

    /// The place of an index; `None` when the storage has no such index.
    pub(super) fn place(&mut self, index: usize) -> Option<&mut Option<Kept>> {
        self.places.get_mut(index.checked_sub(self.base)?)
    }

    /// All kept messages with their indexes, lowest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Kept)> {
        let base = self.base;
        self.places
            .iter_mut()
            .enumerate()
            .filter_map(move |(i, k)| k.as_mut().map(|k| (i + base, k)))
    }

    /// Takes out everything of these kinds.
    pub(super) fn take(&mut self, kinds: &[Status]) -> Vec<(usize, Kept)> {
        let base = self.base;
        let places = self.places.iter_mut().enumerate();
        places
            .filter_map(|(i, k)| k.take_if(|k| kinds.contains(&k.status)).map(|k| (i + base, k)))
            .collect()
    }
}
