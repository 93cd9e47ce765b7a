//! The arguments: of `#[track(…)]`, and the `crate = path;` that may open a `track_var!`.
//!
//! They are read one by one between the commas, so that one bad argument hides no other.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Error, Ident, LitStr, Path, Token};

/// What an unknown argument could have been.
const KNOWN: &str = "`name = \"…\"` and `crate = path`";

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// The scope's name, where it is not the function's.
    pub(crate) name: Option<Name>,
    /// Where memscope is.
    pub(crate) krate: Krate,
}

/// The value of `name`.
pub(crate) enum Name {
    /// `name = "parse: header"`.
    Literal(LitStr),
    /// `name = names::PARSE_HEADER`.
    Const(Path),
}

impl ToTokens for Name {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(literal) => literal.to_tokens(tokens),
            Self::Const(path) => path.to_tokens(tokens),
        }
    }
}

/// The value of `crate`: where memscope is.
#[derive(Default)]
pub(crate) struct Krate(Option<Path>);

impl ToTokens for Krate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.0 {
            Some(path) => path.to_tokens(tokens),
            None => tokens.extend(quote_spanned!(Span::mixed_site()=> ::memscope)),
        }
    }
}

/// One argument, or what is wrong with it.
enum Arg {
    Name(Ident, Name),
    Krate(Ident, Path),
}

impl Args {
    /// Reads all arguments.
    ///
    /// # Errors
    ///
    /// All problems at once, each at its token.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut args = Self::default();
        let mut problems = Problems::default();
        for part in split_at_commas(tokens) {
            match argument.parse2(part) {
                Ok(Arg::Name(key, _)) if args.name.is_some() => problems.add(duplicate(&key)),
                Ok(Arg::Krate(key, _)) if args.krate.0.is_some() => problems.add(duplicate(&key)),
                Ok(Arg::Name(_, name)) => args.name = Some(name),
                Ok(Arg::Krate(_, path)) => args.krate = Krate(Some(path)),
                Err(error) => problems.add(error),
            }
        }
        problems.into_result(args)
    }
}

/// What a `track_var!` was told before the semicolon.
#[derive(Default)]
pub(crate) struct VariableArgs {
    /// Where memscope is.
    pub(crate) krate: Krate,
}

impl VariableArgs {
    /// Takes `crate = path;` off the front, if it is there, and returns the rest.
    pub(crate) fn split(tokens: TokenStream) -> (syn::Result<Self>, TokenStream) {
        let mut trees = tokens.clone().into_iter();
        let opens = matches!(trees.next(), Some(TokenTree::Ident(ident)) if ident == "crate")
            && matches!(trees.next(), Some(TokenTree::Punct(punct))
                if punct.as_char() == '=' && punct.spacing() == Spacing::Alone);
        if !opens {
            return (Ok(Self::default()), tokens);
        }
        let mut option = TokenStream::new();
        let mut rest = tokens.into_iter();
        for tree in rest.by_ref() {
            if matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == ';') {
                break;
            }
            option.extend([tree]);
        }
        let parsed = argument.parse2(option).map(|arg| match arg {
            Arg::Krate(_, path) => Self { krate: Krate(Some(path)) },
            Arg::Name(..) => Self::default(),
        });
        (parsed, rest.collect())
    }
}

/// Gathers errors into one.
#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    /// Adds one.
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Takes the value out of a result, or its error in.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// The value, if nothing was added.
    pub(crate) fn into_result<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}

/// `name = …` or `crate = …`.
fn argument(input: ParseStream<'_>) -> syn::Result<Arg> {
    if !input.peek(Ident::peek_any) {
        let span = input.span();
        skip(input);
        return Err(Error::new(span, format!("expected an argument of `#[track]`: {KNOWN}")));
    }
    let key = input.call(Ident::parse_any)?;
    let value: syn::Result<Arg> = match key.to_string().as_str() {
        "name" => value(input, &key, "a string or a path to a `const`, as in `name = \"parse\"`")
            .and_then(|()| name(input))
            .map(|name| Arg::Name(key, name)),
        "crate" => value(input, &key, "a path, as in `crate = my_crate::memscope`")
            .and_then(|()| krate(input))
            .map(|path| Arg::Krate(key, path)),
        other => Err(Error::new(
            key.span(),
            format!("`{other}` is not an argument of `#[track]`; it takes {KNOWN}"),
        )),
    };
    if value.is_ok() && !input.is_empty() {
        let span = input.span();
        skip(input);
        return Err(Error::new(span, "expected a comma before the next argument"));
    }
    skip(input);
    value
}

/// The `=` of an argument.
fn value(input: ParseStream<'_>, key: &Ident, expected: &str) -> syn::Result<()> {
    if input.is_empty() {
        return Err(Error::new(key.span(), format!("`{key}` needs a value: {expected}")));
    }
    if input.peek(Token![=]) && !input.peek(Token![==]) {
        let equals = input.parse::<Token![=]>()?;
        if input.is_empty() {
            return Err(Error::new(equals.span(), format!("`{key}` needs a value: {expected}")));
        }
        return Ok(());
    }
    Err(Error::new(input.span(), format!("`{key}` needs `=` and {expected}")))
}

