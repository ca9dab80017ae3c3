//! Databases on the PostgreSQL server that `AZIMUTH_TEST_POSTGRES` names, one for each test.

use std::env;
use std::thread;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;
use vocab::Secret;

use crate::gate::Gate;

const VARIABLE: &str = "AZIMUTH_TEST_POSTGRES";

/// An empty database of its own, which goes away with this value.
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
    url: Secret,
}

impl TestDatabase {
    /// Makes one; or says on the error output why not and returns nothing, if no server is named.
    ///
    /// # Panics
    ///
    /// If a server is named and does not do it: a test that was meant to run must not pass without running.
    pub async fn create() -> Option<Self> {
        let Ok(server_url) = env::var(VARIABLE) else {
            eprintln!(
                "skipped: {VARIABLE} does not name a PostgreSQL server; `scripts/services.sh` starts one"
            );
            return None;
        };
        let server: PgConnectOptions =
            server_url.parse().expect("the variable holds the address of a server");
        let name = format!("test_{}", Uuid::now_v7().as_simple());
        run(&server, format!("CREATE DATABASE {name}")).await.expect("the named server makes a database");
        let url = Secret::new(url_of(&server_url, &name));
        Some(Self { server, name, url })
    }

    /// Where it is, with everything that is needed to connect.
    pub fn url(&self) -> &Secret {
        &self.url
    }

    /// The same database by way of `gate`.
    pub fn url_through(&self, gate: &Gate) -> Secret {
        let (host, port) = (self.server.get_host(), self.server.get_port());
        Secret::new(self.url.expose().replace(&format!("{host}:{port}"), &gate.address().to_string()))
    }

    /// The server itself.
    pub fn server_address(&self) -> String {
        format!("{}:{}", self.server.get_host(), self.server.get_port())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's own runtime may be of one thread, and that thread is here.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let drop = run(&server, format!("DROP DATABASE {name} WITH (FORCE)"));
            runtime.block_on(drop).map_err(std::io::Error::other)
        });
        // A database that stays behind goes away with the server.
        if let Ok(Err(error)) = dropping.join() {
            eprintln!("a test database stays behind: {error}");
        }
    }
}

async fn run(server: &PgConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

/// The address of database `name` on the server of another address.
fn url_of(server_url: &str, name: &str) -> String {
    let (address, options) = server_url.split_once('?').unwrap_or((server_url, ""));
    let host = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[host..].find('/').map_or(address.len(), |slash| host + slash);
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{}/{name}{mark}{options}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_an_address_changes() {
        let made = |server| url_of(server, "test_1");
        assert_eq!(
            made("postgres://ana:pw@127.0.0.1:5432/postgres"),
            "postgres://ana:pw@127.0.0.1:5432/test_1"
        );
        assert_eq!(
            made("postgres://localhost?sslmode=disable"),
            "postgres://localhost/test_1?sslmode=disable"
        );
    }
}
