use accounts::{
    BanMark, BlockedEndUser, Case, CaseQuery, CaseState, Cause, ConductRecord, ConductStore,
    ConductStoreError, EndUserId, Measure, Violation, ViolationQuery,
};
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use vocab::{AccountId, CaseId, Timestamp};

use crate::db::{Row, Statement, Tx, bulk, sql};
use crate::{Store, StoreError};

#[async_trait]
impl ConductStore for Store {
    async fn violation_insert(&self, violation: &Violation) -> Result<bool, ConductStoreError> {
        Ok(insert_violation(self, violation).await?)
    }

    async fn violation_list(
        &self,
        query: &ViolationQuery,
        limit: u32,
    ) -> Result<Vec<Violation>, ConductStoreError> {
        Ok(list_violations(self, query, limit).await?)
    }

    async fn violation_forget(&self, before: Timestamp, limit: u32) -> Result<u64, ConductStoreError> {
        let delete = sql(
            "DELETE FROM conduct_violation WHERE (account, client_name, hour) IN
                (SELECT account, client_name, hour FROM conduct_violation WHERE noted < $1 ORDER BY noted LIMIT $2)",
        );
        Ok(delete.bind(before).bind(limit).execute(self.writer()).await?)
    }

    async fn case_find(&self, id: CaseId) -> Result<Option<Case>, ConductStoreError> {
        let mut select = cases();
        select.push(" AND id = ").push_bind(id);
        let row = select.fetch_optional(self.reader()).await?;
        Ok(row.as_ref().map(read_case).transpose()?)
    }

    async fn case_list(&self, query: &CaseQuery, limit: u32) -> Result<Vec<Case>, ConductStoreError> {
        Ok(list_cases(self, query, limit).await?)
    }

    async fn case_untold(&self, limit: u32) -> Result<Vec<Case>, ConductStoreError> {
        let mut select = cases();
        select.push(" AND struck IS NOT NULL AND NOT is_told ORDER BY id LIMIT ").push_bind(limit);
        let rows = select.fetch_all(self.reader()).await?;
        Ok(rows.iter().map(read_case).collect::<Result<_, _>>()?)
    }

    async fn case_tell(&self, id: CaseId) -> Result<bool, ConductStoreError> {
        let told = sql("UPDATE conduct_case SET is_told = TRUE WHERE id = $1 AND NOT is_told");
        Ok(told.bind(id).execute(self.writer()).await? == 1)
    }

    async fn conduct_find(&self, account: AccountId) -> Result<Option<ConductRecord>, ConductStoreError> {
        let select = sql(
            "SELECT account, version, strikes, last_strike, restriction FROM conduct_record WHERE account = $1",
        );
        let row = select.bind(account).fetch_optional(self.reader()).await?;
        Ok(row.as_ref().map(read_record).transpose()?)
    }

