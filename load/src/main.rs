//! load

fn main() {}
