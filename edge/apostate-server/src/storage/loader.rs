//! Loaders: threads that read entities and pages of messages from the store, so that no executor ever waits for a disk.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use apostate_core::panic_text;
use apostate_log::{Store, StoreError};
use apostate_partition::{Load, Loaded, load};
use crossbeam_channel::Receiver;

use crate::executor::messages::ExecutorMessage;
use crate::executor::outgoing::LoadOrder;
use crate::executor::routes::Routes;

/// The body of a loader's thread: reads what is asked for until all senders are gone.
pub(crate) fn run(orders: &Receiver<LoadOrder>, store: &dyn Store, routes: &Routes) {
    for LoadOrder { partition, loads } in orders {
        let loaded = loads.into_iter().map(|load| read(store, load)).collect();
        routes.post(ExecutorMessage::Loaded { partition, loaded });
    }
}

fn read(store: &dyn Store, order: Load) -> Loaded {
    let read = AssertUnwindSafe(|| load(store, order.clone()));
    catch_unwind(read).unwrap_or_else(|payload| Loaded {
        load: order,
        cells: Err(StoreError::Io { detail: format!("it panicked: {}", panic_text(payload.as_ref())) }),
        is_partial: false,
    })
}
