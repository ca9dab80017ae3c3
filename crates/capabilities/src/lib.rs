//! What the product can do beyond a chat completion, a folder or file each.

pub mod async_chat;
pub mod documents;
