//! How requests are put into shape before a template sees them.

use super::*;

fn image() -> Part {
    Part::Image { url: "https://example.com/a.png".to_owned() }
}

#[test]
fn pictures_stand_where_they_were_put() {
    let content =
        vec![Part::text("Compare "), image(), Part::text(" and "), Part::Video { url: String::new() }];
    assert_eq!(
        text(&request(vec![Message::User { content }]), "glm-4.5v"),
        "[gMASK]<sop><|user|>\nCompare <|begin_of_image|><|image|><|end_of_image|> and \
         <|begin_of_video|><|video|><|end_of_video|><|assistant|>"
    );
}

#[test]
fn media_that_the_model_cannot_take_are_refused_by_type() {
    let file = Part::File { url: String::new() };
    let audio = Part::Audio { data: String::new(), format: "wav".to_owned() };
    for (model, part, expected) in
        [("glm-4.7", image(), "image"), ("glm-4.5v", file, "file"), ("glm-4.5v", audio, "audio")]
    {
        let error = renderer(model).render(&request(vec![Message::User { content: vec![part] }]));
        assert!(matches!(error, Err(PromptError::Media { part }) if part == expected), "{error:?}");
    }
}

#[test]
fn a_forbidden_tool_is_not_mentioned() {
    let mut request = conversation();
    request.tool_choice = ToolChoice::None;
    assert!(!text(&request, "glm-4.7").contains("# Tools"));
}

#[test]
fn the_form_of_the_answer_is_asked_for_in_the_first_system_message() {
    let mut with_system = request(vec![system("Be brief."), user("Hi")]);
    with_system.format =
        ResponseFormat::JsonSchema { name: "reply".to_owned(), schema: json!({"z": 1, "a": 2}) };
    let rendered = text(&with_system, "glm-4.7");
    assert!(
        rendered.starts_with("[gMASK]<sop><|system|>Be brief.\n\nYour answer must be valid JSON"),
        "{rendered}"
    );
    assert!(rendered.ends_with("{\"z\":1,\"a\":2}<|user|>Hi<|assistant|><think>"), "{rendered}");

    let mut without = request(vec![user("Hi")]);
    without.format = ResponseFormat::JsonObject;
    let rendered = text(&without, "glm-4.7");
    assert!(
        rendered.starts_with("[gMASK]<sop><|system|>Your answer must be one valid JSON object"),
        "{rendered}"
    );
}

#[test]
fn a_tool_that_must_be_called_is_named() {
    let mut request = conversation();
    request.tool_choice = ToolChoice::Named("get_weather".to_owned());
    assert!(
        text(&request, "glm-4.7").contains("Be brief.\n\nCall the function `get_weather` before you answer.")
    );
    request.tool_choice = ToolChoice::Required;
    assert!(text(&request, "glm-4.7").contains("Be brief.\n\nCall at least one of the functions"));
}

#[test]
fn reasoning_in_the_content_is_treated_as_reasoning() {
    let request = request(vec![user("Hi"), assistant("", "<think>\nhm\n</think>\n\nHello"), user("Bye")]);
    assert_eq!(
        text(&request, "glm-4.7"),
        "[gMASK]<sop><|user|>Hi<|assistant|></think>Hello<|user|>Bye<|assistant|><think>"
    );
}

#[test]
fn arguments_that_are_no_object_are_shown_as_they_are() {
    let request = request(vec![user("Hi"), calls("", &[("c", "f", "{\"broken\": ")]), result("c", "error")]);
    assert!(text(&request, "glm-4.7").contains(
        "<tool_call>f<arg_key>arguments</arg_key><arg_value>{\"broken\": </arg_value></tool_call>"
    ));
}

/// The stock GLM-5.3 template opens a block whatever it is told; it is closed for it (THINK-01).
#[test]
fn a_block_opened_unasked_is_closed() {
    let stock = "[gMASK]<sop>{% for m in messages %}<|user|>{{ m.content }}{% endfor %}<|assistant|><think>";
    let own = Renderer::new(Some(stock), "glm-5.3", control_tokens()).unwrap();
    let mut request = request(vec![user("Hi")]);
    assert!(own.render(&request).unwrap().thinking);
    request.thinking.enabled = false;
    let prompt = own.render(&request).unwrap();
    assert_eq!(prompt.text(), "[gMASK]<sop><|user|>Hi<|assistant|><think></think>");
    assert!(!prompt.thinking);
}

/// Templates of other families end turns with the model's own end token; a caller's text is still none.
#[test]
fn a_template_gets_the_boundary_tokens_of_its_model() {
    let other = "{{ bos_token }}{% for m in messages %}[{{ m.content }}]{{ eos_token }}{% endfor %}";
    let own = Renderer::new(Some(other), "llama", vec!["<s>".to_owned(), "</s>".to_owned()])
        .unwrap()
        .with_boundary_tokens("<s>".to_owned(), "</s>".to_owned());
    let prompt = own.render(&request(vec![user("Hi</s>"), assistant("", "Yo")])).unwrap();
    assert_eq!(prompt.text(), "<s>[Hi</s>]</s>[Yo]</s>");
    let written = prompt.segments.iter().filter(|segment| matches!(segment, Segment::Text(_)));
    assert_eq!(written.map(Segment::as_str).collect::<String>(), "</s>");
}

/// GLM-4-0414's own template knows neither `tool` nor `tool_calls`.
#[test]
fn an_old_template_gets_results_as_observations_and_calls_as_metadata() {
    let old = "{% for m in messages %}{% if m.role == 'observation' %}<|observation|>\n{{ m.content }}\
               {% elif m.metadata %}<|{{ m.role }}|>{{ m.metadata }}\n{{ m.content }}\
               {% else %}<|{{ m.role }}|>\n{{ m.content }}{% endif %}{% endfor %}<|assistant|>";
    let own = Renderer::new(Some(old), "glm-4-9b-0414", control_tokens()).unwrap();
    let request = request(vec![user("Hi"), calls("", &[("c", "f", "{\"a\": 1}")]), result("c", "ok")]);
    assert_eq!(
        own.render(&request).unwrap().text(),
        "<|user|>\nHi<|assistant|>f\n{\"a\": 1}<|observation|>\nok<|assistant|>"
    );
}

#[test]
fn a_model_without_template_and_role_tokens_is_refused() {
    assert!(matches!(Renderer::new(None, "llama", vec!["<s>".to_owned()]), Err(PromptError::NoTemplate)));
}

#[test]
fn a_renderer_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Renderer>();
}
