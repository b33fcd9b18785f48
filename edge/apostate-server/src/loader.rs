//! Loaders: threads that read entities from the store, so that no executor ever waits for a disk.

use std::panic::catch_unwind;
use std::panic::AssertUnwindSafe;

use apostate_core::Address;
use apostate_log::Store;
use apostate_partition::{Loaded, load};
use crossbeam_channel::Receiver;

use crate::mail::Mail;
use crate::outgoing::LoadOrder;
use crate::quiet_panics::panic_text;
use crate::routes::Routes;

/// The body of a loader's thread: reads what is asked for until nobody can ask any more.
pub(crate) fn run(orders: &Receiver<LoadOrder>, store: &dyn Store, routes: &Routes) {
    for LoadOrder { executor, seat, addresses } in orders {
        let loaded = addresses.iter().map(|address| read(store, address)).collect();
        routes.mailboxes()[executor].post(Mail::Loaded { seat, loaded });
    }
}

fn read(store: &dyn Store, address: &Address) -> Loaded {
    catch_unwind(AssertUnwindSafe(|| load(store, address))).unwrap_or_else(|payload| Loaded {
        address: address.clone(),
        cells: Err(format!("the store panicked: {}", panic_text(payload.as_ref()))),
    })
}
