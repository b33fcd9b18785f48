//! Fields as they are in JSON, by serde's attributes on them, so that a description says the same.
//!
//! Paths are not followed: a field that is read or written by a function of the author's own is left open.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Fields, Ident, ItemStruct, LitStr, Result, Token, Type, token};

use crate::signature::{attributes_named, documentation};
use crate::types;

/// A field of a state, or an argument, as its description shows it.
pub(crate) struct Field<'a> {
    /// When it is there at all.
    pub(crate) conditions: Vec<&'a Attribute>,
    /// The name, if serde is not told another one.
    pub(crate) name: String,
    /// The author's documentation.
    pub(crate) doc: String,
    /// The type, which means the same where the description stands.
    pub(crate) ty: TokenStream,
    /// Serde's settings for the field.
    pub(crate) shape: Shape,
}

/// Serde's settings for a field.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    name: Option<String>,
    has_default: bool,
    form: Form,
}

/// How a field is described.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// By its type.
    #[default]
    Typed,
    /// Not: a function of the author's own decides.
    Open,
    /// Not at all: the field does not appear by itself.
    Absent,
}

impl Shape {
    /// Reads serde's attributes among `attributes`.
    pub(crate) fn of(attributes: &[Attribute]) -> Self {
        let mut shape = Self::default();
        each_setting(attributes, "serde", |key, value| match key.to_string().as_str() {
            "rename" => shape.name = value.or(shape.name.take()),
            "default" => shape.has_default = true,
            "with" | "deserialize_with" | "serialize_with" if shape.form == Form::Typed => shape.form = Form::Open,
            "skip" | "skip_deserializing" | "flatten" => shape.form = Form::Absent,
            _ => {}
        });
        shape
    }
}

