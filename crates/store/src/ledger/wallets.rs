use std::collections::{BTreeMap, BTreeSet};

use ledger::{Balance, Entry, GrantState, Hold, HoldPart, HoldPurpose, MoneySource, Wallet};
use vocab::{AccountId, GrantId, HoldId};

use super::entries;
use crate::StoreError;
use crate::db::{Row, Tx, bulk, sql};

/// The locked accounts of a transaction: as they were read, and as rules make them.
pub(super) struct Wallets {
    before: BTreeMap<AccountId, Wallet>,
    now: BTreeMap<AccountId, Wallet>,
    entries: Vec<Entry>,
}

/// Makes the row of an account that is about to have something.
pub(super) async fn make_account(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql("INSERT INTO ledger_account (id, cash, overdraft, owed_max) VALUES ($1, 0, 0, 0) ON CONFLICT DO NOTHING")
        .bind(account)
        .execute(tx)
        .await?;
    Ok(())
}

/// Locks accounts until the end of the transaction, in the order of their ids. Those that never had anything are left out.
pub(super) async fn lock(
    tx: &mut Tx,
    accounts: &BTreeSet<AccountId>,
) -> Result<BTreeMap<AccountId, Balance>, StoreError> {
    let mut select = bulk(
        "SELECT id, cash, overdraft, owed_max FROM ledger_account WHERE id IN ({rows}) ORDER BY id {for update}",
    );
    for account in accounts {
        select.row().bind(*account);
    }
    let rows = select.fetch_all(tx).await?;
    let balance = |row: &Row| {
        let balance = Balance {
            cash: row.money("cash")?,
            overdraft: row.money("overdraft")?,
            owed_max: row.money("owed_max")?,
        };
        Ok((row.parsed("id")?, balance))
    };
    rows.iter().map(balance).collect()
}

impl Wallets {
    /// Reads what rules may touch of accounts that are locked, with these of their holds.
    pub(super) async fn read(
        tx: &mut Tx,
        balances: BTreeMap<AccountId, Balance>,
        holds: &BTreeSet<HoldId>,
    ) -> Result<Self, StoreError> {
        let accounts: BTreeSet<_> = balances.keys().copied().collect();
        let holds = holds_read(tx, holds).await?;
        let mut credits = credits_of(tx, &accounts).await?;
        let known: BTreeSet<_> = credits.iter().map(|credit| credit.grant.id).collect();
        let parts = holds.iter().filter(|hold| hold.is_open()).flat_map(|hold| &hold.parts);
        let sources = parts.filter_map(|part| match part.source {
            MoneySource::Credit(grant) => Some(grant),
            MoneySource::Cash => None,
        });
        let spent: BTreeSet<_> = sources.filter(|grant| !known.contains(grant)).collect();
        credits.append(&mut credits_named(tx, &spent).await?);

        let mut before = BTreeMap::new();
        for (account, balance) in balances {
            let of_account = holds.iter().filter(|hold| hold.account == account);
            let holds = of_account.map(|hold| (hold.id, hold.clone())).collect();
            let credits = credits.iter().filter(|credit| credit.grant.account == account).cloned().collect();
            before.insert(account, Wallet::new(account, balance, credits, holds));
        }
        Ok(Self { now: before.clone(), before, entries: Vec::new() })
    }

    /// Locks and reads one account, which need not have anything.
    pub(super) async fn of(
        tx: &mut Tx,
        account: AccountId,
        hold: Option<HoldId>,
    ) -> Result<Self, StoreError> {
        let balances = lock(tx, &BTreeSet::from([account])).await?;
        Self::read(tx, balances, &hold.into_iter().collect()).await
    }

    /// The wallet of an account, for a rule to work on.
    pub(super) fn get(&mut self, account: AccountId) -> &mut Wallet {
        self.now.entry(account).or_insert_with(|| Wallet::empty(account))
    }

    /// Notes what a rule entered.
    pub(super) fn enter(&mut self, entry: Option<Entry>) {
        self.entries.extend(entry);
    }

    /// Writes what rules have changed.
    pub(super) async fn keep(self, tx: &mut Tx) -> Result<(), StoreError> {
        let Self { before, now, entries } = self;
        entries::insert(tx, &entries).await?;

        let mut accounts = bulk(
            "UPDATE ledger_account SET cash = new.column2, overdraft = new.column3, owed_max = new.column4
             FROM ({rows}) AS new WHERE id = new.column1",
        );
        let mut changes = Changes::new();
        for (id, wallet) in &now {
            let nothing = Wallet::empty(*id);
            let before = before.get(id).unwrap_or(&nothing);
            if wallet.balance != before.balance {
                let Balance { cash, overdraft, owed_max } = wallet.balance;
                accounts.row().bind(*id).bind(cash).bind(overdraft).bind(owed_max);
            }
            changes.note(before, wallet);
        }
        accounts.execute(tx).await?;
        changes.write(tx).await
    }
}

/// Changed grants, holds and parts of holds.
struct Changes<'a> {
    credits_new: Vec<&'a GrantState>,
    credits: Vec<&'a GrantState>,
    holds_new: Vec<&'a Hold>,
    holds_closed: Vec<&'a Hold>,
    parts: Vec<(HoldId, i64, &'a HoldPart)>,
}

impl<'a> Changes<'a> {
    fn new() -> Self {
        Self {
            credits_new: Vec::new(),
            credits: Vec::new(),
            holds_new: Vec::new(),
            holds_closed: Vec::new(),
            parts: Vec::new(),
        }
    }

