use std::time::Duration;

use vocab::{PersonId, Secret, SessionId, Timestamp};

use super::{PAGE_MAX, People, SESSION_END, SESSION_END_ALL};
use crate::token::TOKEN_CHARS;
use crate::{By, PeopleStoreError, PersonState, Session, SignedIn, TokenHash};

/// A use is written down this long after the last one.
const TOUCHED_EVERY: Duration = Duration::from_secs(60);

/// Why a token opens no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is no such session, or it is over.
    #[error("the session is over; log in again")]
    Over,
    /// The store failed.
    #[error("sessions cannot be checked now")]
    Store(#[from] PeopleStoreError),
}

impl People {
    /// Who holds `token`. Ended sessions and locked people are noticed at once.
    pub async fn signed_in(&self, token: &Secret) -> Result<SignedIn, SessionError> {
        if token.expose().len() != TOKEN_CHARS {
            return Err(SessionError::Over);
        }
        let found = self.store.session_find(&TokenHash::of(token)).await?;
        let now = self.now();
        let is_open = |signed_in: &SignedIn| {
            self.is_open(&signed_in.session, now) && signed_in.person.state == PersonState::Active
        };
        let mut signed_in = found.filter(is_open).ok_or(SessionError::Over)?;

        let session = &mut signed_in.session;
        if now.since(session.last_seen) >= TOUCHED_EVERY {
            self.store.session_touch(session.id, now).await?;
            session.last_seen = now;
        }
        Ok(signed_in)
    }

    /// A page of a person's sessions that are open, oldest first; the id of its last is the cursor of the next. Never more
    /// than 1000.
    pub async fn session_list(
        &self,
        person: PersonId,
        cursor: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, PeopleStoreError> {
        let (now, limit) = (self.now(), limit.min(PAGE_MAX));
        let mut open = Vec::new();
        let mut cursor = cursor;
        // Pages of the store hold sessions that are over too; those are deleted after a time, so there are few.
        while open.len() < limit as usize {
            let page = self.store.session_list(person, cursor, PAGE_MAX).await?;
            let Some(last) = page.last() else { break };
            cursor = Some(last.id);
            open.extend(page.into_iter().filter(|session| self.is_open(session, now)));
        }
        open.truncate(limit as usize);
        Ok(open)
    }

    /// Ends a session of a person: logging out here, or there from here. Says whether it was open.
    pub async fn session_end(
        &self,
        person: PersonId,
        id: SessionId,
        by: &By,
    ) -> Result<bool, PeopleStoreError> {
        self.store.session_end(person, id, &by.did(self.now(), None, SESSION_END, id)).await
    }

    /// Ends all sessions of a person but `keep`. Says how many.
    pub async fn session_end_all(
        &self,
        person: PersonId,
        keep: Option<SessionId>,
        by: &By,
    ) -> Result<u64, PeopleStoreError> {
        self.store.session_end_all(person, keep, &by.did(self.now(), None, SESSION_END_ALL, person)).await
    }

    fn is_open(&self, session: &Session, now: Timestamp) -> bool {
        let is_idle = now.since(session.last_seen) >= self.settings.session_idle;
        session.ended.is_none() && now < session.expires && !is_idle
    }
}