/// The description of an object with `fields`. Stands in a function or a closure with the generator `generator`.
pub(crate) fn object(generator: &Ident, doc: &str, fields: &[Field<'_>]) -> TokenStream {
    let fields = fields.iter().filter(|field| field.shape.form != Form::Absent);
    let fields = fields.map(|Field { conditions, name, doc, ty, shape }| {
        let name = shape.name.as_ref().unwrap_or(name);
        let schema = match shape.form {
            Form::Typed => schema_of(ty),
            Form::Open | Form::Absent => quote!(::apostate::macros_support::schema::open),
        };
        let is_required = match (shape.has_default, &shape.form) {
            (true, _) => quote!(false),
            (false, Form::Typed) => quote! {{
                #[allow(unused_imports)]
                use ::apostate::macros_support::{Asked as _, Unasked as _};
                (&::apostate::macros_support::Probe::<#ty>::NEW).is_required()
            }},
            (false, _) => quote!(true),
        };
        quote! {
            #(#conditions)*
            ::apostate::macros_support::schema::Field {
                name: #name,
                doc: #doc,
                schema: #schema,
                is_required: #is_required,
            }
        }
    });
    quote!(::apostate::macros_support::schema::object(#generator, #doc, &[#(#fields),*]))
}

/// The description of a type: its own, if it has one. What decides is which of two methods the compiler finds first.
pub(crate) fn schema_of(ty: &TokenStream) -> TokenStream {
    quote! {
        |generator| {
            #[allow(unused_imports)]
            use ::apostate::macros_support::{Described as _, Undescribed as _};
            (&::apostate::macros_support::Probe::<#ty>::NEW).schema(generator)
        }
    }
}

/// The description of a state; open if serde is told to treat the struct otherwise than field by field.
pub(crate) fn state(generator: &Ident, state: &ItemStruct) -> TokenStream {
    let (mut has_defaults, mut is_plain) = (false, true);
    each_setting(&state.attrs, "serde", |key, _| match key.to_string().as_str() {
        "default" => has_defaults = true,
        "crate" | "bound" | "deny_unknown_fields" | "expecting" | "rename" => {}
        _ => is_plain = false,
    });
    let Fields::Named(fields) = &state.fields else {
        return quote!(::apostate::macros_support::schema::open(#generator));
    };
    if !is_plain {
        return quote!(::apostate::macros_support::schema::open(#generator));
    }
    let fields = fields.named.iter().filter_map(|field| {
        let name = syn::ext::IdentExt::unraw(field.ident.as_ref()?).to_string();
        let mut shape = Shape::of(&field.attrs);
        shape.has_default |= has_defaults;
        let ty: &Type = &field.ty;
        Some(Field {
            conditions: attributes_named(&field.attrs, &["cfg"]).collect(),
            name,
            doc: documentation(&field.attrs),
            ty: quote!(#ty),
            shape,
        })
    });
    object(generator, "", &fields.collect::<Vec<_>>())
}

/// Complains of fields that cannot be stored, in our words. Fields of which serde is told anything are left to serde.
pub(crate) fn check_stored(state: &ItemStruct) -> TokenStream {
    let own = &state.ident;
    let own: Type = syn::parse_quote!(#own);
    let plain = state.fields.iter().filter(|field| attributes_named(&field.attrs, &["serde"]).next().is_none());
    let checks = plain.map(|field| {
        let ty = types::without_self(&field.ty, &own);
        let conditions = attributes_named(&field.attrs, &["cfg"]);
        let check = quote_spanned! {field.ty.span()=>
            {
                let probe = ::apostate::macros_support::Probe::<#ty>::NEW;
                ::apostate::macros_support::check_stored(&probe, (&probe).stored());
            }
        };
        quote!(#(#conditions)* #check)
    });
    quote! {
        const _: fn() = || {
            #[allow(unused_imports)]
            use ::apostate::macros_support::{Storable as _, Unstorable as _};
            #(#checks)*
        };
    }
}

/// Shows each key of the attributes called `name`, with its text if it has one. One in brackets (`rename(deserialize = "…")`)
/// counts as what is read.
pub(crate) fn each_setting(attributes: &[Attribute], name: &str, mut show: impl FnMut(&Ident, Option<String>)) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        // An attribute that does not parse is for its own derive to report.
        let _ = attribute.parse_nested_meta(|meta| {
            let value = value_of(&meta)?;
            if let Some(key) = meta.path.get_ident() {
                show(key, value);
            }
            Ok(())
        });
    }
}

fn value_of(meta: &ParseNestedMeta<'_>) -> Result<Option<String>> {
    if meta.input.peek(Token![=]) {
        let value = meta.value()?;
        return match value.peek(LitStr) {
            true => Ok(Some(value.parse::<LitStr>()?.value())),
            false => value.parse::<Expr>().map(|_| None),
        };
    }
    let mut read = None;
    if meta.input.peek(token::Paren) {
        meta.parse_nested_meta(|inner| {
            let value = value_of(&inner)?;
            if inner.path.is_ident("deserialize") {
                read = value;
            }
            Ok(())
        })?;
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn serde_is_understood_as_far_as_a_description_needs() {
        let shape = |attribute: Attribute| Shape::of(&[attribute]);
        let named = |name: &str| Shape { name: Some(name.to_owned()), ..Shape::default() };
        assert_eq!(shape(parse_quote!(#[serde(rename = "a")])), named("a"));
        assert_eq!(shape(parse_quote!(#[serde(rename(serialize = "a", deserialize = "b"))])), named("b"));
        let defaulted = Shape { has_default: true, ..Shape::default() };
        assert_eq!(shape(parse_quote!(#[serde(default)])), defaulted);
        assert_eq!(shape(parse_quote!(#[serde(skip_serializing_if = "is", default = "three")])), defaulted);
        let open = Shape { form: Form::Open, ..Shape::default() };
        assert_eq!(shape(parse_quote!(#[serde(with = "hex")])), open);
        let absent = Shape { form: Form::Absent, ..Shape::default() };
        assert_eq!(shape(parse_quote!(#[serde(flatten)])), absent);
        assert_eq!(shape(parse_quote!(#[doc(hidden)])), Shape::default());
    }
}
