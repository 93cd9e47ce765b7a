//! What `#[track]` stands on, cut into the parts that the expansion needs; nothing is judged here.
//!
//! A function's body stays tokens: what it holds is the compiler's business, and an editor's, which must get back a
//! body that does not parse yet. The same goes for what lies between the functions of a block.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Abi, Attribute, FnArg, ForeignItemFn, Ident, Signature, Token, Type, Visibility};

use crate::binding::{bound, conditions};
use crate::body;

/// What `#[track]` stands on.
pub(crate) enum Item {
    /// A function with a body.
    Function(Box<Function>),
    /// A function that ends in a semicolon.
    Declaration(Box<Signature>),
    /// An `impl`, an inline `mod`, a `trait`.
    Block(Box<Block>),
    /// An `extern "C"` block.
    Foreign(Box<Foreign>),
    /// Another kind of item: its keyword.
    Other(Keyword),
    /// Nothing that can be read; the compiler says why better than we could.
    Unreadable,
}

/// The word that says what an item is, with its place.
pub(crate) struct Keyword {
    pub(crate) word: &'static str,
    pub(crate) span: proc_macro2::Span,
}

/// A function with a body.
pub(crate) struct Function {
    /// All tokens before the body, as they were.
    pub(crate) header: TokenStream,
    /// The attributes of the header, read.
    pub(crate) attributes: Vec<Attribute>,
    /// The signature of the header, read.
    pub(crate) signature: Signature,
    /// `#![…]` and `//! …` at the start of the body.
    pub(crate) inner_attributes: TokenStream,
    /// The body in its braces, without the inner attributes.
    pub(crate) body: TokenTree,
}

/// A name that an async body takes in.
pub(crate) struct TakenIn {
    pub(crate) name: Ident,
    /// The attributes that say whether it is there at all.
    pub(crate) conditions: Vec<Attribute>,
    /// Whether the body reads it.
    pub(crate) is_read: bool,
}

/// A name that an argument binds.
pub(crate) struct Argument<'a> {
    pub(crate) name: Ident,
    /// The whole argument's.
    pub(crate) ty: &'a Type,
    /// The attributes that say whether the argument is there at all.
    pub(crate) conditions: Vec<Attribute>,
}

impl Function {
    /// All of it, as it was.
    pub(crate) fn tokens(&self) -> TokenStream {
        let body = match braces(&self.body) {
            Some(block) if !self.inner_attributes.is_empty() => {
                let content = self.inner_attributes.clone().into_iter().chain(block.stream()).collect();
                braced(content, block.span()).into()
            }
            _ => self.body.clone(),
        };
        self.header.clone().into_iter().chain([body]).collect()
    }

    /// The arguments and bindings that the body uses: what `vars` tracks.
    pub(crate) fn variables(&self) -> Vec<Ident> {
        let Some(block) = braces(&self.body) else { return Vec::new() };
        let mut names: Vec<Ident> = self.arguments().into_iter().map(|argument| argument.name).collect();
        body::track_lets(block.stream(), &mut |_, used| {
            names.extend(used.iter().cloned());
            TokenStream::new()
        });
        names
    }

