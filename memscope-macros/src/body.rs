//! What is found in a function's body by its tokens: the future that it ends in, its `let`s, the names that it uses.
//!
//! A body is not parsed: it may be one that an editor is still writing, and what is not found here comes out as it
//! was. So where the tokens leave a doubt, nothing is found.

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};

use crate::binding::{Binding, Initialiser, Target};
use crate::model::{braces, is_punct, item_len};

/// Functions that put a future into what is returned: `Box::pin(…)`, `Pin::from(Box::new(…))`.
const HOLDERS: [&str; 3] = ["pin", "new", "from"];
/// Words that an item begins with, where a statement may stand.
const ITEM_WORDS: [&str; 12] =
    ["fn", "impl", "trait", "mod", "struct", "enum", "static", "use", "type", "extern", "macro_rules", "pub"];

/// A block's content with `wrap` around the `async` block that it ends in, if it ends in one: by itself, in a
/// `Box::pin(…)`, with methods called on it.
pub(crate) fn wrap_returned_future(
    content: &TokenStream,
    wrap: &impl Fn(TokenStream) -> TokenStream,
) -> Option<TokenStream> {
    let trees: Vec<TokenTree> = content.clone().into_iter().collect();
    wrap_last(trees, wrap)
}

fn wrap_last(mut trees: Vec<TokenTree>, wrap: &impl Fn(TokenStream) -> TokenStream) -> Option<TokenStream> {
    let mut end = trees.len();
    while let [.., dot, TokenTree::Ident(_), TokenTree::Group(arguments)] = &trees[..end] {
        if !is_punct(dot, '.') || arguments.delimiter() != Delimiter::Parenthesis {
            break;
        }
        end -= 3;
    }
    let word = |index: usize, expected: &str| matches!(trees.get(index), Some(TokenTree::Ident(word)) if word == expected);
    let last = end.checked_sub(1)?;
    if braces(&trees[last]).is_some() {
        let before = last.checked_sub(1)?;
        let start = if word(before, "move") { before.checked_sub(1)? } else { before };
        if !word(start, "async") || !begins_statement(&trees[..start]) {
            return None;
        }
        let wrapped = wrap(trees[start..end].iter().cloned().collect());
        return Some(spliced(trees, start..end, wrapped));
    }
    let TokenTree::Group(arguments) = &trees[last] else { return None };
    let mut start = last;
    while start > 0 && (matches!(trees[start - 1], TokenTree::Ident(_)) || is_punct(&trees[start - 1], ':')) {
        start -= 1;
    }
    let is_holder = arguments.delimiter() == Delimiter::Parenthesis
        && last >= 2
        && is_punct(&trees[last - 2], ':')
        && HOLDERS.iter().any(|name| word(last - 1, name));
    if !is_holder || !begins_statement(&trees[..start]) {
        return None;
    }
    let mut argument: Vec<TokenTree> = arguments.stream().into_iter().collect();
    pop_sign(&mut argument, ',');
    let mut group = Group::new(Delimiter::Parenthesis, wrap_last(argument, wrap)?);
    group.set_span(arguments.span());
    trees[last] = group.into();
    Some(trees.into_iter().collect())
}

fn pop_sign(trees: &mut Vec<TokenTree>, sign: char) {
    if trees.last().is_some_and(|tree| is_punct(tree, sign)) {
        trees.pop();
    }
}

/// Whether what follows these tokens begins a statement, or an argument that is alone.
fn begins_statement(before: &[TokenTree]) -> bool {
    before.last().is_none_or(|tree| is_punct(tree, ';') || braces(tree).is_some())
}

fn spliced(trees: Vec<TokenTree>, range: std::ops::Range<usize>, replacement: TokenStream) -> TokenStream {
    let (before, after) = (trees[..range.start].iter().cloned(), trees[range.end..].iter().cloned());
    before.chain(replacement).chain(after).collect()
}

/// A block's content with each `let` handed to `track`, with those of its names that are used later.
///
/// `let`s of nested blocks and closures are the function's own; those of nested items, of constants and in the input
/// of macros are not.
pub(crate) fn track_lets(
    content: TokenStream,
    track: &mut impl FnMut(&Binding, &[Ident]) -> TokenStream,
) -> TokenStream {
    let trees: Vec<TokenTree> = content.into_iter().collect();
    let mut out = TokenStream::new();
    let mut rest = &trees[..];
    while !rest.is_empty() {
        match statement(rest) {
            Statement::Let(len) => {
                let (statement, after) = rest.split_at(len);
                out.extend(tracked_let(statement, after, track));
                rest = after;
            }
            Statement::Item(len) => {
                out.extend(rest[..len].iter().cloned());
                rest = &rest[len..];
            }
            Statement::Other(len) => {
                out.extend(within(&rest[..len], track));
                rest = &rest[len..];
            }
        }
    }
    out
}

