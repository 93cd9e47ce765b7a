//! What the user wrote, cut into the parts that the expansion needs; nothing is judged here.
//!
//! A function's body and a binding's initialiser stay tokens: what they hold is the compiler's business, and an
//! editor's, which must get back a body that does not parse yet.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, GenericArgument, Ident, Pat, PathArguments, Signature, Token, Type, Visibility};

/// What `#[track]` stands on.
pub(crate) enum Item {
    /// A function with a body.
    Function(Box<Function>),
    /// A function that ends in a semicolon.
    Declaration(Box<Signature>),
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
        skip(input)?;
        return Ok(Item::Other(keyword));
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
        let abi = rest.parse::<syn::Abi>();
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
fn braces(tree: &TokenTree) -> Option<Group> {
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
    let trees: Vec<TokenTree> = block.stream().into_iter().collect();
    let is =
        |tree: &TokenTree, sign: char| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign);
    let mut end = 0;
    while let [hash, bang, TokenTree::Group(group), ..] = &trees[end..] {
        if !(is(hash, '#') && is(bang, '!') && group.delimiter() == Delimiter::Bracket) {
            break;
        }
        end += 3;
    }
    if end == 0 {
        return (TokenStream::new(), body);
    }
    let mut rest = Group::new(Delimiter::Brace, trees[end..].iter().cloned().collect());
    rest.set_span(block.span());
    (trees[..end].iter().cloned().collect(), rest.into())
}

/// What `track_var!` stands on.
pub(crate) enum Target {
    /// `let …`.
    Binding(Box<Binding>),
    /// `x, self.cache`.
    Places(Vec<Expr>),
}

/// A `let` statement.
pub(crate) struct Binding {
    /// All its tokens, as they were, without the semicolon.
    pub(crate) statement: TokenStream,
    pub(crate) let_token: Token![let],
    pub(crate) pattern: Pat,
    pub(crate) annotation: Option<Type>,
    pub(crate) initialiser: Initialiser,
    /// What follows a semicolon.
    pub(crate) beyond: TokenStream,
}

/// The part after `=`.
pub(crate) enum Initialiser {
    /// `let x;`.
    Absent,
    /// Any tokens.
    Tokens(TokenStream),
}

impl Target {
    /// Reads the input of `track_var!`.
    ///
    /// # Errors
    ///
    /// What cannot be read as a pattern, a type or a list of expressions.
    pub(crate) fn parse(tokens: &TokenStream) -> syn::Result<Self> {
        target.parse2(tokens.clone())
    }
}

fn target(input: ParseStream<'_>) -> syn::Result<Target> {
    let ahead = input.fork();
    let attributes = ahead.call(Attribute::parse_outer)?;
    if attributes.is_empty() && !ahead.peek(Token![let]) {
        let places = Punctuated::<Expr, Token![,]>::parse_terminated(input)?;
        return Ok(Target::Places(places.into_iter().collect()));
    }
    let mut statement = TokenStream::new();
    let mut beyond = TokenStream::new();
    let mut ended = false;
    for tree in input.fork().parse::<TokenStream>()? {
        if ended {
            beyond.extend([tree]);
        } else if matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == ';') {
            ended = true;
        } else {
            statement.extend([tree]);
        }
    }
    input.call(Attribute::parse_outer)?;
    let let_token = input.parse()?;
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    let annotation = if input.parse::<Option<Token![:]>>()?.is_some() { Some(input.parse()?) } else { None };
    let initialiser = if input.is_empty() || input.peek(Token![;]) {
        Initialiser::Absent
    } else {
        input.parse::<Token![=]>()?;
        let rest: TokenStream = input.parse()?;
        let ends = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';');
        Initialiser::Tokens(rest.into_iter().take_while(|tree| !ends(tree)).collect())
    };
    skip(input)?;
    Ok(Target::Binding(Box::new(Binding { statement, let_token, pattern, annotation, initialiser, beyond })))
}

impl Binding {
    /// The names that the pattern binds, each once, in the order of their first place.
    pub(crate) fn names(&self) -> Vec<Ident> {
        let mut names = Vec::new();
        bound(&self.pattern, &mut names);
        names
    }

    /// Whether the value's type is known from this statement alone. Where it is not, it may still be open when
    /// the compiler reads the next one, and asking then which traits it has would settle it.
    pub(crate) fn type_is_evident(&self) -> bool {
        match (&self.annotation, &self.initialiser) {
            (Some(annotation), _) => is_complete(annotation),
            (None, Initialiser::Tokens(tokens)) => {
                syn::parse2::<Expr>(tokens.clone()).is_ok_and(|expression| has_evident_type(&expression))
            }
            (None, Initialiser::Absent) => false,
        }
    }
}

