//! Models that run in this process, where the program was built with the engine for them (feature `embedded`).
//! Without it the program is a gateway alone, and needs no C++ to build.

#[cfg(not(feature = "embedded"))]
mod absent;
#[cfg(feature = "embedded")]
mod preload;
#[cfg(feature = "embedded")]
mod present;

#[cfg(not(feature = "embedded"))]
pub(crate) use absent::{EmbeddedModels, build, inspect};
#[cfg(feature = "embedded")]
pub(crate) use present::{EmbeddedModels, build, inspect};

/// What the engine in this program is, for `doctor`.
pub(crate) struct Build {
    /// Name, version and what it found of the machine.
    pub(crate) says: String,
    /// What is wrong with it, if anything, and what to do about it.
    pub(crate) advice: Option<String>,
}

/// What a model file holds, in the order in which it is shown: a name for scripts, one for people, and the value.
pub(crate) type ModelFacts = Vec<(&'static str, &'static str, serde_json::Value)>;
