//! `extern` blocks: each foreign function gets one in front of it, of the same name, safety and ABI.
//!
//! ```text
//! unsafe extern "C" {                 unsafe extern "C" { static VERSION: u32; }
//!     static VERSION: u32;            pub unsafe extern "C" fn compress(a: *mut u8, b: usize) -> i32 {
//!     pub fn compress(        →           unsafe extern "C" { fn compress(a: *mut u8, b: usize) -> i32; }
//!         a: *mut u8, _: usize            use {PassNothing as _, PassPointer as _};
//!     ) -> i32;                           let (site, _scope) = { site; (&SITE, enter(&SITE)) };
//! }                                       (&&Passing(&a)).memscope_sent(site);
//!                                         (&&Passing(&b)).memscope_sent(site);
//!                                         let result = unsafe { compress(a, b) };
//!                                         (&&Passing(&result)).memscope_received(site);
//!                                         result
//!                                     }
//! ```
//!
//! Which of the two traits serves an argument is the compiler's choice by its type: for what is no pointer nothing is
//! left of the call. A function of foreign code that returns nothing, or never, has no result to stamp.
//!
//! What is not a function, and variadic functions (nothing can hand their arguments on), stay in the block. The
//! block's own attributes (`#[link]`) go with each declaration. Attributes that say how the symbol is found
//! (`#[link_name]`) stay on the declaration; the others go to the function that is called, with the block's lint levels.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{
    Abi, AttrStyle, Attribute, FnArg, ForeignItemFn, Ident, LitStr, Meta, Pat, ReturnType, Safety, Token,
    Type,
};

use crate::args::Args;
use crate::check;
use crate::expand::Site;
use crate::model::{Foreign, ForeignPiece, braced};
use crate::signature;

/// Attributes of a declaration that say which symbol it is.
const OF_THE_SYMBOL: [&str; 3] = ["link_name", "link_ordinal", "ffi_const"];

/// Attributes that say how loud a lint is.
const LINT_LEVELS: [&str; 5] = ["allow", "expect", "warn", "deny", "forbid"];

