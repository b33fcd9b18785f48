//! Parts of the code for a handler that stand in more than one place.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, Type};

use crate::fields::{self, Field, Shape};
use crate::handler::{Access, Argument, Handler};
use crate::types;

/// The struct of the handler's arguments.
pub(super) fn body_ident(handler: &Handler) -> Ident {
    format_ident!("__arguments_of_{}", handler.ident.unraw(), span = Span::mixed_site())
}

/// Complains of a type that cannot be in messages.
pub(super) fn check_data(entity: &Type, ty: &Type) -> TokenStream {
    let span = ty.span();
    let ty = types::without_self(ty, entity);
    quote_spanned!(span=> ::apostate::macros_support::check::<#ty>();)
}

/// The arguments' form in JSON.
pub(super) fn arguments_json(entity: &Type, handler: &Handler) -> TokenStream {
    if handler.access == Access::Own {
        let told = handler.arguments.iter().map(|argument| types::without_self(&argument.ty, entity));
        let told = quote!(#(#told)*);
        let schema = fields::schema_of(&told);
        return quote!(::apostate::macros_support::Json::open::<#told>().with_schema(#schema));
    }
    let body = body_ident(handler);
    let generator = Ident::new("generator", Span::mixed_site());
    let fields = handler.arguments.iter().map(|Argument { name, ty, serde, doc, ident: _ }| Field {
        conditions: Vec::new(),
        name: name.clone(),
        doc: doc.clone(),
        ty: types::without_self(ty, entity),
        shape: Shape::of(serde),
    });
    let schema = fields::object(&generator, "", &fields.collect::<Vec<_>>());
    quote!(::apostate::macros_support::Json::arguments::<#body>().with_schema(|#generator| #schema))
}
