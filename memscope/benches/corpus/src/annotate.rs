//! Source text → the same text with `#[::memscope::track]` on its functions.
//!
//! Tokens are looked at, not syntax: so functions in the bodies of macros and in their arguments are found like any
//! other. The text is only inserted into, within its lines, so every line keeps its number.
//!
//! ```text
//! #[inline] pub(crate) unsafe extern "C" fn f(…) → u8 where … { … }
//!           ↑ inserted here
//! ```
//!
//! A function is `fn` and a name: `fn(u8)` is a type, and what a macro's patterns match is no function.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::ops::{AddAssign, Range};

const ATTRIBUTE: &str = "#[::memscope::track] ";

/// What the library's root gets, so that every program that links the library links the hook.
const HOOK: &str = "extern crate corpus_hook as _; ";

/// Functions of a text, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Every `fn` with a name, counted apart from the rest: what is overlooked lowers the share.
    pub(crate) found: usize,
    pub(crate) annotated: usize,
    /// `const fn`: refused, since it may run at compile time.
    pub(crate) constant: usize,
    /// Without a body: of a trait.
    pub(crate) declarations: usize,
    /// Without a body: of an `extern` block.
    pub(crate) foreign: usize,
    /// `#[naked]`: its body may be nothing but assembly.
    pub(crate) naked: usize,
    /// What a macro's patterns match: no functions.
    pub(crate) patterns: usize,
}

impl Census {
    /// Functions that could be annotated.
    pub(crate) fn functions(&self) -> usize {
        let Self { found, annotated: _, constant, declarations, foreign, naked, patterns } = self;
        found - constant - declarations - foreign - naked - patterns
    }

    /// Annotated ones of these; 1 where there are none.
    pub(crate) fn share(&self) -> f64 {
        if self.functions() == 0 { 1.0 } else { self.annotated as f64 / self.functions() as f64 }
    }
}

impl AddAssign for Census {
    fn add_assign(&mut self, other: Self) {
        let Self { found, annotated, constant, declarations, foreign, naked, patterns } = other;
        self.found += found;
        self.annotated += annotated;
        self.constant += constant;
        self.declarations += declarations;
        self.foreign += foreign;
        self.naked += naked;
        self.patterns += patterns;
    }
}

/// Annotates the functions of a file.
///
/// # Errors
///
/// The text is not made of Rust's tokens.
pub(crate) fn annotated(text: &str) -> Result<(String, Census), String> {
    let trees = trees(parsed(text)?);
    let mut walk = Walk::default();
    walk.census.found = named(&trees);
    walk.items(&trees, false);
    Ok((inserted(text, ATTRIBUTE, &walk.places), walk.census))
}

/// Links the hook: `text` is the root of a library.
///
/// # Errors
///
/// The text is not made of Rust's tokens.
pub(crate) fn with_hook(text: &str) -> Result<String, String> {
    let trees = trees(parsed(text)?);
    let mut rest = &trees[..];
    while let [hash, bang, TokenTree::Group(_), after @ ..] = rest {
        if !(is(hash, '#') && is(bang, '!')) {
            break;
        }
        rest = after;
    }
    let place = rest.first().map_or(text.len(), |tree| bytes(tree).start);
    Ok(inserted(text, HOOK, &[place]))
}

fn parsed(text: &str) -> Result<TokenStream, String> {
    text.parse().map_err(|error: proc_macro2::LexError| error.to_string())
}

fn inserted(text: &str, addition: &str, places: &[usize]) -> String {
    let mut places = places.to_vec();
    places.sort_unstable();
    let mut result = String::with_capacity(text.len() + places.len() * addition.len());
    let mut done = 0;
    for place in places {
        result.push_str(&text[done..place]);
        result.push_str(addition);
        done = place;
    }
    result.push_str(&text[done..]);
    result
}

