//! The code for a block of handlers: a struct per message, the methods of the reference, the table.
//!
//! All of it stands in a `const _`, so that no name of ours can meet one of the author's, and it has full paths only.
//! Local variables get spans that an argument of the same name cannot see.

mod endings;
mod parts;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, Type};

use crate::fields;
use crate::handler::{Access, Argument, Handler};
use crate::types;
use crate::write::parts::{arguments_json, body_ident, check_data};

/// The types that the handlers belong to.
pub(crate) struct Names {
    /// The entity: `Stock`.
    pub(crate) entity: Type,
    /// The entity's reference type: `StockRef`.
    pub(crate) reference: Type,
}

/// Everything that follows from `handlers`.
pub(crate) fn handlers(names: &Names, handlers: &[Handler]) -> TokenStream {
    let Names { entity, reference } = names;
    let (own, sent): (Vec<_>, Vec<_>) = handlers.iter().partition(|handler| handler.access == Access::Own);
    let bodies = sent.iter().map(|handler| body(entity, handler));
    let methods = sent.iter().map(|handler| method(entity, handler));
    let constants = own.iter().map(|handler| constant(entity, handler));
    let checks = handlers.iter().map(|handler| checks(entity, handler));
    let rows =
        handlers.iter().flat_map(|handler| [vec![row(entity, handler)], endings::rows(entity, handler)].concat());
    let constants = (!own.is_empty()).then(|| {
        quote! {
            #[allow(dead_code)]
            impl #entity { #(#constants)* }
        }
    });
    quote! {
        #[allow(deprecated, missing_docs, non_camel_case_types, clippy::too_many_arguments)]
        const _: () = {
            #(#checks)*

            #(#bodies)*

            #constants

            #[allow(dead_code, unreachable_pub)]
            impl #reference { #(#methods)* }

            #[automatically_derived]
            impl ::apostate::macros_support::Handlers for #entity {
                const HANDLERS: &'static [::apostate::macros_support::HandlerDef<Self>] = &[#(#rows),*];
            }
        };
    }
}

