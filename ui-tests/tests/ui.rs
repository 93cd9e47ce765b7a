//! Runs the cases of `pass/` and `fail/`.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    // Refused with recording and without, in the same words.
    for rule in ["arguments", "derive", "items", "lints", "variables"] {
        cases.compile_fail(format!("fail/{rule}/*.rs"));
    }
    if cfg!(feature = "live") {
        cases.pass("pass/*.rs");
        // The compiler words these differently for the user's plain tokens.
        cases.compile_fail("fail/position/*.rs");
        cases.compile_fail("fail/types/*.rs");
    }
}
