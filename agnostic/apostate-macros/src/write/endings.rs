//! The code for a tentative handler: the type of its message, what its row says of endings, and their own rows.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type};

use crate::handler::Handler;
use crate::tentative::{Ending, Tentative};
use crate::types;
use crate::write::parts::{arguments_json, body_ident, check_data};

/// The type of the value that the method of the reference gives.
pub(super) fn try_type(entity: &Type, handler: &Handler, tentative: &Tentative) -> TokenStream {
    let offer = types::without_self(&handler.reply, entity);
    let value = handler.endings.as_ref().and_then(|[confirm, _]| confirm.value.as_ref());
    let value = match value {
        Some(value) => {
            let value = types::without_self(value, entity);
            quote!(::apostate::agreement::ConfirmsWith<#value>)
        }
        None => quote!(()),
    };
    let lasts = match tentative.self_expire {
        Some(_) => quote!(Lapses),
        None => quote!(Lasting),
    };
    quote!(::apostate::Try<#entity, #offer, #value, ::apostate::agreement::#lasts>)
}

/// The part of a handler's row about its endings.
pub(super) fn described(entity: &Type, handler: &Handler) -> TokenStream {
    let (Some(tentative), Some([confirm, cancel])) = (&handler.tentative, &handler.endings) else {
        return quote!(::core::option::Option::None);
    };
    let takes_confirm_value = confirm.value.is_some();
    let (confirm, cancel) = (&confirm.name, &cancel.name);
    let self_expire = match &tentative.self_expire {
        Some(time) => {
            let time = types::without_self(time, entity);
            quote! {
                ::core::option::Option::Some({
                    const TIME: ::core::time::Duration = #time;
                    TIME
                })
            }
        }
        None => quote!(::core::option::Option::None),
    };
    quote! {
        ::core::option::Option::Some(::apostate::macros_support::Tentative {
            confirm: #confirm,
            cancel: #cancel,
            takes_confirm_value: #takes_confirm_value,
            self_expire: #self_expire,
        })
    }
}

/// Complains of a value that cannot be in messages, where the author wrote it.
pub(super) fn checks(entity: &Type, handler: &Handler) -> TokenStream {
    let values = handler.endings.iter().flatten().filter_map(|ending| ending.value.as_ref());
    values.map(|value| check_data(entity, value)).collect()
}

/// The rows of the endings. One function may be both.
pub(super) fn rows(entity: &Type, handler: &Handler) -> Vec<TokenStream> {
    let Some([confirm, cancel]) = &handler.endings else { return Vec::new() };
    let mut rows = vec![row(entity, handler, confirm)];
    if cancel.ident != confirm.ident {
        rows.push(row(entity, handler, cancel));
    }
    rows
}

fn row(entity: &Type, handler: &Handler, ending: &Ending) -> TokenStream {
    let Ending { name, doc, conditions, .. } = ending;
    let of_the_try = &handler.conditions;
    let arguments = match &ending.value {
        None => arguments_json(entity, handler),
        Some(value) => {
            let (body, value) = (body_ident(handler), types::without_self(value, entity));
            quote!(::apostate::macros_support::Json::open::<(#body, #value)>())
        }
    };
    let function = run_function(entity, handler, ending);
    quote! {
        #(#of_the_try)*
        #(#conditions)*
        ::apostate::macros_support::HandlerDef {
            info: ::apostate::macros_support::HandlerInfo {
                name: #name,
                mode: ::apostate::macros_support::Mode::Changes,
                refusable: false,
                answers_later: false,
                access: ::apostate::macros_support::Access::Own,
                doc: #doc,
                arguments: #arguments,
                reply: ::apostate::macros_support::Json::of::<()>(),
                tentative: ::core::option::Option::None,
            },
            run: ::apostate::macros_support::HandlerFn::Change(#function),
        }
    }
}

/// The function that decodes the hold, and the value beside it if there is one, and calls the ending.
fn run_function(entity: &Type, handler: &Handler, ending: &Ending) -> TokenStream {
    let [state, tx, bytes, hold, value, error] =
        ["state", "tx", "bytes", "hold", "value", "error"].map(|name| Ident::new(name, Span::mixed_site()));
    let Ending { ident, takes_tx, .. } = ending;
    let body = body_ident(handler);
    let held = handler.arguments.iter().zip(&ending.hold).map(|(argument, ty)| {
        // A hold of another type is complained of at the type that the ending takes.
        let place = ty.span();
        let (field, tried, ty) =
            (&argument.ident, types::without_self(&argument.ty, entity), types::without_self(ty, entity));
        quote_spanned!(place=> ::apostate::macros_support::held::<#ty, #tried>(#hold.#field))
    });
    let read = match handler.arguments.is_empty() {
        true => quote!(#body {}),
        false => quote!(#hold),
    };
    let lent = takes_tx.then(|| quote!(#tx,));
    let (type_, read, told) = match &ending.value {
        None => (quote!(#body), read, None),
        Some(ty) => {
            let ty = types::without_self(ty, entity);
            (quote!((#body, #ty)), quote!((#read, #value)), Some(quote!(#value)))
        }
    };
    let arguments = held.chain(told);
    quote! {
        |#state, #tx, #bytes| match ::apostate::macros_support::decode::<#type_>(#bytes) {
            ::core::result::Result::Err(#error) => ::apostate::macros_support::HandlerResult::Unreadable(#error),
            ::core::result::Result::Ok(#read) => {
                <#entity>::#ident(#state, #lent #(#arguments),*);
                ::apostate::macros_support::done(#tx, &())
            }
        }
    }
}
