//! What is refused, and why: the only place that judges what was read.
//!
//! All problems of one input are gathered before any is reported. A message says what was found, why it cannot
//! be, and what to write instead.

use syn::{Attribute, Error, Expr, Ident, Signature};

use crate::args::{Args, Problems, VariableArgs};
use crate::binding::{self, Binding, Initialiser, Target};
use crate::model::{Block, Foreign, ForeignPiece, Function, Item, Keyword, Piece};

/// What can be tracked.
pub(crate) enum Tracked {
    Function(Box<Function>),
    Block(Box<Block>),
    Foreign(Box<Foreign>),
}

/// Judges what `#[track]` stands on. `Ok(None)`: leave it to the compiler.
///
/// # Errors
///
/// All that is wrong with the arguments and the item.
pub(crate) fn item(args: syn::Result<Args>, item: Item) -> syn::Result<Option<(Args, Tracked)>> {
    let mut problems = Problems::default();
    let args = problems.take(args);
    let tracked = match item {
        Item::Function(function) => {
            if let Some(reason) = untrackable(&function) {
                problems.add(reason);
            }
            if let Some(args) = &args {
                check_function_args(args, &function, &mut problems);
            }
            Some(Tracked::Function(function))
        }
        Item::Block(block) => {
            check_again(&block.attributes, block.keyword.word, &mut problems);
            let mut names = Vec::new();
            tracked_names(&block, &mut names);
            let keyword = &block.keyword;
            check_block_args(args.as_ref(), keyword, &names, &mut problems);
            Some(Tracked::Block(block))
        }
        Item::Foreign(block) => {
            check_again(&block.attributes, "extern", &mut problems);
            let names = block.pieces.iter().filter_map(|piece| match piece {
                ForeignPiece::Function(function) if function.sig.variadic.is_none() => {
                    Some(function.sig.ident.clone())
                }
                _ => None,
            });
            let names: Vec<_> = names.collect();
            let keyword = Keyword { word: "extern", span: block.abi.extern_token.span };
            if let Some(vars) = args.as_ref().and_then(|args| args.vars.as_ref()) {
                problems.add(Error::new(
                    vars.span(),
                    "foreign functions have no variables to track; what crosses is seen without `vars`",
                ));
            }
            check_block_args(args.as_ref(), &keyword, &names, &mut problems);
            Some(Tracked::Foreign(block))
        }
        Item::Declaration(signature) => {
            problems.add(declaration(&signature));
            None
        }
        Item::Other(keyword) => {
            problems.add(other(&keyword));
            None
        }
        Item::Unreadable => None,
    };
    problems.into_result(args.zip(tracked))
}

/// Why a function cannot be tracked.
fn untrackable(function: &Function) -> Option<Error> {
    if let Some(constness) = &function.signature.constness {
        return Some(Error::new(
            constness.span,
            "a `const fn` cannot be tracked: it may run at compile time, where no scope can be entered; \
             track its callers, or give up `const`",
        ));
    }
    if let Some(naked) = function.attributes.iter().find(|attribute| is_naked(attribute)) {
        return Some(Error::new_spanned(
            naked.path(),
            "a naked function cannot be tracked: its body is only assembly; track its callers",
        ));
    }
    let again = function.attributes.iter().find(|attribute| is_track(attribute))?;
    Some(Error::new_spanned(again.path(), "this function is already tracked; keep one `#[track]`"))
}

/// Whether a function in a tracked block is tracked with it. One that has its own `#[track]` is left to that.
pub(crate) fn is_tracked_with_block(function: &Function, args: &Args) -> bool {
    untrackable(function).is_none() && !args.skips(&function.signature.ident)
}

/// Whether a block in a tracked block is tracked with it.
pub(crate) fn is_block_tracked_with(block: &Block) -> bool {
    !block.attributes.iter().any(is_track)
}

fn check_again(attributes: &[Attribute], word: &str, problems: &mut Problems) {
    if let Some(again) = attributes.iter().find(|attribute| is_track(attribute)) {
        problems.add(Error::new_spanned(
            again.path(),
            format!("this `{word}` is already tracked; keep one `#[track]`"),
        ));
    }
}