/// How often `fn` has a name, at any depth.
fn named(trees: &[TokenTree]) -> usize {
    let of = |(index, tree): (usize, &TokenTree)| match tree {
        TokenTree::Ident(ident) if ident == "fn" => usize::from(is_named(&trees[index + 1..])),
        TokenTree::Group(group) => named(&self::trees(group.stream())),
        _ => 0,
    };
    trees.iter().enumerate().map(of).sum()
}

#[derive(Default)]
struct Walk {
    /// Where the attribute goes, in bytes.
    places: Vec<usize>,
    census: Census,
}

impl Walk {
    fn items(&mut self, trees: &[TokenTree], foreign: bool) {
        for (index, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Ident(ident) if ident == "fn" => self.function(trees, index, foreign),
                TokenTree::Group(group) => self.group(trees, index, group),
                _ => {}
            }
        }
    }

    fn group(&mut self, trees: &[TokenTree], index: usize, group: &Group) {
        let before = &trees[..index];
        let inside = self::trees(group.stream());
        match before {
            [.., hash] if is(hash, '#') => {}
            [.., hash, bang] if is(hash, '#') && is(bang, '!') => {}
            [.., rules, bang, TokenTree::Ident(_)] if is_word(rules, "macro_rules") && is(bang, '!') => {
                self.arms(&inside);
            }
            _ => self.items(&inside, group.delimiter() == Delimiter::Brace && follows_extern(before)),
        }
    }

    /// `(pattern) => { body }; …`: only bodies hold functions.
    fn arms(&mut self, trees: &[TokenTree]) {
        for (index, tree) in trees.iter().enumerate() {
            let follows_arrow =
                matches!(&trees[..index], [.., equals, greater] if is(equals, '=') && is(greater, '>'));
            let TokenTree::Group(group) = tree else { continue };
            let inside = self::trees(group.stream());
            if follows_arrow {
                self.items(&inside, false);
            } else {
                self.census.patterns += named(&inside);
            }
        }
    }

    fn function(&mut self, trees: &[TokenTree], index: usize, foreign: bool) {
        if !is_named(&trees[index + 1..]) {
            return;
        }
        let start = start(trees, index);
        let qualifiers = &trees[start..index];
        let census = &mut self.census;
        if foreign {
            census.foreign += 1;
        } else if !has_body(&trees[index + 1..]) {
            census.declarations += 1;
        } else if qualifiers.iter().any(|tree| is_word(tree, "const")) {
            census.constant += 1;
        } else if is_naked(&trees[..start]) {
            census.naked += 1;
        } else {
            census.annotated += 1;
            self.places.push(bytes(&trees[start]).start);
        }
    }
}

/// Whether a name follows `fn`: a word, `$name` of a macro's body, or `[<a $b>]` of `paste!`.
fn is_named(after: &[TokenTree]) -> bool {
    match after {
        [TokenTree::Ident(_), ..] => true,
        [dollar, TokenTree::Ident(_), ..] => is(dollar, '$'),
        [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Bracket,
        _ => false,
    }
}

/// Where the function's visibility and qualifiers begin. Those of a macro's body may be `$vis` and `$(unsafe)?`.
fn start(trees: &[TokenTree], function: usize) -> usize {
    const QUALIFIERS: [&str; 8] = ["pub", "default", "const", "async", "unsafe", "safe", "extern", "crate"];
    let mut start = function;
    loop {
        let taken = match &trees[..start] {
            [.., dollar, TokenTree::Group(group), mark]
                if is(dollar, '$') && is(mark, '?') && !group.to_string().contains('#') =>
            {
                3
            }
            [.., dollar, TokenTree::Ident(_)] if is(dollar, '$') => 2,
            [.., TokenTree::Ident(word)] if QUALIFIERS.iter().any(|qualifier| word == qualifier) => 1,
            [.., public, TokenTree::Group(group)]
                if is_word(public, "pub") && group.delimiter() == Delimiter::Parenthesis =>
            {
                2
            }
            [.., external, TokenTree::Literal(_)] if is_word(external, "extern") => 2,
            _ => return start,
        };
        start -= taken;
    }
}

/// Whether a block comes before a semicolon. Blocks and semicolons within the angle brackets of a type are its own.
fn has_body(after_fn: &[TokenTree]) -> bool {
    let mut angles = 0_usize;
    for (index, tree) in after_fn.iter().enumerate() {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && angles == 0 => return true,
            tree if is(tree, ';') => return false,
            tree if is(tree, '<') => angles += 1,
            tree if is(tree, '>') && !(index > 0 && is(&after_fn[index - 1], '-')) => {
                angles = angles.saturating_sub(1);
            }
            _ => {}
        }
    }
    // The body may be a macro's `$body`.
    matches!(after_fn, [.., dollar, TokenTree::Ident(_)] if is(dollar, '$'))
}

