//! In a function that a macro writes, an error in the user's tokens is at these tokens.

use memscope::{track, track_var};

macro_rules! tracked {
    ($name:ident -> $output:ty $body:block) => {
        #[track]
        fn $name() -> $output $body
    };
    (async $($function:tt)*) => {
        #[track]
        async $($function)*
    };
    (item $item:item) => {
        #[track]
        $item
    };
    (var $name:ident = $value:expr) => {
        track_var!(let $name: u8 = $value);
    };
}

tracked!(block -> u8 { "block" });

tracked!(async fn tokens() -> u8 {
    "tokens"
});

tracked!(item fn item() -> u8 { missing() });

fn main() {
    tracked!(var name = "variable");
}
