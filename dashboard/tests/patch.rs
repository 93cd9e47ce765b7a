//! What changed in a panel of a page that is fed: the browser makes of it what Rust meant, to the byte, over hundreds of
//! changes of random JSON and of panels.
//!
//! Without a Chromium it is Rust alone that does; with `MEMSCOPE_REQUIRE_BROWSER=1` it fails.

#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "browser/modules.rs"]
mod modules;
#[path = "fixture/random.rs"]
mod random;

use devtools::Browser;
use memscope_dashboard::{live, patch::patch};
use memscope_runtime::snapshot::Snapshot;
use random::Random;
use serde_json::{Map, Value, json};

impl Random {
    /// Of characters that JSON escapes, that take one to four bytes, and of two UTF-16 code units.
    fn text(&mut self) -> String {
        let all = ['a', '7', '"', '\\', '\n', '{', ']', ',', ':', '<', 'é', 'è', '\u{202f}', '𝄞', '𝄢'];
        (0..self.below(30)).map(|_| all[self.below(all.len())]).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 4 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(100_000)),
            3 => json!(self.text()),
            4 | 5 => (0..self.below(8)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object(
                (0..self.below(6)).map(|_| (self.text(), self.value(depth - 1))).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Changes something within `value`: a scalar becomes another, a list or an object longer, shorter or another.
    fn change(&mut self, value: &mut Value) {
        match value {
            Value::Array(list) if !list.is_empty() && self.below(8) != 0 => {
                let at = self.below(list.len());
                match self.below(8) {
                    0 => list.insert(at, json!(self.below(9))),
                    1 => list.push(json!([self.text()])),
                    2 => drop(list.remove(at)),
                    3 => list.truncate(at),
                    _ => self.change(&mut list[at]),
                }
            }
            Value::Object(fields) if !fields.is_empty() && self.below(8) != 0 => {
                let at = self.below(fields.len());
                let name = fields.keys().nth(at).cloned().expect("it is below their number");
                match self.below(8) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert(self.text(), Value::Null)),
                    _ => self.change(&mut fields[&name]),
                }
            }
            // A character more at an end, as in the path of a curve.
            Value::String(text) if self.below(2) == 0 => text.push_str("0é"),
            other => *other = self.value(2),
        }
    }
}

/// `before` with `patch` done to it, as `src/patch.rs` describes it.
fn patched(before: &str, patch: &str) -> String {
    let before: Vec<u16> = before.encode_utf16().collect();
    let changes: Vec<Value> = serde_json::from_str(patch).expect("it is JSON");
    let (mut after, mut at) = (Vec::new(), 0);
    for change in changes.chunks(3) {
        let length = |place: usize| change[place].as_u64().expect("a length") as usize;
        after.extend(&before[at..at + length(0)]);
        after.extend(change[2].as_str().expect("text").encode_utf16());
        at += length(0) + length(1);
    }
    after.extend(&before[at..]);
    String::from_utf16(&after).expect("no character is cut")
}

/// Goes through `texts`, each a change of the one before, and gives how many were told of by what changed.
fn follow(browser: &mut Option<Browser>, texts: &[String]) -> usize {
    let mut steps = Vec::new();
    for pair in texts.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let patch = patch(before, after);
        if let Some(patch) = &patch {
            assert_eq!(&patched(before, patch), after, "{patch}");
            assert!(patch.len() <= after.len(), "{patch}");
        }
        steps.push(json!([
            patch.map(|patch| serde_json::from_str::<Value>(&patch).expect("it is JSON")),
            after
        ]));
    }
    if let Some(browser) = browser {
        let first = json!(texts[0]);
        let wrong = browser.eval(&format!(
            "(() => {{ let text = {first}; return {}.findIndex(([changes, after]) => \
             (text = changes ? patch.patched(text, changes) : after) !== after); }})()",
            Value::Array(steps.clone())
        ));
        assert_eq!(wrong, -1);
    }
    steps.iter().filter(|step| !step[0].is_null()).count()
}

#[test]
fn the_browser_makes_of_what_changed_what_it_became() {
    let mut browser = Browser::start();
    let _folder = browser.as_mut().map(|browser| modules::open(browser, &["patch.js"]));
    let (mut random, mut told) = (Random(20_261_129), 0);
    for _ in 0..10 {
        let mut value: Value = (0..40).map(|_| random.value(3)).collect();
        let mut texts = vec![value.to_string()];
        for _ in 0..60 {
            for _ in 0..=random.below(4) {
                random.change(&mut value);
            }
            if !value.is_array() {
                value = (0..40).map(|_| random.value(3)).collect();
            }
            texts.push(value.to_string());
        }
        told += follow(&mut browser, &texts);
    }
    // Of 600. The others are such as change most of what is there: a value gone from a list's middle has all behind it told anew.
    assert!(told > 200, "{told}");
}

/// Panels of a program that goes on: what changed in them is less than they are.
#[test]
fn panels_change_by_less_than_they_are() {
    let mut snapshot = fixture::large(300);
    let panels = |snapshot: &Snapshot| {
        let made = [live::panels_of_books, live::panels_of_variables];
        made.into_iter().flat_map(|panels| panels(snapshot).unwrap()).collect::<Vec<_>>()
    };
    let before = panels(&snapshot);
    snapshot.program.elapsed_ms += 400;
    snapshot.totals.allocations += 12_345;
    snapshot.totals.allocated_bytes += 12_345_678;
    for scope in &mut snapshot.scopes {
        scope.exclusive.allocations += 7;
        scope.inclusive.allocations += 7;
    }
    for variable in snapshot.variables.iter_mut().step_by(5) {
        variable.instances += 1;
    }
    let (mut whole, mut changed) = (0, 0);
    for (before, after) in before.iter().zip(panels(&snapshot)) {
        let patch = patch(&before.json, &after.json);
        if let Some(patch) = &patch {
            assert_eq!(patched(&before.json, patch), after.json, "{}", after.name);
        }
        whole += after.json.len();
        changed += patch.unwrap_or(after.json).len();
    }
    // Of the figures a small part became another.
    assert!(changed * 4 < whole, "{changed} of {whole}");
}
