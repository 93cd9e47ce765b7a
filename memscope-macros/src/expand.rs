//! The code that records. It cannot fail: all that could be wrong was refused by `check`.
//!
//! ```text
//! fn f(a: A) -> R {                           async fn f(a: A) -> R {
//!     #![inner attributes]                        #![inner attributes]
//!     let scope = { site; enter(&SITE) };         let future = async move {
//!     ({ body })                                      if let Some(r) = None::<R> { return r; }
//! }                                                   ({ body })
//!                                                 };
//!                                                 task({ site; &SITE }, future).await
//!                                             }
//!
//! let x = init;          →   let mark = { site; bind(&SITE) };
//!                            let x = init;
//!                            { use Walk… as _; let value = &x; mark.observe(value, (&&&Probe(value)).walker()); }
//! ```
//!
//! Spans carry the meaning of each token:
//! - what we write has `mixed_site` spans: its locals cannot be seen by the user's code nor see it, its keywords
//!   are of this crate's edition, and lints of the user's crate do not look at it;
//! - the user's tokens keep theirs, so that lints and errors in a body are what they would be without us;
//! - `line!()` and `column!()` have the span of the function's name, since they tell where the outermost
//!   expansion of *their own* span was called, and that of `mixed_site` is the attribute;
//! - the body stays in its own braces within ours: were our `let` the first statement of the body,
//!   `clippy::items_after_statements` would fire on functions that open with an item. The parentheses around it
//!   are ours, and are why `unused_braces` does not fire on `{ x }`: it looks at a block that is a block's value.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Ident, ReturnType, Token, Type, TypeInfer};

use crate::args::{Args, Krate, Name, VariableArgs};
use crate::model::{self, Binding, Function};
use crate::signature;

