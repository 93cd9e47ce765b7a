//! Rows 38 to 40: inner attributes, and the user's own lints in a tracked body. Each `expect` fails where its lint
//! does not fire. Row 37 has a crate of its own, `tests/lints.rs`.

use memscope::{track, track_var};
use ui_tests::{assert_at_root, block_on, calls};

#[test]
fn row_38_inner_attributes() {
    #[track]
    fn opens_with_attributes() -> u8 {
        #![allow(unused_variables, clippy::let_and_return, reason = "it has to reach the body")]
        #![expect(unused_mut, reason = "it has to reach the body")]
        //! Documented from within.
        let unused = 1;
        let mut two = 2;
        two
    }
    #[track]
    async fn opens_with_attributes_async() -> u8 {
        #![allow(unused_variables, clippy::let_and_return, reason = "it has to reach the body")]
        #![expect(unused_mut, reason = "it has to reach the body")]
        let unused = 1;
        let mut two = 2;
        two
    }
    assert_eq!(opens_with_attributes() + block_on(opens_with_attributes_async()), 4);
    assert_eq!((calls(&["opens_with_attributes"]), calls(&["opens_with_attributes_async"])), (1, 1));
    assert_at_root();
}

#[test]
fn row_39_dead_code_fires() {
    #[expect(dead_code, reason = "it has to fire")]
    #[track]
    fn unused_function() {}

    #[track]
    #[expect(dead_code, reason = "it has to fire")]
    async fn unused_async_function() {}
}

#[test]
fn row_40_lints_fire_in_the_body() {
    #[track]
    #[expect(unused_variables, unused_mut, unreachable_code, path_statements, reason = "they fire")]
    fn lints_of_the_compiler(argument: u8) -> u8 {
        let mut variable = 1;
        argument;
        return 1;
        2
    }
    #[track]
    #[expect(unused_variables, unused_mut, unused_must_use, unused_assignments, reason = "they fire")]
    async fn lints_of_the_compiler_async(unused: u8, mut mutable: u8) -> u8 {
        let mut variable = 1;
        variable = 2;
        std::future::ready(1);
        1
    }
    #[track]
    #[expect(clippy::needless_return, clippy::bool_comparison, reason = "they fire")]
    fn lints_of_clippy(text: &str) -> String {
        if text.is_empty() == true {
            return String::new();
        }
        return text.to_owned();
    }
    #[track]
    #[expect(clippy::len_zero, clippy::let_and_return, reason = "they fire")]
    async fn lints_of_clippy_async(text: &str) -> bool {
        let empty = text.len() == 0;
        empty
    }
    #[track]
    #[expect(clippy::too_many_arguments, clippy::ptr_arg, reason = "they fire")]
    fn lints_of_signatures(_: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, text: &String) -> usize {
        text.len()
    }
    #[expect(unused_mut, reason = "they fire")]
    fn lints_of_bindings() -> usize {
        // It is used: it is looked at.
        track_var!(let mut mutable: u8 = 1);
        track_var!(let list = vec![1, 2]);
        list.len()
    }
    assert_eq!(lints_of_the_compiler(1) + block_on(lints_of_the_compiler_async(1, 2)), 2);
    assert_eq!(lints_of_clippy("a").len() + usize::from(block_on(lints_of_clippy_async(""))), 2);
    assert_eq!(lints_of_signatures(0, 0, 0, 0, 0, 0, 0, &String::new()) + lints_of_bindings(), 2);
}
