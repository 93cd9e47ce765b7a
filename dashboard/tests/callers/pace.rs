//! It fits in each size and colour, and answers at once on the largest recording.

use crate::axe::{axe, violations};
use crate::devtools::Browser;
use crate::{over_time, shared, tab};
use memscope_dashboard::render;
use serde_json::json;
use std::fs;

#[test]
#[expect(clippy::print_stdout, reason = "what was measured is worth reading")]
fn it_fits_and_answers_at_once() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = over_time(shared(4_096, 60));
    snapshot.trend_ms = (0..32).map(|moment| moment * 75).collect();
    // Most scopes of a program rest, so that the page has room for all trends.
    for (number, scope) in (0_u64..).zip(&mut snapshot.scopes) {
        let step = if number % 64 == 0 { number * 10 } else { 0 };
        scope.trend = (0..32).map(|moment| scope.exclusive.live_bytes + step * moment).collect();
    }
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("callers.html");
    fs::write(&file, render(&snapshot).unwrap()).unwrap();
    let axe = axe();
    for width in [400, 1280, 2560] {
        for scheme in ["light", "dark"] {
            browser.open(&file, "#callers", (width, 1400), scheme);
            if let Some(axe) = &axe {
                browser.eval(&format!("{axe}; true"));
            }
            for view in ["tree", "functions", "stack"] {
                tab(&mut browser, view);
                if view == "functions" {
                    browser.eval(
                        "document.querySelector('#scope-functions [aria-expanded=false] .twisty').click()",
                    );
                }
                browser.assert_fits();
                if axe.is_some() && width == 1280 {
                    let found = violations(&mut browser, "document.getElementById('scopes')");
                    assert!(found.is_empty(), "{view}, {scheme}: {found:#?}");
                }
                browser.eval("document.getElementById('scopes').scrollIntoView({ behavior: 'instant' })");
                browser.screenshot(&format!("callers-{view}-{width}-{scheme}"), false);
            }
            browser.assert_quiet();
        }
    }
    browser.open(&file, "", (2560, 1400), "light");
    let acts = [
        ("turn", "document.querySelectorAll('#scope-ways input')[(turn + 1) % 2].click()"),
        ("figure", "document.querySelectorAll('#flame-figures input')[(turn + 1) % 4].click()"),
        ("zoom", "document.querySelectorAll('#callers [data-scope]')[3 + turn].click()"),
        ("out", "document.querySelector('#callers-path button').click()"),
        (
            "search",
            "const field = document.getElementById('flame-search'); field.value = 'parsel'.slice(0, turn + 1); \
             field.dispatchEvent(new Event('input', { bubbles: true }))",
        ),
        (
            "clear",
            "const field = document.getElementById('flame-search'); field.value = ''; \
             field.dispatchEvent(new Event('input', { bubbles: true }))",
        ),
        (
            "walk",
            "document.getElementById('callers').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }))",
        ),
        ("row", "document.querySelectorAll('#callers-tree .twisty')[1].click()"),
        ("by function", "document.querySelectorAll('#scope-tabs button')[2 - turn % 2].click()"),
        ("sort", "document.querySelectorAll('#scope-functions .head-row button')[turn].click()"),
        ("open", "document.querySelector('#scope-functions .twisty').click()"),
        ("over time", "document.querySelectorAll('#scope-tabs button')[3 - turn % 2].click()"),
        (
            "moment",
            "document.querySelector('.stacked input').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft' }))",
        ),
        (
            "range",
            "const handle = document.querySelector('.range input'); handle.value = 20 + 10 * turn; \
             handle.dispatchEvent(new Event('input', { bubbles: true }))",
        ),
    ];
    browser.call("Performance.enable", json!({ "timeDomain": "threadTicks" }));
    for (what, act) in acts {
        let (mut walls, mut own) = (Vec::new(), Vec::new());
        for turn in 0..5 {
            match what {
                "out" => drop(browser.eval("document.querySelectorAll('#callers [data-scope]')[3].click()")),
                "moment" => tab(&mut browser, "stack"),
                "sort" | "open" => tab(&mut browser, "functions"),
                _ => {}
            }
            let before = browser.busy_ms();
            let wall = browser.eval(&format!(
                "(async () => {{ const turn = {turn}; const start = performance.now(); {act}; \
                 await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); \
                 return performance.now() - start; }})()"
            ));
            walls.push(wall.as_f64().unwrap());
            own.push(browser.busy_ms() - before);
        }
        // In the order of the turns: what is made once counts in the first.
        println!("{what}: {walls:.0?} ms by the clock, {own:.0?} ms of the page's thread");
        let quickest = own.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(quickest < 250.0, "{what}: {walls:?} ms, {own:?} ms of the page's thread");
    }
    browser.assert_quiet();
}