/// What stands at a statement's place, and how many trees it takes.
enum Statement {
    Let(usize),
    Item(usize),
    /// Up to a semicolon or the end of a pair of braces, after which another statement may stand.
    Other(usize),
}

fn statement(trees: &[TokenTree]) -> Statement {
    let mut at = 0;
    while matches!(&trees[at..], [hash, TokenTree::Group(_), ..] if is_punct(hash, '#')) {
        at += 2;
    }
    let word = |index: usize| match trees.get(index) {
        Some(TokenTree::Ident(word)) => word.to_string(),
        _ => String::new(),
    };
    let (first, second) = (word(at), word(at + 1));
    let is_item = match first.as_str() {
        "const" => trees.get(at + 1).is_none_or(|tree| braces(tree).is_none()),
        "unsafe" => ["fn", "impl", "trait", "extern"].contains(&second.as_str()),
        "async" => ["fn", "unsafe"].contains(&second.as_str()),
        word => ITEM_WORDS.contains(&word),
    };
    if is_item {
        return Statement::Item(item_len(trees));
    }
    let ends = |tree: &TokenTree| is_punct(tree, ';');
    if first == "let" {
        let end = trees.iter().position(ends);
        return end.map_or(Statement::Other(trees.len()), |end| Statement::Let(end + 1));
    }
    let end = trees.iter().position(|tree| ends(tree) || braces(tree).is_some());
    Statement::Other(end.map_or(trees.len(), |end| end + 1))
}

/// A `let` with its semicolon, tracked if it can be.
fn tracked_let(
    statement: &[TokenTree],
    after: &[TokenTree],
    track: &mut impl FnMut(&Binding, &[Ident]) -> TokenStream,
) -> TokenStream {
    let emitted = within(statement, track);
    let Ok(Target::Binding(mut binding)) = Target::parse(&statement.iter().cloned().collect()) else {
        return emitted;
    };
    let names: Vec<Ident> = binding.names().into_iter().filter(|name| uses(after, name)).collect();
    if names.is_empty() || matches!(binding.initialiser, Initialiser::Absent) {
        return emitted;
    }
    let mut trees: Vec<TokenTree> = emitted.into_iter().collect();
    pop_sign(&mut trees, ';');
    binding.statement = trees.into_iter().collect();
    track(&binding, &names)
}

/// An expression's tokens, with the `let`s of the blocks in it tracked.
fn within(trees: &[TokenTree], track: &mut impl FnMut(&Binding, &[Ident]) -> TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    for (index, tree) in trees.iter().enumerate() {
        let tree = match tree {
            TokenTree::Group(group) if is_code(&trees[..index]) => {
                let content = match group.delimiter() {
                    Delimiter::Brace => track_lets(group.stream(), track),
                    _ => within(&group.stream().into_iter().collect::<Vec<_>>(), track),
                };
                let mut group_out = Group::new(group.delimiter(), content);
                group_out.set_span(group.span());
                group_out.into()
            }
            other => other.clone(),
        };
        out.extend([tree]);
    }
    out
}

/// Whether a group after these tokens holds code of the function: not a macro's input, an attribute, a constant.
fn is_code(before: &[TokenTree]) -> bool {
    match before {
        [.., last] if is_punct(last, '!') => {
            // `name!(…)`, not `!(…)`.
            !matches!(before, [.., TokenTree::Ident(_), _])
        }
        [.., TokenTree::Ident(word)] if word == "const" => false,
        [.., last] => !is_punct(last, '#'),
        [] => true,
    }
}

/// Whether a block's content uses what `name` stood for at its beginning.
///
/// Only reading it counts, for `x = 1` alone does not keep the compiler from saying that `x` is unused. A pattern
/// or parameter of the same name counts too: there the compiler's warning may go unseen.
pub(crate) fn uses(content: &[TokenTree], name: &Ident) -> bool {
    let mut rest = content;
    while !rest.is_empty() {
        let (len, is_let) = match statement(rest) {
            Statement::Let(len) => (len, true),
            // An item sees no variables; a macro that it defines may.
            Statement::Item(len) | Statement::Other(len) => (len, false),
        };
        let (statement, after) = rest.split_at(len);
        let pattern_end = if is_let { statement.iter().position(is_equals) } else { None };
        let (pattern, value) = statement.split_at(pattern_end.unwrap_or(0));
        if mentions(value, name) {
            return true;
        }
        if pattern.iter().any(|tree| holds(tree, name)) || is_assignment_to(name, statement) {
            return false;
        }
        rest = after;
    }
    false
}