/// The value of `name`.
fn name(input: ParseStream<'_>) -> syn::Result<Name> {
    if input.peek(LitStr) {
        let literal: LitStr = input.parse()?;
        if literal.value().trim().is_empty() {
            return Err(Error::new(
                literal.span(),
                "a scope needs a name that can be read; this one is empty",
            ));
        }
        if !literal.suffix().is_empty() {
            return Err(Error::new(literal.span(), "expected a string without a suffix"));
        }
        return Ok(Name::Literal(literal));
    }
    let (span, found) = (input.span(), first_tree(input));
    let refused = || {
        Error::new(
            span,
            format!(
                "`name` takes a string or a path to a `const`, as in `name = \"parse\"`; found `{found}`"
            ),
        )
    };
    let path = Path::parse_mod_style(input).map_err(|_| refused())?;
    if path.segments.first().is_some_and(|segment| segment.ident == "Self") {
        return Err(Error::new(
            path.span(),
            "the scope's name is a static, which cannot see `Self`; write the type's name instead",
        ));
    }
    Ok(Name::Const(path))
}

/// The value of `crate`.
fn krate(input: ParseStream<'_>) -> syn::Result<Path> {
    let (span, found) = (input.span(), first_tree(input));
    Path::parse_mod_style(input).map_err(|_| {
        Error::new(
            span,
            format!(
                "`crate` takes a path without quotes, as in `crate = my_crate::memscope`; found `{found}`"
            ),
        )
    })
}

fn duplicate(key: &Ident) -> Error {
    Error::new(key.span(), format!("`{key}` is given twice; keep one"))
}

/// The next token as text, for a message.
fn first_tree(input: ParseStream<'_>) -> String {
    input.fork().parse::<TokenTree>().map(|tree| tree.to_string()).unwrap_or_default()
}

/// Reads to the end, so that the parser adds no complaint of its own.
fn skip(input: ParseStream<'_>) {
    let rest = TokenStream::parse(input);
    debug_assert!(rest.is_ok(), "any tokens are a token stream");
}

/// The parts between the commas; a trailing comma makes no part, a doubled one an empty part.
fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    for tree in tokens {
        match &tree {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if part.is_empty() {
                    // The comma itself, so that the error has a token.
                    part.extend([tree]);
                }
                parts.push(std::mem::take(&mut part));
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::None && part.is_empty() => {
                // A macro_rules fragment: transparent.
                part.extend(group.stream());
            }
            _ => part.extend([tree]),
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn messages(tokens: TokenStream) -> Vec<String> {
        match Args::parse(tokens) {
            Ok(_) => Vec::new(),
            Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn all_forms_are_accepted() {
        for tokens in [
            quote!(),
            quote!(name = "a"),
            quote!(name = "a",),
            quote!(name = NAME),
            quote!(name = crate::names::NAME, crate = ::a::b),
            quote!(crate = a),
            quote!(crate = crate::a, name = "a"),
        ] {
            assert_eq!(messages(tokens.clone()), Vec::<String>::new(), "{tokens}");
        }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let found = messages(quote!(name = 3, nme = "x", crate = "a", name = "", vars, 7));
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(found[0].contains("found `3`"), "{found:#?}");
        assert!(found[1].contains("`nme` is not an argument"), "{found:#?}");
        assert!(found[2].contains("without quotes"), "{found:#?}");
        assert!(found[3].contains("empty"), "{found:#?}");
        assert!(found[4].contains("`vars` is not an argument"), "{found:#?}");
        assert!(found[5].contains("expected an argument"), "{found:#?}");
    }

    #[test]
    fn a_second_value_is_refused() {
        assert_eq!(messages(quote!(name = "a", name = "b")), ["`name` is given twice; keep one"]);
        assert_eq!(messages(quote!(crate = a, crate = b)), ["`crate` is given twice; keep one"]);
    }

    #[test]
    fn incomplete_arguments_say_what_is_missing() {
        assert!(messages(quote!(name))[0].starts_with("`name` needs a value"));
        assert!(messages(quote!(name =))[0].starts_with("`name` needs a value"));
        assert!(messages(quote!(name("a")))[0].starts_with("`name` needs `=`"));
        assert!(messages(quote!(name == "a"))[0].starts_with("`name` needs `=`"));
        assert!(messages(quote!(crate))[0].starts_with("`crate` needs a value"));
        assert_eq!(messages(quote!(name = "a" crate = b)), ["expected a comma before the next argument"]);
        assert!(messages(quote!(,))[0].starts_with("expected an argument"));
        assert!(messages(quote!(name = Self::NAME))[0].contains("cannot see `Self`"));
    }

    #[test]
    fn a_variable_takes_the_crate_before_a_semicolon() {
        let (args, rest) = VariableArgs::split(quote!(crate = a::b; let x = 1));
        assert_eq!(args.ok().map(|args| args.krate.to_token_stream().to_string()).as_deref(), Some("a :: b"));
        assert_eq!(rest.to_string(), quote!(let x = 1).to_string());
        let (args, rest) = VariableArgs::split(quote!(crate::STATIC));
        assert!(args.is_ok());
        assert_eq!(rest.to_string(), quote!(crate::STATIC).to_string());
        let (args, _) = VariableArgs::split(quote!(crate = "a"; x));
        assert!(args.is_err());
    }
}
