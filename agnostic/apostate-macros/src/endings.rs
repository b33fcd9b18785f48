//! The two functions that a `#[tentative]` handler names, confirm and cancel: the endings of what it does.
//!
//! They are private, and no handlers by themselves. What makes them so is that they are named; both take what the handler takes.

use syn::{Error, FnArg, Ident, ImplItemFn, PatType, Result, ReturnType, Visibility};

use crate::handler::Handler;
use crate::signature;
use crate::tentative::{Ending, Tentative};
use crate::types::{self, TxType};

/// Reads the endings of `handler` among the functions of the block: confirm, then cancel.
pub(crate) fn read(handler: &Handler, tentative: &Tentative, functions: &[&ImplItemFn]) -> Result<[Ending; 2]> {
    let find = |said: &Ident, what: &str, also: &str| {
        let found = functions.iter().find(|function| function.sig.ident == *said);
        let function = found.ok_or_else(|| {
            let takes = taken(handler);
            let message = format!(
                "there is no function `{said}` in this block: write `fn {said}(&mut self{takes})`, which {what}s what \
                 `{}` has done{also}",
                handler.ident
            );
            Error::new(said.span(), message)
        })?;
        read_one(handler, function, what)
    };
    let confirm = find(&tentative.confirm, "confirm", "")?;
    let cancel = find(&tentative.cancel, "cancel", "")?;
    Ok([confirm, cancel])
}

/// The arguments of a handler, as they are written behind `&mut self`.
fn taken(handler: &Handler) -> String {
    handler.arguments.iter().map(|argument| format!(", {}: {}", argument.name, types::shown(&argument.ty))).collect()
}

fn read_one(handler: &Handler, function: &ImplItemFn, what: &str) -> Result<Ending> {
    let of = &function.sig;
    check_private(function, what)?;
    signature::check_signature(function)?;
    if signature::receiver_reads(function)? {
        let message = format!("a {what} changes the entity, if only by forgetting what was held: take `&mut self`");
        return Err(Error::new_spanned(&of.inputs, message));
    }
    check_output(&of.output, what)?;
    let (mut takes_tx, mut arguments) = (false, Vec::new());
    for (at, input) in of.inputs.iter().enumerate() {
        let FnArg::Typed(PatType { ty, attrs, .. }) = input else { continue };
        match types::as_tx(ty) {
            Some(TxType::Mutable | TxType::Shared) if at == 1 => takes_tx = true,
            Some(tx) => signature::check_tx(&tx, at == 1, false, ty)?,
            None => {
                if let Some(attribute) = attrs.iter().find(|attribute| attribute.path().is_ident("serde")) {
                    let message = "this belongs on the argument of the tentative handler, whose hold this is";
                    return Err(Error::new_spanned(attribute, message));
                }
                types::check_owned(ty, "an argument")?;
                arguments.push(ty.as_ref().clone());
            }
        }
    }
    let held = handler.arguments.len();
    let value = (what == "confirm" && arguments.len() == held + 1).then(|| arguments.pop()).flatten();
    if arguments.len() != held {
        let with = if what == "confirm" { ", and one more if it is told a value by `.confirm_with(…)`" } else { "" };
        let message =
            format!("a {what} takes what its try takes: write `fn {}(&mut self{})`{with}", of.ident, taken(handler));
        return Err(Error::new_spanned(&of.inputs, message));
    }
    Ok(Ending {
        ident: of.ident.clone(),
        name: signature::own_name(&of.ident)?,
        takes_tx,
        hold: arguments,
        value,
        doc: signature::documentation(&function.attrs),
        conditions: signature::attributes(function, &["cfg"]),
    })
}

/// An ending is private, and marked by nothing but its name in `#[tentative]`.
fn check_private(function: &ImplItemFn, what: &str) -> Result<()> {
    if !matches!(function.vis, Visibility::Inherited) {
        let message = format!("a {what} is private, as only the platform ends what is tentative: remove `pub`");
        return Err(Error::new_spanned(&function.vis, message));
    }
    Ok(())
}

fn check_output(output: &ReturnType, what: &str) -> Result<()> {
    match output {
        ReturnType::Type(_, ty) if !types::is_unit(ty) => {
            let message = format!(
                "a {what} cannot refuse, as its entity has accepted already, and has nobody to answer: return nothing"
            );
            Err(Error::new_spanned(output, message))
        }
        _ => Ok(()),
    }
}
