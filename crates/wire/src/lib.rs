//! How the product is spelled in public: request and response shapes, and the error table.
//!
//! Pure text in and out. Requests are read leniently, as real clients send them, and become the types of
//! `inference`; answers are written exactly, byte for byte where a client is known to be strict.

mod bad_request;
mod body;
mod json_text;
mod lenient;

pub mod anthropic;
pub mod console;
pub mod error;
pub mod monitor;
pub mod paas;

pub use bad_request::BadRequest;
pub use error::{Code, ContentFilter, ErrorBody, ErrorDetail};
