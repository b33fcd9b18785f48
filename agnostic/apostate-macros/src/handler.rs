//! One function of a `#[handlers]` block: what kind of handler its signature makes it, and what it must not be.
//!
//! The signature is the contract. `&mut self` changes, `&self` reads; `#[open] pub` is for everybody, `pub` for
//! entities, `#[on]` for the entity itself; `Result<_, Refusal>` can refuse. Everything else is a helper.

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{
    Attribute, Error, FnArg, Ident, ImplItemFn, LitStr, Pat, PatType, Result, ReturnType, Type, Visibility, parse_quote,
};

use crate::names;
use crate::signature::{attributes, check_signature, check_tx, documentation, own_name, receiver_reads};
use crate::tentative::{Ending, Tentative};
use crate::types;

/// A handler, understood.
pub(crate) struct Handler {
    /// The function.
    pub(crate) ident: Ident,
    /// The name that messages know it by, with the place where it is said.
    pub(crate) name: LitStr,
    /// The senders that it takes messages from.
    pub(crate) access: Access,
    /// Whether it takes `&self`.
    pub(crate) reads: bool,
    /// Whether it takes the transaction.
    pub(crate) takes_tx: bool,
    /// The arguments, without the transaction.
    pub(crate) arguments: Vec<Argument>,
    /// The type of the reply, when it does not refuse.
    pub(crate) reply: Type,
    /// Whether it can refuse.
    pub(crate) refusable: bool,
    /// Whether it answers later: `reply` is the type of what is answered then.
    pub(crate) answers_later: bool,
    /// The author's attributes: documentation and deprecation.
    pub(crate) about: Vec<Attribute>,
    /// The documentation as text.
    pub(crate) doc: String,
    /// When it is there at all.
    pub(crate) conditions: Vec<Attribute>,
    /// The content of `#[tentative]`, if it is so.
    pub(crate) tentative: Option<Tentative>,
    /// The confirm and the cancel that it names, once they are found.
    pub(crate) endings: Option<[Ending; 2]>,
}

/// The senders that may send messages to a handler.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// `#[open] pub`: anybody.
    Open,
    /// `pub`: entities.
    Entities,
    /// `#[tentative] pub`: agreements.
    Tentative,
    /// `#[on]`: what the entity itself set in motion.
    Own,
}

/// One argument of a handler, a field of its message.
pub(crate) struct Argument {
    /// The field.
    pub(crate) ident: Ident,
    /// The name in the message. An underscore in front only tells the compiler that it is not used yet.
    pub(crate) name: String,
    /// The type.
    pub(crate) ty: Type,
    /// Serde's attributes, such as a default.
    pub(crate) serde: Vec<Attribute>,
    /// The documentation as text.
    pub(crate) doc: String,
}

/// Reads one function and takes the attributes that are meant for us; none if it is a helper.
pub(crate) fn read(function: &mut ImplItemFn) -> Result<Option<Handler>> {
    let marks = Marks::take(&mut function.attrs)?;
    let Some(access) = access(&marks, function)? else { return Ok(None) };
    check_signature(function)?;
    let reads = receiver_reads(function)?;
    let tentative = marks.tentative.as_ref().map(Tentative::read).transpose()?;
    let name = stable_name(&marks, tentative.as_ref(), &function.sig.ident)?;
    let (takes_tx, arguments) = read_arguments(function, reads, access)?;
    let (reply, refusable, answers_later) = read_reply(&function.sig.output)?;
    let handler = Handler {
        ident: function.sig.ident.clone(),
        name,
        access,
        reads,
        takes_tx,
        arguments,
        reply,
        refusable,
        answers_later,
        about: attributes(function, &["doc", "deprecated"]),
        doc: documentation(&function.attrs),
        conditions: attributes(function, &["cfg"]),
        tentative,
        endings: None,
    };
    check_own(&handler, function)?;
    check_tentative(&handler, function)?;
    check_later(&handler, function)?;
    Ok(Some(handler))
}

/// The attributes of a function that are meant for us.
struct Marks {
    open: Option<Attribute>,
    on: Option<Attribute>,
    handler: Option<Attribute>,
    tentative: Option<Attribute>,
}

impl Marks {
    fn take(attributes: &mut Vec<Attribute>) -> Result<Self> {
        let mut take = |name: &str| {
            let mut marks = attributes.extract_if(.., |attribute| attribute.path().is_ident(name));
            let first = marks.next();
            match marks.next() {
                Some(second) => Err(Error::new_spanned(second, format!("`#[{name}]` is said twice"))),
                None => Ok(first),
            }
        };
        Ok(Self { open: take("open")?, on: take("on")?, handler: take("handler")?, tentative: take("tentative")? })
    }
}

