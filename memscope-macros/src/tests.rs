//! Both macros on tokens, with recording on and off.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{function, variable};

/// Accepted by both settings: on, something is added; off, nothing is.
#[track_caller]
fn accepts(args: TokenStream, item: TokenStream) -> String {
    let off = function(args.clone(), item.clone(), false).to_string();
    assert_eq!(off, item.to_string(), "with recording off the tokens are the user's");
    let on = function(args, item, true).to_string();
    assert!(!on.contains("compile_error"), "{on}");
    on
}

/// Refused by both settings in the same words, and the item comes out again.
#[track_caller]
fn refuses(args: TokenStream, item: TokenStream, message: &str) {
    let on = function(args.clone(), item.clone(), true).to_string();
    let off = function(args, item.clone(), false).to_string();
    assert_eq!(on, off);
    assert_eq!(on.matches("compile_error").count(), 1, "{on}");
    assert!(on.contains(message), "{on}");
    assert!(on.ends_with(&item.to_string()), "{on}");
}

#[track_caller]
fn refuses_variable(input: TokenStream, message: &str) -> String {
    let on = variable(input.clone(), true).to_string();
    assert_eq!(on, variable(input, false).to_string());
    assert_eq!(on.matches("compile_error").count(), 1, "{on}");
    assert!(on.contains(message), "{on}");
    on
}

