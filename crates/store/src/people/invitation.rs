use accounts::{AuditEvent, Invitation, Membership, Role, TokenHash};
use vocab::{AccountId, InvitationId};

use super::member;
use super::person::kept;
use crate::db::{Row, Tx, sql};
use crate::{Store, StoreError};

/// What [`read`] wants to see.
const COLUMNS: &str = "id, account, email, role, invited_by, token, created, expires, closed";

pub(super) async fn insert(
    store: &Store,
    invitation: &Invitation,
    audit: &AuditEvent,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    sql("UPDATE invitation SET closed = $1 WHERE account = $2 AND email_folded = $3 AND closed IS NULL")
        .bind(audit.at)
        .bind(invitation.account)
        .bind(invitation.email.folded())
        .execute(&mut tx)
        .await?;
    sql("INSERT INTO invitation
            (id, account, email, email_folded, role, invited_by, token, created, expires, closed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(invitation.id)
    .bind(invitation.account)
    .bind(invitation.email.as_str())
    .bind(invitation.email.folded())
    .bind(invitation.role.name())
    .bind(invitation.invited_by)
    .bind(invitation.token.to_string())
    .bind(invitation.created)
    .bind(invitation.expires)
    .bind(invitation.closed)
    .execute(&mut tx)
    .await?;
    kept(tx, audit).await?;
    Ok(())
}

pub(super) async fn find(store: &Store, token: &TokenHash) -> Result<Option<Invitation>, StoreError> {
    let mut select = sql("SELECT ");
    select.push(COLUMNS).push(" FROM invitation WHERE token = ").push_bind(token.to_string());
    let row = select.fetch_optional(store.reader()).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn list(
    store: &Store,
    account: AccountId,
    cursor: Option<InvitationId>,
    limit: u32,
) -> Result<Vec<Invitation>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let mut select = sql("SELECT ");
    select.push(COLUMNS).push(" FROM invitation WHERE account = ").push_bind(account);
    select.push(" AND id > ").push_bind(after).push(" ORDER BY id LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn withdraw(
    store: &Store,
    account: AccountId,
    id: InvitationId,
    audit: &AuditEvent,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let update = sql("UPDATE invitation SET closed = $1 WHERE id = $2 AND account = $3 AND closed IS NULL");
    if update.bind(audit.at).bind(id).bind(account).execute(&mut tx).await? == 0 {
        return Ok(false);
    }
    kept(tx, audit).await
}

pub(super) async fn accept(
    store: &Store,
    token: &TokenHash,
    membership: &Membership,
    audit: &AuditEvent,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    if !close(&mut tx, token, membership).await? || !member::insert(&mut tx, membership).await? {
        return Ok(false);
    }
    kept(tx, audit).await
}

/// Uses an invitation up. Says whether it was open: of several that try at once, one is told so.
pub(super) async fn close(
    tx: &mut Tx,
    token: &TokenHash,
    membership: &Membership,
) -> Result<bool, StoreError> {
    let closed = sql("UPDATE invitation SET closed = $1
         WHERE token = $2 AND account = $3 AND closed IS NULL AND expires > $1")
    .bind(membership.since)
    .bind(token.to_string())
    .bind(membership.account)
    .execute(tx)
    .await?;
    Ok(closed == 1)
}

fn read(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        email: row.parsed("email")?,
        role: row.named("role", &Role::ALL, Role::name)?,
        invited_by: row.parsed_if_any("invited_by")?,
        token: row.parsed("token")?,
        created: row.moment("created")?,
        expires: row.moment("expires")?,
        closed: row.moment_if_any("closed")?,
    })
}
