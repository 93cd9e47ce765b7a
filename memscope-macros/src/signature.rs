//! Tokens as a person would have written them: `fn get<'a>(&'a self, key: &str) -> Option<&'a V>`.
//!
//! The compiler's own printing puts spaces between all tokens (`Vec < u8 >`), and the source text keeps the line
//! breaks and comments of the file. So the spaces are set here, from each token and its neighbour, for what
//! occurs in signatures, types and patterns. Expressions in them (array lengths, const arguments) are rare: they
//! come out readable, never wrong.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, Signature};

/// A function's signature on one line, without attributes.
pub(crate) fn function(signature: &Signature) -> String {
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        match input {
            FnArg::Receiver(receiver) => receiver.attrs.clear(),
            FnArg::Typed(typed) => typed.attrs.clear(),
        }
    }
    // The trailing commas of a signature on several lines.
    signature.inputs.pop_punct();
    signature.generics.params.pop_punct();
    if let Some(clause) = &mut signature.generics.where_clause {
        clause.predicates.pop_punct();
    }
    tokens(signature.to_token_stream())
}

/// Tokens on one line.
pub(crate) fn tokens(tokens: TokenStream) -> String {
    let mut lexemes = Vec::new();
    flatten(tokens, &mut lexemes);
    let mut text = String::new();
    let mut line = Line::default();
    for lexeme in lexemes {
        line.push(lexeme, &mut text);
    }
    text
}

/// A token, with the operators of more than one character joined.
#[derive(Clone, PartialEq)]
enum Lexeme {
    /// A name or a literal: something that an operator can follow.
    Operand(String),
    /// A keyword or a lifetime: something that an operand follows.
    Prefix(String),
    /// An operator.
    Operator(String),
    Open(char),
    Close(char),
}

/// Words after which a bracket or a star begins something new. `fn`, `impl` and `for` are missing on purpose:
/// what opens after them belongs to them.
const PREFIX_WORDS: [&str; 14] = [
    "as", "async", "const", "crate", "dyn", "extern", "in", "move", "mut", "ref", "return", "static",
    "unsafe", "where",
];

/// Operators of more than one character, the longest first. `>>` and `>=` are missing: in types these are
/// closing brackets.
const OPERATORS: [&str; 11] = ["..=", "...", "::", "->", "=>", "..", "&&", "||", "==", "!=", "<="];

fn flatten(tokens: TokenStream, out: &mut Vec<Lexeme>) {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                let prefix = PREFIX_WORDS.contains(&word.as_str()) && word != "crate";
                out.push(if prefix { Lexeme::Prefix(word) } else { Lexeme::Operand(word) });
            }
            TokenTree::Literal(literal) => out.push(Lexeme::Operand(literal.to_string())),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ('(', ')'),
                    Delimiter::Bracket => ('[', ']'),
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::None => {
                        flatten(group.stream(), out);
                        continue;
                    }
                };
                out.push(Lexeme::Open(open));
                flatten(group.stream(), out);
                out.push(Lexeme::Close(close));
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let name = trees.next().map(|tree| tree.to_string()).unwrap_or_default();
                out.push(Lexeme::Prefix(format!("'{name}")));
            }
            TokenTree::Punct(mut punct) => {
                let mut operator = String::from(punct.as_char());
                while punct.spacing() == Spacing::Joint {
                    let Some(TokenTree::Punct(next)) = trees.peek() else { break };
                    let longer = format!("{operator}{}", next.as_char());
                    if !OPERATORS.iter().any(|known| known.starts_with(&longer)) {
                        break;
                    }
                    operator = longer;
                    punct = next.clone();
                    trees.next();
                }
                out.push(Lexeme::Operator(operator));
            }
        }
    }
}

/// What decides whether a space comes next.
#[derive(Default)]
struct Line {
    last: Option<Lexeme>,
    /// Whether `last` is an operator that belongs to what follows (`&T`, `*const T`, `-1`).
    unary: bool,
    /// Whether `last` ends something that an operator can follow.
    ends_operand: bool,
    /// Open `<` of generics.
    angles: usize,
}

