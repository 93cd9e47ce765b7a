//! The type that is derived for, as far as the expansion needs it; and what cannot be derived.

use syn::{Data, DeriveInput, Error, Fields, Generics, Ident, Member, Type};

use super::args::{Args, Place};
use crate::args::{Krate, Problems};

/// A type that can be walked.
pub(super) struct Subject {
    pub(super) name: Ident,
    pub(super) generics: Generics,
    /// Where memscope is.
    pub(super) krate: Krate,
    pub(super) body: Body,
}

/// What it is made of.
pub(super) enum Body {
    Struct {
        fields: Vec<Field>,
        /// Its fields cannot be borrowed where they are.
        is_packed: bool,
    },
    Enum(Vec<Variant>),
}

/// A variant of an enum.
pub(super) struct Variant {
    pub(super) name: Ident,
    pub(super) fields: Vec<Field>,
}

/// A field.
pub(super) struct Field {
    pub(super) member: Member,
    pub(super) ty: Type,
    /// It is left out of the walk.
    pub(super) is_skipped: bool,
}

impl Subject {
    /// Reads a type.
    ///
    /// # Errors
    ///
    /// All that is wrong with it and its arguments, each at its token.
    pub(super) fn read(input: &DeriveInput) -> syn::Result<Self> {
        let mut problems = Problems::default();
        let args = Args::read(&input.attrs, Place::Type, &mut problems);
        let body = match &input.data {
            Data::Struct(data) => Body::Struct {
                fields: fields(&data.fields, false, &mut problems),
                is_packed: is_packed(input),
            },
            Data::Enum(data) => Body::Enum(
                data.variants
                    .iter()
                    .map(|variant| {
                        let args = Args::read(&variant.attrs, Place::Variant, &mut problems);
                        let fields = fields(&variant.fields, args.skip.is_some(), &mut problems);
                        Variant { name: variant.ident.clone(), fields }
                    })
                    .collect(),
            ),
            Data::Union(data) => {
                problems.add(Error::new(
                    data.union_token.span,
                    "`Trackable` cannot be derived for a union: only unsafe code knows which field it holds; \
                     implement it by hand",
                ));
                Body::Enum(Vec::new())
            }
        };
        problems.into_result(Self {
            name: input.ident.clone(),
            generics: input.generics.clone(),
            krate: args.krate.map(|(_, krate)| krate).unwrap_or_default(),
            body,
        })
    }

    /// The fields of all variants.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let (own, variants) = match &self.body {
            Body::Struct { fields, .. } => (&fields[..], &[][..]),
            Body::Enum(variants) => (&[][..], &variants[..]),
        };
        own.iter().chain(variants.iter().flat_map(|variant| &variant.fields))
    }

    /// The field that the type is a new name for, if it is a struct of one field, markers aside.
    pub(super) fn only_field(&self) -> Option<&Field> {
        let Body::Struct { fields, is_packed: false } = &self.body else { return None };
        let mut fields = fields.iter().filter(|field| !is_marker(&field.ty));
        match (fields.next(), fields.next()) {
            (Some(only), None) if !only.is_skipped => Some(only),
            _ => None,
        }
    }
}

fn fields(fields: &Fields, all_skipped: bool, problems: &mut Problems) -> Vec<Field> {
    let fields = fields.iter().zip(fields.members()).map(|(field, member)| {
        let args = Args::read(&field.attrs, Place::Field, problems);
        Field { member, ty: field.ty.clone(), is_skipped: all_skipped || args.skip.is_some() }
    });
    fields.collect()
}

/// Whether a type is a `PhantomData`, by its name.
pub(super) fn is_marker(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "PhantomData"))
}

fn is_packed(input: &DeriveInput) -> bool {
    let mut is_packed = false;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        // What cannot be read as a `repr` is the compiler's to refuse.
        let _ = attribute.parse_nested_meta(|meta| {
            is_packed |= meta.path.is_ident("packed");
            if meta.input.peek(syn::token::Paren) {
                let content;
                syn::parenthesized!(content in meta.input);
                content.parse::<proc_macro2::TokenStream>()?;
            }
            Ok(())
        });
    }
    is_packed
}
