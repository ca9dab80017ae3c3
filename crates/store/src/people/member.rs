use accounts::{
    Access, Account, AccountState, Member, Membership, MembershipChange, Person, Role, SoleOwner,
};
use vocab::{AccountId, PersonId};

use super::person::kept;
use crate::db::{Executor, Row, Tx, sql};
use crate::{Store, StoreError};

/// In an account that someone makes for themselves.
pub(super) fn owner(person: &Person, account: &Account) -> Membership {
    Membership { person: person.id, account: account.id, role: Role::Owner, since: person.created }
}

/// Says no if there is such a member.
pub(super) async fn insert(on: impl Into<Executor<'_>>, membership: &Membership) -> Result<bool, StoreError> {
    let inserted = sql("INSERT INTO membership (account, person, role, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING")
    .bind(membership.account)
    .bind(membership.person)
    .bind(membership.role.name())
    .bind(membership.since)
    .execute(on)
    .await?;
    Ok(inserted == 1)
}

const ACCESS: &str =
    "SELECT membership.person, membership.account, membership.role, membership.since, account.name,
    account.is_operator, account.state, account.rates, account.created
    FROM membership JOIN account ON account.id = membership.account WHERE membership.person = ";

pub(super) async fn find(
    store: &Store,
    person: PersonId,
    account: AccountId,
) -> Result<Option<Access>, StoreError> {
    let mut select = sql(ACCESS);
    select.push_bind(person).push(" AND membership.account = ").push_bind(account);
    let row = select.fetch_optional(store.reader()).await?;
    row.as_ref().map(read_access).transpose()
}

pub(super) async fn list_of_person(
    store: &Store,
    person: PersonId,
    cursor: Option<AccountId>,
    limit: u32,
) -> Result<Vec<Access>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let mut select = sql(ACCESS);
    select.push_bind(person).push(" AND membership.account > ").push_bind(after);
    select.push(" ORDER BY membership.account LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read_access).collect()
}

pub(super) async fn list_of_account(
    store: &Store,
    account: AccountId,
    cursor: Option<PersonId>,
    limit: u32,
) -> Result<Vec<Member>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let rows =
        sql("SELECT membership.person, membership.account, membership.role, membership.since, person.name,
            person.email
         FROM membership JOIN person ON person.id = membership.person
         WHERE membership.account = $1 AND membership.person > $2 ORDER BY membership.person LIMIT $3")
        .bind(account)
        .bind(after)
        .bind(limit)
        .fetch_all(store.reader())
        .await?;
    let read = |row: &Row| {
        Ok(Member { membership: read(row)?, name: row.text("name")?, email: row.parsed("email")? })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn set_role(
    store: &Store,
    account: AccountId,
    person: PersonId,
    role: Role,
    audit: &accounts::AuditEvent,
) -> Result<MembershipChange, StoreError> {
    let mut tx = store.begin().await?;
    hold(&mut tx, account).await?;
    if role != Role::Owner && is_last_owner(&mut tx, account, person).await? {
        return Ok(MembershipChange::LastOwner);
    }
    let update = sql("UPDATE membership SET role = $1 WHERE account = $2 AND person = $3");
    if update.bind(role.name()).bind(account).bind(person).execute(&mut tx).await? == 0 {
        return Ok(MembershipChange::Unknown);
    }
    kept(tx, audit).await?;
    Ok(MembershipChange::Done)
}

pub(super) async fn remove(
    store: &Store,
    account: AccountId,
    person: PersonId,
    audit: &accounts::AuditEvent,
) -> Result<MembershipChange, StoreError> {
    let mut tx = store.begin().await?;
    hold(&mut tx, account).await?;
    if is_last_owner(&mut tx, account, person).await? {
        return Ok(MembershipChange::LastOwner);
    }
    let delete = sql("DELETE FROM membership WHERE account = $1 AND person = $2");
    if delete.bind(account).bind(person).execute(&mut tx).await? == 0 {
        return Ok(MembershipChange::Unknown);
    }
    kept(tx, audit).await?;
    Ok(MembershipChange::Done)
}

/// Whoever takes an owner away holds the account's owners first: two that leave at once must see each other.
pub(super) async fn hold(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    tx.hold(&format!("owners of {account}")).await
}

async fn is_last_owner(tx: &mut Tx, account: AccountId, person: PersonId) -> Result<bool, StoreError> {
    let rows =
        sql("SELECT person FROM membership WHERE account = $1 AND role = 'owner' ORDER BY person LIMIT 2")
            .bind(account)
            .fetch_all(tx)
            .await?;
    match rows.as_slice() {
        [only] => Ok(only.parsed::<PersonId>("person")? == person),
        _ => Ok(false),
    }
}

pub(super) async fn sole_owner(
    on: impl Into<Executor<'_>>,
    person: PersonId,
    limit: u32,
) -> Result<Vec<SoleOwner>, StoreError> {
    let rows = sql("SELECT membership.account,
            (SELECT COUNT(*) FROM membership AS other
             WHERE other.account = membership.account AND other.person <> membership.person) AS others
         FROM membership JOIN account ON account.id = membership.account
         WHERE membership.person = $1 AND membership.role = 'owner' AND account.state <> 'closed'
           AND NOT EXISTS (SELECT 1 FROM membership AS other
             WHERE other.account = membership.account AND other.person <> membership.person
               AND other.role = 'owner')
         ORDER BY membership.account LIMIT $2")
    .bind(person)
    .bind(limit)
    .fetch_all(on)
    .await?;
    let read = |row: &Row| Ok(SoleOwner { account: row.parsed("account")?, others: row.count("others")? });
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Membership, StoreError> {
    Ok(Membership {
        person: row.parsed("person")?,
        account: row.parsed("account")?,
        role: row.named("role", &Role::ALL, Role::name)?,
        since: row.moment("since")?,
    })
}

fn read_access(row: &Row) -> Result<Access, StoreError> {
    let membership = read(row)?;
    let account = Account {
        id: membership.account,
        name: row.text("name")?,
        is_operator: row.flag("is_operator")?,
        state: row.named("state", &AccountState::ALL, AccountState::name)?,
        rates: row.json_as("rates")?,
        created: row.moment("created")?,
    };
    Ok(Access { account, membership })
}
