//! The field of an entity with what it remembers about its partners: found by the name of its type, and left out of the state.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Field, Ident, ItemStruct, Result, Type};

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

/// The method that gives the field.
pub(crate) fn write(state: &ItemStruct) -> TokenStream {
    let Ok(Some(field)) = find(state) else { return TokenStream::new() };
    quote! {
        fn activities(&mut self) -> ::core::option::Option<&mut dyn ::apostate::macros_support::AnyActivities> {
            ::core::option::Option::Some(&mut self.#field)
        }
    }
}

fn is_activities(field: &Field) -> bool {
    let Type::Path(path) = &field.ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Activities")
}