/// Complains of arguments that cannot be in messages, where the author wrote them and in our words.
fn checks(entity: &Type, handler: &Handler) -> TokenStream {
    let Handler { conditions, arguments, .. } = handler;
    let checks = arguments.iter().map(|Argument { ty, .. }| check_data(entity, ty));
    let of_endings = endings::checks(entity, handler);
    quote!(#(#conditions)* const _: () = { #(#checks)* #of_endings };)
}

fn body(entity: &Type, handler: &Handler) -> TokenStream {
    let Handler { conditions, arguments, .. } = handler;
    let ident = body_ident(handler);
    let expecting = format!("the arguments of `{}` as a map", handler.name.value());
    let fields = arguments.iter().map(|Argument { ident, name, ty, serde, doc: _ }| {
        let ty = types::without_self(ty, entity);
        let rename = (ident.unraw() != name).then(|| quote!(#[serde(rename = #name)]));
        quote!(#(#serde)* #rename #ident: #ty)
    });
    quote! {
        #(#conditions)*
        #[derive(::apostate::serde::Serialize, ::apostate::serde::Deserialize)]
        #[serde(crate = "::apostate::serde", expecting = #expecting)]
        struct #ident { #(#fields),* }
    }
}

/// The method that makes the message.
fn method(entity: &Type, handler: &Handler) -> TokenStream {
    let Handler { ident, name, conditions, about, reply, .. } = handler;
    let body = body_ident(handler);
    let arguments: Vec<_> = handler.arguments.iter().map(|argument| &argument.ident).collect();
    let typed = handler.arguments.iter().map(|Argument { ident, ty, .. }| {
        let ty = types::without_self(ty, entity);
        quote!(#ident: #ty)
    });
    if let Some(tentative) = &handler.tentative {
        let tried = endings::try_type(entity, handler, tentative);
        return quote! {
            #(#conditions)*
            #(#about)*
            pub fn #ident(self, #(#typed),*) -> #tried {
                ::apostate::Try::new(
                    ::apostate::macros_support::Reference::into_key(self),
                    #name,
                    &#body { #(#arguments),* },
                )
            }
        };
    }
    let reply = types::without_self(reply, entity);
    let sending = match (handler.reads, handler.refusable) {
        (true, _) => quote!(::apostate::ReadOnly),
        (false, true) => quote!(::apostate::Refusable),
        (false, false) => quote!(::apostate::NotRefusable),
    };
    let access = match handler.access {
        Access::Open => quote!(::apostate::Open),
        Access::Entities | Access::Tentative | Access::Own => quote!(::apostate::InternalOnly),
    };
    quote! {
        #(#conditions)*
        #(#about)*
        pub fn #ident(self, #(#typed),*) -> ::apostate::Call<#entity, #reply, #sending, #access> {
            ::apostate::Call::new(
                ::apostate::macros_support::Reference::into_key(self),
                #name,
                &#body { #(#arguments),* },
            )
        }
    }
}

/// The constant that names an `#[on]` handler.
fn constant(entity: &Type, handler: &Handler) -> TokenStream {
    let Handler { ident, name, conditions, arguments, .. } = handler;
    let constant = Ident::new(&ident.unraw().to_string().to_uppercase(), ident.span());
    let told = arguments.iter().map(|argument| types::without_self(&argument.ty, entity));
    let about = format!(" Names the handler `{ident}`.");
    quote! {
        #(#conditions)*
        #[doc = #about]
        const #constant: ::apostate::Handler<#entity, #(#told)*> = ::apostate::Handler::new(#name);
    }
}

/// The handler's row in the table.
fn row(entity: &Type, handler: &Handler) -> TokenStream {
    let Handler { name, conditions, access, refusable, answers_later, doc, .. } = handler;
    let (mode, run) = match handler.reads {
        true => (quote!(Reads), quote!(Read)),
        false => (quote!(Changes), quote!(Change)),
    };
    let (arguments, reply) = (arguments_json(entity, handler), reply_json(entity, handler));
    let function = run_function(entity, handler);
    let tentative = endings::described(entity, handler);
    quote! {
        #(#conditions)*
        ::apostate::macros_support::HandlerDef {
            info: ::apostate::macros_support::HandlerInfo {
                name: #name,
                mode: ::apostate::macros_support::Mode::#mode,
                refusable: #refusable,
                answers_later: #answers_later,
                access: #access,
                doc: #doc,
                arguments: #arguments,
                reply: #reply,
                tentative: #tentative,
            },
            run: ::apostate::macros_support::HandlerFn::#run(#function),
        }
    }
}

/// How the reply reads outside.
fn reply_json(entity: &Type, handler: &Handler) -> TokenStream {
    let place = Span::mixed_site().located_at(handler.reply.span());
    let reply = types::without_self(&handler.reply, entity);
    let schema = fields::schema_of(&reply);
    quote_spanned!(place=> ::apostate::macros_support::reply::<#reply>().with_schema(#schema))
}

/// The function that decodes the arguments, calls the handler, and gives its reply.
fn run_function(entity: &Type, handler: &Handler) -> TokenStream {
    let Handler { ident, takes_tx, .. } = handler;
    let [state, tx, bytes, message, refusal, error] =
        ["state", "tx", "bytes", "message", "refusal", "error"].map(|name| Ident::new(name, Span::mixed_site()));
    // A reply that cannot be in a message is complained of at its type.
    let place = Span::mixed_site().located_at(handler.reply.span());
    let reply = Ident::new("reply", place);
    let done = match handler.answers_later {
        false => quote_spanned!(place=> ::apostate::macros_support::done(#tx, &#reply)),
        true => quote_spanned!(place=> ::apostate::macros_support::answered_later(#tx, &#reply)),
    };
    let (body, arguments) = match handler.access {
        Access::Own => {
            let told = handler.arguments.iter().map(|argument| types::without_self(&argument.ty, entity));
            (quote!(#(#told)*), quote!(#message))
        }
        Access::Open | Access::Entities | Access::Tentative => {
            let body = body_ident(handler);
            let fields = handler.arguments.iter().map(|argument| &argument.ident);
            (quote!(#body), quote!(#(#message.#fields),*))
        }
    };
    let read = match handler.arguments.is_empty() {
        true => quote!(#body {}),
        false => quote!(#message),
    };
    let lent = takes_tx.then(|| quote!(#tx,));
    let call = quote!(<#entity>::#ident(#state, #lent #arguments));
    let answers_nothing = !handler.answers_later && types::is_unit(&handler.reply);
    let run = match (handler.refusable, answers_nothing) {
        (true, _) => quote! {
            match #call {
                ::core::result::Result::Ok(#reply) => #done,
                ::core::result::Result::Err(#refusal) => ::apostate::macros_support::HandlerResult::Refused(#refusal),
            }
        },
        (false, true) => quote! {{
            #call;
            ::apostate::macros_support::done(#tx, &())
        }},
        (false, false) => quote! {{
            let #reply = #call;
            #done
        }},
    };
    quote! {
        |#state, #tx, #bytes| match ::apostate::macros_support::decode::<#body>(#bytes) {
            ::core::result::Result::Err(#error) => ::apostate::macros_support::HandlerResult::Unreadable(#error),
            ::core::result::Result::Ok(#read) => #run,
        }
    }
}
