//! apostate-server
