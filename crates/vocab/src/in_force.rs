use std::sync::{Arc, PoisonError, RwLock};

/// Something that is replaced as a whole while requests go on with what they began with.
#[derive(Debug, Default)]
pub struct InForce<T> {
    current: RwLock<Arc<T>>,
}

impl<T> InForce<T> {
    /// Begins with `first`.
    pub fn new(first: T) -> Self {
        Self { current: RwLock::new(Arc::new(first)) }
    }

    /// Begins with what others hold already.
    pub fn shared(first: Arc<T>) -> Self {
        Self { current: RwLock::new(first) }
    }

    /// What is in force.
    pub fn current(&self) -> Arc<T> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts `next` in force.
    pub fn replace(&self, next: T) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}
