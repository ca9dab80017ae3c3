use std::fmt::Debug;

use vocab::{NanoUsd, Timestamp};

use crate::{Units, WindowName};

/// What can be lent in slices: money, or units of quota.
pub trait LeaseAmount: Copy + Debug + PartialEq + Eq + Send + Sync + 'static {
    /// Why the store gave nothing.
    type Lack: Copy + Debug + PartialEq + Eq + Send + Sync;

    /// This many of the smallest unit.
    fn from_count(count: i64) -> Self;

    /// How many of the smallest unit.
    fn count(self) -> i64;

    /// The smallest request that would have been refused too, when one that needed `least` was.
    fn refused_from(lack: &Self::Lack, least: Self) -> Self;

    /// When more will be there without anyone's doing, if that is known.
    fn comes_back(lack: &Self::Lack) -> Option<Timestamp>;
}

/// Money is refused with what there was.
impl LeaseAmount for NanoUsd {
    type Lack = NanoUsd;

    fn from_count(count: i64) -> Self {
        Self(count)
    }

    fn count(self) -> i64 {
        self.0
    }

    fn refused_from(lack: &NanoUsd, least: Self) -> Self {
        Self(lack.0.saturating_add(1)).min(least)
    }

    fn comes_back(_: &NanoUsd) -> Option<Timestamp> {
        None
    }
}

/// Quota is refused with the window that is full.
impl LeaseAmount for Units {
    type Lack = Exhausted;

    fn from_count(count: i64) -> Self {
        Self(count)
    }

    fn count(self) -> i64 {
        self.0
    }

    fn refused_from(_: &Exhausted, least: Self) -> Self {
        least
    }

    fn comes_back(lack: &Exhausted) -> Option<Timestamp> {
        Some(lack.resets)
    }
}

/// A window that has no room for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The window that ends later, of those that are full (rule QUOTA-05).
    pub window: WindowName,
    /// When there will be room again.
    pub resets: Timestamp,
}
