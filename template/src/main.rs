//! The shop as a node.

use apostate_server::About;

fn main() -> std::process::ExitCode {
    apostate_server::main::<({{crate_name}}::Stock, {{crate_name}}::Order)>(About {
        title: "The shop",
        description: "Sells tea.",
        version: env!("CARGO_PKG_VERSION"),
    })
}
