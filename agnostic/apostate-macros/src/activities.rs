//! The field of an entity with what it remembers about its partners: found by the name of its type, and left out of the state.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Field, GenericArgument, Ident, ItemStruct, PathArguments, Result, Type};

use crate::fields;

/// The field, if there is one.
pub(crate) fn find(state: &ItemStruct) -> Result<Option<&Ident>> {
    let mut found = state.fields.iter().filter(|field| is_activities(field));
    let first = found.next();
    if let Some(second) = found.next() {
        let message =
            "an entity remembers one value about each partner: put both into one type, in one field `Activities<…>`";
        return Err(Error::new_spanned(second, message));
    }
    Ok(first.and_then(|field| field.ident.as_ref()))
}

/// The struct with the field left out of what serde stores and shows.
pub(crate) fn skipped(state: &ItemStruct) -> ItemStruct {
    let mut state = state.clone();
    for field in state.fields.iter_mut().filter(|field| is_activities(field)) {
        let mut is_skipped = false;
        fields::each_setting(&field.attrs, "serde", |key, _| is_skipped |= key == "skip");
        if !is_skipped {
            field.attrs.push(syn::parse_quote!(#[serde(skip)]));
        }
    }
    state
}

/// The methods that give the field, and its values as clients see them.
pub(crate) fn write(state: &ItemStruct) -> TokenStream {
    let Ok(Some(field)) = find(state) else { return TokenStream::new() };
    let json = state.fields.iter().find_map(remembered).map(write_json);
    quote! {
        #json


        fn activities(&mut self) -> ::core::option::Option<&mut dyn ::apostate::macros_support::AnyActivities> {
            ::core::option::Option::Some(&mut self.#field)
        }
    }
}

fn write_json(remembered: &Type) -> TokenStream {
    let schema = fields::schema_of(&quote!(#remembered));
    quote! {
        fn activity_json() -> ::core::option::Option<::apostate::macros_support::Json> {
            ::core::option::Option::Some(
                ::apostate::macros_support::Json::open::<#remembered>().with_schema(#schema),
            )
        }
    }
}

/// The type of what is remembered about one partner.
fn remembered(field: &Field) -> Option<&Type> {
    let Type::Path(path) = &field.ty else { return None };
    let last = path.path.segments.last().filter(|_| is_activities(field))?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(remembered) => Some(remembered),
        _ => None,
    })
}

fn is_activities(field: &Field) -> bool {
    let Type::Path(path) = &field.ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Activities")
}
