use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use accounts::{
    Account, Accounts, DocumentName, Documents, GrantStart, Keys, PlanBook, PlanGrant, Plans, RateOverrides,
    Seal, Subscription, Term,
};
use futures::future::join_all;
use ledger::{Funds, LedgerStore, PriceBook, Settled, TopUp};
use serde_json::Value;
use store::{PostgresSettings, Store};
use tempfile::TempDir;
use testkit::gate::Gate;
use testkit::postgres::TestDatabase;
use testkit::redis::TestRedis;
use testkit::scripted_host::{Answer, ScriptedHost};
use vocab::{AccountId, Clock, InForce, NanoUsd, RequestId, Secret, SystemClock};

use crate::node::Node;

/// What an answer of [`Site::host`] costs: two tokens at a thousandth of a dollar.
pub const COST: NanoUsd = NanoUsd(2_000_000);

/// How long the books may take to be told everything.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

/// An installation: what its nodes share, and the desk from which its operator runs it.
///
/// The operator's desk has its own way to the database, which no gate closes.
pub struct Site {
    /// Answers `glm-4.7` at once, with two tokens that cost money.
    pub host: ScriptedHost,
    /// Never answers `glm-4.6`.
    pub silent_host: ScriptedHost,
    pub store: Arc<Store>,
    pub keys: Arc<Keys>,
    pub plan_book: Arc<InForce<PlanBook>>,
    pub master_key: String,
    pub folder: TempDir,
    services: Option<Services>,
    environment: Vec<(&'static str, String)>,
    accounts: Accounts,
    plans: Plans,
    documents: Documents,
    nodes: AtomicUsize,
}

/// What several nodes share, behind doors that can be shut.
pub struct Services {
    pub postgres: Gate,
    pub redis: Gate,
    /// The database goes away with it.
    pub database: TestDatabase,
}

impl Site {
    /// For several nodes, on PostgreSQL and Redis; none where these are not there.
    pub async fn shared() -> Option<Self> {
        let (redis, database) = (TestRedis::draw()?, TestDatabase::create().await?);
        let postgres_gate = Gate::before(database.server_address()).await;
        let redis_gate = Gate::before(redis.server_address()).await;
        let settings = PostgresSettings { connections_max: 4, ..PostgresSettings::default() };
        let store = Store::connect(database.url(), settings).await.expect("the database opens");
        let environment = vec![
            ("AZIMUTH_STORE__URL", database.url_through(&postgres_gate).expose().to_owned()),
            ("AZIMUTH_REDIS__URL", redis.url_through(&redis_gate).expose().to_owned()),
            ("AZIMUTH_REDIS__PREFIX", redis.prefix.clone()),
        ];
        let services = Services { postgres: postgres_gate, redis: redis_gate, database };
        Some(Self::with(store, Some(services), environment, tempfile::tempdir().expect("a folder")).await)
    }

    /// For one node, in one folder.
    pub async fn alone() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("writable");
        let store = Store::open(folder.path().join("data/azimuth.db")).await.expect("the file opens");
        Self::with(store, None, Vec::new(), folder).await
    }

