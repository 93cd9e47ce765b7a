//! The arguments: of `#[track(…)]`, and the `crate = path;` that may open a `track_var!`.
//!
//! They are read one by one between the commas, so that one bad argument hides no other. Which of them an item takes
//! is judged in `check`.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Ident, LitInt, LitStr, Path, Token};

/// What an unknown argument could have been.
const KNOWN: &str =
    "`name = \"…\"`, `vars`, `skip(…)`, `budget = \"…\"`, `max_allocs = …` and `crate = path`";

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// The scope's name, where it is not the function's.
    pub(crate) name: Option<(Ident, Name)>,
    /// Whether arguments and bindings are tracked too: the word `vars`.
    pub(crate) vars: Option<Ident>,
    /// What is left out: variables of a function, functions of a block.
    pub(crate) skip: Option<(Ident, Vec<Ident>)>,
    /// The most bytes that a call may hold at once.
    pub(crate) budget: Option<(Ident, u64)>,
    /// The most allocations that a call may make.
    pub(crate) max_allocs: Option<(Ident, u64)>,
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
#[derive(Clone, Default)]
pub(crate) struct Krate(Option<Path>);

impl Krate {
    /// Reads what follows the word `crate`.
    ///
    /// # Errors
    ///
    /// If it is not `= path`.
    pub(crate) fn parse_value(input: ParseStream<'_>, key: &Ident) -> syn::Result<Self> {
        krate(input, key).map(|path| Self(Some(path)))
    }
}

impl ToTokens for Krate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.0 {
            Some(path) => path.to_tokens(tokens),
            None => tokens.extend(quote_spanned!(Span::mixed_site()=> ::memscope)),
        }
    }
}

/// One argument.
enum Arg {
    Name(Ident, Name),
    Vars(Ident),
    Skip(Ident, Vec<Ident>),
    Budget(Ident, u64),
    MaxAllocs(Ident, u64),
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
                Ok(arg) => args.set(arg).unwrap_or_else(|error| problems.add(error)),
                Err(error) => problems.add(error),
            }
        }
        problems.into_result(args)
    }

    fn set(&mut self, arg: Arg) -> syn::Result<()> {
        fn once<T>(place: &mut Option<T>, key: &Ident, value: T) -> syn::Result<()> {
            match place.replace(value) {
                None => Ok(()),
                Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice; keep one"))),
            }
        }
        match arg {
            Arg::Name(key, name) => once(&mut self.name, &key.clone(), (key, name)),
            Arg::Vars(key) => once(&mut self.vars, &key.clone(), key),
            Arg::Skip(key, names) => once(&mut self.skip, &key.clone(), (key, names)),
            Arg::Budget(key, bytes) => once(&mut self.budget, &key.clone(), (key, bytes)),
            Arg::MaxAllocs(key, count) => once(&mut self.max_allocs, &key.clone(), (key, count)),
            Arg::Krate(key, path) => once(&mut self.krate.0, &key, path),
        }
    }

    /// What the arguments of a block are to each function in it.
    pub(crate) fn of_each_function(&self) -> Self {
        Self { vars: self.vars.clone(), krate: self.krate.clone(), ..Self::default() }
    }

    /// Whether a name stands in `skip(…)`.
    pub(crate) fn skips(&self, name: &Ident) -> bool {
        self.skip.as_ref().is_some_and(|(_, names)| names.contains(name))
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
            _ => Self::default(),
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

/// `name = …`, `vars`, `skip(…)` and so on.
fn argument(input: ParseStream<'_>) -> syn::Result<Arg> {
    if !input.peek(Ident::peek_any) {
        let span = input.span();
        skip_rest(input);
        return Err(Error::new(span, format!("expected an argument of `#[track]`: {KNOWN}")));
    }
    let key = input.call(Ident::parse_any)?;
    let value: syn::Result<Arg> = match key.to_string().as_str() {
        "name" => value(input, &key, "a string or a path to a `const`, as in `name = \"parse\"`")
            .and_then(|()| name(input))
            .map(|name| Arg::Name(key, name)),
        "vars" if input.is_empty() => Ok(Arg::Vars(key)),
        "vars" => Err(Error::new(
            input.span(),
            "`vars` takes no value; leave variables out with `skip(a, b)` beside it",
        )),
        "skip" => names(input, &key).map(|names| Arg::Skip(key, names)),
        "budget" => value(input, &key, "bytes, as in `budget = \"4 MiB\"`")
            .and_then(|()| bytes(input))
            .map(|bytes| Arg::Budget(key, bytes)),
        "max_allocs" => value(input, &key, "a number, as in `max_allocs = 0`")
            .and_then(|()| count(input))
            .map(|count| Arg::MaxAllocs(key, count)),
        "crate" => krate(input, &key).map(|path| Arg::Krate(key, path)),
        other => Err(Error::new(
            key.span(),
            format!("`{other}` is not an argument of `#[track]`; it takes {KNOWN}"),
        )),
    };
    if value.is_ok() && !input.is_empty() {
        let span = input.span();
        skip_rest(input);
        return Err(Error::new(span, "expected a comma before the next argument"));
    }
    skip_rest(input);
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

/// The `=` of `crate` and its value.
fn krate(input: ParseStream<'_>, key: &Ident) -> syn::Result<Path> {
    value(input, key, "a path, as in `crate = my_crate::memscope`")?;
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

/// The names of `skip(a, b)`.
fn names(input: ParseStream<'_>, key: &Ident) -> syn::Result<Vec<Ident>> {
    let expected = "names in parentheses, as in `skip(a, b)`";
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(key.span(), format!("`skip` needs {expected}")));
    }
    let content;
    let parentheses = syn::parenthesized!(content in input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content)
        .map_err(|error| Error::new(error.span(), format!("expected {expected}")))?;
    if names.is_empty() {
        return Err(Error::new(parentheses.span.join(), format!("`skip` needs {expected}")));
    }
    Ok(names.into_iter().collect())
}

/// The value of `budget`.
fn bytes(input: ParseStream<'_>) -> syn::Result<u64> {
    let (span, found) = (input.span(), first_tree(input));
    let refused = || {
        Error::new(
            span,
            format!(
                "`budget` takes bytes with a unit (B, KiB, MiB, GiB, KB, MB, GB), as in `budget = \"4 MiB\"`; \
                 found `{found}`"
            ),
        )
    };
    let literal: LitStr = input.parse().map_err(|_| refused())?;
    bytes_of(&literal.value()).filter(|_| literal.suffix().is_empty()).ok_or_else(refused)
}

/// `4 MiB` as bytes; a fraction is rounded down to whole bytes.
fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))?;
    let (number, unit) = text.split_at(digits);
    let unit: u128 = match unit.trim() {
        "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    let scale = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let tenths = whole.parse::<u128>().ok()?.checked_mul(scale)?.checked_add(fraction.parse().ok()?)?;
    u64::try_from(tenths.checked_mul(unit)? / scale).ok()
}

