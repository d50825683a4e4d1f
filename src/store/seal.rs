//! Sealing of numbers and texts, and the keyed hashes to find numbers by. Keys come from outside; nothing here reads a
//! file.
//!
//! Sealed form: key id (1 octet), nonce (12 random octets), cipher text, tag (16 octets); AES-256-GCM. The place
//! (table, column, row) is authenticated with it, so that a sealed value cannot be moved to another row.
//!
//! Each person has a data key of 32 random octets, wrapped by the master key: erasing it erases all that was sealed
//! with it. Random nonces of 96 bits are safe for 2^32 sealings a key, far above what one person or, for wrapping, one
//! box ever sees.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};

/// Id of the only master key there is so far, the first octet of every sealed value.
const KEY_ID: u8 = 1;

/// A sealed value does not open: another key, another place, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open")]
pub struct SealError;

/// The place of a sealed value, authenticated with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    /// `table.column`.
    pub(super) column: &'static str,
    /// Primary key of the row, as octets.
    pub(super) row: &'a [u8],
}

impl Slot<'_> {
    fn aad(self) -> Aad<Vec<u8>> {
        Aad::from([self.column.as_bytes(), b"/", self.row].concat())
    }
}

/// The master key in the forms it is used in.
#[derive(Clone)]
pub struct Keys {
    wrap: LessSafeKey,
    hash: hmac::Key,
    random: SystemRandom,
}

struct Octets32;

impl hkdf::KeyType for Octets32 {
    fn len(&self) -> usize {
        32
    }
}

impl Keys {
    /// Derives the keys for wrapping and for hashing from the 32 octets of the master key (HKDF-SHA256).
    #[must_use]
    pub fn from_master(master: &[u8; 32]) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"wardwire store 1").extract(master);
        Self {
            wrap: cipher(&derive(&root, b"wrap data keys")),
            hash: hmac::Key::new(hmac::HMAC_SHA256, &derive(&root, b"hash numbers")),
            random: SystemRandom::new(),
        }
    }

    /// A value that tells whether these are the keys a database was made with.
    #[must_use]
    pub fn check(&self) -> [u8; 16] {
        self.hash16("check", &[])
    }

    /// The first 16 octets of the keyed hash of some pieces, for a purpose: without the key nobody can tell by trying
    /// which number stands behind it.
    pub(super) fn hash16(&self, purpose: &'static str, pieces: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.hash);
        context.update(purpose.as_bytes());
        for piece in pieces {
            // The length keeps ("a", "bc") and ("ab", "c") apart.
            context.update(&(piece.len() as u64).to_be_bytes());
            context.update(piece);
        }
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// A new data key, and the same wrapped for the row of its person.
    pub(super) fn new_data_key(&self, row: &[u8]) -> Result<(DataKey, Vec<u8>), SealError> {
        let mut octets = [0; 32];
        self.random.fill(&mut octets).map_err(|_| SealError)?;
        let wrapped = seal(&self.wrap, &self.random, data_key_slot(row), &octets)?;
        Ok((self.data_key(&octets), wrapped))
    }

    /// Unwraps the data key of a person's row.
    pub(super) fn open_data_key(&self, row: &[u8], wrapped: &[u8]) -> Result<DataKey, SealError> {
        let octets = open(&self.wrap, data_key_slot(row), wrapped)?;
        let octets = octets.as_slice().try_into().map_err(|_| SealError)?;
        Ok(self.data_key(octets))
    }

    fn data_key(&self, octets: &[u8; 32]) -> DataKey {
        DataKey {
            key: cipher(octets),
            random: self.random.clone(),
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// The key of one person.
#[derive(Clone)]
pub(super) struct DataKey {
    key: LessSafeKey,
    random: SystemRandom,
}

impl DataKey {
    pub(super) fn seal(&self, slot: Slot<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        seal(&self.key, &self.random, slot, plain)
    }

    pub(super) fn open(&self, slot: Slot<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        open(&self.key, slot, sealed)
    }
}

fn data_key_slot(row: &[u8]) -> Slot<'_> {
    Slot {
        column: "numbers.data_key",
        row,
    }
}

fn derive(root: &hkdf::Prk, purpose: &'static [u8]) -> [u8; 32] {
    let mut key = [0; 32];
    // 32 octets are within what HKDF-SHA256 gives (255 × 32), so neither step can fail.
    if let Ok(okm) = root.expand(&[purpose], Octets32) {
        let _ = okm.fill(&mut key);
    }
    key
}

#[expect(
    clippy::expect_used,
    reason = "AES-256 takes every key of 32 octets; the type says that these are 32"
)]
fn cipher(octets: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, octets).expect("a key of 32 octets"))
}

