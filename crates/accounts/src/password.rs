use std::fmt;
use std::sync::Arc;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, PasswordHash as Phc, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;
use vocab::Secret;

const CHARS_MIN: usize = 10;
const BYTES_MAX: usize = 256;

/// What is kept of a password: argon2id with its own salt, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// How dear it is to try a password, and how many may be tried at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory for one try, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Tries at once; each holds a thread and its memory.
    pub at_once_max: usize,
    /// Tries that wait for their turn; more are refused.
    pub waiting_max: usize,
}

/// Hashes and checks passwords, on threads of their own and only so many at once: logins must not stop requests.
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    places: Semaphore,
    /// Checked in place of an unknown person's, so that both take the same time.
    decoy: PasswordHash,
}

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It is too easy to guess, or longer than anyone types.
    #[error("a password has at least 10 characters and at most 256 bytes")]
    Length,
    /// Too many people log in at once.
    #[error("too many logins at once; try again in a moment")]
    Busy,
    /// The cost cannot be paid, for instance because memory is short.
    #[error("the password could not be hashed")]
    Hash(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Default for PasswordCost {
    /// 19 MiB and two passes (the least that OWASP recommends for argon2id), two at once, 64 waiting.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, at_once_max: 2, waiting_max: 64 }
    }
}

impl Passwords {
    /// Passwords at this cost.
    pub fn new(cost: PasswordCost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hashed(&argon2, "nobody has this password")?;
        Ok(Self {
            argon2,
            turns: Arc::new(Semaphore::new(cost.at_once_max.max(1))),
            places: Semaphore::new(cost.at_once_max.saturating_add(cost.waiting_max).max(1)),
            decoy,
        })
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: &Secret) -> Result<PasswordHash, PasswordError> {
        let text = password.expose();
        if text.chars().take(CHARS_MIN).count() < CHARS_MIN || text.len() > BYTES_MAX {
            return Err(PasswordError::Length);
        }
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.take_turn(move || hashed(&argon2, password.expose())).await?
    }

    /// Whether `password` is the one of `hash`. Without a hash it takes just as long to say no.
    pub async fn is_right(
        &self,
        password: &Secret,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordError> {
        // A long text costs nothing to refuse, for anyone: it tells nothing about who exists.
        if password.expose().len() > BYTES_MAX {
            return Ok(false);
        }
        let is_known = hash.is_some();
        let (argon2, password) = (self.argon2.clone(), password.clone());
        let hash = hash.unwrap_or(&self.decoy).clone();
        let matches = self.take_turn(move || {
            let phc = Phc::new(&hash.0).map_err(failed)?;
            match argon2.verify_password(password.expose().as_bytes(), &phc) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(failed(error)),
            }
        });
        Ok(matches.await?? && is_known)
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _place = self.places.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(failed)?;
        // The turn goes with the work: who stops waiting does not make room for more work than there is.
        let running = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        running.await.map_err(failed)
    }
}

impl PasswordHash {
    /// Takes back a text that was kept.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn hashed(argon2: &Argon2<'_>, password: &str) -> Result<PasswordHash, PasswordError> {
    let phc: Phc = argon2.hash_password(password.as_bytes()).map_err(failed)?;
    Ok(PasswordHash(phc.to_string()))
}

fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> PasswordError {
    PasswordError::Hash(cause.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        let cost = PasswordCost { memory_kib: 64, passes: 1, at_once_max: 1, waiting_max: 1 };
        Passwords::new(cost).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = cheap();
        let right = Secret::new("correct horse battery");
        let hash = passwords.hash(&right).await.unwrap();

        assert!(hash.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert_ne!(hash, passwords.hash(&right).await.unwrap(), "each has its own salt");
        assert!(passwords.is_right(&right, Some(&hash)).await.unwrap());
        for wrong in ["", "correct horse batterx", &"x".repeat(10_000), "nobody has this password"] {
            assert!(!passwords.is_right(&Secret::new(wrong), Some(&hash)).await.unwrap(), "{wrong}");
            assert!(!passwords.is_right(&Secret::new(wrong), None).await.unwrap(), "{wrong}");
        }
        assert!(matches!(passwords.hash(&Secret::new("short")).await, Err(PasswordError::Length)));
        assert!(matches!(passwords.hash(&Secret::new("x".repeat(257))).await, Err(PasswordError::Length)));
    }

    /// A flood of logins is refused beyond a limit, and not kept in memory.
    #[tokio::test]
    async fn so_many_at_once_and_no_more() {
        let passwords = cheap();
        let password = Secret::new("correct horse battery");
        let tries = (0..5).map(|_| passwords.is_right(&password, None));
        let results = futures::future::join_all(tries).await;
        let busy = results.iter().filter(|result| matches!(result, Err(PasswordError::Busy))).count();
        assert_eq!(busy, 3);
        assert!(!passwords.is_right(&password, None).await.unwrap(), "and then it goes on");
    }
}
