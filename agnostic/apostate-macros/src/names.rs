//! Names that outlive the code: of kinds and of handlers. Their hashes reach logs and stores.

use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Ident, LitStr, Meta, Result, Token};

/// Longest name, in bytes; start-up refuses longer ones as well.
const NAME_BYTES_MAX: usize = 64;

/// Refuses what cannot be part of a URL, where the author can see it and long before start-up does.
pub(crate) fn check(name: &LitStr) -> Result<()> {
    if fits(&name.value()) {
        return Ok(());
    }
    let message = format!("a name is 1 to {NAME_BYTES_MAX} bytes of `a` to `z`, `0` to `9`, `-` and `_`");
    Err(Error::new(name.span(), message))
}

/// Whether `name` can be a name.
pub(crate) fn fits(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

/// The `name = "…"` of `#[open]`, `#[on]` or `#[handler]`, if it is there.
pub(crate) fn of_attribute(attribute: &Attribute) -> Result<Option<LitStr>> {
    match &attribute.meta {
        Meta::Path(_) => Ok(None),
        _ => attribute.parse_args::<OnlyName>().map(|OnlyName(name)| Some(name)),
    }
}

/// `name = "…"` and nothing else.
struct OnlyName(LitStr);

impl Parse for OnlyName {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key: Ident = input.parse()?;
        if key != "name" {
            let message = format!("there is no `{key}` here; what can be said is `name = \"…\"`");
            return Err(Error::new(key.span(), message));
        }
        input.parse::<Token![=]>()?;
        let name = input.parse()?;
        check(&name)?;
        input.parse::<Option<Token![,]>>()?;
        match input.is_empty() {
            true => Ok(Self(name)),
            false => Err(input.error("one `name = \"…\"` is all that can be said here")),
        }
    }
}

/// `OrderLine` as `order-line`: a name to propose.
pub(crate) fn proposal(ident: &Ident) -> String {
    let mut name = String::new();
    for (at, letter) in ident.to_string().char_indices() {
        if letter.is_uppercase() && at > 0 {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_when_it_can_stand_in_a_url() {
        for name in ["a", "order-line", "on_refused", "v2", &"x".repeat(64)] {
            assert!(fits(name), "{name}");
        }
        for name in ["", "Order", "a/b", "naïve", "two words", &"x".repeat(65)] {
            assert!(!fits(name), "{name}");
        }
    }

    #[test]
    fn the_name_proposed_for_a_type_fits() {
        let ident = Ident::new("OrderLine", proc_macro2::Span::call_site());
        assert_eq!(proposal(&ident), "order-line");
        assert!(fits(&proposal(&ident)));
    }
}
