use std::time::Duration;

use crate::Installation;

/// AUTH-04, AUTH-08: made on the command line while the server runs, used at once, revoked within a second.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_and_revoked_beside_a_running_server() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let made = installation.json(&["keys", "create", "--name", "ci", "--json"]);
    let key = made["api_key"].as_str().unwrap();
    assert_eq!(key.split('.').count(), 2);
    assert_eq!(server.chat(key, "Hi").await.status(), 200);

    let listed = installation.json(&["keys", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(key.split('.').nth(1).unwrap()), "secrets are never listed");

    installation.json(&["keys", "revoke", made["id"].as_str().unwrap(), "--json"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.chat(key, "Hi").await.status(), 401);
    assert_eq!(server.chat(&server.key, "Hi").await.status(), 200);
}

#[test]
fn a_key_can_be_revoked_by_its_public_part_and_a_wrong_name_changes_nothing() {
    let installation = Installation::new();
    let made = installation.json(&["keys", "create", "--json"]);
    let key = made["api_key"].as_str().unwrap();
    assert!(!installation.run(&["keys", "revoke", "no-such-key"]).status.success());
    let revoked = installation.json(&["keys", "revoke", key.split('.').next().unwrap(), "--json"]);
    assert_eq!(revoked["was_alive"], true);
    assert_eq!(
        installation.json(&["keys", "revoke", made["id"].as_str().unwrap(), "--json"])["was_alive"],
        false
    );
}

/// The database alone, without the master key, is of no use, and the server says so instead of refusing every key.
#[test]
fn a_foreign_master_key_is_named_at_the_start() {
    let installation = Installation::new();
    installation.json(&["keys", "create", "--json"]);
    std::fs::write(installation.data().join("master.key"), "00".repeat(32)).unwrap();
    let output = installation.run(&["keys", "list"]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("master key"));
}

#[cfg(unix)]
#[test]
fn secrets_on_disk_are_for_their_owner_only_and_never_in_clear() {
    use std::os::unix::fs::PermissionsExt;
    let installation = Installation::new();
    let made = installation.json(&["keys", "create", "--json"]);
    let mode =
        |name: &str| std::fs::metadata(installation.data().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("master.key"), 0o600);
    assert_eq!(std::fs::metadata(installation.data()).unwrap().permissions().mode() & 0o777, 0o700);
    let secret = made["api_key"].as_str().unwrap().split('.').nth(1).unwrap().as_bytes();
    for entry in std::fs::read_dir(installation.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", path.display());
        }
    }
}
