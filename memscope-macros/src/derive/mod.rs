//! `#[derive(Trackable)]`: an implementation that visits each field in its turn.
//!
//! ```text
//! struct Index<T> { words: Vec<T>, #[track(skip)] view: View }
//!     ↓
//! impl<T> Trackable for Index<T> where T: Trackable {
//!     fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
//!         Trackable::visit_blocks(&self.words, visitor);
//!         left_out(&self.view, visitor);
//!     }
//! }
//! ```
//!
//! The same comes out with recording and without, so that a type that is refused in one setting is in the other.

mod args;
mod bounds;
mod expand;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

/// The derive on tokens, so that it can be tested outside of the compiler.
pub(crate) fn trackable(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    match model::Subject::read(&input) {
        Ok(subject) => expand::implementation(&subject),
        Err(error) => expand::refused(&input, &error),
    }
}
