//! The macros of memscope: [`macro@track`] for functions, [`track_var!`] for variables, [`macro@Trackable`] for types.
//!
//! Users reach them as `memscope::track`, `memscope::track_var` and `memscope::Trackable`; the code that they emit names nothing but
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
mod binding;
mod body;
mod check;
mod derive;
mod expand;
mod fallback;
mod foreign;
mod model;
mod signature;

use proc_macro2::TokenStream;

/// Whether the emitted code records; without it only the checks remain.
const RECORD: bool = cfg!(feature = "record");

/// Makes a function a scope: what is allocated while it runs is charged to it.
///
/// It goes on free functions, methods and async functions, in any order with other attributes, and on whole blocks of
/// functions. The scope of a sync function ends after its local variables are dropped, and before its arguments are.
/// An async function's scope is entered at each poll and left when the poll ends; so is that of a function whose body
/// ends in an `async` block, by itself, in `Box::pin(…)` or with methods called on it, beside what it does before.
///
/// ```text
/// #[track]
/// fn build(words: &[String]) -> Index { … }
///
/// #[track(name = "fetch: retry", budget = "4 MiB")]
/// async fn fetch(&self, url: Url) -> Result<Page, Error> { … }
///
/// #[track(vars, skip(scratch))]
/// fn merge(left: Vec<Row>, right: Vec<Row>) -> Vec<Row> { … }
///
/// #[track]                     // each function in it; the same for an inline `mod` and a `trait`
/// impl Index { … }
///
/// #[track]                     // each foreign function is called through a scope of its own
/// unsafe extern "C" { fn compress(from: *const u8, len: usize) -> i32; }
/// ```
///
/// # Arguments
///
/// - `name = "…"`: the scope's name, instead of the function's. A path to a `const` of type `&'static str`
///   does too, as long as it names neither `Self` nor a generic parameter of the function.
/// - `vars`: tracks the arguments, and those `let`s of the body whose names are read later, as `track_var!` would.
///   `self` is not an argument. Names that nothing reads are left alone, so the compiler still reports them.
/// - `skip(a, b)`: beside `vars`, variables that are not tracked; on a block, functions that are not.
/// - `budget = "4 MiB"`: the most bytes that a call may hold at once (B, KiB, MiB, GiB, KB, MB, GB), with all that it
///   calls, on its thread: what it gained over what it freed, since it began.
/// - `max_allocs = 0`: the most allocations that a call may make, with all that it calls, on its thread.
///
///   A call that goes over either is a finding that names the scope and the variable that held most. Where the
///   function is compiled for tests (`cfg(test)`) the call panics when it ends; elsewhere
///   `memscope::testing::assert_within_budgets` asserts it. In sampling mode no call is judged.
/// - `crate = some::path`: where memscope is, for crates that re-export or rename it.
///
/// # Limits
///
/// - `const fn` is refused (it may run at compile time), and so is what is neither a function nor a block of them. In
///   a block, `const` and naked functions, and those with a `#[track]` of their own, are left as they are.
/// - In an `extern` block, statics, types and variadic functions stay as they are. A tracked foreign function is one
///   more call; its name, its safety and its ABI are those of the declaration.
/// - In an async function, an argument without a name (`_: T`), and a `self` that the body does not mention, are dropped
///   after the body's scope was left, and so after the other arguments.
/// - Of a function that returns a future in another way than above, only the call itself runs in the scope.
/// - `vars` goes by the tokens of the body: it sees no `let` in the input of a macro, and a name that a pattern or a
///   closure's parameter binds again counts as read.
/// - The crate has to be of edition 2018 or later.
/// - A `partial_cmp` whose body is `Some(self.cmp(other))`, and a `clone` whose body is `*self`, are left as they are:
///   clippy wants these bodies in this one shape, and they allocate nothing.
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
/// track_var!(move postings)                                                 // hands it on: an expression, `Tracked`
/// track_var!(crate = some::path; head);                                     // for crates that re-export memscope
/// ```
///
/// The `let` is emitted as it was written, so drop order, borrows, type inference and the lifetimes of
/// temporaries are those of the plain statement. The macro stands where a statement stands; only `move`, which has the
/// value as a `memscope::Tracked` that takes its instance along, is an expression.
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

/// Implements `memscope::Trackable`, field by field: so `track_var!` finds all blocks that a value owns.
///
/// ```text
/// #[derive(Trackable)]
/// struct Index<T> {
///     words: HashMap<String, Vec<T>>,
///     #[track(skip)]
///     client: reqwest::Client,
/// }
/// ```
///
/// It goes on structs and enums. Each field's type has to be `Trackable`; a type parameter that stands in a walked field,
/// and an associated type of one, is bound to be. References, raw pointers and function pointers own nothing and are
/// asked for nothing. A struct of one field (a `PhantomData` beside it does not count) says of its owners and holders what
/// the field does.
///
/// # Arguments
///
/// - `#[track(skip)]` on a field: it is not walked. If its type has anything to drop, a value counts as walked in part.
/// - `#[track(skip)]` on a variant: none of its fields is.
/// - `#[track(crate = some::path)]` on the type, after the derive: where memscope is, for crates that re-export or
///   rename it.
///
/// # Limits
///
/// - A union is refused: only unsafe code knows which field it holds.
/// - Fields of a `#[repr(packed)]` struct are copied out, so they have to be `Copy`.
/// - A field whose type is a macro's call puts no bound on a type parameter in it.
#[proc_macro_derive(Trackable, attributes(track))]
pub fn derive_trackable(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive::trackable(input.into()).into()
}

/// [`macro@track`] on tokens, so that it can be tested outside of the compiler.
fn function(args: TokenStream, item: TokenStream, record: bool) -> TokenStream {
    let args = args::Args::parse(args);
    let parsed = model::Item::parse(&item);
    match check::item(args, parsed) {
        Ok(Some((args, tracked))) if record => expand::item(&args, &tracked),
        Ok(_) => item,
        Err(error) => fallback::item(&error, item),
    }
}

/// [`track_var!`] on tokens, so that it can be tested outside of the compiler.
fn variable(input: TokenStream, record: bool) -> TokenStream {
    let (options, input) = args::VariableArgs::split(input);
    let target = binding::Target::parse(&input);
    match check::variable(options, target) {
        Ok((options, binding::Target::Binding(binding))) if record => expand::binding(&options, &binding),
        Ok((options, binding::Target::Places(places))) if record => expand::places(&options, &places),
        Ok((options, binding::Target::Moved(place))) if record => expand::moved(&options, &place),
        Ok((options, target)) => fallback::untracked(&options, &target),
        Err(error) => fallback::variable(&error, input),
    }
}

#[cfg(test)]
mod tests;
