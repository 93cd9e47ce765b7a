//! The code that records. It cannot fail: all that could be wrong was refused by `check`.
//!
//! ```text
//! fn f(a: A) -> R {                           async fn f(a: A) -> R {
//!     #![inner attributes]                        #![inner attributes]
//!     let scope = { site; enter(&SITE) };         let future = async move { let _ = &a;
//!     ({ body })                                      if let Some(r) = None::<R> { return r; }
//! }                                                   ({ body })
//!                                                 };
//!                                                 task({ site; &SITE }, future).await
//!                                             }
//!
//! fn f(a: A) -> impl Future {                 let x = init;   →   let mark = { site; bind(&SITE) };
//!     let (site, scope) =                                         let x = init;
//!         { site; (&SITE, enter(&SITE)) };                        { use Walk… as _; let value = &x;
//!     ({ …; future(site, async move { … }) })                       mark.observe(value, (&&&&Probe(value)).memscope_walker()); }
//! }
//! ```
//!
//! Spans carry the meaning of each token:
//! - what we write has `mixed_site` spans: its locals cannot be seen by the user's code nor see it, its keywords
//!   are of this crate's edition, and lints of the user's crate do not look at it;
//! - the user's tokens keep theirs, so that lints and errors in a body are what they would be without us;
//! - `line!()` and `column!()` have the span of the function's name, since they tell where the outermost
//!   expansion of *their own* span was called, and that of `mixed_site` is the attribute;
//! - an async block drops what it took in in the order in which it was first named, so ours names the arguments first
//!   of all, backwards: that is the order of an `async fn`;
//! - the body stays in its own braces within ours: were our `let` the first statement of the body,
//!   `clippy::items_after_statements` would fire on functions that open with an item. The parentheses around it
//!   are ours, and are why `unused_braces` does not fire on `{ x }`: it looks at a block that is a block's value.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Ident, ReturnType, Token, Type, TypeInfer};

use crate::args::{Args, Krate, Name, VariableArgs};
use crate::binding::Binding;
use crate::body;
use crate::check::{self, Tracked};
use crate::foreign;
use crate::model::{self, Argument, Block, Function, Piece, TakenIn, braced, braces};
use crate::signature;

/// What `#[track]` stands on, tracked.
pub(crate) fn item(args: &Args, tracked: &Tracked) -> TokenStream {
    match tracked {
        Tracked::Function(tracked) => function(args, tracked),
        Tracked::Block(tracked) => block(args, tracked),
        Tracked::Foreign(tracked) => foreign::block(args, tracked),
    }
}

