//! Secrets are planted wherever there can be some, everything that can go wrong goes wrong, and then every line that was
//! logged, every error that was sent and every row that was stored is searched for them.

mod people;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use testkit::postgres::TestDatabase;
use testkit::scripted_host::Answer;
use vocab::Secret;

use crate::client::{Client, GENERAL};
use crate::node::Node;
use crate::site::Site;

const UPSTREAM_KEY: &str = "sk-planted-upstream-5f0c1d";
const WRONG_PASSWORD: &str = "planted-wrong-password-8e21";
const PROMPT: &str = "planted-prompt-about-the-merger";
const ANSWER: &str = "planted-answer-about-the-merger";
const GUESS: &str = "0123456789abcdef0123456789abcdef.plantedguessplantedguessplantedguessplanted";

/// What nobody may find: a name for the message of a failed test, and the text.
type Planted = Vec<(&'static str, String)>;

/// DATA-10: nor is what was asked and answered anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_sent_or_stored_on_sqlite() {
    let site = Site::alone().await;
    let (node, mut planted) = start(&site).await;
    let heard = provoke(&site, &node, &mut planted).await;
    let log = node.log();
    node.stop().await;

    assert!(log.lines().count() > 50, "it logged everything");
    search("the log", log.as_bytes(), &planted);
    search("an error", heard.as_bytes(), &planted);
    site.store.close().await;
    let files = std::fs::read_dir(site.folder.path().join("data")).expect("readable").flatten();
    let files: Vec<PathBuf> = files.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    assert!(files.iter().any(|path| path.ends_with("azimuth.db")));
    for path in files {
        search(&path.display().to_string(), &std::fs::read(&path).expect("readable"), &planted);
    }
}

/// DATA-10: nor is what was asked and answered anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_sent_or_stored_on_postgres() {
    let Some(site) = Site::shared().await else { return };
    let (node, mut planted) = start(&site).await;
    let password = password_of(site.services().database.url());
    planted.extend(password.map(|password| ("the database's password", password)));
    let mut heard = provoke(&site, &node, &mut planted).await;

    // What is said of services that are gone must not say how to reach them.
    site.services().postgres.shut();
    site.services().redis.shut();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (_, key) = planted.iter().find(|(name, _)| *name == "a key").expect("it was planted").clone();
    let client = Client::new();
    for key in [key.as_str(), GUESS] {
        heard += &format!("{:?}", client.ask(&node, GENERAL, &Secret::new(key)).await);
    }
    site.services().postgres.open();
    site.services().redis.open();
    heard += &refused_start(&site);
    planted.push(("a wrong password", WRONG_PASSWORD.to_owned()));
    let log = node.log();
    node.stop().await;

    search("the log", log.as_bytes(), &planted);
    search("an error", heard.as_bytes(), &planted);
    search("the database", dump(&site.services().database).await.as_bytes(), &planted);
}

/// A node that says all it has to say, in front of a host that wants a key.
async fn start(site: &Site) -> (Node, Planted) {
    site.configure(&format!(
        "[[engines]]\nname = \"keyed\"\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"their/keyed\"\n\
         key_env = \"PLANTED_UPSTREAM_KEY\"\n[[models]]\nname = \"glm-4.5\"\nengines = [\"keyed\"]\n\
         {}[log]\nformat = \"json\"\nlevel = \"debug\"\n",
        site.host.base_url(),
        people::configuration(site)
    ));
    let node = site.start(|command| {
        command.env("PLANTED_UPSTREAM_KEY", UPSTREAM_KEY);
    });
    let node = node.ready().await;
    let planted = vec![
        ("the master key", site.master_key.clone()),
        ("the operator's key", secret_part(&node.key)),
        ("the host's key", UPSTREAM_KEY.to_owned()),
        ("a prompt", PROMPT.to_owned()),
        ("an answer", ANSWER.to_owned()),
        ("a guessed key", secret_part(GUESS)),
    ];
    (node, planted)
}

