//! Every layout there is, one a file.

mod cell;
mod conversation;
mod frame;
mod group;
mod json;
mod lineage;
mod message;
mod own_row;
mod record;
mod segment;
mod stored;
mod value;

use crate::Layout;

/// Every layout, from the disk up to the entity and to strangers.
pub const LAYOUTS: [&Layout; 12] = [
    &segment::LAYOUT,
    &group::LAYOUT,
    &record::LAYOUT,
    &cell::LAYOUT,
    &own_row::LAYOUT,
    &lineage::LAYOUT,
    &message::LAYOUT,
    &frame::LAYOUT,
    &conversation::LAYOUT,
    &stored::LAYOUT,
    &value::LAYOUT,
    &json::LAYOUT,
];

/// The layout called `name`.
#[must_use]
pub fn layout(name: &str) -> Option<&'static Layout> {
    LAYOUTS.into_iter().find(|layout| layout.name == name)
}