/// The names of all functions that are tracked with a block.
fn tracked_names(block: &Block, names: &mut Vec<Ident>) {
    for piece in &block.pieces {
        match piece {
            Piece::Function(function) if untrackable(function).is_none() => {
                names.push(function.signature.ident.clone());
            }
            Piece::Block(block) if is_block_tracked_with(block) => tracked_names(block, names),
            _ => {}
        }
    }
}

fn check_block_args(args: Option<&Args>, keyword: &Keyword, names: &[Ident], problems: &mut Problems) {
    let word = keyword.word;
    if names.is_empty() {
        problems.add(Error::new(
            keyword.span,
            format!("there is no function to track in this `{word}`; take `#[track]` off it"),
        ));
    }
    let Some(args) = args else { return };
    let of_one = [
        args.name.as_ref().map(|(key, _)| key),
        args.budget.as_ref().map(|(key, _)| key),
        args.max_allocs.as_ref().map(|(key, _)| key),
    ];
    for key in of_one.into_iter().flatten() {
        problems.add(Error::new(
            key.span(),
            format!("`{key}` is of one function, and this is `{word}`; write it on the function"),
        ));
    }
    for skipped in args.skip.iter().flat_map(|(_, names)| names) {
        if !names.contains(skipped) {
            problems.add(Error::new(
                skipped.span(),
                format!("no function `{skipped}` is tracked with this `{word}`, so there is nothing to skip"),
            ));
        }
    }
}

fn check_function_args(args: &Args, function: &Function, problems: &mut Problems) {
    let Some((key, skipped)) = &args.skip else { return };
    if args.vars.is_none() {
        problems.add(Error::new(
            key.span(),
            "`skip` leaves out what `vars` would track; add `vars`, or take `skip` away",
        ));
        return;
    }
    let variables = function.variables();
    for name in skipped.iter().filter(|name| !variables.contains(name)) {
        problems.add(Error::new(
            name.span(),
            format!("`vars` tracks no `{name}` here, so there is nothing to skip: it is no argument or `let` that the body uses"),
        ));
    }
}

fn declaration(signature: &Signature) -> Error {
    let name = &signature.ident;
    let message = if signature.variadic.is_some() {
        format!(
            "`{name}` is variadic: what would be called in its place cannot hand its arguments on, so what crosses \
             cannot be stamped; leave it untracked, and wrap its calls in a tracked Rust function"
        )
    } else {
        format!(
            "`{name}` has no body to track here; put `#[track]` on the functions that implement it, or give it a \
             default body; if it is foreign, put `#[track]` on the whole `extern` block"
        )
    };
    Error::new(name.span(), message)
}

fn other(keyword: &Keyword) -> Error {
    let advice = match keyword.word {
        "mod" => "write the module inline, or put `#[track]` on the functions in its file",
        "static" | "const" | "let" => "to track a variable, use `track_var!`",
        "struct" | "enum" | "union" | "type" => {
            "put `#[track]` on the functions that build its values, or `track_var!` on the variables that hold them"
        }
        _ => "put it on a function",
    };
    Error::new(
        keyword.span,
        format!(
            "`#[track]` goes on functions and on blocks of them, and this is `{}`; {advice}",
            keyword.word
        ),
    )
}

fn is_naked(attribute: &Attribute) -> bool {
    attribute.path().is_ident("naked")
        || attribute.path().is_ident("unsafe")
            && attribute.parse_args::<Ident>().is_ok_and(|inner| inner == "naked")
}

/// Whether an attribute is a second `#[track]`.
pub(crate) fn is_track(attribute: &Attribute) -> bool {
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
            places.iter().for_each(|place| check_place(place, &mut problems));
        }
        Some(Target::Moved(place)) => check_place(place, &mut problems),
        None => {}
    }
    // Without a target there is an error, so the placeholder is never returned.
    problems.into_result((options, target.unwrap_or(Target::Places(Vec::new()))))
}

fn check_place(place: &Expr, problems: &mut Problems) {
    if !binding::is_place(place) {
        problems.add(Error::new_spanned(
            place,
            "only a place can be tracked: a variable, a field of one, or `*pointer`; \
             bind the value first: `track_var!(let x = …)`",
        ));
    }
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