/// A block with its functions tracked.
fn block(args: &Args, block: &Block) -> TokenStream {
    let Block { header, braces, inner_attributes, pieces, .. } = block;
    let of_each = args.of_each_function();
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Function(inner) if check::is_tracked_with_block(inner, args) => function(&of_each, inner),
        Piece::Function(inner) => inner.tokens(),
        Piece::Block(inner) if check::is_block_tracked_with(inner) => self::block(args, inner),
        Piece::Block(inner) => inner.tokens.clone(),
        Piece::Other(tokens) => tokens.clone(),
    });
    let content = quote_spanned!(Span::mixed_site()=> #inner_attributes #(#pieces)*);
    let content = braced(content, braces.span());
    quote_spanned!(Span::mixed_site()=> #header #content)
}

/// A tracked function.
fn function(args: &Args, function: &Function) -> TokenStream {
    if is_canonical(function) {
        return function.tokens();
    }
    let Function { header, signature, inner_attributes, .. } = function;
    let mixed = Span::mixed_site();
    let krate = &args.krate;
    let name = match &args.name {
        Some((_, Name::Literal(name))) => name.to_token_stream(),
        // By way of a constant, so that an error about its type speaks of nothing but the type.
        Some((_, Name::Const(path))) => quote_spanned! {mixed=>
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
        budget: budget(args),
    };
    let body = if args.vars.is_some() { with_variables(args, function) } else { function.body.clone() };
    let arguments = if args.vars.is_some() { arguments(args, function) } else { TokenStream::new() };
    let content = if is_async {
        let block = site.block(&quote_spanned!(mixed=> &__MEMSCOPE_SITE));
        let task = match site.budget {
            None => quote_spanned!(mixed=> #krate::__private::task(#block, future)),
            Some(_) => quote_spanned! {mixed=>
                {
                    let site = #block;
                    #krate::__private::task(site, #krate::__private::within(site, future))
                }
            },
        };
        let return_edge = return_edge(&signature.output);
        let allow = yields_future(&signature.output)
            .then(|| quote_spanned!(mixed=> #[allow(clippy::async_yields_async)]));
        let take_in = take_in(&function.taken_in());
        quote_spanned! {mixed=>
            #inner_attributes
            #allow
            let future = async move { #take_in #return_edge #arguments (#body) };
            #task.await
        }
    } else {
        let enter = match site.budget {
            None => quote_spanned!(mixed=> #krate::__private::enter(&__MEMSCOPE_SITE)),
            Some(_) => quote_spanned!(mixed=> #krate::__private::enter_within(&__MEMSCOPE_SITE)),
        };
        match with_returned_future(krate, &body) {
            None => {
                let enter = site.block(&enter);
                quote_spanned! {mixed=>
                    #inner_attributes
                    let _scope = #enter;
                    #arguments
                    (#body)
                }
            }
            Some(body) => {
                let enter = site.block(&quote_spanned!(mixed=> (&__MEMSCOPE_SITE, #enter)));
                quote_spanned! {mixed=>
                    #inner_attributes
                    let (site, _scope) = #enter;
                    #arguments
                    (#body)
                }
            }
        }
    };
    // The braces are said to be the user's: tools that map code by a function's extent (coverage) see the body.
    let block = braced(content, function.body.span());
    let allow = allowance(function);
    quote_spanned!(mixed=> #allow #header #block)
}

/// Clippy exempts a function with an empty body, which ours is not.
fn allowance(function: &Function) -> Option<TokenStream> {
    let is_generic = function.signature.generics.type_params().next().is_some();
    (is_generic && braces(&function.body)?.stream().is_empty())
        .then(|| quote_spanned!(Span::mixed_site()=> #[allow(clippy::extra_unused_type_parameters)]))
}

/// Whether a method's body is the one that clippy wants of it (`non_canonical_partial_ord_impl`, and of a `Copy` type
/// `non_canonical_clone_impl`). Ours in front would hide it and have the `impl` reported. Such a body allocates nothing
/// itself, so it is left as it is.
fn is_canonical(function: &Function) -> bool {
    let name = &function.signature.ident;
    let written = |block: Group| block.stream().to_string().split_whitespace().collect::<String>();
    let Some(written) = braces(&function.body).map(written) else { return false };
    let Some(other) = function.all_arguments().into_iter().next() else {
        return name == "clone" && written == "*self";
    };
    let compared = format!("self.cmp({})", other.name);
    name == "partial_cmp"
        && (written == format!("Some({compared})") || written == format!("{compared}.into()"))
}

/// Names what an async block takes in, in the order in which it is dropped.
///
/// What the body does not read is named in a binding of the argument's own tokens, of which the compiler says that it
/// is not used, as it would of the argument.
fn take_in(names: &[TakenIn]) -> TokenStream {
    let mixed = Span::mixed_site();
    let named = names.iter().map(|TakenIn { name, conditions, is_read }| {
        if *is_read {
            let allow = name.to_string().starts_with('_');
            let allow = allow.then(|| quote_spanned!(mixed=> #[allow(clippy::used_underscore_binding)]));
            quote_spanned!(mixed=> #(#conditions)* #allow let _ = &#name;)
        } else {
            quote_spanned!(mixed=> #(#conditions)* { let #name = &#name; })
        }
    });
    named.collect()
}

/// A function's body with the future that it ends in run in the function's scope, if it ends in one.
fn with_returned_future(krate: &Krate, body: &TokenTree) -> Option<TokenTree> {
    let block = braces(body)?;
    let content = body::wrap_returned_future(
        &block.stream(),
        &|future| quote_spanned!(Span::mixed_site()=> #krate::__private::future(site, #future)),
    )?;
    Some(braced(content, block.span()).into())
}

/// A function's body with its `let`s tracked.
fn with_variables(args: &Args, function: &Function) -> TokenTree {
    let Some(block) = braces(&function.body) else { return function.body.clone() };
    let content = body::track_lets(block.stream(), &mut |binding, names| {
        let names: Vec<Ident> = names.iter().filter(|name| !args.skips(name)).cloned().collect();
        let_of(&args.krate, binding, &names)
    });
    braced(content, block.span()).into()
}

/// The arguments, tracked. Their types are known, whatever the pattern.
fn arguments(args: &Args, function: &Function) -> TokenStream {
    let mut arguments = function.arguments();
    arguments.retain(|argument| !args.skips(&argument.name));
    let tracked = arguments.iter().zip(marks(arguments.len())).map(|(argument, mark)| {
        let Argument { name, ty, conditions } = argument;
        let signature = signature::tokens(quote_spanned!(Span::mixed_site()=> #name: #ty));
        let bind = bind(&args.krate, name, signature, "bind_argument");
        let observe = observe(&args.krate, &mark, name, Walk::AsTypeAllows);
        quote_spanned!(Span::mixed_site()=> #(#conditions)* let #mark = #bind; #(#conditions)* #observe)
    });
    tracked.collect()
}

/// The static that holds what a function may use.
fn budget(args: &Args) -> Option<TokenStream> {
    fn limit<T>(limit: &Option<(T, u64)>) -> TokenStream {
        match limit {
            Some((_, limit)) => quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#limit)),
            None => quote_spanned!(Span::mixed_site()=> ::core::option::Option::None),
        }
    }
    if args.budget.is_none() && args.max_allocs.is_none() {
        return None;
    }
    let krate = &args.krate;
    let (bytes, allocations) = (limit(&args.budget), limit(&args.max_allocs));
    Some(quote_spanned! {Span::mixed_site()=>
        static __MEMSCOPE_BUDGET: #krate::__private::Budget =
            #krate::__private::Budget::new(#bytes, #allocations, ::core::cfg!(test));
    })
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
    let tracked = let_of(&options.krate, binding, &binding.names());
    quote_spanned!(Span::mixed_site()=> {} #tracked)
}

/// A `let`, and some of its names tracked.
fn let_of(krate: &Krate, binding: &Binding, names: &[Ident]) -> TokenStream {
    let mixed = Span::mixed_site();
    let written = {
        let (pattern, annotation) = (&binding.pattern, &binding.annotation);
        signature::tokens(match annotation {
            Some(annotation) => quote_spanned!(mixed=> #pattern: #annotation),
            None => pattern.to_token_stream(),
        })
    };
    let marks = marks(names.len());
    let conditions = &binding.conditions;
    let bound = names.iter().zip(&marks).map(|(name, mark)| {
        let bind = bind(krate, name, written.clone(), "bind");
        quote_spanned!(mixed=> #(#conditions)* let #mark = #bind;)
    });
    let statement = &binding.statement;
    let walk = if binding.type_is_evident() { Walk::AsTypeAllows } else { Walk::Nothing };
    let observed = names.iter().zip(&marks).map(|(name, mark)| {
        let observe = observe(krate, mark, name, walk);
        quote_spanned!(mixed=> #(#conditions)* #observe)
    });
    quote_spanned!(mixed=> #(#bound)* #statement; #(#observed)*)
}

/// Begins an instance of a name, by `how`: an argument is there before its mark, and so dropped after it.
fn bind(krate: &Krate, name: &Ident, signature: String, how: &str) -> TokenStream {
    let how = Ident::new(how, Span::mixed_site());
    let name_text = name.unraw().to_string().to_token_stream();
    let site =
        Site { krate, constructor: "variable", name: name_text, place: name.span(), signature, budget: None };
    site.block(&quote_spanned!(Span::mixed_site()=> #krate::__private::#how(&__MEMSCOPE_SITE)))
}

/// Places that are looked at again.
pub(crate) fn places(options: &VariableArgs, places: &[Expr]) -> TokenStream {
    let mixed = Span::mixed_site();
    let krate = &options.krate;
    let observed = places.iter().zip(marks(places.len())).map(|(place, mark)| {
        let rebind =
            site_of(krate, place).block(&quote_spanned!(mixed=> #krate::__private::rebind(&__MEMSCOPE_SITE)));
        let observe = observe(krate, &mark, place, Walk::AsTypeAllows);
        quote_spanned!(mixed=> let #mark = #rebind; #observe)
    });
    quote_spanned!(mixed=> {} #(#observed)*)
}

/// A variable that is handed on in a wrapper.
pub(crate) fn moved(options: &VariableArgs, place: &Expr) -> TokenStream {
    let mixed = Span::mixed_site();
    let krate = &options.krate;
    let bind =
        site_of(krate, place).block(&quote_spanned!(mixed=> #krate::__private::bind(&__MEMSCOPE_SITE)));
    quote_spanned! {mixed=>
        {
            use #krate::__private::{WalkContainer as _, WalkFull as _, WalkInside as _, WalkNothing as _};
            let mark = #bind;
            let value = #place;
            let walker = (&&&&#krate::__private::Probe(&value)).memscope_walker();
            #krate::__private::tracked(mark, value, walker)
        }
    }
}

/// The site of a place.
fn site_of<'a>(krate: &'a Krate, place: &Expr) -> Site<'a> {
    let signature = signature::tokens(place.to_token_stream());
    Site {
        krate,
        constructor: "variable",
        name: signature.trim_start_matches("r#").to_token_stream(),
        place: model::span_of(place),
        signature,
        budget: None,
    }
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
            quote_spanned!(mixed=> {WalkContainer as _, WalkFull as _, WalkInside as _, WalkNothing as _}),
            quote_spanned!(mixed=> &&&&#krate::__private::Probe(value)),
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
            #mark.observe(value, (#probe).memscope_walker());
        }
    }
}

/// The static facts of a function or variable.
pub(crate) struct Site<'a> {
    pub(crate) krate: &'a Krate,
    /// The function of `Site` that makes it.
    pub(crate) constructor: &'static str,
    /// An expression.
    pub(crate) name: TokenStream,
    /// Where the name stands.
    pub(crate) place: Span,
    pub(crate) signature: String,
    /// The static of its limits.
    pub(crate) budget: Option<TokenStream>,
}

impl Site<'_> {
    /// A block that holds the static, hands it to the registry, and has the value `result`.
    ///
    /// The names of items are visible to the user's tokens in the block (a path after `name =`), so they are
    /// ones that nobody writes. The marker function is where the key comes from: the compiler's name for it
    /// holds the module, the type and the function, which the macro does not know.
    pub(crate) fn block(&self, result: &TokenStream) -> TokenStream {
        let Self { krate, name, place, signature, budget, .. } = self;
        let constructor = Ident::new(self.constructor, Span::mixed_site());
        let within =
            budget.as_ref().map(|_| quote_spanned!(Span::mixed_site()=> .within(&__MEMSCOPE_BUDGET)));
        let at = quote_spanned!(*place=> ::core::file!(), ::core::line!(), ::core::column!());
        quote_spanned! {Span::mixed_site()=>
            {
                fn __memscope_here() {}
                #budget
                static __MEMSCOPE_SITE: #krate::__private::Site = #krate::__private::Site::#constructor(
                    #name,
                    || #krate::__private::type_name_of(&__memscope_here),
                    #at,
                    #signature,
                )#within;
                #krate::__private::inventory::submit! { #krate::__private::SiteRef(&__MEMSCOPE_SITE) }
                #result
            }
        }
    }
}
