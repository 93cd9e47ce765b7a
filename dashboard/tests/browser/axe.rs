//! axe-core's rules, run on the page that a browser shows.
//!
//! `MEMSCOPE_AXE` names axe-core's script (`axe.min.js` of its package on npm); without it this says so. With
//! `MEMSCOPE_REQUIRE_AXE=1` a test fails where there is none.
#![allow(unreachable_pub, reason = "a module of several test files")]

use crate::devtools::Browser;
use std::path::Path;
use std::{env, fs};

/// The rules' source, if it is here.
#[expect(clippy::print_stderr, reason = "what is not run is said")]
pub fn axe() -> Option<String> {
    let Some(file) = env::var_os("MEMSCOPE_AXE") else {
        assert!(env::var_os("MEMSCOPE_REQUIRE_AXE").is_none(), "MEMSCOPE_AXE names no axe.min.js");
        eprintln!("MEMSCOPE_AXE names no axe.min.js: its rules were not run");
        return None;
    };
    Some(fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", Path::new(&file).display())))
}

/// Each violation of what is `within` (an expression), in words: the rule, and the elements that break it.
///
/// Within a dialog any link below its fold is taken for a skip link, and that of another variable leads to a dialog that is
/// made when the link is followed; so that rule is for the page.
pub fn violations(browser: &mut Browser, within: &str) -> Vec<String> {
    let found = browser.eval(&format!(
        "axe.run({within}, {{ resultTypes: ['violations'], \
         rules: {{ 'skip-link': {{ enabled: document.querySelector('dialog[open]') === null }} }} }}).then((results) => results.violations.map((rule) => \
         `${{rule.id}} (${{rule.impact}}): ${{rule.help}}: ${{rule.nodes.slice(0, 5).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).join(' | ')}}`))",
    ));
    serde_json::from_value(found).unwrap()
}