/// Does what goes well and what does not, and returns everything that callers were told of the latter.
async fn provoke(site: &Site, node: &Node, planted: &mut Planted) -> String {
    let (_, key) = site.customer("1").await;
    let (_, poor) = site.customer("0").await;
    planted.push(("a key", key.expose().to_owned()));
    planted.push(("a secret", secret_part(key.expose())));
    let door = Door { node, http: reqwest::Client::new() };
    let chat =
        |model: &str| json!({"model": model, "messages": [{"role": "user", "content": PROMPT}]}).to_string();

    site.host.will(Answer::text(&[ANSWER]));
    assert!(door.say(key.expose(), chat("glm-4.5")).await.contains(ANSWER));
    let asked = site.host.requests();
    let bearer = format!("Bearer {UPSTREAM_KEY}");
    assert_eq!(asked.last().and_then(|seen| seen.header("authorization")), Some(bearer.as_str()));

    let mut heard = String::new();
    // A host that repeats what it was sent.
    let echo = format!("the key {UPSTREAM_KEY} is not good enough");
    for status in [400, 401, 403, 429, 500] {
        let body = json!({"error": {"message": echo, "type": "x"}});
        site.host.will(Answer::json(status, &body));
        heard += &door.say(key.expose(), chat("glm-4.5")).await;
    }
    site.host.will(Answer::open_stream().event(&format!("{{broken {echo}")).end());
    heard += &door.say(key.expose(), chat("glm-4.5")).await;

    for (with, body) in [
        (key.expose(), chat("no-such-model")),
        (key.expose(), format!("{{\"model\": \"{PROMPT}")),
        (
            key.expose(),
            json!({"model": "glm-4.7", "messages": [{"role": "nobody", "content": PROMPT}]}).to_string(),
        ),
        (poor.expose(), chat("glm-4.7")),
        (GUESS, chat("glm-4.7")),
        (&format!("{}x", key.expose()), chat("glm-4.7")),
        (&format!("{}.{}", key.expose(), secret_part(key.expose())), chat("glm-4.7")),
    ] {
        heard += &door.say(with, body).await;
    }
    assert!(heard.contains("1002") && heard.contains("1113"), "{heard}");
    heard += &people::provoke(site, node, planted).await;
    // Records of what was answered are written a moment later.
    tokio::time::sleep(Duration::from_millis(500)).await;
    heard
}

struct Door<'a> {
    node: &'a Node,
    http: reqwest::Client,
}

impl Door<'_> {
    /// Sends a body with a key, and returns what comes back, headers and all.
    async fn say(&self, key: &str, body: String) -> String {
        let url = format!("{}/api/paas/v4/chat/completions?trace=1", self.node.base_url);
        let response = self.http.post(url).bearer_auth(key).body(body).send().await.expect("it answers");
        let headers = format!("{:?}", response.headers());
        headers + &response.text().await.expect("text")
    }
}

/// What the program says when it is given an address with a wrong password.
fn refused_start(site: &Site) -> String {
    let right = site.services().database.url().expose();
    let Some(password) = password_of(site.services().database.url()) else { return String::new() };
    let mut command: Command = site.azimuth("data-wrong");
    let output = command
        .args(["keys", "list"])
        .env("AZIMUTH_STORE__URL", right.replace(&password, WRONG_PASSWORD))
        .env("AZIMUTH_LOG__LEVEL", "debug")
        .output()
        .expect("the program runs");
    assert!(!output.status.success());
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn secret_part(key: &str) -> String {
    key.split_once('.').expect("a key has two parts").1.to_owned()
}

fn password_of(url: &Secret) -> Option<String> {
    let (_, rest) = url.expose().split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password.to_owned())
}

fn search(place: &str, bytes: &[u8], planted: &Planted) {
    for (name, text) in planted {
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(300)..(at + 100).min(bytes.len())];
            panic!("{name} is in {place}: …{}…", String::from_utf8_lossy(around));
        }
    }
}

/// Every row of every table, as JSON.
async fn dump(database: &TestDatabase) -> String {
    let mut connection = PgConnection::connect(database.url().expose()).await.expect("the server answers");
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    let tables = sqlx::query(tables).fetch_all(&mut connection).await.expect("the server answers");
    assert!(tables.len() > 20);
    let mut all = String::new();
    for table in tables {
        let name: String = table.get(0);
        let rows = AssertSqlSafe(format!("SELECT to_jsonb(t)::text FROM \"{name}\" AS t"));
        for row in sqlx::query(rows).fetch_all(&mut connection).await.expect("the server answers") {
            all += &row.get::<String, _>(0);
            all.push('\n');
        }
    }
    assert!(serde_json::from_str::<Value>(all.lines().next().expect("a row")).is_ok());
    all
}
