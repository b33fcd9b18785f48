#!/usr/bin/env bash
# cargo 1.95: `overflow-checks` for one package does not hold for all code of that package.
#
# Expected: with `[profile.release.package.money] overflow-checks = true` every addition that is written in the package
#           `money` panics when it overflows, also in a release build of a program that uses it.
# Seen:     a plain function of `money` panics; one that is generic or `#[inline]` is compiled in the crate that calls it,
#           by that crate's profile, and wraps around without a word.
# So:       an application that must not wrap sets `overflow-checks = true` for the whole profile.
#
# Needs cargo (tried with 1.95.0), no network. Works in a temporary folder. Ends with 0 while this is still so.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p money/src till/src
cat >Cargo.toml <<'TOML'
[workspace]
resolver = "2"
members = ["money", "till"]
[profile.release.package.money]
overflow-checks = true
TOML
printf '[package]\nname = "money"\nversion = "0.0.0"\nedition = "2021"\n' >money/Cargo.toml
printf '[package]\nname = "till"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nmoney = { path = "../money" }\n' >till/Cargo.toml
cat >money/src/lib.rs <<'RUST'
#[inline(never)]
pub fn plain(a: i64, b: i64) -> i64 { a + b }
#[inline]
pub fn inlined(a: i64, b: i64) -> i64 { a + b }
pub fn generic<T: Into<i64>>(a: T, b: T) -> i64 { a.into() + b.into() }
RUST
cat >till/src/main.rs <<'RUST'
use std::hint::black_box;
fn tell(name: &str, add: impl Fn() -> i64 + std::panic::UnwindSafe) {
    match std::panic::catch_unwind(add) {
        Ok(sum) => println!("{name}: wrapped to {sum}"),
        Err(_) => println!("{name}: panicked"),
    }
}
fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    tell("plain", || money::plain(black_box(i64::MAX), black_box(1)));
    tell("inline", || money::inlined(black_box(i64::MAX), black_box(1)));
    tell("generic", || money::generic(black_box(i64::MAX), black_box(1)));
}
RUST
cargo --version
seen=$(cargo run --quiet --release 2>/dev/null)
echo "$seen"
[ "$seen" = $'plain: panicked\ninline: wrapped to -9223372036854775808\ngeneric: wrapped to -9223372036854775808' ]
