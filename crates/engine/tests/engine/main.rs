//! The embedded engine from its front door, with real if tiny models.

mod cache;
mod constrained;
mod models;
mod scheduling;
mod setting;
