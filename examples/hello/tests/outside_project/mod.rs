//! A project outside this repository, compiled with what is compiled here already.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// Checks that the project in `dir` compiles with this `Cargo.toml`.
pub(crate) fn check_compiles(dir: &Path, manifest: &str) {
    // Compiled as this workspace compiles it, so that next to nothing has to be compiled again.
    let profile = "\n[workspace]\n\n[profile.dev]\ndebug = \"line-tables-only\"\n";
    fs::write(dir.join("Cargo.toml"), format!("{manifest}\n{profile}")).expect("written");
    // The versions that are here already.
    fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock")).expect("copied");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--all-targets", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside"))
        .current_dir(dir)
        .output()
        .expect("cargo is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
