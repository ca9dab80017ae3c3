use std::fmt;

use totp_rs::{Algorithm, Builder, Totp};
use vocab::{PersonId, Secret, Timestamp};

use crate::token::random_text;
use crate::{Seal, SealError, SealedSecret, TokenHash};

/// A code is good for this long, and for as long before and after it.
const STEP_SECS: u64 = 30;
const DIGITS: u8 = 6;
/// Steps that a person's clock may be off.
const SKEW_STEPS: u16 = 1;
const SECRET_BYTES: usize = 20;

const RECOVERY_CODES: usize = 10;
const RECOVERY_CHARS: usize = 20;

/// What shows that a person holds a certain device: a secret that the device and we share (TOTP, RFC 6238).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// Whose it is.
    pub person: PersonId,
    /// The secret, sealed for that person.
    pub sealed_secret: SealedSecret,
    /// When the first code from the device arrived; until then it is not asked for.
    pub confirmed: Option<Timestamp>,
    /// The time step of the last code that was used. No code of it or of an earlier one is taken again.
    pub last_step: i64,
}

/// A second factor that is being set up: what the person's device has to be told, once.
#[derive(Clone, Debug)]
pub struct FactorSetup {
    /// For typing in: base32.
    pub secret: Secret,
    /// For scanning: an `otpauth://` address.
    pub address: Secret,
}

/// Codes that open in place of the device, each once. Shown once.
#[derive(Clone, Debug)]
pub struct RecoveryCodes(pub Vec<Secret>);

/// What one person and we share.
pub(crate) struct SharedSecret(Totp);

impl SharedSecret {
    /// A new secret.
    pub(crate) fn generate() -> Result<Self, SealError> {
        let mut bytes = [0_u8; SECRET_BYTES];
        rand::fill(&mut bytes);
        Self::new(totp_rs::Secret::from(bytes), "", "")
    }

    /// What is behind a sealed secret.
    pub(crate) fn open(seal: &Seal, factor: &SecondFactor) -> Result<Self, SealError> {
        let text = seal.open_for(&context(factor.person), &factor.sealed_secret)?;
        let secret = totp_rs::Secret::try_from_base32(text.expose()).map_err(|_| SealError::Damaged)?;
        Self::new(secret, "", "")
    }

    /// The secret to keep.
    pub(crate) fn seal(&self, seal: &Seal, person: PersonId) -> Result<SealedSecret, SealError> {
        seal.seal_for(&context(person), &Secret::new(self.0.secret().to_base32()))
    }

    /// What the device has to be told.
    pub(crate) fn setup(&self, issuer: &str, label: &str) -> Result<FactorSetup, SealError> {
        // A colon separates the two in the address.
        let (issuer, label) = (issuer.replace(':', " "), label.replace(':', " "));
        let totp = Self::new(self.0.secret().clone(), &issuer, &label)?.0;
        let address = Secret::new(totp.to_url().map_err(|_| SealError::NotSealed)?);
        Ok(FactorSetup { secret: Secret::new(totp.secret().to_base32()), address })
    }

    /// The time step whose code `code` is, if it is one of now.
    pub(crate) fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !matches!(c, ' ' | '-')).take(16).collect();
        let is_code = digits.len() == usize::from(DIGITS) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let now = u64::try_from(now.as_secs()).ok()?;
        if !is_code {
            return None;
        }
        i64::try_from(self.0.check(&digits, now)?).ok()
    }

    fn new(secret: totp_rs::Secret, issuer: &str, label: &str) -> Result<Self, SealError> {
        let built = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_skew(SKEW_STEPS)
            .with_step_duration(STEP_SECS)
            .with_secret(secret)
            .with_issuer((!issuer.is_empty()).then_some(issuer))
            .with_account_name(label)
            .build();
        built.map(Self).map_err(|_| SealError::Damaged)
    }
}

impl RecoveryCodes {
    /// New ones, and what is kept of them.
    pub(crate) fn generate() -> (Self, Vec<TokenHash>) {
        let codes: Vec<_> = (0..RECOVERY_CODES)
            .map(|_| Secret::new(random_text(RECOVERY_CHARS).expose().to_lowercase()))
            .collect();
        let hashes = codes.iter().map(TokenHash::of).collect();
        (Self(codes), hashes)
    }

    /// What would be kept of `typed`, if it can be a recovery code: spaces, dashes and case do not count.
    pub(crate) fn hash_of(typed: &str) -> Option<TokenHash> {
        let code: String =
            typed.chars().filter(char::is_ascii_alphanumeric).take(RECOVERY_CHARS + 1).collect();
        (code.len() == RECOVERY_CHARS).then(|| TokenHash::of(&Secret::new(code.to_lowercase())))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

fn context(person: PersonId) -> String {
    format!("second factor of {person}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the codes of the published secret, of which we take the last six digits.
    #[test]
    fn the_codes_of_the_standard() {
        let shared = SharedSecret::new(totp_rs::Secret::from(*b"12345678901234567890"), "", "").unwrap();
        for (secs, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = |secs: i64| Timestamp::from_millis(secs * 1000);
            assert_eq!(shared.step_of(code, at(secs)), Some(secs / 30), "{code}");
            assert_eq!(shared.step_of(code, at(secs + 30)), Some(secs / 30), "a clock that is late");
            assert_eq!(shared.step_of(code, at(secs + 90)), None, "long over");
        }
        let now = Timestamp::from_millis(59_000);
        assert_eq!(shared.step_of(" 287 082 ", now), Some(1));
        for refused in ["", "28708", "2870822", "28708२", "287082287082287082287082"] {
            assert_eq!(shared.step_of(refused, now), None, "{refused}");
        }
    }

    #[test]
    fn a_secret_opens_for_its_person_only() {
        let (seal, _) = Seal::generate();
        let shared = SharedSecret::generate().unwrap();
        let person = PersonId::generate();
        let sealed_secret = shared.seal(&seal, person).unwrap();
        let mut factor = SecondFactor { person, sealed_secret, confirmed: None, last_step: 0 };
        assert!(SharedSecret::open(&seal, &factor).is_ok());
        factor.person = PersonId::generate();
        assert_eq!(SharedSecret::open(&seal, &factor).unwrap_err(), SealError::WrongKey);
    }

    #[test]
    fn a_device_is_told_by_a_picture_or_by_typing() {
        let setup = SharedSecret::generate().unwrap().setup("My: House", "ana@example.com").unwrap();
        let address = setup.address.expose();
        assert!(address.starts_with("otpauth://totp/My%20%20House"), "{address}");
        assert!(address.contains(setup.secret.expose()), "{address}");
    }

    #[test]
    fn a_recovery_code_is_typed_as_people_type() {
        let (codes, hashes) = RecoveryCodes::generate();
        assert_eq!((codes.0.len(), hashes.len()), (10, 10));
        let typed = codes.0[0].expose().to_uppercase();
        let typed = format!(" {}-{} ", &typed[..10], &typed[10..]);
        assert_eq!(RecoveryCodes::hash_of(&typed), Some(hashes[0]));
        assert_eq!(RecoveryCodes::hash_of("123456"), None);
    }
}
