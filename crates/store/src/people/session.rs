use accounts::{
    AuditEvent, FactorStore, PeopleStoreError, SealedSecret, SecondFactor, Session, SessionStore, SignedIn,
    TokenHash,
};
use async_trait::async_trait;
use vocab::{PersonId, SessionId, Timestamp};

use super::person::{self, kept};
use crate::db::{Row, Tx, bulk, sql};
use crate::{Store, StoreError};

#[async_trait]
impl SessionStore for Store {
    async fn session_insert(&self, session: &Session, audit: &AuditEvent) -> Result<(), PeopleStoreError> {
        let mut tx = self.begin().await?;
        sql("INSERT INTO session (id, person, token, created, last_seen, expires, ended, source, agent)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(session.id)
        .bind(session.person)
        .bind(session.token.to_string())
        .bind(session.created)
        .bind(session.last_seen)
        .bind(session.expires)
        .bind(session.ended)
        .bind(session.source.map(|source| source.to_string()))
        .bind(&session.agent)
        .execute(&mut tx)
        .await?;
        kept(tx, audit).await?;
        Ok(())
    }

    async fn session_find(&self, token: &TokenHash) -> Result<Option<SignedIn>, PeopleStoreError> {
        let mut select =
            sql("SELECT session.id AS session_id, person, token, session.created AS session_created,
                last_seen, expires, ended, source, agent, ");
        select.push(person::COLUMNS);
        select.push(" FROM session JOIN person ON person.id = session.person WHERE token = ");
        select.push_bind(token.to_string());
        let Some(row) = select.fetch_optional(self.reader()).await? else { return Ok(None) };
        let session = read(&row, "session_id", "session_created")?;
        Ok(Some(SignedIn { session, person: person::read(&row)? }))
    }

    async fn session_touch(&self, id: SessionId, at: Timestamp) -> Result<(), PeopleStoreError> {
        let update = sql("UPDATE session SET last_seen = $1 WHERE id = $2 AND last_seen < $1");
        update.bind(at).bind(id).execute(self.writer()).await?;
        Ok(())
    }

    async fn session_list(
        &self,
        person: PersonId,
        cursor: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, PeopleStoreError> {
        // Every id sorts after the empty text.
        let after = cursor.map(|id| id.to_string()).unwrap_or_default();
        let rows =
            sql("SELECT id, person, token, created, last_seen, expires, ended, source, agent FROM session
             WHERE person = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(person)
            .bind(after)
            .bind(limit)
            .fetch_all(self.reader())
            .await?;
        Ok(rows.iter().map(|row| read(row, "id", "created")).collect::<Result<_, _>>()?)
    }

    async fn session_end(
        &self,
        person: PersonId,
        id: SessionId,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE session SET ended = $1 WHERE id = $2 AND person = $3 AND ended IS NULL");
        let mut tx = self.begin().await?;
        if update.bind(audit.at).bind(id).bind(person).execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn session_end_all(
        &self,
        person: PersonId,
        keep: Option<SessionId>,
        audit: &AuditEvent,
    ) -> Result<u64, PeopleStoreError> {
        let mut tx = self.begin().await?;
        let ended = end_all(&mut tx, person, keep, audit.at).await?;
        if ended > 0 {
            kept(tx, audit).await?;
        }
        Ok(ended)
    }
}

pub(super) async fn end_all(
    tx: &mut Tx,
    person: PersonId,
    keep: Option<SessionId>,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let keep = keep.map(|id| id.to_string()).unwrap_or_default();
    let update = sql("UPDATE session SET ended = $1 WHERE person = $2 AND ended IS NULL AND id <> $3");
    update.bind(at).bind(person).bind(keep).execute(tx).await
}

fn read(row: &Row, id: &'static str, created: &'static str) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.parsed(id)?,
        person: row.parsed("person")?,
        token: row.parsed("token")?,
        created: row.moment(created)?,
        last_seen: row.moment("last_seen")?,
        expires: row.moment("expires")?,
        ended: row.moment_if_any("ended")?,
        source: row.parsed_if_any("source")?,
        agent: row.text("agent")?,
    })
}

#[async_trait]
impl FactorStore for Store {
    async fn factor_begin(&self, factor: &SecondFactor) -> Result<bool, PeopleStoreError> {
        let begun = sql("INSERT INTO second_factor (person, sealed_secret, confirmed, last_step)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (person) DO UPDATE SET sealed_secret = excluded.sealed_secret,
                confirmed = excluded.confirmed, last_step = excluded.last_step
             WHERE second_factor.confirmed IS NULL")
        .bind(factor.person)
        .bind(factor.sealed_secret.as_str())
        .bind(factor.confirmed)
        .bind(factor.last_step)
        .execute(self.writer())
        .await?;
        Ok(begun == 1)
    }

    async fn factor_find(&self, person: PersonId) -> Result<Option<SecondFactor>, PeopleStoreError> {
        let row =
            sql("SELECT person, sealed_secret, confirmed, last_step FROM second_factor WHERE person = $1")
                .bind(person)
                .fetch_optional(self.reader())
                .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SecondFactor {
            person: row.parsed("person")?,
            sealed_secret: SealedSecret::from_text(row.text("sealed_secret")?),
            confirmed: row.moment_if_any("confirmed")?,
            last_step: row.integer("last_step")?,
        }))
    }

    async fn factor_confirm(
        &self,
        factor: &SecondFactor,
        step: i64,
        recovery: &[TokenHash],
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE second_factor SET confirmed = $1, last_step = $2
             WHERE person = $3 AND sealed_secret = $4 AND confirmed IS NULL")
        .bind(audit.at)
        .bind(step)
        .bind(factor.person)
        .bind(factor.sealed_secret.as_str());
        let mut tx = self.begin().await?;
        if update.execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        replace_recovery(&mut tx, factor.person, recovery).await?;
        Ok(kept(tx, audit).await?)
    }

    async fn factor_use_step(&self, person: PersonId, step: i64) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE second_factor SET last_step = $1 WHERE person = $2 AND last_step < $1");
        Ok(update.bind(step).bind(person).execute(self.writer()).await? == 1)
    }

