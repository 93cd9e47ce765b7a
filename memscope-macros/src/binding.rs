//! What `track_var!` stands on, cut into the parts that the expansion needs; nothing is judged here.
//!
//! The initialiser stays tokens: what it holds is the compiler's business.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, GenericArgument, Ident, Pat, PathArguments, Token, Type};

/// What `track_var!` stands on.
pub(crate) enum Target {
    /// `let …`.
    Binding(Box<Binding>),
    /// `x, self.cache`.
    Places(Vec<Expr>),
    /// `move x`: an expression that hands the value on in a wrapper.
    Moved(Expr),
}

/// A `let` statement.
pub(crate) struct Binding {
    /// All its tokens, as they were, without the semicolon.
    pub(crate) statement: TokenStream,
    /// Its attributes that say whether it is there at all.
    pub(crate) conditions: Vec<Attribute>,
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
    if input.peek(Token![move]) && !input.peek2(Token![|]) && !input.peek2(Token![||]) {
        let keyword = input.parse::<Token![move]>()?;
        if input.is_empty() {
            return Err(syn::Error::new(keyword.span, "`move` needs a variable, as in `track_var!(move x)`"));
        }
        let place = input.parse()?;
        if !input.is_empty() {
            return Err(input.error("`move` takes one variable, as in `track_var!(move x)`"));
        }
        return Ok(Target::Moved(place));
    }
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
    let conditions = conditions(&input.call(Attribute::parse_outer)?);
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
    input.parse::<TokenStream>()?;
    let binding = Binding { statement, conditions, let_token, pattern, annotation, initialiser, beyond };
    Ok(Target::Binding(Box::new(binding)))
}

/// The attributes that say whether what they stand on is compiled: `#[cfg(…)]`, `#[cfg_attr(…, cfg(…))]`.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    let is_condition = |attribute: &&Attribute| {
        attribute.path().is_ident("cfg")
            || attribute.path().is_ident("cfg_attr")
                && attribute.meta.require_list().is_ok_and(|list| {
                    list.tokens
                        .clone()
                        .into_iter()
                        .any(|tree| matches!(tree, TokenTree::Ident(word) if word == "cfg"))
                })
    };
    attributes.iter().filter(is_condition).cloned().collect()
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

pub(crate) fn bound(pattern: &Pat, names: &mut Vec<Ident>) {
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
        // A field that may not be there binds a name that may not be there.
        Pat::Struct(fields) => {
            let fields = fields.fields.iter().filter(|field| conditions(&field.attrs).is_empty());
            fields.for_each(|field| bound(&field.pat, names));
        }
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|element| bound(element, names)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|element| bound(element, names)),
        Pat::Type(typed) => bound(&typed.pat, names),
        // Constants, literals, ranges, `_`, `..`; and macros, which only the compiler can read.
        _ => {}
    }
}

/// Whether no part of a type is left to inference.
pub(crate) fn is_complete(ty: &Type) -> bool {
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
