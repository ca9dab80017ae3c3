use inference::Tool;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The functions that may be called.
pub(super) struct Tools<'a>(pub &'a [Tool]);

impl Tools<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wrapped<'a> {
            r#type: &'static str,
            function: Function<'a>,
        }
        #[derive(Serialize)]
        struct Function<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: Option<&'a str>,
            parameters: &'a Value,
            #[serde(skip_serializing_if = "Option::is_none")]
            strict: Option<bool>,
        }

        // Some hosts require the field that most clients leave out.
        let no_parameters = serde_json::json!({"type": "object", "properties": {}});
        serializer.collect_seq(self.0.iter().map(|tool| Wrapped {
            r#type: "function",
            function: Function {
                name: &tool.name,
                description: tool.description.as_deref(),
                parameters: tool.parameters.as_ref().unwrap_or(&no_parameters),
                strict: tool.strict,
            },
        }))
    }
}
