//! What is refused, and why: the only place that judges what was read.
//!
//! All problems of one input are gathered before any is reported. A message says what was found, why it cannot
//! be, and what to write instead.

use syn::{Attribute, Error};

use crate::args::{Args, Problems, VariableArgs};
use crate::model::{self, Binding, Function, Initialiser, Item, Target};

/// Judges what `#[track]` stands on. `Ok(None)`: leave it to the compiler.
///
/// # Errors
///
/// All that is wrong with the arguments and the item.
pub(crate) fn function(args: syn::Result<Args>, item: Item) -> syn::Result<Option<(Args, Function)>> {
    let mut problems = Problems::default();
    let args = problems.take(args);
    let function = match item {
        Item::Function(function) => {
            if let Some(constness) = &function.signature.constness {
                problems.add(Error::new(
                    constness.span,
                    "a `const fn` cannot be tracked: it may run at compile time, where no scope can be entered; \
                     track its callers, or give up `const`",
                ));
            }
            if let Some(again) = function.attributes.iter().find(|attribute| is_track(attribute)) {
                problems.add(Error::new_spanned(
                    again.path(),
                    "this function is already tracked; keep one `#[track]`",
                ));
            }
            Some(*function)
        }
        Item::Declaration(signature) => {
            problems.add(Error::new(
                signature.ident.span(),
                format!(
                    "`{}` has no body to track here; put `#[track]` on the functions that implement it, \
                     or give it a default body",
                    signature.ident
                ),
            ));
            None
        }
        Item::Other(keyword) => {
            let advice = match keyword.word {
                "impl" | "mod" | "trait" => "put `#[track]` on the functions inside",
                "extern" => "put `#[track]` on the Rust functions that call the foreign ones",
                "static" | "const" | "let" => "to track a variable, use `track_var!`",
                "struct" | "enum" | "union" | "type" => {
                    "put `#[track]` on the functions that build its values, or `track_var!` on the variables \
                     that hold them"
                }
                _ => "put it on a function",
            };
            problems.add(Error::new(
                keyword.span,
                format!("`#[track]` goes on functions, and this is `{}`; {advice}", keyword.word),
            ));
            None
        }
        Item::Unreadable => None,
    };
    problems.into_result(args.zip(function))
}

/// Whether an attribute is a second `#[track]`.
fn is_track(attribute: &Attribute) -> bool {
    let path = attribute.path();
    path.is_ident("track")
        || path.segments.len() == 2
            && path.segments[0].ident == "memscope"
            && path.segments[1].ident == "track"
}

/// Judges what `track_var!` stands on.
///
/// # Errors
///
/// All that is wrong with the arguments and the input.
pub(crate) fn variable(
    options: syn::Result<VariableArgs>,
    target: syn::Result<Target>,
) -> syn::Result<(VariableArgs, Target)> {
    let mut problems = Problems::default();
    let options = problems.take(options).unwrap_or_default();
    let target = problems.take(target);
    match &target {
        Some(Target::Binding(binding)) => check_binding(binding, &mut problems),
        Some(Target::Places(places)) => {
            if places.is_empty() {
                problems.add(Error::new(
                    proc_macro2::Span::call_site(),
                    "nothing to track; write `track_var!(let x = …)` or `track_var!(x)`",
                ));
            }
            for place in places.iter().filter(|place| !model::is_place(place)) {
                problems.add(Error::new_spanned(
                    place,
                    "only a place can be tracked: a variable, a field of one, or `*pointer`; \
                     bind the value first: `track_var!(let x = …)`",
                ));
            }
        }
        None => {}
    }
    // Without a target there is an error, so the placeholder is never returned.
    problems.into_result((options, target.unwrap_or(Target::Places(Vec::new()))))
}

fn check_binding(binding: &Binding, problems: &mut Problems) {
    let names = binding.names();
    match &binding.initialiser {
        Initialiser::Absent => {
            let name = names.first().map_or_else(|| String::from("x"), ToString::to_string);
            problems.add(Error::new(
                binding.let_token.span,
                format!("a `let` without a value has nothing to track yet; leave it as it is, and track it after it is assigned: `track_var!({name})`"),
            ));
        }
        Initialiser::Tokens(tokens) if tokens.is_empty() => {
            problems.add(Error::new(binding.let_token.span, "this `let` has `=` but no value"))
        }
        Initialiser::Tokens(_) if names.is_empty() => problems.add(Error::new_spanned(
            &binding.pattern,
            "this pattern binds no name, so there is nothing to track; name the value, or use a plain `let`",
        )),
        Initialiser::Tokens(_) => {}
    }
    if !binding.beyond.is_empty() {
        problems.add(Error::new_spanned(
            &binding.beyond,
            "one `let` for each `track_var!`; wrap the next statement in its own, or leave it outside",
        ));
    }
}
