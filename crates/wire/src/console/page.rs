use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to ask the next page with; none on the last.
    pub next_cursor: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The `next_cursor` of the page before; none for the first.
    pub cursor: Option<String>,
    /// How many items at most: 1 to 200, and 50 unless said.
    pub limit: Option<u32>,
}

/// It is done, and there is nothing more to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Done {
    /// Whether anything changed; `false` if it was so already.
    pub changed: bool,
}

impl PageQuery {
    /// Most items on a page.
    pub const LIMIT_MAX: u32 = 200;

    /// How many items are wanted.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(50).clamp(1, Self::LIMIT_MAX)
    }
}

impl<T> Page<T> {
    /// A page of at most `limit` items out of one more than that, which tells whether there is another page.
    pub fn of(mut items: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> String) -> Self {
        let limit = limit as usize;
        let is_last = items.len() <= limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| !is_last).map(cursor);
        Self { items, next_cursor }
    }

    /// The same page with every item shown otherwise.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(show).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_cursor() {
        let page = |numbers: &[u32], limit| Page::of(numbers.to_vec(), limit, ToString::to_string);
        assert_eq!(page(&[1, 2, 3], 2), Page { items: vec![1, 2], next_cursor: Some("2".into()) });
        assert_eq!(page(&[1, 2], 2).next_cursor, None);
        assert_eq!(page(&[], 2), Page { items: vec![], next_cursor: None });
        assert_eq!(PageQuery { limit: Some(0), cursor: None }.limit(), 1);
        assert_eq!(PageQuery { limit: Some(u32::MAX), cursor: None }.limit(), PageQuery::LIMIT_MAX);
    }
}
