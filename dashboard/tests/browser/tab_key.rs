//! A page by its tab key: what it reaches, and whether what has the focus is marked and in sight.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use super::devtools::Browser;
use serde_json::{Value, json};

/// More than any page has controls.
const MOST_STEPS: usize = 4_000;

/// From here on the open page takes note of what its keys lead to.
pub fn watch(browser: &mut Browser) {
    browser.prefer_no_motion();
    assert_eq!(browser.eval(include_str!("tab_key.js")), true);
}

/// Presses the tab key until it comes round, doing `meanwhile` after each step, and gives what was wrong on the way.
pub fn round_while(browser: &mut Browser, mut meanwhile: impl FnMut(&mut Browser)) -> Value {
    let expected = browser.eval("keys.start()").as_u64().unwrap();
    assert!(expected > 0, "nothing to reach");
    for step in 0..MOST_STEPS {
        let key = json!({ "type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
        browser.call("Input.dispatchKeyEvent", key);
        if step > 1 && browser.eval("keys.isRound()") == true {
            return browser.eval("keys.result()");
        }
        meanwhile(browser);
    }
    panic!("the tab key does not come round: {}", browser.eval("keys.result()"));
}

/// The same of a page that stays as it is.
pub fn round(browser: &mut Browser) -> Value {
    round_while(browser, |_| ())
}

/// Presses Enter at what has the focus.
pub fn enter(browser: &mut Browser) {
    let key = json!({ "type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
    browser.call("Input.dispatchKeyEvent", key);
    browser.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "Enter", "code": "Enter" }));
}
