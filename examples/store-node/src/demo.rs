//! The store at work on orders that it makes up.

use std::path::{Path, PathBuf};

use apostate_server::Settings;

use crate::failure::Failure;
use crate::host::Hosted;
use crate::made_up::Orders;
use crate::replay;

/// Takes `orders` made-up orders into the store in `data`, or in a directory of its own.
pub(crate) fn run(data: Option<&Path>, orders: u64) -> Result<(), Failure> {
    let scratch = Scratch::unless(data.is_some())?;
    let place = data.or(scratch.path.as_deref()).expect("one of them is there");
    eprintln!("{orders} made-up orders for a store in {}\n", place.display());
    let lines = Orders::new(orders).map(|order| order.len() as u64).sum();
    let rows = Orders::new(orders).flatten().map(Ok);
    replay::work(Hosted::open(Settings::new(place))?, "made-up orders", lines, rows, false)?;
    println!("{}", next(data));
    Ok(())
}

fn next(data: Option<&Path>) -> String {
    let data = data.unwrap_or(Path::new("store-data")).display();
    format!(
        "
Every figure above was added up from the entities' own state, and the books balance.

What to try next:
  # kill it at any moment and run it again: the same totals
  cargo run --release -- demo --data {data}
  # every stock code, as CSV
  cargo run --release -- export stock --data {data}
  # an Online Retail CSV file, plain or gzip
  cargo run --release -- replay FILE --data DIR
  # what an entity looks like
  less examples/store/src/invoice.rs"
    )
}

/// A directory that is removed when the demonstration is over, if there has to be one.
struct Scratch {
    path: Option<PathBuf>,
}

impl Scratch {
    fn unless(has_place: bool) -> Result<Self, Failure> {
        if has_place {
            return Ok(Self { path: None });
        }
        let path = std::env::temp_dir().join(format!("apostate-store-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(Failure::Scratch)?;
        Ok(Self { path: Some(path) })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = std::fs::remove_dir_all(path)
        {
            eprintln!("{} could not be removed: {error}", path.display());
        }
    }
}
