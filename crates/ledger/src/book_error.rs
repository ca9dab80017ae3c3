/// Why a rule of the ledger could not be followed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// More money than a number holds.
    #[error("a sum of money does not fit")]
    Overflow,
    /// An id or a reference that belongs to something else.
    #[error("`{0}` was used before, for something else")]
    Reused(String),
    /// An amount that must be above zero and is not.
    #[error("an amount is not above zero")]
    NotPositive,
    /// Something that is kept names something that is not.
    #[error("`{0}` is missing")]
    Missing(String),
}

impl From<BookError> for crate::LedgerStoreError {
    fn from(error: BookError) -> Self {
        Self(error.into())
    }
}
