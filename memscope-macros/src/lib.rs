//! The macros of memscope: [`macro@track`] for functions, [`track_var!`] for variables.
//!
//! Users reach them as `memscope::track` and `memscope::track_var`; the code that they emit names nothing but
//! `::memscope::__private` and `::core`.
//!
//! ```text
//! tokens ─→ args, model ─→ check ─→ expand      feature `record`: one static, one guard, the user's tokens
//!                            └────→ fallback    feature off, or something is wrong: errors and the user's tokens
//! ```
//!
//! Invariants:
//! - Whatever is wrong, the user's own item comes out again, and every problem is reported at once at the
//!   user's own token.
//! - Both settings of the feature `record` accept and refuse the same input.
//! - A body is never parsed and never copied: its tokens come out once, in their own braces, with their spans.
//! - `expand` cannot fail.

mod args;
mod check;
mod expand;
mod fallback;
mod model;
mod signature;

use proc_macro2::TokenStream;

/// Whether the emitted code records; without it only the checks remain.
const RECORD: bool = cfg!(feature = "record");

/// Makes a function a scope: what is allocated while it runs is charged to it.
///
/// It goes on free functions, methods and async functions, in any order with other attributes. An async
/// function's scope is entered at each poll and left when the poll ends. The scope of a sync function ends after
/// its local variables are dropped, and before its arguments are.
///
/// ```text
/// #[track]
/// fn build(words: &[String]) -> Index { … }
///
/// #[track(name = "fetch: retry")]
/// async fn fetch(&self, url: Url) -> Result<Page, Error> { … }
/// ```
///
/// # Arguments
///
/// - `name = "…"`: the scope's name, instead of the function's. A path to a `const` of type `&'static str`
///   does too, as long as it names neither `Self` nor a generic parameter of the function.
/// - `crate = some::path`: where memscope is, for crates that re-export or rename it.
///
/// # Limits
///
/// - `const fn` is refused (it may run at compile time), and so is everything that is not a function.
///   For the functions of an `impl`, a `mod` or a trait, the attribute goes on each function.
/// - In an async function, arguments that the body does not mention are dropped after the body's scope was left.
/// - The crate has to be of edition 2018 or later.
/// - `clippy::unused_async` sees the `.await` of the expansion, so it does not fire on a tracked function.
#[proc_macro_attribute]
pub fn track(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    function(args.into(), item.into(), RECORD).into()
}

/// Tracks variables: where their memory is, from their binding to their end.
///
/// ```text
/// track_var!(let mut postings: HashMap<String, Vec<u32>> = HashMap::new()); // wraps a binding
/// track_var!(let (head, tail) = split(text));                               // any pattern: each name is tracked
/// track_var!(let Some(first) = words.first() else { return });
/// track_var!(postings);                                                     // looks again: all that it owns now
/// track_var!(self.cache, head);                                             // fields, several at once
/// track_var!(crate = some::path; head);                                     // for crates that re-export memscope
/// ```
///
/// The `let` is emitted as it was written, so drop order, borrows, type inference and the lifetimes of
/// temporaries are those of the plain statement. The macro stands where a statement stands.
///
/// # What is seen at a binding
///
/// A value's blocks can be walked where its type is known. The types of many bindings are inferred from what
/// comes *after* them (`let mut names = Vec::new();`), and asking at the binding what such a type can do would
/// change the user's program. So `track_var!(let …)` walks a value at its binding only when its type is evident
/// from the statement: an annotation without `_`, a literal, `vec![0; n]`, `String::from(…)`, `format!(…)`,
/// `Vec::<u8>::new()`, `….collect::<Vec<String>>()`. Otherwise the value is first walked by a later
/// `track_var!(name)`, at which the type has to be known (by then it usually is; annotate the binding if not).
#[proc_macro]
pub fn track_var(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    variable(input.into(), RECORD).into()
}

/// [`macro@track`] on tokens, so that it can be tested outside of the compiler.
fn function(args: TokenStream, item: TokenStream, record: bool) -> TokenStream {
    let args = args::Args::parse(args);
    let parsed = model::Item::parse(&item);
    match check::function(args, parsed) {
        Ok(Some((args, function))) if record => expand::function(&args, &function),
        Ok(_) => item,
        Err(error) => fallback::item(&error, item),
    }
}

/// [`track_var!`] on tokens, so that it can be tested outside of the compiler.
fn variable(input: TokenStream, record: bool) -> TokenStream {
    let (options, input) = args::VariableArgs::split(input);
    let target = model::Target::parse(&input);
    match check::variable(options, target) {
        Ok((options, model::Target::Binding(binding))) if record => expand::binding(&options, &binding),
        Ok((options, model::Target::Places(places))) if record => expand::places(&options, &places),
        Ok((_, target)) => fallback::untracked(&target),
        Err(error) => fallback::variable(&error, input),
    }
}

#[cfg(test)]
mod tests;