fn access(marks: &Marks, function: &ImplItemFn) -> Result<Option<Access>> {
    let Marks { open, on, handler, tentative } = marks;
    if let (Some(tentative), Some(_)) = (tentative, open.as_ref().or(on.as_ref()).or(handler.as_ref())) {
        let message = "only agreements send to a tentative handler: `#[tentative(…)]` says all that can be said of it";
        return Err(Error::new_spanned(tentative, message));
    }
    if tentative.is_some() {
        return match &function.vis {
            Visibility::Public(_) => Ok(Some(Access::Tentative)),
            Visibility::Inherited | Visibility::Restricted(_) => {
                let message = "a tentative handler is public, as other entities propose to it: write `pub fn`";
                Err(Error::new(function.sig.fn_token.span, message))
            }
        };
    }
    if let (Some(on), Some(_)) = (on, open.as_ref().or(handler.as_ref())) {
        let message = "`#[on]` is for what the entity itself sets in motion; `#[open]` and `#[handler]` are for others: \
                       keep one of them";
        return Err(Error::new_spanned(on, message));
    }
    if let (Some(_), Some(handler)) = (open, handler) {
        return Err(Error::new_spanned(handler, "`#[open]` says it already: write `#[open(name = \"…\")]`"));
    }
    match (&function.vis, open, on, handler) {
        (Visibility::Public(_), Some(_), ..) => Ok(Some(Access::Open)),
        (Visibility::Public(_), None, None, _) => Ok(Some(Access::Entities)),
        (Visibility::Public(public), None, Some(_), _) => {
            let message = "an `#[on]` handler is private, as only the entity itself sets it in motion: remove `pub`";
            Err(Error::new_spanned(public, message))
        }
        (Visibility::Inherited, None, Some(_), _) => Ok(Some(Access::Own)),
        (Visibility::Inherited, None, None, None) => Ok(None),
        (Visibility::Inherited, Some(_), ..) => {
            let message = "an `#[open]` handler is public: write `pub fn`";
            Err(Error::new(function.sig.fn_token.span, message))
        }
        (Visibility::Inherited, None, None, Some(_)) => {
            let message = "a handler for messages of entities is public: write `pub fn`";
            Err(Error::new(function.sig.fn_token.span, message))
        }
        (Visibility::Restricted(restricted), ..) => {
            let message = "a handler is `pub`, and a helper is private; \
                           a helper for the rest of the crate has its place in an `impl` block without `#[handlers]`";
            Err(Error::new_spanned(restricted, message))
        }
    }
}

fn stable_name(marks: &Marks, tentative: Option<&Tentative>, ident: &Ident) -> Result<LitStr> {
    if let Some(name) = tentative.and_then(Tentative::name) {
        return Ok(name.clone());
    }
    for mark in [&marks.open, &marks.on, &marks.handler].into_iter().flatten() {
        if let Some(name) = names::of_attribute(mark)? {
            return Ok(name);
        }
    }
    own_name(ident)
}

fn read_arguments(function: &mut ImplItemFn, reads: bool, access: Access) -> Result<(bool, Vec<Argument>)> {
    let mut takes_tx = false;
    let mut arguments = Vec::<Argument>::new();
    for (at, input) in function.sig.inputs.iter_mut().enumerate() {
        let FnArg::Typed(input) = input else { continue };
        match types::as_tx(&input.ty) {
            Some(tx) => {
                check_tx(&tx, at == 1, reads, &input.ty)?;
                takes_tx = true;
            }
            None => {
                let argument = read_argument(input, access)?;
                if arguments.iter().any(|other| other.name == argument.name) {
                    let message = format!("two arguments are called `{}` in the message", argument.name);
                    return Err(Error::new(argument.ident.span(), message));
                }
                arguments.push(argument);
            }
        }
    }
    Ok((takes_tx, arguments))
}

fn read_argument(input: &mut PatType, access: Access) -> Result<Argument> {
    types::check_owned(&input.ty, "an argument")?;
    let ident = match (input.pat.as_ref(), access) {
        (Pat::Ident(pattern), _) => pattern.ident.clone(),
        // The one argument of an `#[on]` handler is the whole message and needs no name in it.
        (_, Access::Own) => Ident::new("message", Span::call_site()),
        (pattern, _) => {
            return Err(Error::new_spanned(pattern, "name the argument: messages know it by its name"));
        }
    };
    let name = ident.unraw().to_string();
    // The compiler takes no documentation of an argument, and so must not see it.
    let doc = documentation(&input.attrs);
    input.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
    Ok(Argument {
        name: name.trim_start_matches('_').to_owned(),
        ident,
        ty: input.ty.as_ref().clone(),
        serde: input.attrs.extract_if(.., |attribute| attribute.path().is_ident("serde")).collect(),
        doc,
    })
}

