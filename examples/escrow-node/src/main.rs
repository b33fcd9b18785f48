//! The sale of a house, hosted: entities from the package `escrow`, a node from `apostate-server`.

use apostate_server::About;

/// Messages are many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    apostate_server::main::<escrow::HouseSale>(About {
        title: "The escrow",
        description: "Closes sales of houses: buyer, seller and lender do their parts, or none does.",
        version: env!("CARGO_PKG_VERSION"),
    })
}
