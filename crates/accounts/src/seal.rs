use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngExt;
use vocab::{KeyId, Secret};

use crate::PublicId;

const NONCE_BYTES: usize = 24;

/// What seals secrets at rest: XChaCha20-Poly1305 under the installation's master key.
///
/// Whose a secret is, for a key its public id, is authenticated along with it, so a sealed secret moved to another row
/// does not open.
#[derive(Clone)]
pub struct Seal {
    cipher: XChaCha20Poly1305,
    fingerprint_key: [u8; 32],
}

/// A sealed key secret, as lower-case hexadecimal text: a random nonce and the ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(String);

/// Why a sealed secret did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed under another master key, belongs to another public id, or was changed.
    #[error("the master key does not open this secret")]
    WrongKey,
    /// It is not something a seal writes.
    #[error("the sealed secret is damaged")]
    Damaged,
    /// The cipher refused to seal.
    #[error("the secret could not be sealed")]
    NotSealed,
}

impl Seal {
    /// Length of a master key.
    pub const MASTER_KEY_BYTES: usize = 32;

    /// A new random master key and the seal that uses it. Whoever keeps sealed secrets keeps the bytes.
    pub fn generate() -> (Self, [u8; Self::MASTER_KEY_BYTES]) {
        let master: [u8; Self::MASTER_KEY_BYTES] = rand::rng().random();
        (Self::from_bytes(&master), master)
    }

    /// The seal of the master key `master`.
    pub fn from_bytes(master: &[u8; Self::MASTER_KEY_BYTES]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&(*master).into()),
            fingerprint_key: blake3::derive_key("azimuth 2026 fingerprint of an opaque key", master),
        }
    }

    /// Seals `secret` for the key whose public part is `public_id`.
    pub fn seal(&self, public_id: PublicId, secret: &Secret) -> Result<SealedSecret, SealError> {
        self.seal_for(&public_id.to_string(), secret)
    }

    /// Opens what [`Seal::seal`] made.
    pub fn open(&self, public_id: PublicId, sealed: &SealedSecret) -> Result<Secret, SealError> {
        self.open_for(&public_id.to_string(), sealed)
    }

    /// Seals `secret` so that it opens for the same `purpose` only.
    pub(crate) fn seal_for(&self, purpose: &str, secret: &Secret) -> Result<SealedSecret, SealError> {
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload { msg: secret.expose().as_bytes(), aad: purpose.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::NotSealed)?;
        Ok(SealedSecret(hex::encode(nonce) + &hex::encode(sealed)))
    }

    /// Opens what [`Seal::seal_for`] made.
    pub(crate) fn open_for(&self, purpose: &str, sealed: &SealedSecret) -> Result<Secret, SealError> {
        let bytes = hex::decode(&sealed.0).map_err(|_| SealError::Damaged)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Damaged)?;
        let payload = Payload { msg: ciphertext, aad: purpose.as_bytes() };
        let secret = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::WrongKey)?;
        String::from_utf8(secret).map(Secret::new).map_err(|_| SealError::Damaged)
    }

    /// A keyed digest of `text`: the same for the same text here, and of no use to anyone without the
    /// master key.
    pub(crate) fn fingerprint(&self, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.fingerprint_key, text.as_bytes())
    }
}

impl SealedSecret {
    /// Takes back a text that was kept.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(…)")
    }
}

/// The id that uses of an opaque key are recorded under: the same at every start, and telling nothing
/// about the key.
pub(crate) fn key_id_of(fingerprint: &blake3::Hash) -> Option<KeyId> {
    format!("key_{}", &fingerprint.to_hex()[..32]).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_under_its_own_key_and_public_id_only() {
        let (seal, master) = Seal::generate();
        let (id, secret) = (PublicId::generate(), Secret::new("s3cret"));
        let sealed = seal.seal(id, &secret).unwrap();

        assert_eq!(Seal::from_bytes(&master).open(id, &sealed), Ok(secret));
        assert_eq!(seal.open(PublicId::generate(), &sealed), Err(SealError::WrongKey));
        assert_eq!(Seal::generate().0.open(id, &sealed), Err(SealError::WrongKey));
    }

    #[test]
    fn the_same_secret_never_looks_the_same_twice() {
        let (seal, _) = Seal::generate();
        let (id, secret) = (PublicId::generate(), Secret::new("s3cret"));
        assert_ne!(seal.seal(id, &secret), seal.seal(id, &secret));
    }

    #[test]
    fn a_damaged_text_is_an_error_and_not_a_panic() {
        let (seal, _) = Seal::generate();
        let id = PublicId::generate();
        for text in ["", "zz", "abc", &"00".repeat(23), "é"] {
            let opened = seal.open(id, &SealedSecret::from_text(text.to_owned()));
            assert_eq!(opened, Err(SealError::Damaged), "{text}");
        }
        let opened = seal.open(id, &SealedSecret::from_text("00".repeat(24)));
        assert_eq!(opened, Err(SealError::WrongKey));
    }
}
