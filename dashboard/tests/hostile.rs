//! Names that try to break out: of the island, of an attribute, of an element, of a template, of a terminal.

mod fixture;

use memscope_dashboard::render;
use memscope_runtime::snapshot::Snapshot;
use serde_json::Value;

const HOSTILE: &str = "</script><img src=x onerror=alert(1)><!--<script>\"' onfocus=\"alert(2){{this}}{{{x}}}&lt;\u{2028}\u{0}\u{1b}[31m\u{202e}`${x}";

/// `small` with every string that is not an enum's variant made hostile.
fn hostile() -> Snapshot {
    let mut document = serde_json::to_value(fixture::small()).unwrap();
    let original = document.clone();
    fn walk(value: &mut Value, at: &str, pointers: &mut Vec<String>) {
        match value {
            Value::String(_) => pointers.push(at.to_owned()),
            Value::Object(fields) => {
                fields.iter_mut().for_each(|(k, v)| walk(v, &format!("{at}/{k}"), pointers))
            }
            Value::Array(rows) => {
                rows.iter_mut().enumerate().for_each(|(k, v)| walk(v, &format!("{at}/{k}"), pointers));
            }
            _ => {}
        }
    }
    let mut pointers = Vec::new();
    walk(&mut document, "", &mut pointers);
    let mut changed = 0;
    for pointer in pointers {
        let slot = document.pointer_mut(&pointer).unwrap();
        let before = std::mem::replace(slot, HOSTILE.into());
        if serde_json::from_value::<Snapshot>(document.clone()).is_err() {
            *document.pointer_mut(&pointer).unwrap() = before;
        } else {
            changed += 1;
        }
    }
    assert!(changed > 40 && document != original, "{changed}");
    serde_json::from_value(document).unwrap()
}

fn tags(html: &str) -> usize {
    html.matches('<').count()
}

#[test]
fn no_string_becomes_markup() {
    let snapshot = hostile();
    let mut tame = snapshot.clone();
    let text = serde_json::to_string(&serde_json::to_value(&snapshot).unwrap()).unwrap();
    let hostile_json = serde_json::to_string(HOSTILE).unwrap();
    let tame_text = text.replace(&hostile_json, "\"tame\"");
    tame.clone_from(&serde_json::from_str(&tame_text).unwrap());
    let (html, tame) = (render(&snapshot).unwrap(), render(&tame).unwrap());
    // The same page but for its text: not one element more or less.
    assert_eq!(tags(&html), tags(&tame));
    assert_eq!(html.matches("</script").count(), tame.matches("</script").count());
    assert!(!html.contains("<img") && !html.contains("onfocus=\""));
    // Control characters and direction marks are written out; U+2028 too.
    assert!(!html.contains(['\u{0}', '\u{1b}', '\u{202e}', '\u{2028}']));
    assert!(html.contains("\\u{1b}[31m\\u{202e}"));
}

#[test]
fn the_island_gives_the_same_strings_back() {
    let snapshot = hostile();
    let html = render(&snapshot).unwrap();
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let island: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    // Most live bytes first: large_one stands at index 1.
    assert_eq!(island["variables"][0]["index"], 1);
    assert_eq!(island["variables"][0]["name"], HOSTILE);
    assert_eq!(island["variables"][1]["type_name"], HOSTILE);
    assert_eq!(island["variables"][1]["scope"][1], HOSTILE);
}

#[cfg(feature = "cli")]
#[test]
fn the_terminal_gets_no_control_character() {
    let text = memscope_dashboard::show::summary(&hostile());
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text}");
}