/// The value of `max_allocs`.
fn count(input: ParseStream<'_>) -> syn::Result<u64> {
    let (span, found) = (input.span(), first_tree(input));
    let literal: Option<LitInt> = input.parse().ok();
    literal
        .filter(|literal| literal.suffix().is_empty())
        .and_then(|literal| literal.base10_parse().ok())
        .ok_or_else(|| {
            Error::new(
                span,
                format!("`max_allocs` takes a whole number, as in `max_allocs = 0`; found `{found}`"),
            )
        })
}

/// The next token as text, for a message.
fn first_tree(input: ParseStream<'_>) -> String {
    input.fork().parse::<TokenTree>().map(|tree| tree.to_string()).unwrap_or_default()
}

/// Reads to the end, so that the parser adds no complaint of its own.
fn skip_rest(input: ParseStream<'_>) {
    let rest = TokenStream::parse(input);
    debug_assert!(rest.is_ok(), "any tokens are a token stream");
}

/// The parts between the commas; a trailing comma makes no part, a doubled one an empty part.
pub(crate) fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
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
            quote!(vars, skip(a, b,), budget = "1.5 KiB", max_allocs = 1_000),
        ] {
            assert_eq!(messages(tokens.clone()), Vec::<String>::new(), "{tokens}");
        }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let found =
            messages(quote!(name = 3, nme = "x", crate = "a", name = "", budget = 4, 7, max_allocs = -1));
        assert_eq!(found.len(), 7, "{found:#?}");
        assert!(found[0].contains("found `3`"), "{found:#?}");
        assert!(found[1].contains("`nme` is not an argument"), "{found:#?}");
        assert!(found[2].contains("without quotes"), "{found:#?}");
        assert!(found[3].contains("empty"), "{found:#?}");
        assert!(found[4].contains("takes bytes with a unit"), "{found:#?}");
        assert!(found[5].contains("expected an argument"), "{found:#?}");
        assert!(found[6].contains("takes a whole number"), "{found:#?}");
    }

    #[test]
    fn a_second_value_is_refused() {
        assert_eq!(messages(quote!(name = "a", name = "b")), ["`name` is given twice; keep one"]);
        assert_eq!(messages(quote!(crate = a, crate = b)), ["`crate` is given twice; keep one"]);
        assert_eq!(messages(quote!(vars, vars)), ["`vars` is given twice; keep one"]);
    }

    #[test]
    fn a_budget_has_a_unit() {
        assert_eq!(bytes_of("4 MiB"), Some(4 << 20));
        assert_eq!(bytes_of("1.5KiB"), Some(1536));
        assert_eq!(bytes_of(" 10_000 B "), Some(10_000));
        assert_eq!(bytes_of("2 GB"), Some(2_000_000_000));
        assert_eq!(bytes_of("0.0001 KiB"), Some(0));
        for bad in ["4", "MiB", "4 Mib", "-4 MiB", "1.2.3 KB", "99999999999 GiB", "", ". B", "4 MiB x"] {
            assert_eq!(bytes_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn incomplete_arguments_say_what_is_missing() {
        assert!(messages(quote!(name))[0].starts_with("`name` needs a value"));
        assert!(messages(quote!(name =))[0].starts_with("`name` needs a value"));
        assert!(messages(quote!(name("a")))[0].starts_with("`name` needs `=`"));
        assert!(messages(quote!(name == "a"))[0].starts_with("`name` needs `=`"));
        assert!(messages(quote!(crate))[0].starts_with("`crate` needs a value"));
        assert_eq!(messages(quote!(name = "a" crate = b)), ["expected a comma before the next argument"]);
        assert!(messages(quote!(skip))[0].starts_with("`skip` needs names"));
        assert!(messages(quote!(skip()))[0].starts_with("`skip` needs names"));
        assert!(messages(quote!(skip(a.b)))[0].starts_with("expected names"));
        assert!(messages(quote!(vars = true))[0].starts_with("`vars` takes no value"));
        assert!(messages(quote!(budget = "4"))[0].contains("found `\"4\"`"));
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
