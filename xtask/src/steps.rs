//! The gate as a table: what each step runs, and what it proves.
//!
//! Cheap steps come first, so that a misplaced brace is not found behind ten minutes of tests. A step is only a
//! list of commands; [`crate::runner`] runs them and lets everything that they say through untouched.

/// One part of the gate.
#[derive(Debug)]
pub(crate) struct Step {
    /// The name by which it is run alone or left out.
    pub(crate) name: &'static str,
    /// A sentence that is true when the step passes.
    pub(crate) proves: &'static str,
    pub(crate) work: Work,
}

/// The work of a step.
#[derive(Debug)]
pub(crate) enum Work {
    /// Runs cargo, once per entry, up to the first that fails.
    Cargo(&'static [Cargo]),
    /// Runs a cargo subcommand that has to be installed first.
    Tool { run: Cargo, installed: &'static [&'static str], install: &'static str },
    /// Applies the house rules, in this process.
    Tidy,
}

/// One call of cargo.
#[derive(Debug)]
pub(crate) struct Cargo {
    pub(crate) arguments: &'static [&'static str],
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

const fn cargo(arguments: &'static [&'static str]) -> Cargo {
    Cargo { arguments, environment: &[] }
}

/// Everything that must hold before a change is handed over.
pub(crate) const GATE: &[&Step] = &[&FMT, &TIDY, &DENY, &PACKAGES, &CLIPPY, &DOCS, &TESTS, &MODELS, &SIM];

const FMT: Step = Step {
    name: "fmt",
    proves: "every file is laid out as rustfmt likes it",
    work: Work::Cargo(&[cargo(&["fmt", "--all", "--check"])]),
};

const TIDY: Step = Step { name: "tidy", proves: "the house rules hold", work: Work::Tidy };

/// Without the advisory database: a commit that has passed should go on passing, and without a network.
const DENY: Step = Step {
    name: "deny",
    proves: "every dependency has a licence, a source and a version that we accept",
    work: Work::Tool {
        run: cargo(&["deny", "check", "bans", "licenses", "sources"]),
        installed: &["deny", "--version"],
        install: "cargo install cargo-deny --locked",
    },
};

/// Packs them, a few seconds; that their code finds all that it includes is a rule of tidy. What is not committed is packed as well.
const PACKAGES: Step = Step {
    name: "packages",
    proves: "every crate that is published can be packed, and depends on nothing that is not",
    work: Work::Cargo(&[cargo(&[
        "package",
        "--quiet",
        "--no-verify",
        "--allow-dirty",
        "--package",
        "apostate-cli",
        "--package",
        "apostate-test",
        "--package",
        "apostate-world",
        "--package",
        "apostate-server",
        "--package",
        "apostate-api",
        "--package",
        "apostate-partition",
        "--package",
        "apostate-log",
        "--package",
        "apostate",
        "--package",
        "apostate-macros",
        "--package",
        "apostate-core",
    ])]),
};

const CLIPPY: Step = Step {
    name: "clippy",
    proves: "no lint is left, in no target",
    work: Work::Cargo(&[cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])]),
};

/// With private items, so that the stories of all modules are read, and may point at each other.
const DOCS: Step = Step {
    name: "docs",
    proves: "the documentation builds, and its links lead somewhere",
    work: Work::Cargo(&[Cargo {
        arguments: &["doc", "--workspace", "--no-deps", "--document-private-items"],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    }]),
};

/// Every test; then those that need programs which die where they are told to.
pub(crate) const TESTS: Step = Step {
    name: "tests",
    proves: "every test passes",
    work: Work::Cargo(&[
        cargo(&["test", "--workspace", "--no-fail-fast"]),
        cargo(&["test", "-p", "apostate-server", "-p", "store-node", "--features", FAILPOINTS, "--test", "failpoints"]),
    ]),
};

const FAILPOINTS: &str = "apostate-server/failpoints,store-node/failpoints";

/// Every order of events, for a few messages. Optimised, two minutes.
const MODELS: Step = Step {
    name: "models",
    proves: "no order of events breaks delivery, fencing or agreements, and every broken rule is refuted",
    work: Work::Cargo(&[cargo(&["run", "--release", "-p", "apostate-models"])]),
};

/// Simulated clusters, and the simulator itself on trial. Optimised: unoptimised it is ten times slower.
const SIM: Step = Step {
    name: "sim",
    proves: "no simulated cluster breaks an invariant, and every planted bug is caught",
    work: Work::Cargo(&[
        cargo(&["run", "--release", "-p", "apostate-sim", "--", "--seeds", "300"]),
        cargo(&[
            "run",
            "--release",
            "-p",
            "apostate-sim",
            "--features",
            "planted",
            "--",
            "--planted",
            "--seeds",
            "2000",
        ]),
    ]),
};

/// The writing twins of the steps that have one.
pub(crate) const FIXES: &[Step] = &[
    Step {
        name: "clippy",
        proves: "lints that know their cure are cured",
        work: Work::Cargo(&[cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--fix",
            "--allow-dirty",
            "--allow-staged",
        ])]),
    },
    Step {
        name: "fmt",
        proves: "every file is laid out as rustfmt likes it",
        work: Work::Cargo(&[cargo(&["fmt", "--all"])]),
    },
];
