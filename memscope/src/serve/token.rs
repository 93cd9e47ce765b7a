//! The secret that a browser shows where the page is served beyond this machine.

use super::ServeError;
use std::fs::File;
use std::io::Read as _;

/// Fewer characters could be guessed by trying.
const LEAST_CHARACTERS: usize = 16;
/// 128 bits.
const RANDOM_BYTES: usize = 16;

/// A token; it is shown once, in the address that is printed.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// The program's own choice.
    pub(super) fn given(text: &str) -> Result<Token, ServeError> {
        // What may stand in an address and in a cookie as it is.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if text.len() < LEAST_CHARACTERS || !text.bytes().all(is_plain) {
            return Err(ServeError::Token { least: LEAST_CHARACTERS });
        }
        Ok(Token(text.to_owned()))
    }

    /// One that nobody can guess.
    pub(super) fn random() -> Result<Token, ServeError> {
        let mut bytes = [0; RANDOM_BYTES];
        let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
        read.map_err(|source| ServeError::Randomness { source })?;
        Ok(Token(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Whether `shown` is the token. The time that it takes tells nothing of where they differ.
    pub(super) fn is(&self, shown: &str) -> bool {
        let (mine, shown) = (self.0.as_bytes(), shown.as_bytes());
        let differs =
            mine.iter().zip(shown).fold(0, |differs, (a, b)| std::hint::black_box(differs | (a ^ b)));
        mine.len() == shown.len() && differs == 0
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_the_token() {
        let token = Token::given("0123456789abcdef").expect("long enough");
        assert!(token.is("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0"] {
            assert!(!token.is(other), "{other:?}");
        }
    }

    #[test]
    fn a_token_is_long_and_plain() {
        for wrong in ["short", "0123456789abcde", "0123456789abcde;", "0123456789 abcdef"] {
            assert!(Token::given(wrong).is_err(), "{wrong:?}");
        }
        let (one, other) = (Token::random().expect("randomness"), Token::random().expect("randomness"));
        assert_eq!(one.text().len(), 2 * RANDOM_BYTES);
        assert_ne!(one.text(), other.text());
        assert!(Token::given(one.text()).is_ok());
    }
}
