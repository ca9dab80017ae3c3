use super::super::chunk::ToolDelta;
use super::*;

/// Each line is one `tool_calls` list of a host; the result is what downstream puts together.
fn assemble(lists: &[&str], is_natural: bool) -> Result<Vec<(String, String, String, bool)>, EngineError> {
    let mut calls = ToolCalls::default();
    let mut events = Vec::new();
    for list in lists {
        for delta in &serde_json::from_str::<Vec<ToolDelta<'_>>>(list).unwrap() {
            calls.take(&delta.piece()?, &mut events)?;
        }
    }
    calls.close(is_natural, &mut events)?;

    let mut seen: Vec<(String, String, String, bool)> = Vec::new();
    for event in events {
        let open = seen.len().checked_sub(1);
        match event {
            ChatEvent::ToolCallStarted { index, id, name } => {
                assert_eq!(index as usize, seen.len());
                assert!(seen.last().is_none_or(|earlier| earlier.3), "a call began inside another");
                seen.push((id, name, String::new(), false));
            }
            ChatEvent::ToolCallArguments { index, fragment } => {
                assert_eq!(Some(index as usize), open);
                assert!(!fragment.is_empty());
                seen.last_mut().unwrap().2.push_str(&fragment);
            }
            ChatEvent::ToolCallFinished { index } => {
                assert_eq!(Some(index as usize), open);
                seen.last_mut().unwrap().3 = true;
            }
            other => panic!("{other:?}"),
        }
    }
    Ok(seen)
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String, bool) {
    (id.to_owned(), name.to_owned(), arguments.to_owned(), true)
}

/// Words after a call come after it, also where its empty arguments could still have been replaced.
#[test]
fn a_call_is_settled_by_the_words_after_it() {
    let mut calls = ToolCalls::default();
    let mut events = Vec::new();
    let delta: ToolDelta<'_> =
        serde_json::from_str(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#).unwrap();
    calls.take(&delta.piece().unwrap(), &mut events).unwrap();
    assert_eq!(events.len(), 1, "it may yet have arguments");
    calls.settle(&mut events).unwrap();
    assert_eq!(events.last(), Some(&ChatEvent::ToolCallFinished { index: 0 }));
    calls.close(true, &mut events).unwrap();
    assert_eq!(events.len(), 3);
}

/// Every way hosts are known to cut up the same call yields the same call.
#[test]
fn one_call_is_the_same_however_it_is_cut() {
    let ways: &[&[&str]] = &[
        &[r#"[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]"#],
        &[r#"[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}]"#],
        &[r#"[{"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}]"#],
        &[
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]"#,
            r#"[{"index":0,"function":{"arguments":"{\"x\""}}]"#,
            r#"[{"index":0,"function":{"arguments":":1}"}}]"#,
        ],
        &[
            r#"[{"index":0,"id":"a","function":{"name":"f"}}]"#,
            r#"[{"function":{"arguments":"{\"x\":"}}]"#,
            r#"[{"id":"","function":{"name":"","arguments":"1}"}}]"#,
        ],
        // The name in each piece, the id in each piece.
        &[
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]"#,
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"1}"}}]"#,
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]"#,
        ],
        // A new id in each piece, without a name.
        &[
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]"#,
            r#"[{"index":0,"id":"b","function":{"arguments":"1}"}}]"#,
        ],
        // The whole arguments once more at the end, and a spurious empty object at the beginning.
        &[
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
            r#"[{"index":0,"function":{"arguments":"{\"x\":"}}]"#,
            r#"[{"index":0,"function":{"arguments":"1}"}}]"#,
            r#"[{"index":0,"id":"a","function":{"arguments":"{\"x\":1}"}}]"#,
        ],
        // Arguments before the name, a missing end, an object inside a string.
        &[
            r#"[{"index":0,"id":"a","function":{"arguments":"{\"x\":"}}]"#,
            r#"[{"index":0,"function":{"name":"f","arguments":"1}"}}]"#,
        ],
        &[r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1"}}]"#],
        &[r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"\"{\\\"x\\\":1}\""}}]"#],
    ];
    for way in ways {
        assert_eq!(assemble(way, true).unwrap(), [call("a", "f", "{\"x\":1}")], "{way:?}");
    }
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    for arguments in [
        "",
        r#","arguments":"""#,
        r#","arguments":"{}""#,
        r#","arguments":{}"#,
        r#","arguments":null"#,
        r#","arguments":[]"#,
    ] {
        let first = format!(r#"[{{"index":0,"id":"a","function":{{"name":"f"{arguments}}}}}]"#);
        assert_eq!(assemble(&[&first], true).unwrap(), [call("a", "f", "{}")], "{arguments}");
        let second = r#"[{"index":1,"id":"b","function":{"name":"g","arguments":"{\"y\":[]}"}}]"#;
        assert_eq!(
            assemble(&[&first, second], true).unwrap(),
            [call("a", "f", "{}"), call("b", "g", "{\"y\":[]}")]
        );
    }
}

/// Parallel calls that share one index are told apart by id.
#[test]
fn calls_with_one_index_and_different_ids_stay_apart() {
    let lists = [
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}},{"index":0,"id":"b","function":{"name":"f","arguments":""}}]"#,
        r#"[{"index":0,"id":"a","function":{"arguments":"{\"x\":"}}]"#,
        r#"[{"index":0,"id":"b","function":{"arguments":"{\"x\":2}"}}]"#,
        r#"[{"index":0,"id":"a","function":{"arguments":"1}"}}]"#,
    ];
    assert_eq!(assemble(&lists, true).unwrap(), [call("a", "f", "{\"x\":1}"), call("b", "f", "{\"x\":2}")]);
}

#[test]
fn calls_with_one_id_and_different_indexes_stay_apart() {
    let list = r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"a","function":{"name":"f","arguments":"{}"}}]"#;
    let calls = assemble(&[list], true).unwrap();
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].0, calls[1].0);
}

#[test]
fn two_whole_calls_without_index_and_id_are_two_calls() {
    let list = r#"[{"function":{"name":"f","arguments":"{\"x\":1}"}},{"function":{"name":"f","arguments":"{\"x\":2}"}}]"#;
    let calls = assemble(&[list], true).unwrap();
    assert_eq!(calls.iter().map(|call| call.2.as_str()).collect::<Vec<_>>(), ["{\"x\":1}", "{\"x\":2}"]);
    assert!(calls.iter().all(|call| call.0.starts_with("call_")));
}

/// `glm-models.md` §7: cut by `max_tokens`, partial arguments stay as they are.
#[test]
fn a_cut_call_is_not_finished() {
    let list = r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"lo"}}]"#;
    let expected = ("a".to_owned(), "f".to_owned(), "{\"x\":\"lo".to_owned(), false);
    assert_eq!(assemble(&[list], false).unwrap(), [expected]);
}

#[test]
fn arguments_that_are_no_object_are_an_error_and_not_passed_on_as_one() {
    for wrong in [r#""no""#, "5", r#""{'x': 1}""#, r#""{\"x\": nope}""#] {
        let list = format!(r#"[{{"index":0,"id":"a","function":{{"name":"f","arguments":{wrong}}}}}]"#);
        assert!(assemble(&[&list], true).is_err(), "{wrong}");
    }
}
