//! A whole server in memory, on a real port.

use std::sync::Arc;
use std::time::Duration;

use accounts::Keys;
use capabilities::async_chat::{AsyncChat, ChatTaskHandler, TASK_KIND};
use gateway::{
    Catalogue, Gateway, GatewayLimits, Meter, MeterSettings, ModelCard, ModelMapping, RouteTo, UsageLog,
    UsageQuery, UsageRecord,
};
use inference::ChatEngine;
use ledger::{Funds, Units};
use serde_json::Value;
use server::{Platform, ServerSettings};
use tasks::{TaskSettings, Tasks, WorkerSettings};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Clock, ModelName, NanoUsd, Secret, SystemClock};

use crate::house::House;
use crate::memory::{MemoryTasks, MemoryUsage};
use crate::plain_documents::PlainDocuments;
use crate::scripted_engine::ScriptedEngine;

/// A whole server in memory, on a real port, with a scripted engine behind `glm-4.7`, `glm-4.6v` and `glm-4.5`.
pub struct TestApp {
    /// `http://127.0.0.1:PORT`
    pub base_url: String,
    /// The engine behind every mapped model.
    pub engine: Arc<ScriptedEngine>,
    /// For making and revoking keys.
    pub keys: Arc<Keys>,
    /// A key of the operator's account.
    pub key: Secret,
    /// For sending requests.
    pub http: reqwest::Client,
    /// Accounts, plans, money and rules.
    pub house: House,
    usage: Arc<MemoryUsage>,
    meter: Meter,
    stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

/// What a test may choose.
pub struct TestSettings {
    /// The engine behind every mapped model.
    pub engine: ScriptedEngine,
    /// Further engines behind every mapped model.
    pub others: Vec<Arc<dyn ChatEngine>>,
    /// Limits of the server.
    pub server: ServerSettings,
    /// Limits of the gateway.
    pub gateway: GatewayLimits,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The documented models that are mapped.
    pub models: &'static [&'static str],
}

impl Default for TestSettings {
    fn default() -> Self {
        Self {
            engine: ScriptedEngine::new("scripted"),
            others: Vec::new(),
            server: ServerSettings::default(),
            gateway: GatewayLimits::default(),
            clock: Arc::new(SystemClock),
            models: &["glm-4.7", "glm-4.6v", "glm-4.5"],
        }
    }
}

impl TestApp {
    /// Starts with an engine that repeats what it is told.
    pub async fn start() -> Self {
        Self::with(TestSettings::default()).await
    }

    /// Starts with an engine whose events are let through one by one.
    pub async fn gated() -> Self {
        Self::with(TestSettings { engine: ScriptedEngine::gated("scripted"), ..TestSettings::default() })
            .await
    }