    /// The names that the arguments bind and the body uses. `self` is none.
    pub(crate) fn arguments(&self) -> Vec<Argument<'_>> {
        let content = self.content();
        let all = self.all_arguments();
        all.into_iter().filter(|argument| body::uses(&content, &argument.name)).collect()
    }

    /// What an async body takes in, in the order in which it is dropped after it: the last argument first. A `self` that
    /// the body does not mention is left out.
    pub(crate) fn taken_in(&self) -> Vec<TakenIn> {
        let content = self.content();
        let receiver = self.signature.receiver().map(|receiver| Ident::new("self", receiver.self_token.span));
        let receiver = receiver.filter(|name| body::mentions(&content, name));
        let receiver = receiver.map(|name| TakenIn { name, conditions: Vec::new(), is_read: true });
        let arguments = self.all_arguments().into_iter().map(|Argument { name, conditions, .. }| {
            // Those with an underscore the compiler leaves alone.
            let is_read = name.to_string().starts_with('_') || body::uses(&content, &name);
            TakenIn { name, conditions, is_read }
        });
        let mut names: Vec<_> = receiver.into_iter().chain(arguments).collect();
        names.reverse();
        names
    }

    /// All that the arguments bind. `self` is none.
    pub(crate) fn all_arguments(&self) -> Vec<Argument<'_>> {
        let mut arguments = Vec::new();
        for input in &self.signature.inputs {
            let FnArg::Typed(argument) = input else { continue };
            let mut names = Vec::new();
            bound(&argument.pat, &mut names);
            arguments.extend(names.into_iter().map(|name| Argument {
                name,
                ty: &argument.ty,
                conditions: conditions(&argument.attrs),
            }));
        }
        arguments
    }

    fn content(&self) -> Vec<TokenTree> {
        braces(&self.body).map(|block| block.stream().into_iter().collect()).unwrap_or_default()
    }
}

/// Items in braces.
pub(crate) struct Block {
    /// All of it, as it was.
    pub(crate) tokens: TokenStream,
    pub(crate) keyword: Keyword,
    /// All tokens before the braces, as they were.
    pub(crate) header: TokenStream,
    /// The attributes of the header, read.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) braces: Group,
    /// `#![…]` and `//! …` at the start.
    pub(crate) inner_attributes: TokenStream,
    /// All that follows, in its order.
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a [`Block`].
pub(crate) enum Piece {
    Function(Box<Function>),
    Block(Box<Block>),
    /// Anything else.
    Other(TokenStream),
}

/// An `extern "C"` block.
pub(crate) struct Foreign {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) abi: Abi,
    pub(crate) braces: Group,
    pub(crate) inner_attributes: TokenStream,
    pub(crate) pieces: Vec<ForeignPiece>,
}

/// A part of a [`Foreign`] block.
pub(crate) enum ForeignPiece {
    Function(Box<ForeignItemFn>),
    /// A static, a type, a macro.
    Other(TokenStream),
}

impl Item {
    /// Reads an item.
    pub(crate) fn parse(tokens: &TokenStream) -> Self {
        item.parse2(tokens.clone()).unwrap_or(Self::Unreadable)
    }
}

fn item(input: ParseStream<'_>) -> syn::Result<Item> {
    let all: TokenStream = input.fork().parse()?;
    let attributes = input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    if let Some(keyword) = keyword(input) {
        if keyword.word == "extern" {
            return foreign(attributes, input);
        }
        skip(input)?;
        let mut header: Vec<TokenTree> = transparent(all.clone()).into_iter().collect();
        let braces = header.pop().and_then(|tree| braces(&tree));
        return Ok(match braces {
            Some(braces) if ["impl", "mod", "trait"].contains(&keyword.word) => {
                Item::Block(Box::new(block(all, keyword, attributes, header, braces)))
            }
            _ => Item::Other(keyword),
        });
    }
    // `default fn` of specialization.
    if input.peek(Ident) && input.fork().parse::<Ident>()? == "default" {
        input.parse::<Ident>()?;
    }
    let signature: Signature = input.parse()?;
    if input.peek(Token![;]) {
        skip(input)?;
        return Ok(Item::Declaration(Box::new(signature)));
    }
    skip(input)?;
    let mut header: Vec<TokenTree> = transparent(all).into_iter().collect();
    let Some(body) = header.pop().filter(|tree| braces(tree).is_some()) else { return Ok(Item::Unreadable) };
    let (inner_attributes, body) = without_inner_attributes(body);
    Ok(Item::Function(Box::new(Function {
        header: header.into_iter().collect(),
        attributes,
        signature,
        inner_attributes,
        body,
    })))
}

