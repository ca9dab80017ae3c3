use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};

/// A PostgreSQL database of its own for one Azimuth: two of them in one database would be nodes of one installation.
/// It goes away with this value.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one on the server of `address`, by way of `psql`.
    pub fn create(address: &str) -> anyhow::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("load_{}_{number}", std::process::id());
        psql(address, &format!("CREATE DATABASE {name}"))?;
        Ok(Self { server: address.to_owned(), name })
    }

    /// Where it is, with everything that is needed to connect.
    pub fn url(&self) -> String {
        let (address, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let host = address.find("://").map_or(0, |scheme| scheme + 3);
        let end = address[host..].find('/').map_or(address.len(), |slash| host + slash);
        let mark = if options.is_empty() { "" } else { "?" };
        format!("{}/{}{mark}{options}", &address[..end], self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = psql(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            eprintln!("load: the database {} stays behind: {error}", self.name);
        }
    }
}

fn psql(address: &str, statement: &str) -> anyhow::Result<()> {
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--dbname", address, "--command", statement])
        .output()
        .context("psql")?;
    ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_an_address_changes() {
        for (server, expected) in [
            ("postgres://ana:pw@127.0.0.1:5432/postgres", "postgres://ana:pw@127.0.0.1:5432/load_1"),
            ("postgres://localhost?sslmode=disable", "postgres://localhost/load_1?sslmode=disable"),
        ] {
            let database = Database { server: server.to_owned(), name: "load_1".to_owned() };
            assert_eq!(database.url(), expected);
            std::mem::forget(database);
        }
    }
}
