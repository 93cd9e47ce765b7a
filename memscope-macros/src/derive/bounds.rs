//! What is asked of a type's parameters: that those which stand in a walked field can be walked.
//!
//! A bound on the field's own type would be more exact, but a type that holds itself (`Vec<Tree<T>>` in a `Tree<T>`) would
//! then be asked of itself. So it is the parameters that are bound, and associated types of theirs.

use proc_macro2::TokenTree;
use quote::ToTokens as _;
use syn::{GenericArgument, Ident, PathArguments, Type};

use super::model::{Subject, is_marker};

/// The types that have to be `Trackable`, each once, in the order of their first place.
pub(super) fn bound_types(subject: &Subject) -> Vec<Type> {
    let parameters: Vec<&Ident> = subject.generics.type_params().map(|parameter| &parameter.ident).collect();
    let mut bound = Vec::new();
    if !parameters.is_empty() {
        let walked = subject.fields().filter(|field| !field.is_skipped);
        walked.for_each(|field| collect(&field.ty, &parameters, &mut bound));
    }
    bound
}

fn collect(ty: &Type, parameters: &[&Ident], bound: &mut Vec<Type>) {
    match ty {
        Type::Array(array) => collect(&array.elem, parameters, bound),
        Type::Group(group) => collect(&group.elem, parameters, bound),
        Type::Paren(paren) => collect(&paren.elem, parameters, bound),
        Type::Slice(slice) => collect(&slice.elem, parameters, bound),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|element| collect(element, parameters, bound)),
        // `<T as Iterator>::Item`.
        Type::Path(path) if path.qself.is_some() && mentions(ty, parameters) => add(ty, bound),
        Type::Path(path) if path.qself.is_none() => {
            let segments = &path.path.segments;
            let is_parameter = path.path.leading_colon.is_none()
                && segments.first().is_some_and(|first| parameters.contains(&&first.ident));
            if is_parameter {
                // `T` itself, or `T::Item`.
                add(ty, bound);
            } else if !is_marker(ty) {
                let arguments = segments.iter().flat_map(|segment| match &segment.arguments {
                    PathArguments::AngleBracketed(generics) => Some(&generics.args),
                    _ => None,
                });
                for argument in arguments.flatten() {
                    match argument {
                        GenericArgument::Type(ty) => collect(ty, parameters, bound),
                        GenericArgument::AssocType(associated) => collect(&associated.ty, parameters, bound),
                        _ => {}
                    }
                }
            }
        }
        // What is borrowed or called owns nothing; what a trait object is, no parameter says; and a macro only the
        // compiler can read.
        _ => {}
    }
}

fn add(ty: &Type, bound: &mut Vec<Type>) {
    let text = |ty: &Type| ty.to_token_stream().to_string();
    if !bound.iter().any(|known| text(known) == text(ty)) {
        bound.push(ty.clone());
    }
}

fn mentions(ty: &Type, parameters: &[&Ident]) -> bool {
    fn any(tree: TokenTree, parameters: &[&Ident]) -> bool {
        match tree {
            TokenTree::Ident(ident) => parameters.contains(&&ident),
            TokenTree::Group(group) => group.stream().into_iter().any(|tree| any(tree, parameters)),
            _ => false,
        }
    }
    ty.to_token_stream().into_iter().any(|tree| any(tree, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::TokenStream;
    use quote::quote;

    fn bound(input: TokenStream) -> Vec<String> {
        let input = syn::parse2(input).expect("it is a type");
        let subject = Subject::read(&input).expect("nothing is wrong with it");
        bound_types(&subject).iter().map(|ty| ty.to_token_stream().to_string()).collect()
    }

    #[test]
    fn parameters_in_walked_fields_are_bound_once_and_no_others() {
        assert_eq!(
            bound(quote!(
                struct A<T, U, V>(Vec<T>, Option<(T, [U; 2])>, #[track(skip)] V);
            )),
            ["T", "U"]
        );
        assert_eq!(
            bound(quote!(
                struct A {
                    text: String,
                }
            )),
            [""; 0]
        );
        assert_eq!(
            bound(quote!(
                struct A<'a, T, U, V>(&'a T, *const U, fn(V) -> V, PhantomData<(T, U, V)>);
            )),
            [""; 0]
        );
        assert_eq!(
            bound(quote!(
                struct A<I: Iterator>(Vec<I::Item>, <I as Iterator>::Item, <u8 as Other>::Item);
            )),
            ["I :: Item", "< I as Iterator > :: Item"]
        );
        assert_eq!(
            bound(quote!(
                enum A<T, U> {
                    One(T),
                    #[track(skip)]
                    Two(U),
                }
            )),
            ["T"]
        );
        assert_eq!(
            bound(quote!(
                struct Tree<T>(T, Vec<Tree<T>>, Box<dyn Fn(T)>);
            )),
            ["T"]
        );
        assert_eq!(
            bound(quote!(
                struct A<const N: usize>([u8; N]);
            )),
            [""; 0]
        );
    }
}
