//! `extern` blocks: each foreign function gets one in front of it, of the same name, safety and ABI.
//!
//! ```text
//! unsafe extern "C" {                 unsafe extern "C" { static VERSION: u32; }
//!     static VERSION: u32;            pub unsafe extern "C" fn compress(a: *mut u8, b: usize) -> i32 {
//!     pub fn compress(        →           unsafe extern "C" { fn compress(a: *mut u8, b: usize) -> i32; }
//!         a: *mut u8, _: usize            use {PassNothing as _, PassPointer as _};
//!     ) -> i32;                           let (site, _scope) = { site; (&SITE, enter(&SITE)) };
//! }                                       (&&Passing(&a)).sent(site);
//!                                         (&&Passing(&b)).sent(site);
//!                                         let result = unsafe { compress(a, b) };
//!                                         (&&Passing(&result)).received(site);
//!                                         result
//!                                     }
//! ```
//!
//! Which of the two traits serves an argument is the compiler's choice by its type: for what is no pointer nothing is
//! left of the call. A function of foreign code that returns nothing, or never, has no result to stamp.
//!
//! What is not a function, and variadic functions (nothing can hand their arguments on), stay in the block. The
//! block's own attributes (`#[link]`) go with each declaration. Attributes that say how the symbol is found
//! (`#[link_name]`) stay on the declaration; the others go to the function that is called.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Attribute, FnArg, ForeignItemFn, Pat, ReturnType, Safety, Type};

use crate::args::Args;
use crate::check;
use crate::expand::Site;
use crate::model::{Foreign, ForeignPiece, braced};
use crate::signature;

/// Attributes of a declaration that say which symbol it is.
const OF_THE_SYMBOL: [&str; 3] = ["link_name", "link_ordinal", "ffi_const"];

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
    let Foreign { attributes, unsafety, abi, inner_attributes, .. } = block;
    let (of_symbol, of_function): (Vec<&Attribute>, Vec<&Attribute>) = function
        .attrs
        .iter()
        .partition(|attribute| OF_THE_SYMBOL.iter().any(|name| attribute.path().is_ident(name)));
    let visibility = &function.vis;
    let declared = &function.sig;
    let is_safe = unsafety.is_some() && matches!(declared.safety, Safety::Safe(_));
    let mut signature = declared.clone();
    let mut arguments = Vec::new();
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        let FnArg::Typed(argument) = input else { continue };
        if !matches!(&*argument.pat, Pat::Ident(_)) {
            let name = format_ident!("argument_{index}", span = mixed);
            *argument.pat = syn::parse_quote!(#name);
        }
        argument.attrs.clear();
        arguments.push(argument.pat.to_token_stream());
    }
    let (ident, generics, inputs, output) =
        (&signature.ident, &signature.generics, &signature.inputs, &signature.output);
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
        (Some(quote_spanned!(mixed=> unsafe)), quote_spanned!(mixed=> unsafe { #call }))
    };
    let call = if returns {
        quote_spanned! {mixed=>
            let result = #call;
            (&&#krate::__private::Passing(&result)).received(site);
            result
        }
    } else {
        call
    };
    quote_spanned! {mixed=>
        #(#of_function)*
        #[allow(improper_ctypes_definitions, non_snake_case)]
        #visibility #safety #abi fn #ident #generics (#inputs) #output {
            #(#attributes)*
            #unsafety #abi {
                #inner_attributes
                #(#of_symbol)*
                #declared;
            }
            #traits
            #enter
            #((&&#krate::__private::Passing(&#arguments)).sent(site);)*
            #call
        }
    }
}
