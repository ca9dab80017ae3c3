//! The migrations are part of the binary; without this line a new one would not be noticed.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