/// An `extern` block with its functions tracked.
pub(crate) fn block(args: &Args, block: &Foreign) -> TokenStream {
    let Foreign { attributes, unsafety, abi, braces, inner_attributes, pieces } = block;
    let mut kept = TokenStream::new();
    let mut called = TokenStream::new();
    for piece in pieces {
        match piece {
            ForeignPiece::Function(function) if is_tracked(args, function) => {
                called.extend(in_front(args, block, function));
            }
            ForeignPiece::Function(function) => function.to_tokens(&mut kept),
            ForeignPiece::Other(tokens) => kept.extend(tokens.clone()),
        }
    }
    let attributes = attributes.iter().map(not_expected);
    let kept = braced(quote_spanned!(Span::mixed_site()=> #inner_attributes #kept), braces.span());
    quote_spanned!(Span::mixed_site()=> #(#attributes)* #unsafety #abi #kept #called)
}

fn is_tracked(args: &Args, function: &ForeignItemFn) -> bool {
    function.sig.variadic.is_none()
        && !function.attrs.iter().any(check::is_track)
        && !args.skips(&function.sig.ident)
}

/// The function that is called in place of the foreign one.
fn in_front(args: &Args, block: &Foreign, function: &ForeignItemFn) -> TokenStream {
    let mixed = Span::mixed_site();
    let krate = &args.krate;
    let Foreign { unsafety, inner_attributes, .. } = block;
    let attributes: Vec<Attribute> = block.attributes.iter().map(not_expected).collect();
    let levels = attributes.iter().filter(|attribute| is_level(attribute));
    let inner_levels = inner_levels(inner_attributes);
    let abi = spelled_out(&block.abi);
    let attributes_of_it = function.attrs.iter().flat_map(separated);
    let (of_symbol, of_function): (Vec<Attribute>, Vec<Attribute>) =
        attributes_of_it.partition(|attribute| is_any(attribute, &OF_THE_SYMBOL));
    let visibility = &function.vis;
    let declared = &function.sig;
    let is_safe = unsafety.is_some() && matches!(declared.safety, Safety::Safe(_));
    let mut signature = declared.clone();
    let mut arguments = Vec::new();
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        let FnArg::Typed(argument) = input else { continue };
        let is_own = |name: &Ident| *name != declared.ident && !is_item_elsewhere(block, name);
        if !matches!(&*argument.pat, Pat::Ident(pattern) if is_own(&pattern.ident)) {
            let name = format_ident!("argument_{index}", span = mixed);
            *argument.pat = syn::parse_quote!(#name);
        }
        argument.attrs.clear();
        arguments.push(argument.pat.to_token_stream());
    }
    let (ident, generics, inputs, output) =
        (&signature.ident, &signature.generics, &signature.inputs, &signature.output);
    let clause = &generics.where_clause;
    // From first to last, both functions are said to be the user's: then the lints that fire on them still do. What
    // clippy asks of functions with a body only is not asked of these.
    let keyword = &declared.fn_token;
    let site = Site {
        krate,
        constructor: "foreign_function",
        name: ident.unraw().to_string().to_token_stream(),
        place: ident.span(),
        signature: signature::function(declared),
        budget: None,
    };
    let returns = match output {
        ReturnType::Default => false,
        ReturnType::Type(_, ty) => match &**ty {
            Type::Never(_) => false,
            Type::Tuple(tuple) => !tuple.elems.is_empty(),
            _ => true,
        },
    };
    let stamps = returns || !arguments.is_empty();
    let enter = quote_spanned!(mixed=> #krate::__private::enter(&__MEMSCOPE_SITE));
    let enter = if stamps {
        let enter = site.block(&quote_spanned!(mixed=> (&__MEMSCOPE_SITE, #enter)));
        quote_spanned!(mixed=> let (site, _scope) = #enter;)
    } else {
        let enter = site.block(&enter);
        quote_spanned!(mixed=> let _scope = #enter;)
    };
    let traits =
        stamps.then(|| quote_spanned!(mixed=> use #krate::__private::{PassNothing as _, PassPointer as _};));
    let call = quote_spanned!(mixed=> #ident(#(#arguments),*));
    let (safety, call) = if is_safe {
        (None, call)
    } else {
        (Some(quote_spanned!(keyword.span=> unsafe)), quote_spanned!(mixed=> unsafe { #call }))
    };
    let call = if returns {
        quote_spanned! {mixed=>
            let result = #call;
            (&&#krate::__private::Passing(&result)).memscope_received(site);
            result
        }
    } else {
        call
    };
    let end = &function.semi_token;
    let content = quote_spanned! {mixed=>
        #(#attributes)*
        #unsafety #abi {
            #inner_attributes
            #(#of_symbol)*
            #declared #end
        }
        #traits
        #enter
        #((&&#krate::__private::Passing(&#arguments)).memscope_sent(site);)*
        #call
    };
    let content = braced(content, function.semi_token.span);
    quote_spanned! {mixed=>
        #(#levels)*
        #(#inner_levels)*
        #(#of_function)*
        #[allow(
            improper_ctypes_definitions, non_snake_case, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref,
            clippy::must_use_candidate, clippy::used_underscore_binding, clippy::missing_inline_in_public_items,
            clippy::needless_lifetimes, clippy::min_ident_chars, clippy::similar_names, clippy::many_single_char_names,
            clippy::arbitrary_source_item_ordering
        )]
        #visibility #safety #abi #keyword #ident #generics (#inputs) #output #clause #content
    }
}

/// Whether a name in a pattern could be read as that of an item: of a constant, by its spelling, or of one in the block.
fn is_item_elsewhere(block: &Foreign, name: &Ident) -> bool {
    let declared = |piece: &ForeignPiece| match piece {
        ForeignPiece::Function(_) => false,
        ForeignPiece::Other(tokens) => {
            tokens.clone().into_iter().any(|tree| matches!(tree, TokenTree::Ident(word) if word == *name))
        }
    };
    name.to_string().starts_with(char::is_uppercase) || block.pieces.iter().any(declared)
}

/// The ABI with its name, which `extern` alone leaves out: that is deprecated, and to be said of the user's own only.
fn spelled_out(abi: &Abi) -> Abi {
    let mut abi = abi.clone();
    abi.name.get_or_insert_with(|| LitStr::new("C", abi.extern_token.span));
    abi
}

/// Whether an attribute is one of these, or holds one on a condition.
fn is_any(attribute: &Attribute, names: &[&str]) -> bool {
    let holds = |tokens: TokenStream| {
        tokens
            .into_iter()
            .any(|tree| matches!(tree, TokenTree::Ident(word) if names.iter().any(|name| word == name)))
    };
    names.iter().any(|name| attribute.path().is_ident(name))
        || attribute.path().is_ident("cfg_attr")
            && attribute.meta.require_list().is_ok_and(|list| holds(list.tokens.clone()))
}

fn is_level(attribute: &Attribute) -> bool {
    is_any(attribute, &LINT_LEVELS)
}

/// `#[cfg_attr(…, a, b)]` as one attribute for each.
fn separated(attribute: &Attribute) -> Vec<Attribute> {
    let parts = Punctuated::<Meta, Token![,]>::parse_terminated;
    let Ok(parts) = attribute.parse_args_with(parts) else { return vec![attribute.clone()] };
    let mut parts = parts.into_iter();
    match parts.next() {
        Some(condition) if attribute.path().is_ident("cfg_attr") => parts
            .map(|part| {
                let mut one = attribute.clone();
                one.meta = syn::parse_quote!(cfg_attr(#condition, #part));
                one
            })
            .collect(),
        _ => vec![attribute.clone()],
    }
}

/// What is expected once of a block cannot be of each of its parts, so it is allowed there.
fn not_expected(attribute: &Attribute) -> Attribute {
    let mut attribute = attribute.clone();
    if let Meta::List(list) = &mut attribute.meta {
        if list.path.is_ident("expect") {
            list.path = Ident::new("allow", Span::mixed_site()).into();
        }
    }
    attribute
}

/// The lint levels that a block sets for itself, for a function beside it.
fn inner_levels(inner_attributes: &TokenStream) -> Vec<Attribute> {
    let attributes = Attribute::parse_inner.parse2(inner_attributes.clone()).unwrap_or_default();
    let levels = attributes.iter().filter(|attribute| is_level(attribute)).map(not_expected);
    let outer = levels.map(|mut attribute| {
        attribute.style = AttrStyle::Outer;
        attribute
    });
    outer.collect()
}
