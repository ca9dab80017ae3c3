use std::sync::Arc;
use std::time::Duration;

use accounts::Keys;
use capabilities::async_chat::AsyncChat;
use capabilities::documents::DocumentReader;
use gateway::{Gateway, PlanMeter, UsageLog};
use ipnet::IpNet;
use vocab::Clock;

use crate::ConsoleServices;

/// Everything the routes call. Cheap to clone.
#[derive(Clone)]
pub struct Platform {
    /// Who is calling.
    pub keys: Arc<Keys>,
    /// Chat completions.
    pub gateway: Arc<Gateway>,
    /// Chat completions whose answer is fetched later.
    pub async_chat: Arc<AsyncChat>,
    /// What was used.
    pub usage: Arc<dyn UsageLog>,
    /// How full plans are.
    pub plan_meter: Arc<PlanMeter>,
    /// Reads documents for models that cannot.
    pub documents: Arc<dyn DocumentReader>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What people see and do in the console; none where there is no console.
    pub console: Option<Arc<ConsoleServices>>,
    /// Limits.
    pub settings: Arc<ServerSettings>,
}

/// Limits of what arrives and of how long it may take.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The largest request body.
    pub body_bytes_max: usize,
    /// The longest that one answer may take (rule ENDP-13).
    pub answer_duration_max: Duration,
    /// How long a stream may be silent before an empty piece keeps it open.
    pub keep_alive_after: Duration,
    /// How long running answers may go on once a stop was asked for.
    pub drain_duration_max: Duration,
    /// The most connections at once; further ones wait to be accepted.
    pub connections_max: usize,
    /// How long a connection may take to send the head of a request, counted from its opening or from the end of the
    /// request before. An idle connection is closed after the same time.
    pub head_wait_max: Duration,
    /// The longest pause within a request body.
    pub body_wait_max: Duration,
    /// How long a client may take nothing of what is being sent to it.
    pub stall_max: Duration,
    /// Proxies whose word counts on whom they forward requests for.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            body_bytes_max: 128 * 1024 * 1024,
            answer_duration_max: Duration::from_secs(3000),
            keep_alive_after: Duration::from_secs(15),
            drain_duration_max: Duration::from_secs(30),
            connections_max: 20_000,
            head_wait_max: Duration::from_secs(60),
            body_wait_max: Duration::from_secs(30),
            stall_max: Duration::from_secs(300),
            trusted_proxies: Vec::new(),
        }
    }
}
