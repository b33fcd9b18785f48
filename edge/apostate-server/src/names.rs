//! Names of entities and kinds for people: in errors, lists and traces.

use apostate_core::{Address, KindId, Registry};

/// An entity's name for people: kind and key.
pub(crate) fn name_of(registry: &Registry, address: &Address) -> String {
    format!("{}/{}", kind_name(registry, address.kind()), address.key())
}

/// A kind's name for people; the id of one that this build does not know.
pub(crate) fn kind_name(registry: &Registry, kind: KindId) -> String {
    registry.find(kind).map_or_else(|| format!("{:08x}", kind.0), |kind| registry.kinds()[kind].name.to_owned())
}
