//! `#[tentative(confirm = …, cancel = …)]`, and what is known of the two functions that it names.

use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Expr, Ident, LitStr, Meta, Result, Token, Type};

use crate::names;

/// The content of `#[tentative]`.
pub(crate) struct Tentative {
    /// The function that makes it last.
    pub(crate) confirm: Ident,
    /// The function that takes it back.
    pub(crate) cancel: Ident,
    /// The time after which it is cancelled by itself, if it ever is.
    pub(crate) self_expire: Option<Expr>,
    /// The name that messages know the handler by, if it has one of its own.
    name: Option<LitStr>,
}

impl Tentative {
    /// The content of the attribute.
    pub(crate) fn read(attribute: &Attribute) -> Result<Self> {
        attribute.parse_args().map_err(|error| match &attribute.meta {
            Meta::List(_) => error,
            _ => Error::new_spanned(attribute, format!("say how it ends: {FORM}")),
        })
    }

    /// The handler's own name, if it is said.
    pub(crate) fn name(&self) -> Option<&LitStr> {
        self.name.as_ref()
    }
}

/// How the attribute is written.
const FORM: &str = "`#[tentative(confirm = …, cancel = …)]`, with the names of two private functions";

impl Parse for Tentative {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut confirm, mut cancel, mut self_expire, mut name) = (None, None, None, None);
        let place = input.span();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let is_repeated = match key.to_string().as_str() {
                "confirm" => confirm.replace(input.parse::<Ident>()?).is_some(),
                "cancel" => cancel.replace(input.parse::<Ident>()?).is_some(),
                "self_expire" => self_expire.replace(input.parse::<Expr>()?).is_some(),
                "name" => {
                    let said = input.parse::<LitStr>()?;
                    names::check(&said)?;
                    name.replace(said).is_some()
                }
                _ => {
                    let message = format!(
                        "there is no `{key}` here; what can be said is `confirm`, `cancel`, `self_expire` and `name`"
                    );
                    return Err(Error::new(key.span(), message));
                }
            };
            if is_repeated {
                return Err(Error::new(key.span(), format!("`{key}` is said twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        match (confirm, cancel) {
            (Some(confirm), Some(cancel)) => Ok(Self { confirm, cancel, self_expire, name }),
            _ => Err(Error::new(place, format!("say how it ends: {FORM}"))),
        }
    }
}

/// An ending of a tentative handler.
pub(crate) struct Ending {
    /// The function.
    pub(crate) ident: Ident,
    /// The name that messages know it by.
    pub(crate) name: LitStr,
    /// Whether it takes the transaction.
    pub(crate) takes_tx: bool,
    /// The types of its arguments that are the hold.
    pub(crate) hold: Vec<Type>,
    /// The type of the value of `confirm_with`, if it takes one.
    pub(crate) value: Option<Type>,
    /// The documentation as text.
    pub(crate) doc: String,
    /// When it is there at all.
    pub(crate) conditions: Vec<Attribute>,
}
