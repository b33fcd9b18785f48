//! The bank, hosted: entities from the package `bank`, a node from `apostate-server`.

use apostate_server::About;

/// Messages are many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    apostate_server::main::<bank::Bank>(About {
        title: "The bank",
        description: "Keeps accounts, moves money among them, and pays what is due.",
        version: env!("CARGO_PKG_VERSION"),
    })
}
