use crate::{Code, ErrorBody};

/// Why a request was refused before anything was done about it. Names the field where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// 1210 to 1215.
    pub code: Code,
    /// Paths of the fields at fault, as `messages[2].content`; two for 1215, none if no field is to blame.
    pub fields: Vec<String>,
    /// A sentence for the caller. It quotes names of fields, never their contents, so that it may be logged.
    pub message: String,
}

impl BadRequest {
    /// 1210: the body is wrong in a way that no field's range explains.
    pub fn malformed(why: &str) -> Self {
        Self {
            code: Code::BadParameters,
            fields: Vec::new(),
            message: format!("{}: {why}", Code::BadParameters.text()),
        }
    }

    /// 1210: the value at `field` is of the wrong type.
    pub fn mistyped(field: &str, expected: &str) -> Self {
        Self { fields: vec![field.to_owned()], ..Self::malformed(&format!("{field}: {expected}")) }
    }

    /// 1211: no model can have this name.
    pub fn unknown_model() -> Self {
        Self {
            code: Code::UnknownModel,
            fields: vec!["model".to_owned()],
            message: Code::UnknownModel.text().to_owned(),
        }
    }

    /// 1212: the server does not do this at all.
    pub fn unsupported(field: impl Into<String>, method: &str) -> Self {
        let message = Code::UnsupportedMethod.render(&[("method", method)]);
        Self { code: Code::UnsupportedMethod, fields: vec![field.into()], message }
    }

    /// 1213: a required field is missing or null.
    pub fn missing(field: impl Into<String>) -> Self {
        let field = field.into();
        let message = Code::MissingField.render(&[("field", &field)]);
        Self { code: Code::MissingField, fields: vec![field], message }
    }

    /// 1214: the field cannot have this value; `why` says which it can have.
    pub fn invalid(field: impl Into<String>, why: &str) -> Self {
        let field = field.into();
        let message = format!("{}: {why}", Code::InvalidField.render(&[("field", &field)]));
        Self { code: Code::InvalidField, fields: vec![field], message }
    }

    /// 1215: the two fields exclude each other.
    pub fn exclusive(field1: &str, field2: &str) -> Self {
        Self {
            code: Code::ExclusiveFields,
            fields: vec![field1.to_owned(), field2.to_owned()],
            message: Code::ExclusiveFields.render(&[("field1", field1), ("field2", field2)]),
        }
    }
}

impl From<BadRequest> for ErrorBody {
    fn from(refusal: BadRequest) -> Self {
        Self::with_message(refusal.code, refusal.message)
    }
}
