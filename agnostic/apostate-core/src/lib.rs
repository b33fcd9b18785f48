//! apostate-core
