/// A new id for a tool call: `call_` and 24 hexadecimal digits, random, so that ids of different answers in
/// one conversation differ.
pub fn tool_call_id() -> String {
    format!("call_{:024x}", rand::random::<u128>() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients send ids back and tell calls apart by them.
    #[test]
    fn ids_have_one_form_and_do_not_repeat() {
        let id = tool_call_id();
        let digits = id.strip_prefix("call_").unwrap();
        assert_eq!(digits.len(), 24);
        assert!(digits.chars().all(|digit| digit.is_ascii_digit() || ('a'..='f').contains(&digit)));
        assert_ne!(id, tool_call_id());
    }
}
