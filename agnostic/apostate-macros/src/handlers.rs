//! `#[handlers]`: reads an `impl` block, and keeps it as it is.

use std::iter;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Ident, ImplItem, ItemImpl, LitStr, PathArguments, Result, Type, TypePath};

use crate::endings;
use crate::handler::{self, Handler};
use crate::write::{self, Names};

/// Writes the code for `#[handlers]` above `item`.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(mut block) = syn::parse2::<ItemImpl>(item.clone()) else {
        let error = Error::new_spanned(first_token(&item), "`#[handlers]` stands above the `impl` block of an entity");
        let error = error.into_compile_error();
        return quote!(#item #error);
    };
    let mut errors = Vec::new();
    if !arguments.is_empty() {
        errors.push(Error::new_spanned(arguments, "nothing can be said here: write `#[handlers]`"));
    }
    let names = names_of(&block).map_err(|error| errors.push(error)).ok();
    let mut handlers = read_handlers(&mut block, &mut errors);
    find_endings(&block, &mut handlers, &mut errors);
    check_distinct(&handlers, &mut errors);
    let written = names.map(|names| write::handlers(&names, &handlers));
    let errors = errors.iter().map(Error::to_compile_error);
    // Handlers are `pub` for entities, wherever the struct can be seen, and take what messages carry.
    quote! {
        #[allow(unreachable_pub, clippy::needless_pass_by_value)]
        #block
        #written
        #(#errors)*
    }
}

fn first_token(item: &TokenStream) -> TokenStream {
    item.clone().into_iter().take(1).collect()
}

/// The entity that the block belongs to, and its reference type.
fn names_of(block: &ItemImpl) -> Result<Names> {
    if let Some((path, _)) = &block.trait_ {
        let message = "the handlers of an entity are its own functions: write them in an `impl` block without a trait";
        return Err(Error::new_spanned(path, message));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new_spanned(&block.generics, "an entity has no generics"));
    }
    let Type::Path(entity @ TypePath { qself: None, .. }) = block.self_ty.as_ref() else {
        return Err(Error::new_spanned(&block.self_ty, "name the entity: `impl Stock { … }`"));
    };
    let mut reference = entity.clone();
    if let Some(last) = reference.path.segments.last_mut() {
        if !matches!(last.arguments, PathArguments::None) {
            return Err(Error::new_spanned(&block.self_ty, "an entity has no generics"));
        }
        last.ident = format_ident!("{}Ref", last.ident, span = last.ident.span());
    }
    Ok(Names { entity: Type::Path(entity.clone()), reference: Type::Path(reference) })
}

fn read_handlers(block: &mut ItemImpl, errors: &mut Vec<Error>) -> Vec<Handler> {
    let mut handlers = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else { continue };
        match handler::read(function) {
            Ok(handler) => handlers.extend(handler),
            Err(error) => errors.push(error),
        }
    }
    handlers
}

/// Finds the endings of tentative handlers among the functions of the block.
fn find_endings(block: &ItemImpl, handlers: &mut [Handler], errors: &mut Vec<Error>) {
    let functions = block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    });
    let functions: Vec<_> = functions.collect();
    let marked: Vec<_> = handlers.iter().map(|handler| handler.ident.clone()).collect();
    let mut taken = Vec::<(Ident, Ident)>::new();
    for handler in handlers {
        let Some(tentative) = &handler.tentative else { continue };
        let count = errors.len();
        for said in [&tentative.confirm, &tentative.cancel] {
            if marked.contains(said) {
                let message = format!(
                    "`{said}` is a handler by itself: what ends `{}` is a private function without an attribute",
                    handler.ident
                );
                errors.push(Error::new(said.span(), message));
            }
            if let Some((_, other)) = taken.iter().find(|(ending, other)| ending == said && *other != handler.ident) {
                let message = format!("`{said}` ends `{other}` already: each tentative handler has endings of its own");
                errors.push(Error::new(said.span(), message));
            }
            taken.push((said.clone(), handler.ident.clone()));
        }
        if errors.len() > count {
            continue;
        }
        match endings::read(handler, tentative, &functions) {
            Ok(endings) => handler.endings = Some(endings),
            Err(error) => errors.push(error),
        }
    }
}

/// Two handlers with one name fail here, unless they are never there together; then start-up checks.
fn check_distinct(handlers: &[Handler], errors: &mut Vec<Error>) {
    let lasting = handlers.iter().filter(|handler| handler.conditions.is_empty()).flat_map(|handler| {
        let endings = handler.endings.iter().flatten().filter(|ending| ending.conditions.is_empty());
        iter::once((&handler.ident, &handler.name)).chain(endings.map(|ending| (&ending.ident, &ending.name)))
    });
    let mut seen = Vec::<(&Ident, &LitStr)>::new();
    for (ident, name) in lasting {
        match seen.iter().find(|(_, other)| other.value() == name.value()) {
            // One function may be confirm and cancel.
            Some((first, _)) if *first != ident => {
                let message = format!(
                    "`{first}` is called `{}` already, and messages find their handler by its name: choose another",
                    name.value()
                );
                errors.push(Error::new(name.span(), message));
            }
            _ => seen.push((ident, name)),
        }
    }
}
