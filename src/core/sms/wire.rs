//! Reading and writing octets in order, with the place and the name of what is wrong.

use core::ops::Range;

use heapless::Vec;

use super::error::{Cause, DecodeError, EncodeError, Field, Kind};
use crate::base::limits::TPDU_OCTETS;

/// A TPDU ready to be sent, without service centre address.
pub type Octets = Vec<u8, TPDU_OCTETS>;

/// How strictly octets are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// What networks and modems really send is read as far as it goes; what was wrong is listed.
    #[default]
    Tolerant,
    /// Whatever deviates from the standard is refused.
    Strict,
}

const LISTED: usize = 8;

/// What deviated from the standard and was got over, in order; at most 8 are listed, the rest counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deviations {
    listed: Vec<DecodeError, LISTED>,
    unlisted: usize,
    harm: bool,
}

impl Deviations {
    /// Those that are listed.
    #[must_use]
    pub fn as_slice(&self) -> &[DecodeError] {
        &self.listed
    }

    /// How many more there were.
    #[must_use]
    pub const fn unlisted(&self) -> usize {
        self.unlisted
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Whether something was lost or ignored: more than spare bits, fillers and octets after the end.
    #[must_use]
    pub const fn is_harmful(&self) -> bool {
        self.harm
    }

    fn add(&mut self, deviation: DecodeError) {
        self.harm |= !deviation.cause.is_harmless();
        if self.listed.push(deviation).is_err() {
            self.unlisted += 1;
        }
    }
}

/// Told of every field: its name and the octets it stands in.
pub type Watch<'w> = &'w mut dyn FnMut(Field, Range<usize>);

pub(super) struct Reader<'a, 'w> {
    octets: &'a [u8],
    at: usize,
    reading: Reading,
    kind: Option<Kind>,
    ended: bool,
    deviations: Deviations,
    watch: Option<Watch<'w>>,
}

impl<'a, 'w> Reader<'a, 'w> {
    pub(super) fn new(octets: &'a [u8], at: usize, reading: Reading, watch: Option<Watch<'w>>) -> Self {
        Self {
            octets,
            at,
            reading,
            kind: None,
            ended: false,
            deviations: Deviations::default(),
            watch,
        }
    }

    pub(super) const fn set_kind(&mut self, kind: Kind) {
        self.kind = Some(kind);
    }

    #[inline]
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) const fn rest(&self) -> usize {
        self.octets.len().saturating_sub(self.at)
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(super) const fn error(&self, field: Field, offset: usize, cause: Cause) -> DecodeError {
        DecodeError {
            kind: self.kind,
            field,
            offset,
            cause,
        }
    }

    /// Notes a deviation; in the strict reading it ends the reading.
    #[cold]
    pub(super) fn deviate(&mut self, field: Field, offset: usize, cause: Cause) -> Result<(), DecodeError> {
        let deviation = self.error(field, offset, cause);
        match self.reading {
            Reading::Strict => Err(deviation),
            Reading::Tolerant => {
                self.deviations.add(deviation);
                Ok(())
            }
        }
    }

    /// What is left to be read.
    #[inline]
    fn ahead(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    /// Takes `count` octets that nothing can stand in for.
    #[inline]
    pub(super) fn take(&mut self, field: Field, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some(taken) = self.ahead().get(..count) else {
            return Err(self.error(field, self.octets.len(), Cause::Missing));
        };
        self.note(field, count);
        Ok(taken)
    }

    /// Takes up to `count` octets; fewer, in the tolerant reading, when they end before.
    #[inline]
    pub(super) fn take_up_to(&mut self, field: Field, count: usize) -> Result<&'a [u8], DecodeError> {
        if self.rest() < count {
            self.run_out(field)?;
        }
        let count = count.min(self.rest());
        self.take(field, count)
    }

    /// The octets end inside `field`: said once, since all fields after it are missing then too.
    #[cold]
    fn run_out(&mut self, field: Field) -> Result<(), DecodeError> {
        if core::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        self.deviate(field, self.octets.len(), Cause::Missing)
    }

    #[inline]
    pub(super) fn octet(&mut self, field: Field) -> Result<u8, DecodeError> {
        let Some(octet) = self.peek() else {
            return Err(self.error(field, self.octets.len(), Cause::Missing));
        };
        self.note(field, 1);
        Ok(octet)
    }

    /// An octet that reads as 0, in the tolerant reading, when the octets have ended.
    #[inline]
    pub(super) fn octet_or_zero(&mut self, field: Field) -> Result<u8, DecodeError> {
        if self.rest() == 0 {
            return self.run_out(field).map(|()| 0);
        }
        self.octet(field)
    }

    #[inline]
    pub(super) fn seven(&mut self, field: Field) -> Result<[u8; 7], DecodeError> {
        let Some(seven) = self.ahead().first_chunk::<7>() else {
            return Err(self.error(field, self.octets.len(), Cause::Missing));
        };
        self.note(field, 7);
        Ok(*seven)
    }

    /// Seven octets, zeros, in the tolerant reading, when the octets end before.
    #[inline]
    pub(super) fn seven_or_zero(&mut self, field: Field) -> Result<[u8; 7], DecodeError> {
        if self.rest() < 7 {
            return self.take_up_to(field, 7).map(|_| [0; 7]);
        }
        self.seven(field)
    }

    /// Whatever is left does not belong here.
    #[inline]
    pub(super) fn end(mut self) -> Result<Deviations, DecodeError> {
        let extra = self.rest();
        if extra > 0 {
            self.deviate(
                Field::AfterEnd,
                self.at,
                Cause::Extra(u16::try_from(extra).unwrap_or(u16::MAX)),
            )?;
            self.note(Field::AfterEnd, extra);
        }
        // None are cheaper to make than to move.
        Ok(if self.deviations.is_empty() {
            Deviations::default()
        } else {
            self.deviations
        })
    }

    pub(super) fn watch(&mut self, field: Field, range: Range<usize>) {
        if let Some(watch) = &mut self.watch {
            watch(field, range);
        }
    }

    #[inline]
    fn note(&mut self, field: Field, count: usize) {
        let from = self.at;
        self.at += count;
        if count > 0 {
            self.watch(field, from..from + count);
        }
    }
}

/// Collects the octets of a TPDU.
#[derive(Debug, Default)]
pub(super) struct Writer(Octets);

impl Writer {
    #[inline]
    pub(super) fn octet(&mut self, octet: u8) -> Result<(), EncodeError> {
        self.0.push(octet).map_err(|_| EncodeError::TooLong)
    }

    #[inline]
    pub(super) fn octets(&mut self, octets: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(octets).map_err(|_| EncodeError::TooLong)
    }

    #[inline]
    pub(super) fn finish(self) -> Octets {
        self.0
    }
}

/// A bit mask where `set`.
pub(super) const fn flag(set: bool, mask: u8) -> u8 {
    if set { mask } else { 0 }
}
