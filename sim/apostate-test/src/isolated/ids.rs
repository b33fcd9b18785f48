//! Numbers of things in a world.

/// Index of a node in its world.
pub(super) type NodeId = u32;

/// Index of a lane in its world.
pub(super) type LaneId = u32;

/// Index of a client's request in its world.
pub(super) type AskId = u32;