    async fn conduct_write(&self, record: &ConductRecord, case: &Case) -> Result<bool, ConductStoreError> {
        let mut tx = self.begin().await?;
        // The row of the record is locked from here on, so the case follows the version it was made for.
        if !write_record(&mut tx, record).await? {
            return Ok(false);
        }
        write_case(&mut tx, case).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn end_user_block(&self, blocked: &BlockedEndUser) -> Result<bool, ConductStoreError> {
        let insert =
            sql("INSERT INTO blocked_end_user (account, end_user, blocked, note) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING");
        let BlockedEndUser { account, id, blocked, note } = blocked;
        let insert = insert.bind(*account).bind(id.as_str()).bind(*blocked).bind(note);
        Ok(insert.execute(self.writer()).await? == 1)
    }

    async fn end_user_unblock(&self, account: AccountId, id: &EndUserId) -> Result<bool, ConductStoreError> {
        let delete = sql("DELETE FROM blocked_end_user WHERE account = $1 AND end_user = $2");
        Ok(delete.bind(account).bind(id.as_str()).execute(self.writer()).await? == 1)
    }

    async fn end_user_list(
        &self,
        account: AccountId,
        cursor: Option<&EndUserId>,
        limit: u32,
    ) -> Result<Vec<BlockedEndUser>, ConductStoreError> {
        let select = sql("SELECT account, end_user, blocked, note FROM blocked_end_user
             WHERE account = $1 AND end_user > $2 ORDER BY end_user LIMIT $3");
        // Every id sorts after the empty text.
        let after = cursor.map(EndUserId::as_str).unwrap_or_default();
        let rows = select.bind(account).bind(after).bind(limit).fetch_all(self.reader()).await?;
        Ok(rows.iter().map(read_end_user).collect::<Result<_, _>>()?)
    }

    async fn ban_mark_insert(&self, case: CaseId, marks: &[BanMark]) -> Result<(), ConductStoreError> {
        let mut tx = self.begin().await?;
        let mut insert = bulk("INSERT INTO ban_mark (mark, case_id) {rows} ON CONFLICT DO NOTHING");
        for mark in marks {
            insert.row().bind(mark.to_string()).bind(case);
        }
        insert.execute(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn ban_mark_find(&self, marks: &[BanMark]) -> Result<Option<CaseId>, ConductStoreError> {
        Ok(find_ban(self, marks).await?)
    }

    async fn ban_mark_forget(&self, case: CaseId) -> Result<(), ConductStoreError> {
        sql("DELETE FROM ban_mark WHERE case_id = $1").bind(case).execute(self.writer()).await?;
        Ok(())
    }
}

async fn insert_violation(store: &Store, violation: &Violation) -> Result<bool, StoreError> {
    let insert = sql(
        "INSERT INTO conduct_violation (account, client_name, hour, noted, request, api_key, door, client)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT DO NOTHING",
    );
    let inserted = insert
        .bind(violation.account)
        .bind(violation.client.label())
        .bind(violation.hour)
        .bind(violation.at)
        .bind(&violation.request)
        .bind(violation.key)
        .bind(&violation.door)
        .bind(serde_json::to_string(&violation.client)?)
        .execute(store.writer())
        .await?;
    Ok(inserted == 1)
}

async fn list_violations(
    store: &Store,
    query: &ViolationQuery,
    limit: u32,
) -> Result<Vec<Violation>, StoreError> {
    let ViolationQuery { account, since, until } = query;
    let mut select =
        sql("SELECT account, hour, noted, request, api_key, door, client FROM conduct_violation WHERE 1 = 1");
    if let Some(account) = account {
        select.push(" AND account = ").push_bind(*account);
    }
    if let Some(since) = since {
        select.push(" AND noted >= ").push_bind(*since);
    }
    if let Some(until) = until {
        select.push(" AND noted < ").push_bind(*until);
    }
    select.push(" ORDER BY noted DESC, request DESC LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read_violation).collect()
}

async fn list_cases(store: &Store, query: &CaseQuery, limit: u32) -> Result<Vec<Case>, StoreError> {
    let CaseQuery { account, states, cursor } = query;
    let mut select = cases();
    if let Some(account) = account {
        select.push(" AND account = ").push_bind(*account);
    }
    if !states.is_empty() {
        select.push(" AND state IN (").push_list(states.iter().map(|state| state.as_str())).push(")");
    }
    if let Some(cursor) = cursor {
        select.push(" AND id > ").push_bind(*cursor);
    }
    select.push(" ORDER BY id LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read_case).collect()
}

/// All cases; conditions follow.
fn cases() -> Statement {
    sql("SELECT id, account, cause, state, measure, evidence, opened, struck, appeal, decision
         FROM conduct_case WHERE 1 = 1")
}

/// Writes the version of a record that follows the one there is, and says whether it did.
async fn write_record(tx: &mut Tx, record: &ConductRecord) -> Result<bool, StoreError> {
    let Some(before) = record.version.checked_sub(1) else { return Ok(false) };
    let write = if before == 0 {
        sql("INSERT INTO conduct_record (account, version, strikes, last_strike, restriction)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING")
    } else {
        sql("UPDATE conduct_record SET version = $2, strikes = $3, last_strike = $4, restriction = $5
             WHERE account = $1 AND version = $2 - 1")
    };
    let written = write
        .bind(record.account)
        .bind(record.version)
        .bind(record.strikes)
        .bind(record.last_strike)
        .bind(record.restriction.as_ref().map(serde_json::to_string).transpose()?)
        .execute(tx)
        .await?;
    Ok(written == 1)
}

async fn write_case(tx: &mut Tx, case: &Case) -> Result<(), StoreError> {
    let upsert = sql("INSERT INTO conduct_case
            (id, account, cause, state, measure, evidence, opened, struck, appeal, decision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET
            account = excluded.account, cause = excluded.cause, state = excluded.state,
            measure = excluded.measure, evidence = excluded.evidence, opened = excluded.opened,
            struck = excluded.struck, appeal = excluded.appeal, decision = excluded.decision");
    upsert
        .bind(case.id)
        .bind(case.account)
        .bind(case.cause.as_str())
        .bind(case.state.as_str())
        .bind(case.measure.map(Measure::as_str))
        .bind(serde_json::to_string(&case.evidence)?)
        .bind(case.opened)
        .bind(case.struck)
        .bind(case.appeal.as_ref().map(serde_json::to_string).transpose()?)
        .bind(case.decision.as_ref().map(serde_json::to_string).transpose()?)
        .execute(tx)
        .await?;
    Ok(())
}

async fn find_ban(store: &Store, marks: &[BanMark]) -> Result<Option<CaseId>, StoreError> {
    if marks.is_empty() {
        return Ok(None);
    }
    let mut select = sql("SELECT mark, case_id FROM ban_mark WHERE mark IN (");
    select.push_list(marks.iter().map(ToString::to_string)).push(")");
    let rows = select.fetch_all(store.reader()).await?;
    let known = rows.iter().map(|row| Ok((row.parsed::<BanMark>("mark")?, row.parsed::<CaseId>("case_id")?)));
    let known = known.collect::<Result<Vec<_>, StoreError>>()?;
    let first = marks.iter().find_map(|mark| known.iter().find(|(other, _)| other == mark));
    Ok(first.map(|(_, case)| *case))
}

fn read_violation(row: &Row) -> Result<Violation, StoreError> {
    Ok(Violation {
        account: row.parsed("account")?,
        hour: row.integer("hour")?,
        at: row.moment("noted")?,
        request: row.request_id("request")?,
        key: row.parsed("api_key")?,
        door: row.text("door")?,
        client: json(row, "client")?,
    })
}

fn read_case(row: &Row) -> Result<Case, StoreError> {
    let measure = row.text_if_any("measure")?;
    Ok(Case {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        cause: row.named("cause", &Cause::ALL, Cause::as_str)?,
        state: row.named("state", &CaseState::ALL, CaseState::as_str)?,
        measure: measure.map(|_| row.named("measure", &Measure::ALL, Measure::as_str)).transpose()?,
        evidence: json(row, "evidence")?,
        opened: row.moment("opened")?,
        struck: row.moment_if_any("struck")?,
        appeal: json_if_any(row, "appeal")?,
        decision: json_if_any(row, "decision")?,
    })
}

fn read_record(row: &Row) -> Result<ConductRecord, StoreError> {
    let small = |column: &'static str| {
        u32::try_from(row.count(column)?)
            .map_err(|error| StoreError::Unreadable { column, source: Some(error.into()) })
    };
    Ok(ConductRecord {
        account: row.parsed("account")?,
        version: small("version")?,
        strikes: small("strikes")?,
        last_strike: row.moment_if_any("last_strike")?,
        restriction: json_if_any(row, "restriction")?,
    })
}

fn read_end_user(row: &Row) -> Result<BlockedEndUser, StoreError> {
    Ok(BlockedEndUser {
        account: row.parsed("account")?,
        id: row.parsed("end_user")?,
        blocked: row.moment("blocked")?,
        note: row.text("note")?,
    })
}

fn json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    json_if_any(row, column)?.ok_or(StoreError::Unreadable { column, source: None })
}

fn json_if_any<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<Option<T>, StoreError> {
    let text = row.text_if_any(column)?;
    let value = text.map(|text| serde_json::from_str(&text)).transpose();
    value.map_err(|error| StoreError::Unreadable { column, source: Some(error.into()) })
}
