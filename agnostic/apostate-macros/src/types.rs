//! Types as the macros have to know them: the transaction, a refusal, and borrows that no message can carry.
//!
//! A macro sees names, not types, so these go by the last segment of a path: `Tx`, `apostate::Tx<'_>`.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, GenericArgument, PathArguments, Result, Type, TypeReference};

/// How a function asks for its transaction.
pub(crate) enum TxType {
    /// `&Tx`.
    Shared,
    /// `&mut Tx`.
    Mutable,
    /// `Tx` by value, which a handler never gets.
    Owned,
}

/// How `ty` is a transaction, if it is one.
pub(crate) fn as_tx(ty: &Type) -> Option<TxType> {
    match ty {
        Type::Reference(TypeReference { elem, mutability, .. }) => match (is_named(elem, "Tx"), mutability) {
            (true, Some(_)) => Some(TxType::Mutable),
            (true, None) => Some(TxType::Shared),
            (false, _) => None,
        },
        _ => is_named(ty, "Tx").then_some(TxType::Owned),
    }
}

/// Whether the path of `ty` ends in `name`.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == name),
        Type::Paren(inner) => is_named(&inner.elem, name),
        Type::Group(inner) => is_named(&inner.elem, name),
        _ => false,
    }
}

/// The type arguments of a `Result<…>`, if `ty` is one.
pub(crate) fn as_result(ty: &Type) -> Option<Vec<&Type>> {
    let Type::Path(path) = ty else { return None };
    let result = path.path.segments.last().filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &result.arguments else {
        return Some(Vec::new());
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// The type of what is answered later, if `ty` is a `Later<…>`.
pub(crate) fn as_later(ty: &Type) -> Result<Option<&Type>> {
    let Type::Path(path) = ty else { return Ok(None) };
    let Some(later) = path.path.segments.last().filter(|segment| segment.ident == "Later") else { return Ok(None) };
    let PathArguments::AngleBracketed(arguments) = &later.arguments else {
        return Err(Error::new_spanned(ty, "say what is answered later: write `Later<…>`"));
    };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    match types.next() {
        Some(answer) if as_result(answer).is_some() => {
            let message =
                "what is answered later can always be a refusal, by `tx.refuse(…)`: write the type of the reply alone";
            Err(Error::new_spanned(answer, message))
        }
        answer => Ok(answer),
    }
}

/// Whether `ty` is `()`.
pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Refuses borrows and anonymous types in `what`: a message and its reply outlive both sides.
pub(crate) fn check_owned(ty: &Type, what: &str) -> Result<()> {
    if let Type::Reference(reference) = ty {
        let message = format!("{what} is owned, as it outlives its sender: write `{}`", owned(reference));
        return Err(Error::new_spanned(ty, message));
    }
    if let Type::ImplTrait(_) = ty {
        return Err(Error::new_spanned(ty, format!("{what} has one type that both sides know: name it")));
    }
    match borrows(ty.to_token_stream()) {
        true => {
            Err(Error::new_spanned(ty, format!("{what} is owned, as it outlives its sender: borrow nothing in it")))
        }
        false => Ok(()),
    }
}

/// The owned type to write in place of a reference.
fn owned(reference: &TypeReference) -> String {
    match reference.elem.as_ref() {
        elem if is_named(elem, "str") => "String".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", shown(&slice.elem)),
        elem => shown(elem),
    }
}

/// `ty` as an author would write it.
pub(crate) fn shown(ty: &Type) -> String {
    ty.to_token_stream().to_string().replace(" < ", "<").replace(" >", ">").replace(" :: ", "::")
}

/// Whether a `&`, or a lifetime that ends, is anywhere in `tokens`.
fn borrows(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let borrows = match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => true,
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                !matches!(tokens.peek(), Some(TokenTree::Ident(ident)) if ident == "static")
            }
            TokenTree::Group(group) => borrows(group.stream()),
            _ => false,
        };
        if borrows {
            return true;
        }
    }
    false
}

/// `tokens` with `Self` written out, for a place where it would mean something else.
pub(crate) fn without_self(tokens: impl ToTokens, entity: &Type) -> TokenStream {
    let write_out = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => quote!(#entity),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), without_self(group.stream(), entity));
            inner.set_span(group.span());
            TokenTree::Group(inner).into_token_stream()
        }
        token => token.into_token_stream(),
    };
    tokens.into_token_stream().into_iter().map(write_out).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn a_transaction_is_known_by_the_end_of_its_path() {
        assert!(matches!(as_tx(&parse_quote!(&mut Tx)), Some(TxType::Mutable)));
        assert!(matches!(as_tx(&parse_quote!(&apostate::Tx<'_>)), Some(TxType::Shared)));
        assert!(matches!(as_tx(&parse_quote!(Tx<'_>)), Some(TxType::Owned)));
        assert!(as_tx(&parse_quote!(&mut Text)).is_none());
    }

    #[test]
    fn a_borrow_is_found_wherever_it_hides() {
        for ty in ["&str", "Option<&str>", "(u32, [&'static str; 2])", "Cow<'_, str>", "impl Into<String>"] {
            let ty: Type = syn::parse_str(ty).unwrap();
            assert!(check_owned(&ty, "an argument").is_err(), "{}", shown(&ty));
        }
        for ty in ["String", "Vec<Option<(u32, Line)>>", "Cow<'static, str>", "[u8; 4]"] {
            let ty: Type = syn::parse_str(ty).unwrap();
            assert!(check_owned(&ty, "an argument").is_ok(), "{}", shown(&ty));
        }
    }

    #[test]
    fn a_reference_is_answered_with_the_type_to_write() {
        for (reference, owned) in [("&str", "`String`"), ("&[Line]", "`Vec<Line>`"), ("&a::B<C>", "`a::B<C>`")] {
            let ty: Type = syn::parse_str(reference).unwrap();
            let message = check_owned(&ty, "an argument").unwrap_err().to_string();
            assert!(message.ends_with(owned), "{message}");
        }
    }

    #[test]
    fn self_is_written_out_at_any_depth() {
        let written = without_self(quote!(Vec<(Self, Option<Self>)>), &parse_quote!(Stock));
        assert_eq!(written.to_string(), quote!(Vec<(Stock, Option<Stock>)>).to_string());
    }
}
