//! The implementation. It cannot fail: all that could be wrong was refused by `model`.
//!
//! All that is written here has `mixed_site` spans; a call for a field is said to stand at the field's type, so that the
//! compiler says there that the type is not `Trackable`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{DeriveInput, Error, Type};

use super::args::{Args, Place};
use super::bounds;
use super::model::{Body, Field, Subject, Variant};
use crate::args::{Krate, Problems};
use crate::model::span_of;

/// The implementation of `Trackable`.
pub(super) fn implementation(subject: &Subject) -> TokenStream {
    let mixed = Span::mixed_site();
    let Subject { name, krate, .. } = subject;
    let mut generics = subject.generics.clone();
    let bound = bounds::bound_types(subject);
    if !bound.is_empty() {
        let predicates = &mut generics.make_where_clause().predicates;
        for ty in bound {
            predicates.push(syn::parse_quote_spanned!(mixed=> #ty: #krate::__private::Trackable));
        }
    }
    let visits = visits(subject);
    // A type without fields has nothing to show to anybody.
    let visitor = if subject.fields().any(|field| owns(&field.ty)) {
        quote_spanned!(mixed=> visitor)
    } else {
        quote_spanned!(mixed=> _visitor)
    };
    let sharing = subject.only_field().filter(|field| owns(&field.ty)).map(|field| {
        let member = &field.member;
        quote_spanned! {mixed=>
            fn sharing(&self) -> #krate::__private::Sharing {
                #krate::__private::Trackable::sharing(&self.#member)
            }
        }
    });
    let (parameters, arguments, conditions) = generics.split_for_impl();
    quote_spanned! {mixed=>
        #[automatically_derived]
        #[allow(deprecated)]
        impl #parameters #krate::__private::Trackable for #name #arguments #conditions {
            fn visit_blocks(&self, #visitor: &mut #krate::__private::Visitor<'_>) {
                #visits
            }
            #sharing
        }
    }
}

/// The errors, and an implementation that visits nothing, so that nothing else fails for want of one.
pub(super) fn refused(input: &DeriveInput, error: &Error) -> TokenStream {
    let errors = error.to_compile_error();
    let krate = Args::read(&input.attrs, Place::Type, &mut Problems::default()).krate;
    let krate = krate.map(|(_, krate)| krate).unwrap_or_default();
    let name = &input.ident;
    let (parameters, arguments, conditions) = input.generics.split_for_impl();
    quote_spanned! {Span::mixed_site()=>
        #errors
        #[automatically_derived]
        impl #parameters #krate::__private::Trackable for #name #arguments #conditions {
            fn visit_blocks(&self, _visitor: &mut #krate::__private::Visitor<'_>) {}
        }
    }
}

fn visits(subject: &Subject) -> TokenStream {
    let mixed = Span::mixed_site();
    let krate = &subject.krate;
    match &subject.body {
        Body::Struct { fields, is_packed } => {
            let visits = fields.iter().map(|field| {
                let (member, at) = (&field.member, at(field));
                let place = if *is_packed {
                    quote_spanned!(at=> &{ self.#member })
                } else {
                    quote_spanned!(at=> &self.#member)
                };
                visit(krate, field, &place)
            });
            visits.collect()
        }
        Body::Enum(variants) if variants.is_empty() => quote_spanned!(mixed=> match *self {}),
        Body::Enum(variants) => {
            let arms = variants.iter().map(|variant| arm(krate, variant));
            quote_spanned!(mixed=> match self { #(#arms)* })
        }
    }
}

/// What is done with one variant.
fn arm(krate: &Krate, Variant { name, fields }: &Variant) -> TokenStream {
    let mixed = Span::mixed_site();
    let owners = fields.iter().enumerate().filter(|(_, field)| owns(&field.ty));
    let (bindings, visits): (Vec<TokenStream>, Vec<TokenStream>) = owners
        .map(|(index, field)| {
            let (member, value) = (&field.member, format_ident!("field_{index}", span = at(field)));
            let binding = quote_spanned!(mixed=> #member: #value,);
            (binding, visit(krate, field, &value))
        })
        .unzip();
    quote_spanned!(mixed=> Self::#name { #(#bindings)* .. } => { #(#visits)* })
}

/// What is done with one field.
fn visit(krate: &Krate, field: &Field, place: &impl ToTokens) -> TokenStream {
    if !owns(&field.ty) {
        return TokenStream::new();
    }
    let at = at(field);
    if field.is_skipped {
        quote_spanned!(at=> #krate::__private::left_out(#place, visitor);)
    } else {
        quote_spanned!(at=> #krate::__private::Trackable::visit_blocks(#place, visitor);)
    }
}

/// Where an error about a field stands.
fn at(field: &Field) -> Span {
    Span::mixed_site().located_at(span_of(&field.ty))
}

/// Whether values of a type may own anything, as far as its tokens say. A function pointer may be of a type for which
/// no trait can be implemented (`for<'a> fn(&'a str)`, of many arguments), so none is asked for.
fn owns(ty: &Type) -> bool {
    match ty {
        Type::FnPtr(_) | Type::Ptr(_) | Type::Reference(_) | Type::Never(_) => false,
        Type::Group(group) => owns(&group.elem),
        Type::Paren(paren) => owns(&paren.elem),
        _ => true,
    }
}
