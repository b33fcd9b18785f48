//! What has to hold of a setting, and how a wrong one is named.

use std::time::Duration;

/// Longest time that a setting can mean: clocks can add it to any moment.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` is {value}; choose {allowed}")]
pub struct SettingsError {
    /// The setting's name.
    pub setting: &'static str,
    /// What it was set to.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

/// Whether what has to hold of `setting` does.
pub(crate) fn check(
    holds: bool,
    setting: &'static str,
    value: &dyn ToString,
    allowed: &str,
) -> Result<(), SettingsError> {
    let error = || SettingsError { setting, value: value.to_string(), allowed: allowed.to_owned() };
    if holds { Ok(()) } else { Err(error()) }
}

/// Whether `time` is at least `least`, and no longer than a clock can bear.
pub(crate) fn check_time(setting: &'static str, time: Duration, least: Duration) -> Result<(), SettingsError> {
    let longest = format!("at most {} days", TIME_MAX.as_secs() / (24 * 3600));
    let allowed = if least.is_zero() { longest } else { format!("at least {least:?} and {longest}") };
    check((least..=TIME_MAX).contains(&time), setting, &format!("{time:?}"), &allowed)
}