impl Line {
    fn push(&mut self, next: Lexeme, text: &mut String) {
        let mut unary = false;
        let mut ends_operand = false;
        let space = match &next {
            Lexeme::Operand(word) => {
                ends_operand = true;
                match &self.last {
                    Some(Lexeme::Operator(bang)) if bang == "!" => word == "where",
                    _ => self.wants_space(),
                }
            }
            Lexeme::Prefix(word) => match &self.last {
                Some(Lexeme::Operator(bang)) if bang == "!" => word == "where",
                _ => self.wants_space(),
            },
            Lexeme::Open('{') => {
                !matches!(&self.last, None | Some(Lexeme::Open('(' | '['))) && !self.after_open_angle()
            }
            Lexeme::Open(_) => !self.ends_operand && !self.after_bang() && self.wants_space(),
            Lexeme::Close('}') => {
                ends_operand = true;
                self.last != Some(Lexeme::Open('{'))
            }
            Lexeme::Close(_) => {
                ends_operand = true;
                false
            }
            Lexeme::Operator(operator) => match operator.as_str() {
                "," | ";" | ":" | "." => false,
                "<" if self.ends_operand || self.last.is_none() || self.after("::") => {
                    self.angles += 1;
                    unary = true;
                    false
                }
                "<" => {
                    self.angles += 1;
                    unary = true;
                    self.wants_space()
                }
                ">" if self.angles > 0 => {
                    self.angles -= 1;
                    ends_operand = true;
                    false
                }
                "::" | ".." | "..=" | "!" | "?" => {
                    unary = true;
                    !self.ends_operand && self.wants_space()
                }
                "&" | "&&" | "*" | "-" | "||" | "#" | "$" if !self.ends_operand => {
                    unary = true;
                    self.wants_space()
                }
                _ => self.last.is_some(),
            },
        };
        if space {
            text.push(' ');
        }
        match &next {
            Lexeme::Operand(part) | Lexeme::Prefix(part) | Lexeme::Operator(part) => text.push_str(part),
            Lexeme::Open(part) | Lexeme::Close(part) => text.push(*part),
        }
        self.unary = unary;
        self.ends_operand = ends_operand;
        self.last = Some(next);
    }

    /// Whether `last` keeps its distance from a word.
    fn wants_space(&self) -> bool {
        match &self.last {
            None | Some(Lexeme::Open('(' | '[')) => false,
            Some(Lexeme::Operator(operator)) => operator != "." && !self.unary,
            Some(_) => true,
        }
    }

    fn after(&self, operator: &str) -> bool {
        matches!(&self.last, Some(Lexeme::Operator(last)) if last == operator)
    }

    fn after_bang(&self) -> bool {
        self.after("!")
    }

    fn after_open_angle(&self) -> bool {
        self.after("<")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text is parsed into tokens, which forgets its spaces, and must come back as it was.
    #[track_caller]
    fn keeps(text: &str) {
        let signature: Signature = syn::parse_str(text).expect("a signature");
        assert_eq!(function(&signature), text);
    }

    #[track_caller]
    fn keeps_tokens(text: &str) {
        assert_eq!(tokens(text.parse().expect("tokens")), text);
    }

    #[test]
    fn signatures_come_out_as_written() {
        for text in [
            "fn f()",
            "fn f(a: u32) -> Vec<u8>",
            "fn f(&self, mut a: &[u8], b: &mut [u8]) -> &str",
            "fn f<'a, T: Clone + 'a, const N: usize>(&'a mut self, a: [T; N]) -> Option<&'a T>",
            "async unsafe fn f(self: Rc<Self>) -> Result<(), Box<dyn Error + Send + 'static>>",
            "unsafe extern \"C\" fn f(a: *const u8, b: *mut *const c_char) -> !",
            "fn f(a: impl Fn(u32, &str) -> u64 + Send) -> impl Iterator<Item = (usize, u8)> + '_",
            "fn f<F>(f: F) where F: for<'a> Fn(&'a str) -> &'a str, F: Send",
            "fn f(a: fn(u8) -> u8, b: dyn_trait::Kind, (c, d): (u8, u8), &e: &u8)",
            "fn f(Point { x, y: _, .. }: Point, [first, .., last]: [u8; 4])",
            "fn f(a: <T as Trait>::Item, b: &<T as Trait>::Item, c: &'a <T as Trait>::Item)",
            "fn f<T: ?Sized>(a: &'a [T], b: &'a (u8, u16), c: (u8,)) -> ! where T: Debug",
            "fn f(a: ::core::option::Option<Vec<Vec<u8>>>) -> crate::Result<Self>",
            "fn f(a: [u8; N * 2], b: Foo<{ N + 1 }>, c: Foo<-1>)",
            "fn f(a: vec_of!(u8), b: &&T, c: Box<dyn FnMut() + 'a>)",
            "fn f(r#type: u8) -> impl Future<Output = Result<impl Display, E>>",
            "fn f(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output>",
            "fn r#try(x: [[u8; 2]; 3], y: impl for<'a> Fn(&'a u8))",
        ] {
            keeps(text);
        }
    }

    #[test]
    fn several_lines_and_attributes_become_one_line() {
        let signature: Signature = syn::parse_str(
            "fn f<\n T,\n>(\n #[cfg(all())] a: u32, // why\n b: (u8,),\n)\n -> u8\nwhere\n T: Clone,\n",
        )
        .expect("a signature");
        assert_eq!(function(&signature), "fn f<T>(a: u32, b: (u8,)) -> u8 where T: Clone");
    }

    #[test]
    fn patterns_and_places_come_out_as_written() {
        for text in [
            "mut postings: HashMap<_, _>",
            "(a, ref mut b)",
            "whole @ Some(x)",
            "Ok(x) | Err(x)",
            "[head, rest @ ..]",
            "Point { x, y: (a, _), .. }",
            "&(a, b)",
            "0..=9",
            "self.cache.0",
            "*boxed",
            "(*self).cache",
            "crate::state::CACHE",
        ] {
            keeps_tokens(text);
        }
    }
}