    fn note(&mut self, before: &Wallet, now: &'a Wallet) {
        let credits: BTreeMap<_, _> =
            before.credits().iter().map(|credit| (credit.grant.id, credit)).collect();
        for credit in now.credits() {
            match credits.get(&credit.grant.id) {
                None => self.credits_new.push(credit),
                Some(before) if *before != credit => self.credits.push(credit),
                Some(_) => {}
            }
        }
        for (id, hold) in &now.holds {
            let Some(before) = before.holds.get(id) else {
                self.holds_new.push(hold);
                continue;
            };
            if before.closed != hold.closed {
                self.holds_closed.push(hold);
            }
            for (place, (part, before)) in (0..).zip(hold.parts.iter().zip(&before.parts)) {
                if part != before {
                    self.parts.push((*id, place, part));
                }
            }
        }
    }

    async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut insert = bulk(
            "INSERT INTO ledger_grant
                (id, account, kind, note, amount, priority, expires, given, remaining, ended) {rows}",
        );
        for GrantState { grant, left, ended } in self.credits_new {
            insert.row().bind(grant.id).bind(grant.account).bind(grant.kind.as_str()).bind(&grant.note);
            insert.bind(grant.amount).bind(i64::from(grant.priority)).bind(grant.expires).bind(grant.at);
            insert.bind(*left).bind(*ended);
        }
        insert.execute(tx).await?;

        let mut update = bulk(
            "UPDATE ledger_grant SET remaining = new.column2, ended = new.column3
             FROM ({rows}) AS new WHERE id = new.column1",
        );
        for credit in self.credits {
            update.row().bind(credit.grant.id).bind(credit.left).bind(credit.ended);
        }
        update.execute(tx).await?;

        let mut insert = bulk("INSERT INTO ledger_hold (id, account, purpose, node, opened, until) {rows}");
        let mut parts = bulk("INSERT INTO ledger_hold_part (hold, place, credit, taken, remaining) {rows}");
        for hold in self.holds_new {
            let (purpose, node) = match hold.purpose {
                HoldPurpose::Lease(node) => ("lease", Some(node)),
                HoldPurpose::Task => ("task", None),
            };
            insert.row().bind(hold.id).bind(hold.account).bind(purpose).bind(node);
            insert.bind(hold.opened).bind(hold.until);
            for (place, part) in (0_i64..).zip(&hold.parts) {
                let credit = match part.source {
                    MoneySource::Credit(grant) => Some(grant),
                    MoneySource::Cash => None,
                };
                parts.row().bind(hold.id).bind(place).bind(credit).bind(part.taken).bind(part.left);
            }
        }
        insert.execute(tx).await?;
        parts.execute(tx).await?;

        let mut update =
            bulk("UPDATE ledger_hold SET closed = new.column2 FROM ({rows}) AS new WHERE id = new.column1");
        for hold in self.holds_closed {
            update.row().bind(hold.id).bind(hold.closed);
        }
        update.execute(tx).await?;

        let mut update = bulk(
            "UPDATE ledger_hold_part SET remaining = new.column3
             FROM ({rows}) AS new WHERE hold = new.column1 AND place = new.column2",
        );
        for (hold, place, part) in self.parts {
            update.row().bind(hold).bind(place).bind(part.left);
        }
        update.execute(tx).await?;
        Ok(())
    }
}

/// These holds, as far as they exist, with their parts.
pub(super) async fn holds_read(tx: &mut Tx, ids: &BTreeSet<HoldId>) -> Result<Vec<Hold>, StoreError> {
    let mut select = bulk(
        "SELECT id, account, purpose, node, opened, until, closed FROM ledger_hold WHERE id IN ({rows})",
    );
    let mut select_parts =
        bulk("SELECT hold, place, credit, taken, remaining FROM ledger_hold_part WHERE hold IN ({rows})");
    for id in ids {
        select.row().bind(*id);
        select_parts.row().bind(*id);
    }
    let rows = select.fetch_all(tx).await?;
    let mut parts = BTreeMap::<HoldId, BTreeMap<i64, HoldPart>>::new();
    for row in select_parts.fetch_all(tx).await? {
        let source = row.parsed_if_any("credit")?.map_or(MoneySource::Cash, MoneySource::Credit);
        let part = HoldPart { source, taken: row.money("taken")?, left: row.money("remaining")? };
        parts.entry(row.parsed("hold")?).or_default().insert(row.integer("place")?, part);
    }
    let hold = |row: &Row| {
        let id = row.parsed("id")?;
        let node = row.parsed_if_any("node")?;
        Ok(Hold {
            id,
            account: row.parsed("account")?,
            // The schema gives every lease a node.
            purpose: node.map_or(HoldPurpose::Task, HoldPurpose::Lease),
            opened: row.money("opened")?,
            until: row.moment("until")?,
            parts: parts.remove(&id).unwrap_or_default().into_values().collect(),
            closed: row.moment_if_any("closed")?,
        })
    };
    rows.iter().map(hold).collect()
}

async fn credits_of(tx: &mut Tx, accounts: &BTreeSet<AccountId>) -> Result<Vec<GrantState>, StoreError> {
    let mut select = bulk(
        "SELECT id, account, kind, note, amount, priority, expires, given, remaining, ended
         FROM ledger_grant WHERE account IN ({rows}) AND remaining > 0",
    );
    for account in accounts {
        select.row().bind(*account);
    }
    select.fetch_all(tx).await?.iter().map(entries::read_grant).collect()
}

/// These grants, as far as they exist.
pub(super) async fn credits_named(
    tx: &mut Tx,
    ids: &BTreeSet<GrantId>,
) -> Result<Vec<GrantState>, StoreError> {
    let mut select = bulk(
        "SELECT id, account, kind, note, amount, priority, expires, given, remaining, ended
         FROM ledger_grant WHERE id IN ({rows})",
    );
    for id in ids {
        select.row().bind(*id);
    }
    select.fetch_all(tx).await?.iter().map(entries::read_grant).collect()
}