fn seal(key: &LessSafeKey, random: &SystemRandom, slot: Slot<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce).map_err(|_| SealError)?;
    let mut cipher_text = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), slot.aad(), &mut cipher_text)
        .map_err(|_| SealError)?;
    Ok([&[KEY_ID], nonce.as_slice(), &cipher_text].concat())
}

fn open(key: &LessSafeKey, slot: Slot<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (&id, rest) = sealed.split_first().ok_or(SealError)?;
    let (nonce, cipher_text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
    if id != KEY_ID {
        return Err(SealError);
    }
    let mut plain = cipher_text.to_vec();
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), slot.aad(), &mut plain)
        .map_err(|_| SealError)?
        .len();
    plain.truncate(length);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: Slot<'static> = Slot {
        column: "messages.body",
        row: b"1",
    };

    #[test]
    fn what_is_sealed_opens_at_its_place_with_its_key_alone() {
        let keys = Keys::from_master(&[1; 32]);
        let (key, wrapped) = keys.new_data_key(b"7").unwrap();
        let sealed = key.seal(SLOT, b"come at ten").unwrap();
        let again = keys.open_data_key(b"7", &wrapped).unwrap();
        assert_eq!(again.open(SLOT, &sealed).unwrap(), b"come at ten");

        let row = Slot { row: b"2", ..SLOT };
        let column = Slot {
            column: "parts.content",
            ..SLOT
        };
        assert_eq!(key.open(row, &sealed), Err(SealError));
        assert_eq!(key.open(column, &sealed), Err(SealError));
        let (other, _) = keys.new_data_key(b"7").unwrap();
        assert_eq!(other.open(SLOT, &sealed), Err(SealError));
        assert!(keys.open_data_key(b"8", &wrapped).is_err());
        assert!(Keys::from_master(&[2; 32]).open_data_key(b"7", &wrapped).is_err());
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let (key, _) = Keys::from_master(&[1; 32]).new_data_key(b"7").unwrap();
        let sealed = key.seal(SLOT, b"come at ten").unwrap();
        for place in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[place] ^= 1;
            assert_eq!(key.open(SLOT, &damaged), Err(SealError), "{place}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key.open(SLOT, &sealed[..length]), Err(SealError), "{length}");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same_and_never_shows() {
        let (key, _) = Keys::from_master(&[1; 32]).new_data_key(b"7").unwrap();
        let (a, b) = (
            key.seal(SLOT, b"come at ten").unwrap(),
            key.seal(SLOT, b"come at ten").unwrap(),
        );
        assert_ne!(a, b);
        assert!(!a.windows(4).any(|w| w == b"come"));
    }

    #[test]
    fn hashes_depend_on_key_purpose_and_the_cut_between_pieces() {
        let keys = Keys::from_master(&[1; 32]);
        let hash = keys.hash16("number", &[b"+353871234567"]);
        assert_eq!(hash, Keys::from_master(&[1; 32]).hash16("number", &[b"+353871234567"]));
        assert_ne!(hash, Keys::from_master(&[2; 32]).hash16("number", &[b"+353871234567"]));
        assert_ne!(hash, keys.hash16("tail", &[b"+353871234567"]));
        assert_ne!(keys.hash16("x", &[b"a", b"bc"]), keys.hash16("x", &[b"ab", b"c"]));
    }
}
