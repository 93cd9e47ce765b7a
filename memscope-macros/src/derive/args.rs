//! The arguments of `#[track(…)]` in a derive: `crate = path` on the type, `skip` on fields and variants.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Error, Meta};

use crate::args::{self, Krate, Problems};

/// What the attribute stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Type,
    Variant,
    Field,
}

impl Place {
    fn takes(self) -> &'static str {
        match self {
            Place::Type => "`crate = path`",
            Place::Variant | Place::Field => "`skip`",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Place::Type => "a type",
            Place::Variant => "a variant",
            Place::Field => "a field",
        }
    }
}

/// What the attributes of one place say.
#[derive(Default)]
pub(super) struct Args {
    /// Where memscope is.
    pub(super) krate: Option<(Ident, Krate)>,
    /// The place is left out of the walk.
    pub(super) skip: Option<Ident>,
}

impl Args {
    /// Reads all `#[track(…)]` of a place.
    pub(super) fn read(attributes: &[Attribute], place: Place, problems: &mut Problems) -> Self {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("track")) {
            let Meta::List(list) = &attribute.meta else {
                let message = format!("on {} `#[track(…)]` takes {}", place.noun(), place.takes());
                problems.add(Error::new_spanned(attribute.path(), message));
                continue;
            };
            if list.tokens.is_empty() {
                let message =
                    format!("`#[track()]` says nothing; on {} it takes {}", place.noun(), place.takes());
                problems.add(Error::new_spanned(attribute.path(), message));
            }
            for part in args::split_at_commas(list.tokens.clone()) {
                let argument = |input: ParseStream<'_>| argument(input, place, &mut read);
                if let Err(error) = argument.parse2(part) {
                    problems.add(error);
                }
            }
        }
        read
    }
}

/// One argument.
fn argument(input: ParseStream<'_>, place: Place, read: &mut Args) -> syn::Result<()> {
    let result = known_argument(input, place, read);
    // Read to the end, so that the parser adds no complaint of its own.
    input.parse::<TokenStream>()?;
    result
}

fn known_argument(input: ParseStream<'_>, place: Place, read: &mut Args) -> syn::Result<()> {
    let takes = || format!("on {} `#[track(…)]` takes {}", place.noun(), place.takes());
    if !input.peek(Ident::peek_any) {
        return Err(input.error(takes()));
    }
    let key = input.call(Ident::parse_any)?;
    match (key.to_string().as_str(), place) {
        ("skip", Place::Variant | Place::Field) => {
            if !input.is_empty() {
                return Err(input.error("`skip` takes no value"));
            }
            once(&mut read.skip, &key, key.clone())
        }
        ("skip", Place::Type) => Err(Error::new(
            key.span(),
            "`skip` leaves out a field or a variant; a type that is not to be walked needs no derive",
        )),
        ("crate", Place::Type) => {
            let krate = Krate::parse_value(input, &key)?;
            if !input.is_empty() {
                return Err(input.error("expected a comma before the next argument"));
            }
            once(&mut read.krate, &key, (key.clone(), krate))
        }
        ("crate", Place::Variant | Place::Field) => {
            Err(Error::new(key.span(), "`crate` is said once, on the type"))
        }
        (other, _) => Err(Error::new(key.span(), format!("`{other}` is not an argument here; {}", takes()))),
    }
}

fn once<T>(place: &mut Option<T>, key: &Ident, value: T) -> syn::Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice; keep one"))),
    }
}