/// The type of the reply, whether the handler can refuse, and whether it answers later.
fn read_reply(output: &ReturnType) -> Result<(Type, bool, bool)> {
    let ty = match output {
        ReturnType::Default => return Ok((parse_quote!(()), false, false)),
        ReturnType::Type(_, ty) => ty.as_ref(),
    };
    let (reply, refusable) = match types::as_result(ty).as_deref() {
        None => (ty, false),
        Some([reply, refusal]) if types::is_named(refusal, "Refusal") => (*reply, true),
        Some(_) => {
            let message = "a handler says no with a `Refusal`: write `Result<…, Refusal>`";
            return Err(Error::new_spanned(ty, message));
        }
    };
    let later = types::as_later(reply)?;
    let (reply, answers_later) = later.map_or((reply, false), |answer| (answer, true));
    types::check_owned(reply, "a reply")?;
    Ok((reply.clone(), refusable, answers_later))
}

/// Further rules for a handler that answers later.
fn check_later(handler: &Handler, function: &ImplItemFn) -> Result<()> {
    if !handler.answers_later {
        return Ok(());
    }
    if handler.access == Access::Tentative {
        let message = "a tentative handler accepts or refuses at once: return `Result<…, Refusal>`; one that has to ask others first \
                       proposes an agreement of its own, with `Agreement::under_this_try()`";
        return Err(Error::new_spanned(&function.sig.output, message));
    }
    if handler.reads {
        let message = "a handler that takes `&self` only reads, and keeps no token to answer with: take `&mut self`, or answer at once";
        return Err(Error::new_spanned(&function.sig.output, message));
    }
    if !handler.takes_tx {
        let message = "a handler that answers later has its token from the transaction: take `tx: &mut Tx`, and return `tx.later()`";
        return Err(Error::new_spanned(&function.sig.inputs, message));
    }
    Ok(())
}

/// Further rules for an `#[on]` handler.
fn check_own(handler: &Handler, function: &ImplItemFn) -> Result<()> {
    if handler.access != Access::Own {
        return Ok(());
    }
    if handler.reads {
        let message = "an `#[on]` handler does something about what happened: take `&mut self`";
        return Err(Error::new_spanned(&function.sig.inputs, message));
    }
    if handler.arguments.len() != 1 {
        let message = "an `#[on]` handler takes one argument, which is what it is told, and `tx` in front of it \
                       if it needs the transaction";
        return Err(Error::new_spanned(&function.sig.inputs, message));
    }
    if let Some(attribute) = handler.arguments[0].serde.first() {
        let message = "the argument of an `#[on]` handler is the whole message: this belongs on a field of its type";
        return Err(Error::new_spanned(attribute, message));
    }
    if handler.refusable || handler.answers_later || !types::is_unit(&handler.reply) {
        let message = "an `#[on]` handler has no caller to answer: return nothing";
        return Err(Error::new_spanned(&function.sig.output, message));
    }
    Ok(())
}

/// Further rules for a tentative handler.
fn check_tentative(handler: &Handler, function: &ImplItemFn) -> Result<()> {
    if handler.access != Access::Tentative {
        return Ok(());
    }
    if handler.reads {
        let message = "a tentative handler holds something for its agreement: take `&mut self`";
        return Err(Error::new_spanned(&function.sig.inputs, message));
    }
    if !handler.refusable {
        let message = "a tentative handler accepts or refuses: return `Result<…, Refusal>`, with what it offers in it, \
                       which may be `()`";
        return Err(match &function.sig.output {
            ReturnType::Default => Error::new(function.sig.ident.span(), message),
            output @ ReturnType::Type(..) => Error::new_spanned(output, message),
        });
    }
    Ok(())
}

impl ToTokens for Access {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        tokens.extend(match self {
            Self::Open => quote::quote!(::apostate::macros_support::Access::Open),
            Self::Entities => quote::quote!(::apostate::macros_support::Access::Entities),
            Self::Tentative => quote::quote!(::apostate::macros_support::Access::Tentative),
            Self::Own => quote::quote!(::apostate::macros_support::Access::Own),
        });
    }
}
