//! Signatures of functions: what holds for a handler and for an ending alike.

use syn::ext::IdentExt;
use syn::{Attribute, Error, Expr, Ident, ImplItemFn, Lit, LitStr, Meta, ReceiverKind, Result, Safety, Type};

use crate::names;
use crate::types::TxType;

/// Refuses forms that the platform cannot call.
pub(crate) fn check_signature(function: &ImplItemFn) -> Result<()> {
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        let message = "a handler does not wait, as one transaction runs in one go: remove `async`, and send messages";
        return Err(Error::new_spanned(token, message));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        return Err(Error::new_spanned(token, "a handler is called by the platform: remove `unsafe`"));
    }
    if !signature.generics.params.is_empty() {
        let message = "a handler has no generics, as its messages have one shape: name the types";
        return Err(Error::new_spanned(&signature.generics, message));
    }
    if signature.ident == "at" {
        let message = "`at` makes the reference that messages are sent to: call the handler something else";
        return Err(Error::new_spanned(&signature.ident, message));
    }
    Ok(())
}

/// Whether the handler takes `&self`; else it takes `&mut self`.
pub(crate) fn receiver_reads(function: &ImplItemFn) -> Result<bool> {
    let Some(receiver) = function.sig.receiver() else {
        let message = "a handler takes `&mut self` to change the entity, or `&self` to read it; \
                       other functions have their place in an `impl` block without `#[handlers]`";
        return Err(Error::new(function.sig.ident.span(), message));
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutable) => Ok(mutable.is_none()),
        _ => {
            let message = "an entity stays where it is: take `&mut self` to change it, or `&self` to read it";
            Err(Error::new_spanned(receiver, message))
        }
    }
}

/// The name that a function has for messages if its author says no other.
pub(crate) fn own_name(ident: &Ident) -> Result<LitStr> {
    let name = ident.unraw().to_string();
    if !names::fits(&name) {
        let message = "this cannot be the name of a handler: use `a` to `z`, `0` to `9` and `_`, at most 64 of them, \
                       or give it another one with `name = \"…\"`";
        return Err(Error::new(ident.span(), message));
    }
    Ok(LitStr::new(&name, ident.span()))
}

/// Refuses a transaction that is taken in another way than it is lent.
pub(crate) fn check_tx(tx: &TxType, is_first: bool, reads: bool, ty: &Type) -> Result<()> {
    let message = match tx {
        _ if !is_first => "the transaction is the first argument: write it right behind `self`",
        TxType::Mutable if reads => {
            "a handler that takes `&self` only reads: take `tx: &Tx`, or `&mut self` to change and to send"
        }
        TxType::Owned if reads => "the transaction is lent: take `tx: &Tx`",
        TxType::Owned => "the transaction is lent: take `tx: &mut Tx`",
        TxType::Shared | TxType::Mutable => return Ok(()),
    };
    Err(Error::new_spanned(ty, message))
}

/// The attributes of a function that have one of `names`.
pub(crate) fn attributes(function: &ImplItemFn, names: &[&str]) -> Vec<Attribute> {
    attributes_named(&function.attrs, names).cloned().collect()
}

/// Those of `attributes` that have one of `names`.
pub(crate) fn attributes_named<'a>(attributes: &'a [Attribute], names: &[&str]) -> impl Iterator<Item = &'a Attribute> {
    attributes.iter().filter(|attribute| names.iter().any(|name| attribute.path().is_ident(name)))
}

/// The text of doc comments, without the space that each line begins with.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => text(&meta.value),
        _ => None,
    };
    attributes.iter().filter_map(line).collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn text(value: &Expr) -> Option<String> {
    let Expr::Lit(value) = value else { return None };
    let Lit::Str(text) = &value.lit else { return None };
    let text = text.value();
    Some(text.strip_prefix(' ').unwrap_or(&text).to_owned())
}
