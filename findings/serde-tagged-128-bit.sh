#!/usr/bin/env bash
# serde 1.0.229: a 128-bit integer that a plain struct writes and reads is written, and then not read, by a tagged enum.
#
# Expected: an enum with `#[serde(tag = "type")]` reads what it has written, as the struct with the same field does; or
#           refuses to write what it will not read.
# Seen:     both are written; the struct reads its own number beyond 64 bits, the enum refuses its own ("u128 is not
#           supported"): a tagged enum reads the whole value into a buffer first, and that holds no more than 64 bits.
# So:       state that holds a `u128` inside such a type is stored and can never be read again. Keep it in a plain type.
#
# Needs cargo, and a package index. Works in a temporary folder. Ends with 0 while this is still so.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "tagged"
version = "0.0.0"
edition = "2021"
[dependencies]
serde = { version = "=1.0.229", features = ["derive"] }
serde_json = "=1.0.154"
TOML
cat >src/main.rs <<'RUST'
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, PartialEq)]
struct Plain { amount: u128 }

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(tag = "type")]
enum Tagged { Paid { amount: u128 } }

fn main() {
    let amount = u128::from(u64::MAX) + 1;
    let plain = serde_json::to_string(&Plain { amount }).unwrap();
    let tagged = serde_json::to_string(&Tagged::Paid { amount }).unwrap();
    println!("plain:  {plain} reads: {}", serde_json::from_str::<Plain>(&plain).is_ok());
    match serde_json::from_str::<Tagged>(&tagged) {
        Ok(_) => println!("tagged: {tagged} reads: true"),
        Err(error) => println!("tagged: {tagged} reads: false ({error})"),
    }
}
RUST
seen=$(cargo run --quiet 2>&1)
echo "$seen"
grep -q '^plain: .* reads: true$' <<<"$seen" && grep -q '^tagged: .* reads: false' <<<"$seen"