fn is_naked(before: &[TokenTree]) -> bool {
    let mut rest = before;
    while let [earlier @ .., hash, TokenTree::Group(group)] = rest {
        if !is(hash, '#') {
            return false;
        }
        let attribute = group.stream().to_string();
        if attribute == "naked" || attribute.replace(' ', "") == "unsafe(naked)" {
            return true;
        }
        rest = earlier;
    }
    false
}

fn follows_extern(before: &[TokenTree]) -> bool {
    match before {
        [.., external, TokenTree::Literal(_)] => is_word(external, "extern"),
        [.., external] => is_word(external, "extern"),
        [] => false,
    }
}

fn trees(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

fn is(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

fn bytes(tree: &TokenTree) -> Range<usize> {
    tree.span().byte_range()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `@` in `text` is where the attribute has to go.
    #[track_caller]
    fn goes(text: &str) -> Census {
        let (result, census) = annotated(&text.replace('@', "")).expect("tokens");
        assert_eq!(result, text.replace('@', ATTRIBUTE));
        assert_eq!(census.annotated, text.matches('@').count());
        assert_eq!(census.functions(), census.annotated);
        census
    }

    #[test]
    fn it_goes_before_visibility_and_qualifiers_and_after_attributes() {
        goes("@fn f() {}");
        goes("/// ü\n#[inline]\n@pub(crate) unsafe extern \"C\" fn f() { @async fn g() {} }");
        goes("mod m { impl A { @default fn f(&self) -> [u8; 2] { [0; 2] } } }");
        goes("#[cfg(a)] @pub fn f<T>(g: fn(T) -> u8) -> Box<dyn Fn(u8)> where T: A<{ 1 }> {}");
    }

    #[test]
    fn it_goes_into_macros_but_not_into_their_patterns() {
        goes(
            "macro_rules! m { (fn $n:ident {}) => { $(#[$a])* @$v $(unsafe)? fn $n() {} }; ($b:block) => { @fn f() $b } }",
        );
        goes("cfg! { @fn f() {} }");
        goes("paste! { @fn [<f_ $n>]() {} }");
    }

    #[test]
    fn what_is_no_function_with_a_body_that_runs_is_counted_apart() {
        let census = goes(
            "extern \"C\" { fn a(); pub fn b(); } const fn c() {} pub const unsafe fn d() { @fn e() {} }\n\
             trait T { fn g(a: A<{ 1 }>) -> [u8; 2]; @fn h() {} } #[unsafe(naked)] extern \"C\" fn i() {}",
        );
        let expected = Census {
            found: 8,
            annotated: 2,
            constant: 2,
            declarations: 1,
            foreign: 2,
            naked: 1,
            patterns: 0,
        };
        assert_eq!(census, expected);
    }

    #[test]
    fn what_is_overlooked_lowers_the_share() {
        // Nobody looks into attributes.
        let (_, census) = annotated("#[a(fn f() {})] fn g() {}").expect("tokens");
        assert_eq!((census.functions(), census.share()), (2, 0.5));
    }

    #[test]
    fn the_hook_is_linked_after_the_inner_attributes() {
        let text = "//! Doc.\n#![no_std]\n\n/// Outer.\npub mod m;\n";
        let expected = format!("//! Doc.\n#![no_std]\n\n{HOOK}/// Outer.\npub mod m;\n");
        assert_eq!(with_hook(text), Ok(expected));
    }
}
