//! `#[data]`: a type that is part of states and messages, without its crate having to know serde.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Field, Path, Result, Variant, parse_quote};

use crate::{fields, signature, types};

/// Writes the code for `#[data]` above `item`.
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
    if let Some(path) = derive_of(&item.attrs, &["JsonSchema"]) {
        return Err(Error::new_spanned(path, "`#[data]` derives `JsonSchema`: leave it out here"));
    }
    // A helper attribute stands behind the derive that brings it, so ours come before all that the author wrote.
    let derives = [
        parse_quote!(#[derive(::apostate::serde::Serialize, ::apostate::serde::Deserialize)]),
        serde_path(),
        parse_quote!(#[derive(::apostate::schemars::JsonSchema)]),
        parse_quote!(#[schemars(crate = "::apostate::schemars")]),
    ];
    item.attrs.splice(..0, derives);
    let checks = describe_fields(&mut item);
    Ok(quote!(#checks #item))
}

/// Leaves fields open that functions of the author's own write, and complains of the others that do not describe themselves,
/// in our words.
fn describe_fields(item: &mut DeriveInput) -> TokenStream {
    let has_generics = !item.generics.params.is_empty();
    let name = &item.ident;
    let own = parse_quote!(#name);
    let mut checks = Vec::new();
    for (field, is_sure) in fields_of(&mut item.data) {
        let (mut is_said, mut is_written) = (false, false);
        fields::each_setting(&field.attrs, "schemars", |key, _| is_said |= key == "with" || key == "skip");
        fields::each_setting(&field.attrs, "serde", |key, _| {
            is_written |= key == "with" || key == "serialize_with";
            is_said |= key == "skip";
        });
        if is_said {
            continue;
        }
        if is_written {
            field.attrs.push(parse_quote!(#[schemars(with = "::apostate::macros_support::Open")]));
        } else if is_sure && !has_generics {
            let ty = types::without_self(&field.ty, &own);
            let conditions = signature::attributes_named(&field.attrs, &["cfg"]);
            let check = quote_spanned!(field.ty.span()=> ::apostate::macros_support::check_described::<#ty>(););
            checks.push(quote!(#(#conditions)* #check));
        }
    }
    quote!(const _: () = { #(#checks)* };)
}

/// Every field, and whether it is one in any case: a variant that is left out or skipped need not be described.
fn fields_of(data: &mut Data) -> Vec<(&mut Field, bool)> {
    match data {
        Data::Struct(data) => data.fields.iter_mut().map(|field| (field, true)).collect(),
        Data::Enum(data) => data.variants.iter_mut().flat_map(fields_of_variant).collect(),
        Data::Union(_) => Vec::new(),
    }
}

fn fields_of_variant(variant: &mut Variant) -> impl Iterator<Item = (&mut Field, bool)> {
    let is_sure = signature::attributes_named(&variant.attrs, &["cfg", "serde", "schemars"]).next().is_none();
    variant.fields.iter_mut().map(move |field| (field, is_sure))
}

/// Where serde's derives find serde: in `apostate`.
pub(crate) fn serde_path() -> Attribute {
    parse_quote!(#[serde(crate = "::apostate::serde")])
}

/// The first of serde's derives among `attributes`.
pub(crate) fn serde_derive(attributes: &[Attribute]) -> Option<Path> {
    derive_of(attributes, &["Serialize", "Deserialize"])
}

/// The first derive among `attributes` whose path ends in one of `names`.
fn derive_of(attributes: &[Attribute], names: &[&str]) -> Option<Path> {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let mut found = None;
    for derive in derives {
        // A derive that does not parse is the compiler's to report.
        let _ = derive.parse_nested_meta(|meta| {
            let last = meta.path.segments.last();
            if found.is_none() && last.is_some_and(|last| names.iter().any(|name| last.ident == name)) {
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
