//! `#[handlers]`: reads an `impl` block, and keeps it as it is.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, ImplItem, ItemImpl, PathArguments, Result, Type, TypePath};

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
    let handlers = read_handlers(&mut block, &mut errors);
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

/// Two handlers with one name fail here, unless they are never there together; then start-up checks.
fn check_distinct(handlers: &[Handler], errors: &mut Vec<Error>) {
    let lasting: Vec<_> = handlers.iter().filter(|handler| handler.conditions.is_empty()).collect();
    for (at, handler) in lasting.iter().enumerate() {
        let name = handler.name.value();
        if let Some(first) = lasting[..at].iter().find(|other| other.name.value() == name) {
            let message = format!(
                "`{}` is called `{name}` already, and messages find their handler by its name: choose another",
                first.ident
            );
            errors.push(Error::new(handler.name.span(), message));
        }
    }
}