/// A tracked function.
pub(crate) fn function(args: &Args, function: &Function) -> TokenStream {
    let Function { header, signature, inner_attributes, body, .. } = function;
    let krate = &args.krate;
    let name = match &args.name {
        Some(Name::Literal(name)) => name.to_token_stream(),
        // By way of a constant, so that an error about its type speaks of nothing but the type.
        Some(Name::Const(path)) => quote_spanned! {Span::mixed_site()=>
            { const __MEMSCOPE_NAME: &::core::primitive::str = #path; __MEMSCOPE_NAME }
        },
        None => signature.ident.unraw().to_string().to_token_stream(),
    };
    let is_async = signature.asyncness.is_some();
    let site = Site {
        krate,
        constructor: if is_async { "async_function" } else { "function" },
        name,
        place: signature.ident.span(),
        signature: signature::function(signature),
    };
    let content = if is_async {
        let site = site.block(&quote_spanned!(Span::mixed_site()=> &__MEMSCOPE_SITE));
        let return_edge = return_edge(&signature.output);
        let allow = yields_future(&signature.output)
            .then(|| quote_spanned!(Span::mixed_site()=> #[allow(clippy::async_yields_async)]));
        quote_spanned! {Span::mixed_site()=>
            #inner_attributes
            #allow
            let future = async move { #return_edge (#body) };
            #krate::__private::task(#site, future).await
        }
    } else {
        let enter =
            site.block(&quote_spanned!(Span::mixed_site()=> #krate::__private::enter(&__MEMSCOPE_SITE)));
        quote_spanned! {Span::mixed_site()=>
            #inner_attributes
            let _scope = #enter;
            (#body)
        }
    };
    let mut block = Group::new(Delimiter::Brace, content);
    // The braces are said to be the user's: tools that map code by a function's extent (coverage) see the body.
    block.set_span(body.span());
    quote_spanned!(Span::mixed_site()=> #header #block)
}

/// Whether an async function seems to return a future. `clippy::async_yields_async` takes that for a forgotten
/// `.await` when an async block does it, and there is such a block in the expansion but none in the user's code.
/// Types that are spelled otherwise are not recognised; there the lint can be allowed on the function.
fn yields_future(output: &ReturnType) -> bool {
    fn mentions_future(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                name.ends_with("Future") || name == "JoinHandle"
            }
            TokenTree::Group(group) => mentions_future(group.stream()),
            _ => false,
        })
    }
    matches!(output, ReturnType::Type(_, ty) if mentions_future(ty.to_token_stream()))
}

/// Says what the async block returns. An `async fn` hands the expected type to its body; a block that is an
/// argument gets none, so `Ok(())`, `?` and coercions to trait objects would not compile in it. The first
/// `return` sets the type and all others are coerced to it; this one never runs.
fn return_edge(output: &ReturnType) -> TokenStream {
    let mixed = Span::mixed_site();
    match output {
        ReturnType::Default => edge(mixed, &quote_spanned!(mixed=> ())),
        // `!` cannot be a generic argument, and says nothing about the body.
        ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => TokenStream::new(),
        ReturnType::Type(_, ty) => {
            let mut ty = (**ty).clone();
            let span = mixed.located_at(model::span_of(&ty));
            LeaveOpen.visit_type_mut(&mut ty);
            edge(span, &ty.to_token_stream())
        }
    }
}

fn edge(span: Span, ty: &TokenStream) -> TokenStream {
    quote_spanned! {span=>
        if let ::core::option::Option::Some(value) = ::core::option::Option::None::<#ty> {
            return value;
        }
    }
}

/// Replaces what may not be written inside a body by `_`.
struct LeaveOpen;

impl VisitMut for LeaveOpen {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            // A macro may expand to `impl Trait`.
            Type::ImplTrait(_) | Type::Macro(_) => {
                *ty = Type::Infer(TypeInfer {
                    attrs: Vec::new(),
                    underscore_token: Token![_](Span::mixed_site()),
                });
            }
            // What a function pointer returns may be `!` and never holds `impl Trait`.
            Type::FnPtr(_) => {}
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// A tracked `let`.
///
/// It opens with `{}`, which is a statement and an expression: where the macro stands as an expression, the
/// compiler then says just that, and not also that it found a `let`.
pub(crate) fn binding(options: &VariableArgs, binding: &Binding) -> TokenStream {
    let mixed = Span::mixed_site();
    let krate = &options.krate;
    let names = binding.names();
    let written = {
        let (pattern, annotation) = (&binding.pattern, &binding.annotation);
        signature::tokens(match annotation {
            Some(annotation) => quote_spanned!(mixed=> #pattern: #annotation),
            None => pattern.to_token_stream(),
        })
    };
    let marks = marks(names.len());
    let bound = names.iter().zip(&marks).map(|(name, mark)| {
        let site = Site {
            krate,
            constructor: "variable",
            name: name.unraw().to_string().to_token_stream(),
            place: name.span(),
            signature: written.clone(),
        };
        let bind = site.block(&quote_spanned!(mixed=> #krate::__private::bind(&__MEMSCOPE_SITE)));
        quote_spanned!(mixed=> let #mark = #bind;)
    });
    let statement = &binding.statement;
    let walk = if binding.type_is_evident() { Walk::AsTypeAllows } else { Walk::Nothing };
    let observed = names.iter().zip(&marks).map(|(name, mark)| observe(krate, mark, name, walk));
    quote_spanned! {mixed=>
        {}
        #(#bound)*
        #statement;
        #(#observed)*
    }
}

/// Places that are looked at again.
pub(crate) fn places(options: &VariableArgs, places: &[Expr]) -> TokenStream {
    let mixed = Span::mixed_site();
    let krate = &options.krate;
    let observed = places.iter().zip(marks(places.len())).map(|(place, mark)| {
        let written = signature::tokens(place.to_token_stream());
        let site = Site {
            krate,
            constructor: "variable",
            name: written.trim_start_matches("r#").to_token_stream(),
            place: model::span_of(place),
            signature: written.clone(),
        };
        let rebind = site.block(&quote_spanned!(mixed=> #krate::__private::rebind(&__MEMSCOPE_SITE)));
        let observe = observe(krate, &mark, place, Walk::AsTypeAllows);
        quote_spanned!(mixed=> let #mark = #rebind; #observe)
    });
    quote_spanned!(mixed=> {} #(#observed)*)
}

fn marks(count: usize) -> Vec<Ident> {
    (0..count).map(|index| format_ident!("_mark_{index}", span = Span::mixed_site())).collect()
}

/// How a value is looked into.
#[derive(Clone, Copy)]
enum Walk {
    /// As deep as the traits of its type allow. Asking for them settles a type that is still open, and to the
    /// wrong side: of `Vec<_>` the compiler *may* say that it is `Trackable`, and then holds the program to it
    /// when `_` turns out not to be. So this is for types that are known.
    AsTypeAllows,
    /// Not at all; holds for every type and asks nothing of it.
    Nothing,
}

fn observe(krate: &Krate, mark: &Ident, place: &impl ToTokens, walk: Walk) -> TokenStream {
    let mixed = Span::mixed_site();
    let (traits, probe) = match walk {
        Walk::AsTypeAllows => (
            quote_spanned!(mixed=> {WalkContainer as _, WalkFull as _, WalkNothing as _}),
            quote_spanned!(mixed=> &&&#krate::__private::Probe(value)),
        ),
        Walk::Nothing => (
            quote_spanned!(mixed=> WalkNothing as _),
            quote_spanned!(mixed=> &#krate::__private::Probe(value)),
        ),
    };
    quote_spanned! {mixed=>
        {
            use #krate::__private::#traits;
            let value = &#place;
            #mark.observe(value, (#probe).walker());
        }
    }
}

/// The static facts of a function or variable.
struct Site<'a> {
    krate: &'a Krate,
    /// The function of `Site` that makes it.
    constructor: &'static str,
    /// An expression.
    name: TokenStream,
    /// Where the name stands.
    place: Span,
    signature: String,
}

impl Site<'_> {
    /// A block that holds the static, hands it to the registry, and has the value `result`.
    ///
    /// The names of items are visible to the user's tokens in the block (a path after `name =`), so they are
    /// ones that nobody writes. The marker function is where the key comes from: the compiler's name for it
    /// holds the module, the type and the function, which the macro does not know.
    fn block(&self, result: &TokenStream) -> TokenStream {
        let Self { krate, name, place, signature, .. } = self;
        let constructor = Ident::new(self.constructor, Span::mixed_site());
        let at = quote_spanned!(*place=> ::core::file!(), ::core::line!(), ::core::column!());
        quote_spanned! {Span::mixed_site()=>
            {
                fn __memscope_here() {}
                static __MEMSCOPE_SITE: #krate::__private::Site = #krate::__private::Site::#constructor(
                    #name,
                    || ::core::any::type_name_of_val(&__memscope_here),
                    #at,
                    #signature,
                );
                #krate::__private::inventory::submit! { #krate::__private::SiteRef(&__MEMSCOPE_SITE) }
                #result
            }
        }
    }
}
