//! Origins of pages, in the order in which an operator says them, with commas between them.

use std::convert::Infallible;
use std::str::FromStr;

use serde::Deserialize;

/// Origins such as `https://shop.example, http://localhost:5173`; they are judged with the other settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Origins(pub Vec<String>);

impl From<String> for Origins {
    fn from(text: String) -> Self {
        Self(text.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect())
    }
}

impl FromStr for Origins {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }
}