fn block(
    tokens: TokenStream,
    keyword: Keyword,
    attributes: Vec<Attribute>,
    header: Vec<TokenTree>,
    braces: Group,
) -> Block {
    let (inner_attributes, rest) = inner_attributes(braces.stream());
    let pieces = pieces(rest)
        .into_iter()
        .map(|tokens| match Item::parse(&tokens) {
            Item::Function(function) => Piece::Function(function),
            Item::Block(block) => Piece::Block(block),
            _ => Piece::Other(tokens),
        })
        .collect();
    let header = header.into_iter().collect();
    Block { tokens, keyword, header, attributes, braces, inner_attributes, pieces }
}

fn foreign(attributes: Vec<Attribute>, input: ParseStream<'_>) -> syn::Result<Item> {
    let (unsafety, abi) = (input.parse()?, input.parse()?);
    let braces: Group = input.parse()?;
    skip(input)?;
    let (inner_attributes, rest) = inner_attributes(braces.stream());
    let pieces = pieces(rest)
        .into_iter()
        .map(|tokens| match syn::parse2::<ForeignItemFn>(tokens.clone()) {
            Ok(function) => ForeignPiece::Function(Box::new(function)),
            Err(_) => ForeignPiece::Other(tokens),
        })
        .collect();
    Ok(Item::Foreign(Box::new(Foreign { attributes, unsafety, abi, braces, inner_attributes, pieces })))
}

/// The items in a pair of braces, each with its attributes.
///
/// An item ends with its semicolon or with its braces; only those of `const`, `static`, `type` and `use` may hold
/// braces and go on. Braces within angle brackets are an argument's (`Grid<{ N + 1 }>`).
fn pieces(tokens: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = &trees[..];
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, beyond) = rest.split_at(item_len(rest));
        pieces.push(piece.iter().cloned().collect());
        rest = beyond;
    }
    pieces
}

/// How many trees the item takes that `trees` begins with.
pub(crate) fn item_len(trees: &[TokenTree]) -> usize {
    let mut at = 0;
    // Attributes and visibility.
    loop {
        match &trees[at..] {
            [hash, TokenTree::Group(_), ..] if is_punct(hash, '#') => at += 2,
            [TokenTree::Ident(word), TokenTree::Group(group), ..]
                if word == "pub" && group.delimiter() == Delimiter::Parenthesis =>
            {
                at += 2;
            }
            [TokenTree::Ident(word), ..] if word == "pub" => at += 1,
            [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::None => {
                at += 1;
                // A whole item that a macro was given, or a visibility.
                let last = group.stream().into_iter().last();
                if last.is_some_and(|tree| is_punct(&tree, ';') || braces(&tree).is_some()) {
                    return at;
                }
            }
            _ => break,
        }
    }
    let is_word = |at: usize, words: &[&str]| matches!(trees.get(at), Some(TokenTree::Ident(ident)) if words.iter().any(|word| ident == word));
    let is_function = is_word(at + 1, &["fn", "unsafe", "async", "extern"]);
    let holds_braces = is_word(at, &["static", "type", "use"]) || is_word(at, &["const"]) && !is_function;
    let mut angles = 0_usize;
    for (index, tree) in trees.iter().enumerate().skip(at) {
        let after_dash = index > 0
            && matches!(&trees[index - 1], TokenTree::Punct(punct) if matches!(punct.as_char(), '-' | '='));
        match tree {
            tree if is_punct(tree, ';') => return index + 1,
            tree if is_punct(tree, '<') => angles += 1,
            tree if is_punct(tree, '>') && !after_dash => angles = angles.saturating_sub(1),
            tree if !holds_braces && angles == 0 && braces(tree).is_some() => return index + 1,
            _ => {}
        }
    }
    trees.len()
}

pub(crate) fn is_punct(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// The keyword of an item that is not a function.
fn keyword(input: ParseStream<'_>) -> Option<Keyword> {
    let ahead = input.fork();
    let unsafety = ahead.parse::<Option<Token![unsafe]>>().ok().flatten();
    let span = ahead.span();
    let is_fn = |ahead: ParseStream<'_>| ahead.fork().parse::<Signature>().is_ok();
    let word = if ahead.peek(Token![impl]) {
        "impl"
    } else if ahead.peek(Token![mod]) {
        "mod"
    } else if ahead.peek(Token![trait]) {
        "trait"
    } else if ahead.peek(Token![extern]) && !is_fn(input) {
        let rest = ahead.fork();
        let abi = rest.parse::<Abi>();
        if abi.is_ok() && rest.peek(Token![fn]) {
            return None;
        }
        if ahead.peek2(Token![crate]) { "extern crate" } else { "extern" }
    } else if unsafety.is_some() {
        return None;
    } else if ahead.peek(Token![struct]) {
        "struct"
    } else if ahead.peek(Token![enum]) {
        "enum"
    } else if ahead.peek(Token![static]) {
        "static"
    } else if ahead.peek(Token![type]) {
        "type"
    } else if ahead.peek(Token![use]) {
        "use"
    } else if ahead.peek(Token![let]) {
        "let"
    } else if ahead.peek(Token![const])
        && (ahead.peek2(Token![_]) || ahead.peek2(Ident))
        && !ahead.peek2(Token![async])
        && !ahead.peek2(Token![unsafe])
    {
        "const"
    } else if ahead.peek(Ident) && ahead.peek2(Token![!]) {
        "macro"
    } else if ahead.peek(Ident) && ahead.peek2(Ident) && ahead.fork().parse::<Ident>().ok()? == "union" {
        "union"
    } else {
        return None;
    };
    Some(Keyword { word, span })
}

/// Reads to the end.
fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    TokenStream::parse(input).map(drop)
}

/// The tokens within the invisible group that a `macro_rules!` fragment may come in.
fn transparent(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            transparent(group.stream())
        }
        _ => tokens,
    }
}