    async fn with(
        store: Store,
        services: Option<Services>,
        mut environment: Vec<(&'static str, String)>,
        folder: TempDir,
    ) -> Self {
        let (store, clock): (_, Arc<dyn Clock>) = (Arc::new(store), Arc::new(SystemClock));
        let master_key = Secret::new("7d".repeat(32));
        environment.push(("AZIMUTH_MASTER_KEY", master_key.expose().to_owned()));
        let keys = Arc::new(Keys::new(store.clone(), Seal::from_bytes(&[0x7d; 32]), clock.clone()));
        let plan_book = Arc::new(InForce::new(plan_book()));
        let site = Self {
            host: ScriptedHost::start().await,
            silent_host: ScriptedHost::start().await,
            accounts: Accounts::new(store.clone(), keys.clone(), clock.clone()),
            plans: Plans::new(store.clone(), store.clone(), plan_book.clone(), clock.clone()),
            documents: Documents::new(store.clone(), clock)
                .with_validator(DocumentName::Prices, |_| Ok(()))
                .with_validator(DocumentName::Plans, |_| Ok(())),
            store,
            keys,
            plan_book,
            master_key: master_key.expose().to_owned(),
            folder,
            services,
            environment,
            nodes: AtomicUsize::new(0),
        };
        site.silent_host.otherwise(Answer::never());
        site.accounts.ensure_operator().await.expect("an operator");
        site.change_prices(0, "1000").await;
        site.change(DocumentName::Plans, 0, plan_sheet()).await;
        site.configure("");
        site
    }

    /// What the nodes share. Only where there is more than one.
    pub fn services(&self) -> &Services {
        self.services.as_ref().expect("the site has services")
    }

    /// Writes the configuration of nodes that start from now on: the models, and `more`.
    pub fn configure(&self, more: &str) {
        let engine = |name: &str, host: &ScriptedHost, model: &str| {
            format!(
                "[[engines]]\nname = \"{name}\"\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"their/{model}\"\n\
                 [[models]]\nname = \"{model}\"\nengines = [\"{name}\"]\n",
                host.base_url()
            )
        };
        let text =
            engine("quick", &self.host, "glm-4.7") + &engine("silent", &self.silent_host, "glm-4.6") + more;
        std::fs::write(self.config(), text).expect("writable");
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("azimuth.toml")
    }

    /// The program, in the environment of a node, and with nothing else that could change what it does.
    pub fn azimuth(&self, data: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_azimuth"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AZIMUTH_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("--config").arg(self.config()).arg("--data").arg(self.folder.path().join(data));
        command
    }

    /// Starts so many nodes at once. Those that share nothing but a folder must not run at the same time.
    pub async fn nodes<const COUNT: usize>(&self) -> [Node; COUNT] {
        let starting = (0..COUNT).map(|_| self.start(|_| {}).ready());
        let nodes: Vec<Node> = join_all(starting).await;
        nodes.try_into().ok().expect("as many as were started")
    }

    /// Starts a node whose command is as `change` makes it.
    pub fn start(&self, change: impl FnOnce(&mut Command)) -> Node {
        self.start_as(self.nodes.fetch_add(1, Ordering::Relaxed), change)
    }

    /// Starts the node again that was started as the `number`th and is gone.
    pub fn start_again(&self, number: usize) -> Node {
        self.start_as(number, |_| {})
    }

    fn start_as(&self, number: usize, change: impl FnOnce(&mut Command)) -> Node {
        let data = if self.services.is_some() { format!("data-{number}") } else { "data".to_owned() };
        let mut command = self.azimuth(&data);
        change(&mut command);
        let file = |kind: &str| self.folder.path().join(format!("node-{number}.{kind}"));
        Node::start(command, file("ready"), file("log"))
    }

    /// An account with so many dollars, and its key.
    pub async fn customer(&self, dollars: &str) -> (AccountId, Secret) {
        let Account { id, .. } = self.accounts.create("customer").await.expect("the store answers");
        let (_, key) = self.keys.create(id, "theirs", None).await.expect("the store answers");
        let amount: NanoUsd = dollars.parse().expect("an amount of dollars");
        let top_up = TopUp { reference: format!("first-{id}"), account: id, amount, at: SystemClock.now() };
        self.store.top_up(&top_up).await.expect("the store answers");
        (id, key)
    }

    /// Gives an account a plan, and as many requests at once as it likes.
    pub async fn subscribe(&self, account: AccountId, plan: &str) -> Subscription {
        self.let_run_at_once(account, 100).await;
        let grant = PlanGrant {
            account,
            plan: plan.parse().expect("a plan's name"),
            term: Term::Endless,
            start: GrantStart::Now,
            granted_by: None,
            note: String::new(),
        };
        self.plans.grant(&grant).await.expect("the plan is in the book")
    }

    /// Lets so many requests of an account run at once.
    pub async fn let_run_at_once(&self, account: AccountId, concurrency: u32) {
        let rates = RateOverrides { concurrency: Some(concurrency), ..RateOverrides::default() };
        self.accounts.set_rates(account, &rates).await.expect("the store answers");
    }

    /// Puts another price of an output token of `glm-4.7` in force; nothing else costs anything.
    pub async fn change_prices(&self, base: i64, dollars_a_million: &str) -> i64 {
        let mut sheet = PriceBook::documented_sheet();
        for model in ["glm-4.7", "glm-4.6"] {
            sheet["models"][model] =
                serde_json::json!({"input": "0", "cached_input": "0", "output": dollars_a_million});
        }
        self.change(DocumentName::Prices, base, sheet).await
    }

    async fn change(&self, name: DocumentName, base: i64, body: Value) -> i64 {
        self.documents.propose(name, base, body, "the operator").await.expect("the store answers").version
    }

    /// What an account has, whether set aside or not.
    pub async fn funds(&self, account: AccountId) -> Funds {
        self.store.funds(account, SystemClock.now()).await.expect("the store answers")
    }

    /// What an account has been charged, of the `dollars` it had.
    pub async fn charged(&self, account: AccountId, dollars: &str) -> NanoUsd {
        let Funds { cash, credits, held, .. } = self.funds(account).await;
        let paid: NanoUsd = dollars.parse().expect("an amount of dollars");
        paid.saturating_sub([cash, credits, held].into_iter().sum())
    }

    /// What a request was charged, as soon as it is written.
    pub async fn settled(&self, request: &RequestId) -> Settled {
        let deadline = Instant::now() + SETTLED_WITHIN;
        loop {
            if let Some(settled) = self.store.settled(request).await.expect("the store answers") {
                return settled;
            }
            assert!(Instant::now() < deadline, "the request was never charged");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `azimuth ledger verify`, by hand.
    pub async fn books_are_clean(&self) {
        let verified = self.store.verify().await.expect("the store answers");
        assert!(verified.is_clean(), "{verified:#?}");
    }

    /// Stops every node, and looks whether the account was charged for exactly so many answers, with nothing left set
    /// aside, and whether the books are right.
    pub async fn is_charged_in_the_end(
        &self,
        nodes: Vec<Node>,
        account: AccountId,
        dollars: &str,
        answers: usize,
    ) {
        join_all(nodes.into_iter().map(Node::stop)).await;
        assert_eq!(self.funds(account).await.held, NanoUsd::ZERO);
        assert_eq!(self.charged(account, dollars).await, cost_of(answers));
        self.books_are_clean().await;
    }
}

/// What so many answers cost.
pub fn cost_of(answers: usize) -> NanoUsd {
    NanoUsd(COST.0 * i64::try_from(answers).expect("a small number"))
}

/// The documented plans, of which the smallest allows one prompt in five hours: twenty calls.
fn plan_sheet() -> Value {
    let mut sheet: Value = serde_json::from_str(PlanBook::documented_json()).expect("JSON");
    sheet["plans"]["lite"]["prompts_per_5h"] = 1.into();
    sheet
}

fn plan_book() -> PlanBook {
    PlanBook::from_value(&plan_sheet()).expect("plans")
}
