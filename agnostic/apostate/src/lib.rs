//! apostate
