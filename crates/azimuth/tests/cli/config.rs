use crate::Installation;

/// Every mistake is named with its key and what was expected, not only the first.
#[test]
fn a_wrong_configuration_is_told_whole() {
    let installation = Installation::new();
    let file = installation.data().join("azimuth.toml");
    std::fs::write(
        &file,
        "[server]\nlisten = \"nowhere\"\nkeep_alive_seconds = \"soon\"\nports = 3\nconnections_max = 0\n\
         [sever]\nx = 1\n\
         [[engines]]\nname = \"a\"\nkind = \"openai\"\nbase_url = \"ftp://x\"\nconcurrency_max = 0\n\
         [[models]]\nname = \"glm-4.7\"\nengines = [\"b\"]\n",
    )
    .unwrap();
    let output = installation.run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "has 9 mistakes",
        "`server.listen`: expected address:port",
        "`server.keep_alive_seconds`: invalid type",
        "`server.ports`: unknown field",
        "`server.connections_max`: expected 1 or more",
        "`sever`: no such section",
        "`engines` `a`: `model` is missing",
        "`engines` `a`: `concurrency_max` is 1 or more",
        "`models` `glm-4.7`: there is no engine `b`",
    ] {
        assert!(said.contains(expected), "missing: {expected}\n{said}");
    }
    let serve = installation.run(&["serve", "--config", file.to_str().unwrap()]);
    assert!(!serve.status.success(), "a wrong configuration does not start");
}

#[test]
fn the_environment_goes_over_the_file() {
    let installation = Installation::new();
    let output =
        installation.azimuth(&["config", "check"]).env("AZIMUTH_SERVER__LISTEN", "nowhere").output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("`server.listen`"));
}

#[test]
fn a_secret_named_in_the_configuration_must_be_set() {
    let installation = Installation::new();
    let file = installation.data().join("azimuth.toml");
    let engine = "[[engines]]\nname = \"a\"\nkind = \"openai\"\nbase_url = \"http://x/v1\"\nmodel = \"m\"\n";
    std::fs::write(&file, format!("{engine}key_env = \"NOT_SET_ANYWHERE\"\n")).unwrap();
    let output = installation.run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("NOT_SET_ANYWHERE"));
}

#[test]
fn completions_and_the_example_are_printed() {
    let installation = Installation::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = installation.run(&["completions", shell]);
        assert!(String::from_utf8(output.stdout).unwrap().contains("azimuth"));
    }
    let example = installation.run(&["config", "example"]).stdout;
    assert!(String::from_utf8(example).unwrap().contains("# listen = \"127.0.0.1:8787\""));
}

/// `doctor` on a fresh folder finds nothing broken and says so to scripts too.
#[test]
fn a_fresh_installation_is_healthy() {
    let installation = Installation::new();
    let findings = installation.json(&["doctor", "--json"]);
    let broken: Vec<_> =
        findings.as_array().unwrap().iter().filter(|finding| finding["state"] == "broken").collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn doctor_names_a_broken_model_file() {
    let installation = Installation::new();
    let model = installation.data().join("broken.gguf");
    std::fs::write(&model, b"GGUF and then nothing").unwrap();
    let file = installation.data().join("azimuth.toml");
    let engine =
        format!("[[engines]]\nname = \"a\"\nkind = \"embedded\"\nfile = {:?}\n", model.to_str().unwrap());
    std::fs::write(&file, engine).unwrap();
    let output = installation.run(&["doctor", "--config", file.to_str().unwrap()]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("✗ engine a") && said.contains("broken.gguf"), "{said}");
}
