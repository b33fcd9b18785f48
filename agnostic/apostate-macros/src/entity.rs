//! `#[entity]`: reads a struct; writes its `Entity`, its reference type, and `at`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Error, Fields, Ident, Item, ItemStruct, LitInt, LitStr, Path, Result, Token, Visibility};

use crate::{activities, data, fields, names, signature};

/// Writes the code for `#[entity(…)]` above `item`.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let parsed = read_struct(item.clone());
    let (settings, state) = match (syn::parse2::<Settings>(arguments), parsed) {
        (Ok(settings), Ok(state)) => (settings, state),
        (Err(error), Ok(state)) => return with_error(&state, error),
        (_, Err(error)) => return with_error(&item, error),
    };
    let checked = check_state(&state).and_then(|()| activities::find(&state).map(|_| ()));
    match checked.and_then(|()| CheckedSettings::new(settings, &state)) {
        Ok(checked) => checked.write(state),
        Err(error) => with_error(&state, error),
    }
}

/// The item stays, so that the compiler does not miss the type all over the crate.
fn with_error(item: &impl ToTokens, error: Error) -> TokenStream {
    let error = error.into_compile_error();
    quote!(#item #error)
}

fn read_struct(item: TokenStream) -> Result<ItemStruct> {
    let wrong = match syn::parse2::<Item>(item)? {
        Item::Struct(state) => return Ok(state),
        Item::Enum(item) => item.enum_token.to_token_stream(),
        Item::Union(item) => item.union_token.to_token_stream(),
        item => item.to_token_stream(),
    };
    Err(Error::new_spanned(wrong, "an entity is a struct with named fields"))
}

fn check_state(state: &ItemStruct) -> Result<()> {
    if !state.generics.params.is_empty() {
        let message = "an entity has no generics, as the name of its kind stands for one shape of state; \
                       declare one entity for each type";
        return Err(Error::new_spanned(&state.generics, message));
    }
    match &state.fields {
        Fields::Named(_) => Ok(()),
        _ => {
            let message = format!(
                "an entity has named fields, as its state is stored by them: write `struct {} {{ … }}`",
                state.ident
            );
            Err(Error::new_spanned(&state.ident, message))
        }
    }
}

/// The settings in the brackets, as they stand there.
#[derive(Default)]
struct Settings {
    name: Option<LitStr>,
    version: Option<LitInt>,
    migrate: Option<Path>,
}

impl Parse for Settings {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut settings = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let again = match key.to_string().as_str() {
                "name" => settings.name.replace(input.parse()?).is_some(),
                "version" => settings.version.replace(input.parse()?).is_some(),
                "migrate" => settings.migrate.replace(input.parse()?).is_some(),
                _ => {
                    let message = format!("`#[entity]` knows `name`, `version` and `migrate`, but no `{key}`");
                    return Err(Error::new(key.span(), message));
                }
            };
            if again {
                return Err(Error::new(key.span(), format!("`{key}` is said twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(settings)
    }
}

/// The settings, checked.
struct CheckedSettings {
    name: LitStr,
    versions: Option<(u32, Path)>,
}

impl CheckedSettings {
    fn new(settings: Settings, state: &ItemStruct) -> Result<Self> {
        let Settings { name, version, migrate } = settings;
        let name = name.ok_or_else(|| {
            let message = format!(
                "name the kind: `#[entity(name = \"{}\")]`; stored states keep that name when the struct is renamed",
                names::proposal(&state.ident)
            );
            Error::new_spanned(&state.ident, message)
        })?;
        names::check(&name)?;
        let versions = match (version, migrate) {
            (None, None) => None,
            (Some(version), Some(migrate)) => Some((read_version(&version)?, migrate)),
            (Some(version), None) => {
                let message = "say how states of older versions are read: `migrate = path::to::function`";
                return Err(Error::new_spanned(version, message));
            }
            (None, Some(migrate)) => {
                let message = "a state is migrated when the version was raised: say `version = 1` as well";
                return Err(Error::new_spanned(migrate, message));
            }
        };
        Ok(Self { name, versions })
    }

    fn write(self, mut state: ItemStruct) -> TokenStream {
        let Self { name, versions } = self;
        let shown = activities::skipped(&state);
        // Derives that stand above `#[entity]` have run already and left nothing for serde's attributes to belong to.
        if data::serde_derive(&state.attrs).is_some() {
            state = shown.clone();
            if !data::names_serde_path(&state.attrs) {
                state.attrs.push(data::serde_path());
            }
        }
        let activities = activities::write(&state);
        let entity = &state.ident;
        let reference = format_ident!("{entity}Ref");
        let reference_type = write_reference(entity, &reference, &state.vis);
        let doc = signature::documentation(&state.attrs);
        let generator = Ident::new("generator", Span::mixed_site());
        let state_schema = fields::state(&generator, &shown);
        let checks = fields::check_stored(&shown);
        let versions = versions.map(write_versions);
        quote! {
            #checks

            #state

            impl ::apostate::Entity for #entity {
                const NAME: &'static str = #name;
                const DOC: &'static str = #doc;
                #versions
                #activities

                fn state_schema(
                    #generator: &mut ::apostate::schemars::SchemaGenerator,
                ) -> ::apostate::schemars::Schema {
                    #state_schema
                }
            }

            #reference_type

            #[allow(dead_code, unreachable_pub)]
            impl #entity {
                /// The entity of this kind with the key `key`, to send messages to. It need not exist yet.
                pub fn at(key: impl ::apostate::ToKey) -> #reference {
                    #reference { key: ::apostate::ToKey::to_key(key) }
                }
            }
        }
    }
}

/// The type that names an entity by its key.
fn write_reference(entity: &Ident, reference: &Ident, visibility: &Visibility) -> TokenStream {
    let about = format!(" A [`{entity}`] by its key, to send messages to. Made by [`{entity}::at`].");
    quote! {
        #[doc = #about]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #visibility struct #reference {
            key: ::core::result::Result<::apostate::EntityKey, ::apostate::KeyError>,
        }

        impl ::apostate::ToPartner for #reference {
            fn address(&self) -> ::apostate::Address {
                ::apostate::macros_support::partner::<#entity>(&self.key)
            }
        }

        impl ::apostate::macros_support::Reference for #reference {
            fn into_key(self) -> ::core::result::Result<::apostate::EntityKey, ::apostate::KeyError> {
                self.key
            }
        }
    }
}

fn write_versions((version, migrate): (u32, Path)) -> TokenStream {
    quote! {
        const VERSION: u32 = #version;

        fn migrate(
            from: u32,
            bytes: &[u8],
        ) -> ::core::result::Result<Self, ::apostate::StateError> {
            #migrate(from, bytes)
        }
    }
}

fn read_version(version: &LitInt) -> Result<u32> {
    match version.base10_parse() {
        Ok(0) => Err(Error::new_spanned(version, "0 is the version of a state that never had another: raise it to 1")),
        Ok(version) => Ok(version),
        Err(error) => Err(error),
    }
}