/// `name = …`: what it stood for is gone. Were it looked at before, `unused_assignments` would not fire.
fn is_assignment_to(name: &Ident, statement: &[TokenTree]) -> bool {
    matches!(statement, [TokenTree::Ident(first), equals, second, ..]
        if first == name && is_equals(equals) && !is_equals(second) && !is_punct(second, '>'))
}

fn is_equals(tree: &TokenTree) -> bool {
    is_punct(tree, '=')
}

fn holds(tree: &TokenTree, name: &Ident) -> bool {
    match tree {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => group.stream().into_iter().any(|tree| holds(&tree, name)),
        _ => false,
    }
}

/// Whether an expression's tokens read the variable.
pub(crate) fn mentions(trees: &[TokenTree], name: &Ident) -> bool {
    trees.iter().enumerate().any(|(index, tree)| match tree {
        TokenTree::Ident(ident) if ident == name => is_read(&trees[..index], &trees[index + 1..]),
        TokenTree::Group(group) => {
            let content: Vec<TokenTree> = group.stream().into_iter().collect();
            match group.delimiter() {
                Delimiter::Brace => uses(&content, name),
                _ => mentions(&content, name),
            }
        }
        TokenTree::Literal(literal) => is_in_format(&literal.to_string(), &name.to_string()),
        _ => false,
    })
}

/// Whether a name between these tokens is a variable that is read: not a field, a path's segment, a macro, a field's
/// name in a literal, or what is assigned to.
fn is_read(before: &[TokenTree], after: &[TokenTree]) -> bool {
    let is_member = match before {
        [.., first, last] if is_punct(last, '.') => !is_punct(first, '.'),
        [last] => is_punct(last, '.'),
        [.., last] => is_punct(last, ':') && matches!(before, [.., first, _] if is_punct(first, ':')),
        [] => false,
    };
    let followed = |sign: char| after.first().is_some_and(|tree| is_punct(tree, sign));
    let is_double = |sign: char| matches!(after, [_, second, ..] if is_punct(second, sign));
    let is_label = followed(':');
    let is_macro = followed('!') && !is_double('=');
    let is_assigned = match after {
        [TokenTree::Punct(sign), rest @ ..] if "+-*/%^&|<>".contains(sign.as_char()) => {
            // `x += 1`, `x <<= 1`; not `x <= 1`.
            let is_shift = matches!(sign.as_char(), '<' | '>');
            let doubled = rest.first().is_some_and(|tree| is_punct(tree, sign.as_char()));
            let equals = if is_shift { rest.get(1).filter(|_| doubled) } else { rest.first() };
            sign.spacing() == Spacing::Joint && equals.is_some_and(|tree| is_punct(tree, '='))
        }
        _ => followed('=') && !is_double('=') && !is_double('>'),
    };
    !(is_member || is_label || is_macro || is_assigned)
}