fn bound(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(binding) => {
            let plain = binding.by_ref.is_none() && binding.mutability.is_none() && binding.subpat.is_none();
            // `None` reads like a binding. The compiler resolves it; here the spelling must do, as rustc's own
            // lint `non_snake_case` has it.
            let constant = plain && binding.ident.to_string().starts_with(char::is_uppercase);
            if !constant && !names.contains(&binding.ident) {
                names.push(binding.ident.clone());
            }
            if let Some((_, inner)) = &binding.subpat {
                bound(inner, names);
            }
        }
        Pat::Or(cases) => cases.cases.iter().for_each(|case| bound(case, names)),
        Pat::Paren(inner) => bound(&inner.pat, names),
        Pat::Reference(inner) => bound(&inner.pat, names),
        Pat::Slice(slice) => slice.elems.iter().for_each(|element| bound(element, names)),
        Pat::Struct(fields) => fields.fields.iter().for_each(|field| bound(&field.pat, names)),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|element| bound(element, names)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|element| bound(element, names)),
        Pat::Type(typed) => bound(&typed.pat, names),
        // Constants, literals, ranges, `_`, `..`; and macros, which only the compiler can read.
        _ => {}
    }
}

/// Whether no part of a type is left to inference.
fn is_complete(ty: &Type) -> bool {
    match ty {
        Type::Array(array) => is_complete(&array.elem) && !matches!(&array.len, Expr::Infer(_)),
        Type::Group(group) => is_complete(&group.elem),
        Type::Paren(paren) => is_complete(&paren.elem),
        Type::Ptr(pointer) => is_complete(&pointer.elem),
        Type::Reference(reference) => is_complete(&reference.elem),
        Type::Slice(slice) => is_complete(&slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_complete),
        Type::FnPtr(_) | Type::Never(_) | Type::TraitObject(_) => true,
        Type::Path(path) => {
            path.qself.as_ref().is_none_or(|qself| is_complete(&qself.ty))
                && path.path.segments.iter().all(|segment| are_complete(&segment.arguments))
        }
        _ => false,
    }
}

fn are_complete(arguments: &PathArguments) -> bool {
    match arguments {
        PathArguments::None => true,
        PathArguments::AngleBracketed(generics) => generics.args.iter().all(|argument| match argument {
            GenericArgument::Lifetime(_) => true,
            GenericArgument::Type(ty) => is_complete(ty),
            GenericArgument::Const(value) => !matches!(value, Expr::Infer(_)),
            _ => false,
        }),
        PathArguments::Parenthesized(_) => false,
    }
}

/// Whether written generic arguments leave nothing open.
fn are_given(arguments: &PathArguments) -> bool {
    !matches!(arguments, PathArguments::None) && are_complete(arguments)
}

fn has_evident_type(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(_) => true,
        // `String::from(…)`, `Vec::<u8>::new()`.
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return false };
            let mut segments = function.path.segments.iter().rev();
            let (Some(name), Some(ty)) = (segments.next(), segments.next()) else { return false };
            let own_string = ty.ident == "String" && matches!(ty.arguments, PathArguments::None);
            function.qself.is_none()
                && matches!(name.arguments, PathArguments::None)
                && ["new", "from", "with_capacity"].iter().any(|known| name.ident == known)
                && (own_string || are_given(&ty.arguments))
        }
        // `….collect::<Vec<String>>()`.
        Expr::MethodCall(call) => {
            call.method == "collect"
                && call
                    .turbofish
                    .as_ref()
                    .is_some_and(|generics| are_given(&PathArguments::AngleBracketed(generics.clone())))
        }
        Expr::Macro(call) if call.mac.path.is_ident("format") => true,
        Expr::Macro(call) if call.mac.path.is_ident("vec") => {
            // `vec![0; n]` and `vec!["a", "b"]`: it is the first element that decides.
            let mut trees = call.mac.tokens.clone().into_iter();
            let first = matches!(trees.next(), Some(TokenTree::Literal(_)));
            let end = match trees.next() {
                None => true,
                Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), ',' | ';'),
                Some(_) => false,
            };
            first && end
        }
        _ => false,
    }
}

/// Whether an expression names a place that can be looked at without doing anything.
pub(crate) fn is_place(expression: &Expr) -> bool {
    match expression {
        Expr::Path(path) => path.attrs.is_empty(),
        Expr::Field(field) => field.attrs.is_empty() && is_place(&field.base),
        Expr::Paren(paren) => paren.attrs.is_empty() && is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        Expr::Unary(unary) => {
            unary.attrs.is_empty() && matches!(unary.op, syn::UnOp::Deref(_)) && is_place(&unary.expr)
        }
        _ => false,
    }
}

/// Where an expression, a pattern or a type is, for an error.
pub(crate) fn span_of(tokens: &impl quote::ToTokens) -> proc_macro2::Span {
    tokens.span()
}
