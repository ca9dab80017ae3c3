//! Accounts, plans, money and rules: what the commands share with a running server.

use std::sync::Arc;
use std::time::Duration;

use accounts::{
    AccountMoves, Accounts, AuditLog, Conduct, EndUsers, GrantStart, Keys, Operator, PlanGrant, Plans,
    StandingStores, Standings, Term,
};
use anyhow::Context;
use gateway::{StatementSettings, Statements};
use ledger::LedgerStore;
use store::{PostgresSettings, Store};
use vocab::{AccountId, Clock, NanoUsd, Secret, SystemClock};

use crate::config::{Config, StoreConfig};
use crate::data_folder::DataFolder;
use crate::rules::Rules;

/// How far the operator's own account may go below zero: its use is the house's own, and is counted, not collected.
const OPERATOR_OVERDRAFT_USD: i64 = 1_000_000_000;

/// The largest of the documented plans, which the operator has from the beginning, so that every door opens at once.
const OPERATOR_PLAN: &str = "max";

/// Everything that is kept for good, and the services on it.
pub(crate) struct Books {
    pub(crate) store: Arc<Store>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) conduct: Arc<Conduct>,
    pub(crate) end_users: Arc<EndUsers>,
    pub(crate) standings: Arc<Standings>,
    pub(crate) moves: AccountMoves,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) rules: Rules,
    pub(crate) statements: Arc<Statements>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Books {
    pub(crate) async fn open(config: &Config, folder: &DataFolder) -> anyhow::Result<Self> {
        let store = Arc::new(open_store(&config.store, folder).await?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = Arc::new(Keys::new(store.clone(), folder.seal()?, clock.clone()));
        anyhow::ensure!(
            keys.seal_fits().await?,
            "the master key does not open the keys in this database: it belongs to another installation. \
             Put the right master.key back, or set AZIMUTH_MASTER_KEY",
        );
        let rules = Rules::open(store.clone(), clock.clone()).await?;
        let conduct = Arc::new(Conduct::new(store.clone(), rules.use_rules.clone(), clock.clone()));
        let standing = StandingStores {
            accounts: store.clone(),
            subscriptions: store.clone(),
            conduct: conduct.clone(),
        };
        let zone = rules.plans.current().quota().time_zone;
        let settings = StatementSettings { zone, ..StatementSettings::default() };
        let statements = Statements::new(store.clone(), clock.clone(), settings);
        Ok(Self {
            accounts: Arc::new(Accounts::new(store.clone(), keys.clone(), clock.clone())),
            plans: Arc::new(Plans::new(store.clone(), store.clone(), rules.plans.clone(), clock.clone())),
            end_users: Arc::new(EndUsers::new(store.clone(), clock.clone())),
            standings: Arc::new(Standings::new(Arc::new(standing), clock.clone())),
            moves: AccountMoves::new(store.clone(), clock.clone()),
            audit: Arc::new(AuditLog::new(store.clone(), clock.clone())),
            statements: Arc::new(statements),
            store,
            keys,
            conduct,
            rules,
            clock,
        })
    }

    /// Finds the operator, or makes it, with everything it needs to use every door.
    pub(crate) async fn ensure_operator(&self) -> anyhow::Result<Operator> {
        let operator = self.accounts.ensure_operator().await?;
        self.equip(operator.account.id).await?;
        Ok(operator)
    }

    /// Safe to repeat: a start that was killed half-way is completed by the next.
    async fn equip(&self, operator: AccountId) -> anyhow::Result<()> {
        let overdraft = NanoUsd::from_usd(OPERATOR_OVERDRAFT_USD).context("the overdraft fits")?;
        if self.store.funds(operator, self.clock.now()).await?.overdraft != overdraft {
            self.store.overdraft_set(operator, overdraft).await?;
        }
        let has_plan = !self.plans.list(Some(operator), None, 1).await?.is_empty();
        let plan = OPERATOR_PLAN.parse()?;
        if has_plan || self.plans.book().plan(&plan).is_none() {
            return Ok(());
        }
        let grant = PlanGrant {
            account: operator,
            plan,
            term: Term::Endless,
            start: GrantStart::Now,
            granted_by: None,
            note: "the operator's own".to_owned(),
        };
        self.plans.grant(&grant).await?;
        Ok(())
    }
}

async fn open_store(config: &StoreConfig, folder: &DataFolder) -> anyhow::Result<Store> {
    if config.url.is_empty() {
        let path = folder.database();
        return Store::open(&path)
            .await
            .with_context(|| format!("the database {} cannot be opened", path.display()));
    }
    let settings = PostgresSettings {
        connections_max: config.connections_max,
        statement_for_max: Duration::from_secs(5),
    };
    Store::connect(&Secret::new(config.url.clone()), settings)
        .await
        .context("the database of `store.url` cannot be used")
}
