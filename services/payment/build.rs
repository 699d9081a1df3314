//! Builds again when SQL changes: neither the checked queries' files nor the migrations are sources
//! that the compiler follows by itself.

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=../../migrations/payment");
}
