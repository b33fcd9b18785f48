//! Checks of settings, and the error that names a wrong one.

use std::time::Duration;

/// Longest time that a setting can mean: clocks can add it to any moment.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// A setting that is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` is {value}; choose {allowed}")]
pub struct SettingsError {
    /// The setting's name.
    pub setting: &'static str,
    /// The value that it was set to.
    pub value: String,
    /// The values that it may have.
    pub allowed: String,
}

/// An error for `setting` unless its condition `holds`.
pub(crate) fn check(
    holds: bool,
    setting: &'static str,
    value: &dyn ToString,
    allowed: &str,
) -> Result<(), SettingsError> {
    let error = || SettingsError { setting, value: value.to_string(), allowed: allowed.to_owned() };
    if holds { Ok(()) } else { Err(error()) }
}

/// An error for `setting` unless `time` is at least `least`, and no longer than a clock can represent.
pub(crate) fn check_time(setting: &'static str, time: Duration, least: Duration) -> Result<(), SettingsError> {
    let longest = format!("at most {} days", TIME_MAX.as_secs() / (24 * 3600));
    let allowed = if least.is_zero() { longest } else { format!("at least {least:?} and {longest}") };
    check((least..=TIME_MAX).contains(&time), setting, &format!("{time:?}"), &allowed)
}