    async fn factor_remove(&self, person: PersonId, audit: &AuditEvent) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        let delete = sql("DELETE FROM second_factor WHERE person = $1");
        if delete.bind(person).execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        replace_recovery(&mut tx, person, &[]).await?;
        Ok(kept(tx, audit).await?)
    }

    async fn recovery_use(
        &self,
        person: PersonId,
        code: &TokenHash,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        let delete = sql("DELETE FROM recovery_code WHERE person = $1 AND hash = $2");
        if delete.bind(person).bind(code.to_string()).execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn recovery_count(&self, person: PersonId) -> Result<u32, PeopleStoreError> {
        let select = sql("SELECT COUNT(*) AS codes FROM recovery_code WHERE person = $1");
        let row = select.bind(person).fetch_one(self.reader()).await?;
        Ok(u32::try_from(row.count("codes")?).unwrap_or(u32::MAX))
    }

    async fn recovery_replace(
        &self,
        person: PersonId,
        codes: &[TokenHash],
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        let confirmed = sql("SELECT person FROM second_factor
             WHERE person = $1 AND confirmed IS NOT NULL {for update}")
        .bind(person)
        .fetch_optional(&mut tx)
        .await?;
        if confirmed.is_none() {
            return Ok(false);
        }
        replace_recovery(&mut tx, person, codes).await?;
        Ok(kept(tx, audit).await?)
    }
}

async fn replace_recovery(tx: &mut Tx, person: PersonId, codes: &[TokenHash]) -> Result<(), StoreError> {
    sql("DELETE FROM recovery_code WHERE person = $1").bind(person).execute(&mut *tx).await?;
    let mut insert = bulk("INSERT INTO recovery_code (person, hash) {rows} ON CONFLICT DO NOTHING");
    for code in codes {
        insert.row().bind(person).bind(code.to_string());
    }
    insert.execute(tx).await?;
    Ok(())
}