/// Whether a literal is a format string that names the variable: `"{name}"`, `"{name:?}"`, `"{:name$}"`.
fn is_in_format(literal: &str, name: &str) -> bool {
    literal.contains('"')
        && literal.match_indices(name).any(|(at, _)| {
            let before = literal[..at].chars().next_back();
            let after = literal[at + name.len()..].chars().next();
            matches!(after, Some('}' | ':' | '$'))
                && matches!(before, Some('{' | ':' | '.' | '<' | '>' | '^' | '0'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::{format_ident, quote};

    fn wrapped(content: TokenStream) -> Option<String> {
        wrap_returned_future(&content, &|future| quote!(WRAP(#future))).map(|tokens| tokens.to_string())
    }

    #[test]
    fn the_future_that_a_body_ends_in_is_found() {
        for (content, expected) in [
            (quote!(async {}), quote!(WRAP(async {}))),
            (quote!(let a = 1; async move { a }), quote!(let a = 1; WRAP(async move { a }))),
            (quote!(if a {} Box::pin(async move { 1 })), quote!(if a {} Box::pin(WRAP(async move { 1 })))),
            (quote!(::std::boxed::Box::pin(async { 1 },)), quote!(::std::boxed::Box::pin(WRAP(async { 1 })))),
            (quote!(Pin::from(Box::new(async {}))), quote!(Pin::from(Box::new(WRAP(async {}))))),
            (quote!(async move {}.boxed()), quote!(WRAP(async move {}).boxed())),
            (quote!(Box::pin(async {}.instrument(span))), quote!(Box::pin(WRAP(async {}).instrument(span)))),
            (quote!(f(); return Box::pin(async {})), quote!(f(); return Box::pin(WRAP(async {})))),
        ] {
            assert_eq!(wrapped(content.clone()), Some(expected.to_string()), "{content}");
        }
    }

    #[test]
    fn what_is_no_returned_future_is_left() {
        for content in [
            quote!(),
            quote!(async {};),
            quote!(let f = async {};),
            quote!(|| async {}),
            quote!(move |a| Box::pin(async move { a })),
            quote!(spawn(async {})),
            quote!(pin(async {})),
            quote!(Box::pin(other())),
            quote!(Box::pin(|| async {})),
            quote!(match a {
                _ => async {},
            }),
            quote!({ async {} }),
            quote!(async || {}),
            quote!(vec![async {}]),
            quote!(a = async {}),
        ] {
            assert_eq!(wrapped(content.clone()), None, "{content}");
        }
    }

    fn lets(content: TokenStream) -> Vec<String> {
        let mut found = Vec::new();
        let unchanged = track_lets(content.clone(), &mut |binding, names| {
            found.extend(names.iter().map(ToString::to_string));
            let statement = &binding.statement;
            quote!(#statement;)
        });
        assert_eq!(unchanged.to_string(), content.to_string());
        found.sort();
        found
    }

    #[test]
    fn lets_whose_names_are_used_are_found() {
        assert_eq!(lets(quote!(let a = 1; let b = a; b + 1)), ["a", "b"]);
        assert_eq!(lets(quote!(#[allow(x)] let (a, b) = f(); g(b))), ["b"]);
        assert_eq!(lets(quote!(if c { let a = 1; f(a); } loop { let b = 1; break b; })), ["a", "b"]);
        assert_eq!(lets(quote!(f(|x| { let a = x; a }); g([{ let b = 1; b }]))), ["a", "b"]);
        assert_eq!(lets(quote!(let a = { let b = 1; b }; a)), ["a", "b"]);
        assert_eq!(lets(quote!(let Some(a) = f() else { return }; println!("{a:?}"))), ["a"]);
        assert_eq!(lets(quote!(let width = 1; println!("{:width$}", 2))), ["width"]);
        assert_eq!(lets(quote!(let a = 1; let a = a + 1; a)), ["a", "a"]);
        assert_eq!(lets(quote!(let a = 1; S { a })), ["a"]);
        assert_eq!(lets(quote!(let a = 1; S { ..a })), ["a"]);
        assert_eq!(lets(quote!(let a = 1; a == 2)), ["a"]);
        assert_eq!(lets(quote!(let a = 1; !a; a != 2)), ["a"]);
        assert_eq!(lets(quote!(let a = 1; f(a <= 2))), ["a"]);
        assert_eq!(lets(quote!(let a = 1; f(a >= 2))), ["a"]);
        assert_eq!(
            lets(quote!(if !c {
                let a = 1;
                f(a)
            })),
            ["a"]
        );
        assert_eq!(lets(quote!(let a = 1; a.b = 2;)), ["a"]);
        assert_eq!(
            lets(quote!(match x {
                A => {
                    let a = 1;
                    a
                }
                B => 2,
            })),
            ["a"]
        );
    }

    #[test]
    fn lets_that_are_not_used_or_not_the_functions_are_left() {
        for content in [
            quote!(let a = 1;),
            quote!(let a = 1; let a = 2;),
            quote!(let a; a = 1; f(a)),
            quote!(let a = 1; a = 2;),
            quote!(let a = 1; a += 2; a <<= 1;),
            quote!(let a = 1; a = 2; f(a)),
            quote!(let a = 1; x.a),
            quote!(let a = 1; x.a()),
            quote!(let a = 1; a::f()),
            quote!(let a = 1; S { a: 2 }),
            quote!(let a = 1; a!()),
            quote!(let _ = f();),
            quote!(if let Some(a) = f() {
                a
            }),
            quote!(while let Some(a) = f()
                && let b = a
            {
                b
            }),
            quote!(
                fn g() {
                    let a = 1;
                    f(a)
                }
            ),
            quote!(impl S { fn g() { let a = 1; f(a) } }),
            quote!(
                const A: u8 = {
                    let a = 1;
                    a
                };
            ),
            quote!(f(const {
                let a = 1;
                a
            })),
            quote!(m! { let a = 1; a }),
            quote!(m!({
                let a = 1;
                a
            })),
            quote!(
                macro_rules! m {
                    () => {
                        let a = 1;
                        a
                    };
                }
            ),
            quote!(let a = 1; println!("a {} b", 2)),
        ] {
            assert_eq!(lets(content.clone()), Vec::<String>::new(), "{content}");
        }
        assert!(!uses(&[], &format_ident!("a")));
    }
}