    /// Starts as the test wishes.
    pub async fn with(settings: TestSettings) -> Self {
        let clock = settings.clock;
        let tracker = TaskTracker::new();
        let house = House::start(clock.clone(), &tracker).await;
        let (keys, key) = (house.keys.clone(), house.operator_key.clone());
        let stop = CancellationToken::new();
        let engine = Arc::new(settings.engine);
        let usage = house.usage.clone();
        let meter = Meter::start(usage.clone(), MeterSettings::default(), &tracker);
        let catalogue = Arc::new(catalogue(&engine, &settings.others, settings.models));
        let gateway = Gateway::new(catalogue, meter.clone(), clock.clone(), settings.gateway)
            .with_admissions(house.admissions.clone());
        let gateway = Arc::new(gateway);
        let tasks =
            Arc::new(Tasks::new(Arc::new(MemoryTasks::default()), clock.clone(), TaskSettings::default()));
        let worker = tasks
            .worker(WorkerSettings::default())
            .with_handler(TASK_KIND, Arc::new(ChatTaskHandler::new(gateway.clone())));
        tracker.spawn(worker.run(stop.clone()));

        let platform = Platform {
            keys: keys.clone(),
            async_chat: Arc::new(AsyncChat::new(gateway.clone(), tasks)),
            gateway,
            usage: usage.clone(),
            plan_meter: house.plan_meter.clone(),
            documents: Arc::new(PlainDocuments),
            console: Some(house.console.clone()),
            clock,
            settings: Arc::new(settings.server),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (app, stopped) = (server::app(platform.clone()), stop.clone());
        let serving = tokio::spawn(async move { server::serve(listener, app, &platform, stopped).await });

        Self {
            base_url,
            engine,
            keys,
            key,
            http: reqwest::Client::new(),
            house,
            usage,
            meter,
            stop,
            serving: Some(serving),
        }
    }

    /// A key of another account.
    pub async fn strangers_key(&self) -> Secret {
        let (account, key) = self.house.newcomer().await;
        self.house.top_up(account, "1").await;
        key
    }

    /// What an account has, whether set aside or not, once every record is written.
    pub async fn wallet(&self, account: AccountId) -> NanoUsd {
        self.meter.flush().await;
        let Funds { cash, credits, held, .. } = self.house.funds(account).await;
        [cash, credits, held].into_iter().sum()
    }

    /// What an account has used of its plan's prompts in five hours and in the week, once every record is written.
    pub async fn prompts_used(&self, account: AccountId) -> Vec<Units> {
        self.meter.flush().await;
        let plan = self.house.plan_meter.read(account).await.expect("the account has a plan");
        plan.prompts.iter().map(|window| window.used).collect()
    }

    /// A chat with someone's key through a door: `paas` or `coding/paas`.
    pub async fn chat_through(&self, door: &str, key: &Secret, body: &Value) -> reqwest::Response {
        let request = self.http.post(format!("{}/api/{door}/v4/chat/completions", self.base_url));
        request.bearer_auth(key.expose()).body(body.to_string()).send().await.expect("the server answers")
    }

    /// The address of a path below `/api/paas/v4`.
    pub fn paas(&self, path: &str) -> String {
        format!("{}/api/paas/v4{path}", self.base_url)
    }

    /// A request with the operator's key.
    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(self.paas(path)).bearer_auth(self.key.expose())
    }

    /// A request with the operator's key.
    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(self.paas(path)).bearer_auth(self.key.expose())
    }

    /// Posts a chat and reads the JSON that comes back, with its status.
    pub async fn chat(&self, body: &Value) -> (u16, Value) {
        let response =
            self.post("/chat/completions").body(body.to_string()).send().await.expect("the server answers");
        (response.status().as_u16(), response.json().await.expect("the body is JSON"))
    }

    /// Posts a chat and reads the whole event stream.
    pub async fn stream(&self, body: &Value) -> String {
        let response =
            self.post("/chat/completions").body(body.to_string()).send().await.expect("the server answers");
        assert_eq!(response.headers()["content-type"], "text/event-stream;charset=UTF-8");
        response.text().await.expect("the stream ends")
    }

    /// Posts a chat and waits until whatever comes back has come.
    pub async fn stream_or_error(&self, body: &Value) -> String {
        let response =
            self.post("/chat/completions").body(body.to_string()).send().await.expect("the server answers");
        response.text().await.expect("the answer ends")
    }

    /// Asks the server to stop, and waits until it has.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            serving.await.expect("the server does not panic");
        }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        self.base_url.trim_start_matches("http://")
    }

    /// Every usage record, once all are written.
    pub async fn usage(&self) -> Vec<UsageRecord> {
        self.meter.flush().await;
        self.usage.usage_list(&UsageQuery::default(), 1000).await.expect("the memory log answers")
    }

    /// Waits until `condition` holds; fails the test if it never does.
    pub async fn until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        for _ in 0..500 {
            if condition().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain: {what}");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn catalogue(engine: &Arc<ScriptedEngine>, others: &[Arc<dyn ChatEngine>], models: &[&str]) -> Catalogue {
    let first: Arc<dyn ChatEngine> = engine.clone();
    let routes: Vec<RouteTo> = std::iter::once(&first)
        .chain(others)
        .map(|engine| RouteTo { engine: engine.clone(), weight: 1 })
        .collect();
    let mappings = models
        .iter()
        .map(|name| {
            let name: ModelName = name.parse().expect("a model name");
            let card =
                ModelCard::documented().iter().find(|card| card.name == name).expect("documented").clone();
            ModelMapping { card, routes: routes.clone() }
        })
        .collect();
    Catalogue::new(mappings).expect("names differ")
}
