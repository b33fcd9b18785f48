//! apostate-partition