#[test]
fn a_function_is_entered_once_and_keeps_its_tokens() {
    let on = accepts(
        quote!(),
        quote!(
            #[inline]
            pub(crate) unsafe extern "C" fn f(a: u8) -> u8 {
                a + 1
            }
        ),
    );
    assert!(on.starts_with("# [inline] pub (crate) unsafe extern \"C\" fn f (a : u8) -> u8 {"), "{on}");
    assert_eq!(on.matches(":: memscope :: __private :: enter (").count(), 1, "{on}");
    assert!(on.ends_with("({ a + 1 }) }"), "{on}");
    assert!(on.contains(r#"unsafe extern \"C\" fn f(a: u8) -> u8"#), "{on}");
}

#[test]
fn an_async_function_becomes_a_task() {
    let on = accepts(
        quote!(),
        quote!(
            async fn f() -> Result<impl Display, E> {
                Ok(1)
            }
        ),
    );
    assert!(on.contains("async move { if let :: core :: option :: Option :: Some"), "{on}");
    assert!(on.contains("None :: < Result < _ , E > >"), "{on}");
    assert!(on.contains("({ Ok (1) }) } ;"), "{on}");
    assert!(on.ends_with(", future) . await }"), "{on}");
    let on = accepts(
        quote!(),
        quote!(
            async fn f() -> ! {
                loop {}
            }
        ),
    );
    assert!(!on.contains("if let"), "{on}");
}

#[test]
fn the_body_comes_out_once_even_if_it_does_not_parse() {
    let on = accepts(quote!(), quote!(fn f() { let x = self.; vec.pu }));
    assert_eq!(on.matches("{ let x = self . ; vec . pu }").count(), 1, "{on}");
}

#[test]
fn inner_attributes_stay_first() {
    let on = accepts(
        quote!(),
        quote!(
            fn f() {
                #![allow(unused)]
                #![doc = "x"]
                g()
            }
        ),
    );
    assert!(on.starts_with("fn f () { # ! [allow (unused)] # ! [doc = \"x\"] let"), "{on}");
    assert!(on.ends_with("({ g () }) }"), "{on}");
}

#[test]
fn arguments_reach_the_expansion() {
    let on = accepts(
        quote!(name = "a: b", crate = my::path),
        quote!(
            fn f() {}
        ),
    );
    assert!(on.contains("my :: path :: __private :: enter"), "{on}");
    assert!(on.contains("\"a: b\""), "{on}");
    assert!(!on.contains(":: memscope"), "{on}");
    let on = accepts(
        quote!(name = names::F),
        quote!(
            fn f() {}
        ),
    );
    assert!(on.contains("= names :: F ;"), "{on}");
}

#[test]
fn items_that_are_no_functions_are_refused() {
    refuses(
        quote!(),
        quote!(
            struct S;
        ),
        "this is `struct`",
    );
    refuses(
        quote!(),
        quote!(
            pub enum E {
                A,
            }
        ),
        "this is `enum`",
    );
    refuses(quote!(), quote!(union U { a: u8 }), "this is `union`");
    refuses(
        quote!(),
        quote!(
            unsafe impl Send for S {}
        ),
        "this is `impl`; put `#[track]` on the functions inside",
    );
    refuses(
        quote!(),
        quote!(
            mod m {
                fn f() {}
            }
        ),
        "this is `mod`; put `#[track]` on the functions inside",
    );
    refuses(
        quote!(),
        quote!(
            pub unsafe trait T {}
        ),
        "this is `trait`",
    );
    refuses(
        quote!(),
        quote!(
            unsafe extern "C" {
                fn f();
            }
        ),
        "this is `extern`",
    );
    refuses(
        quote!(),
        quote!(
            extern "C" {
                fn f();
            }
        ),
        "this is `extern`",
    );
    refuses(
        quote!(),
        quote!(
            extern crate alloc;
        ),
        "this is `extern crate`",
    );
    refuses(
        quote!(),
        quote!(
            const X: u8 = 1;
        ),
        "this is `const`",
    );
    refuses(
        quote!(),
        quote!(
            static mut X: u8 = 1;
        ),
        "this is `static`",
    );
    refuses(
        quote!(),
        quote!(
            use a::b;
        ),
        "this is `use`",
    );
    refuses(
        quote!(),
        quote!(
            type A = u8;
        ),
        "this is `type`",
    );
    refuses(quote!(), quote!(m! {}), "this is `macro`");
}

#[test]
fn functions_that_cannot_be_tracked_are_refused() {
    refuses(
        quote!(),
        quote!(
            const fn f() {}
        ),
        "a `const fn` cannot be tracked",
    );
    refuses(
        quote!(),
        quote!(
            pub const unsafe extern "C" fn f() {}
        ),
        "a `const fn` cannot be tracked",
    );
    refuses(
        quote!(),
        quote!(
            fn f(&self);
        ),
        "`f` has no body to track here",
    );
    refuses(
        quote!(),
        quote!(
            #[track]
            fn f() {}
        ),
        "already tracked",
    );
    refuses(
        quote!(),
        quote!(
            #[memscope::track(name = "x")]
            fn f() {}
        ),
        "already tracked",
    );
}

#[test]
fn every_order_of_modifiers_is_accepted() {
    for item in [
        quote!(
            extern "C" fn f() {}
        ),
        quote!(
            extern "C" fn f() {}
        ),
        quote!(
            unsafe extern "C" fn f() {}
        ),
        quote!(
            async unsafe fn f() {}
        ),
        quote!(default fn f() {}),
        quote!(
            pub(in crate::a) async fn f<T>()
            where
                T: Send,
            {
            }
        ),
    ] {
        assert!(accepts(quote!(), item).contains("__private"));
    }
}

#[test]
fn bad_arguments_and_a_bad_item_are_reported_together() {
    let on = function(
        quote!(nme = "x", 3),
        quote!(
            const fn f() {}
        ),
        true,
    )
    .to_string();
    assert_eq!(on.matches("compile_error").count(), 3, "{on}");
}

#[test]
fn what_cannot_be_read_comes_out_as_it_is() {
    for item in [quote!(fn f), quote!(fn (a) {}), quote!(fn f<T() {})] {
        assert_eq!(function(quote!(), item.clone(), true).to_string(), item.to_string());
    }
}

#[test]
fn a_let_is_kept_as_it_was() {
    let input =
        quote!(#[allow(unused_mut)] let (mut a, Some(b) | Other { b, .. }): (A, B) = f()? else { return });
    let off = variable(input.clone(), false).to_string();
    assert_eq!(off, format!("{input} ;"));
    let on = variable(input.clone(), true).to_string();
    assert_eq!(on.matches(&format!("{input} ;")).count(), 1, "{on}");
    assert_eq!(on.matches(":: bind (").count(), 2, "{on}");
    assert_eq!(on.matches(". observe (").count(), 2, "{on}");
    assert!(on.contains("(mut a, Some(b) | Other { b, .. }): (A, B)"), "{on}");
    assert_eq!(variable(quote!(let x = 1;), false).to_string(), "let x = 1 ;");
}

#[test]
fn constants_in_patterns_are_no_names() {
    let on = variable(quote!(let (None, MAX, x @ 0..=MAX) = f() else { return }), true).to_string();
    assert_eq!(on.matches(":: bind (").count(), 1, "{on}");
}

#[test]
fn a_value_is_walked_at_its_binding_only_if_its_type_is_evident() {
    let walked = |input| variable(input, true).to_string().contains("WalkFull");
    assert!(walked(quote!(let x: Vec<u8> = f())));
    assert!(walked(quote!(let x: HashMap<String, [u8; 4]> = HashMap::new())));
    assert!(walked(quote!(let x = String::from("a"))));
    assert!(walked(quote!(let x = Vec::<u8>::new())));
    assert!(walked(quote!(let x = i.collect::<Vec<String>>())));
    assert!(walked(quote!(let x = vec![0u8; n])));
    assert!(walked(quote!(let x = format!("{a}"))));
    assert!(!walked(quote!(let x = Vec::new())));
    assert!(!walked(quote!(let x: Vec<_> = f())));
    assert!(!walked(quote!(let x = i.collect::<Vec<_>>())));
    assert!(!walked(quote!(let x = vec![])));
    assert!(!walked(quote!(let x = vec![None; 3])));
    assert!(!walked(quote!(let x = Default::default())));
    assert!(walked(quote!(x)));
}

#[test]
fn places_are_looked_at_in_order() {
    let on = variable(quote!(x, self.cache, *boxed, a.0.b,), true).to_string();
    assert_eq!(on.matches(":: rebind (").count(), 4, "{on}");
    assert!(on.contains("\"self.cache\""), "{on}");
    assert_eq!(variable(quote!(x, self.c), false).to_string(), "let _ = & x ; let _ = & self . c ;");
    let on = variable(quote!(crate = a::b; x), true).to_string();
    assert!(on.contains("a :: b :: __private :: rebind"), "{on}");
    assert!(!on.contains(":: memscope"), "{on}");
}

#[test]
fn variables_that_cannot_be_tracked_are_refused() {
    refuses_variable(quote!(), "nothing to track");
    refuses_variable(quote!(f(x)), "only a place can be tracked");
    refuses_variable(quote!(x = 1), "only a place can be tracked");
    refuses_variable(quote!(crate = "a"; x), "without quotes");
    let on = refuses_variable(quote!(let x: u8), "track it after it is assigned: `track_var!(x)`");
    assert!(on.ends_with("let x : u8 ;"), "{on}");
    let on = refuses_variable(quote!(let _ = f()), "binds no name");
    assert!(on.ends_with("let _ = f () ;"), "{on}");
    let on = refuses_variable(quote!(let a = 1; let b = 2;), "one `let` for each");
    assert!(on.ends_with("let a = 1 ; let b = 2 ;"), "{on}");
    let on = variable(quote!(f(x), 3), true).to_string();
    assert_eq!(on.matches("compile_error").count(), 2, "{on}");
}
