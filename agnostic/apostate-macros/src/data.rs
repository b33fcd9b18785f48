//! `#[data]`: a type that is part of states and messages, without its crate having to know serde.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, DeriveInput, Error, Path, Result, parse_quote};

/// What `#[data]` makes of `item`.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    derive(arguments, item.clone()).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#error #item)
    })
}

fn derive(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "nothing can be said here: write `#[data]`"));
    }
    let mut item: DeriveInput = syn::parse2(item)?;
    if let Some(path) = serde_derive(&item.attrs) {
        return Err(Error::new_spanned(path, "`#[data]` derives `Serialize` and `Deserialize`: leave them out here"));
    }
    item.attrs.push(parse_quote!(#[derive(::apostate::serde::Serialize, ::apostate::serde::Deserialize)]));
    item.attrs.push(serde_path());
    Ok(quote!(#item))
}

/// Where serde's derives find serde: in `apostate`.
pub(crate) fn serde_path() -> Attribute {
    parse_quote!(#[serde(crate = "::apostate::serde")])
}

/// The first of serde's derives among `attributes`.
pub(crate) fn serde_derive(attributes: &[Attribute]) -> Option<Path> {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let mut found = None;
    for derive in derives {
        // A derive that does not parse is the compiler's to report.
        let _ = derive.parse_nested_meta(|meta| {
            let last = meta.path.segments.last();
            if found.is_none() && last.is_some_and(|last| last.ident == "Serialize" || last.ident == "Deserialize") {
                found = Some(meta.path.clone());
            }
            Ok(())
        });
    }
    found
}

/// Whether the author said where serde is.
pub(crate) fn names_serde_path(attributes: &[Attribute]) -> bool {
    let mut named = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // An attribute that does not parse is serde's to report.
        let _ = attribute.parse_nested_meta(|meta| {
            named |= meta.path.is_ident("crate");
            if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            } else if meta.input.peek(syn::token::Paren) {
                meta.parse_nested_meta(|inner| inner.value()?.parse::<syn::Expr>().map(drop))?;
            }
            Ok(())
        });
    }
    named
}
