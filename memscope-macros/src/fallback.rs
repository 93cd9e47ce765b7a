//! What comes out when nothing is recorded: the user's own tokens, and the errors if there are any.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Error;

use crate::args::VariableArgs;
use crate::binding::Target;

/// An item that was refused: it comes out as it was, so that nothing else fails for want of it.
pub(crate) fn item(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

/// The input of a refused `track_var!`. A `let` comes out as it was, so that its names exist.
pub(crate) fn variable(error: &Error, input: TokenStream) -> TokenStream {
    let errors = error.to_compile_error();
    let is_let = match Target::parse(&input) {
        Ok(Target::Binding(binding)) => {
            let (statement, beyond) = (&binding.statement, &binding.beyond);
            Some(quote!(#statement; #beyond))
        }
        _ => None,
    };
    quote!(#errors #is_let)
}

/// What is emitted with the feature `record` off.
pub(crate) fn untracked(options: &VariableArgs, target: &Target) -> TokenStream {
    match target {
        Target::Binding(binding) => {
            let statement = &binding.statement;
            quote_spanned!(Span::mixed_site()=> #statement;)
        }
        Target::Places(places) => quote_spanned!(Span::mixed_site()=> #(let _ = &#places;)*),
        Target::Moved(place) => {
            let krate = &options.krate;
            quote_spanned!(Span::mixed_site()=> #krate::__private::untracked(#place))
        }
    }
}