/// The braces of a block, which may come in an invisible group.
pub(crate) fn braces(tree: &TokenTree) -> Option<Group> {
    let TokenTree::Group(group) = tree else { return None };
    match group.delimiter() {
        Delimiter::Brace => Some(group.clone()),
        Delimiter::None => {
            let mut trees = group.stream().into_iter();
            match (trees.next(), trees.next()) {
                (Some(tree), None) => braces(&tree),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Takes `#![…]` off the front of a block. A block without any is returned as it is, so that its braces keep
/// their own spans.
fn without_inner_attributes(body: TokenTree) -> (TokenStream, TokenTree) {
    let Some(block) = braces(&body) else { return (TokenStream::new(), body) };
    let (attributes, rest) = inner_attributes(block.stream());
    if attributes.is_empty() {
        return (attributes, body);
    }
    (attributes, braced(rest, block.span()).into())
}

/// `#![…]` at the front of a block's content, and what follows.
fn inner_attributes(content: TokenStream) -> (TokenStream, TokenStream) {
    let trees: Vec<TokenTree> = content.into_iter().collect();
    let mut end = 0;
    while let [hash, bang, TokenTree::Group(group), ..] = &trees[end..] {
        if !(is_punct(hash, '#') && is_punct(bang, '!') && group.delimiter() == Delimiter::Bracket) {
            break;
        }
        end += 3;
    }
    let (attributes, rest) = trees.split_at(end);
    (attributes.iter().cloned().collect(), rest.iter().cloned().collect())
}

/// A block in the place of another.
pub(crate) fn braced(content: TokenStream, span: proc_macro2::Span) -> Group {
    let mut block = Group::new(Delimiter::Brace, content);
    block.set_span(span);
    block
}

/// Where an expression, a pattern or a type is, for an error.
pub(crate) fn span_of(tokens: &impl quote::ToTokens) -> proc_macro2::Span {
    tokens.span()
}
