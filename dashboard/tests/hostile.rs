//! Names that try to break out: of the island, of an attribute, of an element, of a template, of a terminal.

#[path = "fixture/breakout.rs"]
mod breakout;
mod fixture;
mod reader;
#[path = "fixture/whole.rs"]
mod whole;

use breakout::{HOSTILE, hostile};
use reader::markup;
use serde_json::Value;

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
    let (html, tame) = (whole::whole(&snapshot), whole::whole(&tame));
    // The same page but for its text: not one element more or less.
    assert_eq!(tags(&html), tags(&tame));
    assert_eq!(html.matches("</script").count(), tame.matches("</script").count());
    assert!(!html.contains("<img") && !html.contains("onfocus=\""));
    // Control characters and direction marks are written out; U+2028 too.
    assert!(!html.contains(['\u{0}', '\u{1b}', '\u{202e}', '\u{2028}']));
    assert!(html.contains("\\u{1b}[31m\\u{202e}"));
}

/// A rule, what its evidence says and its unit, and the names of threads, scopes and variables that the new panels
/// show: each is text, whole, with its marks written out.
#[test]
fn hostile_words_stay_words() {
    let root = markup::parse(&whole::whole(&hostile()));
    let shown = memscope_dashboard::text::visible(HOSTILE);
    let all = root.all();
    let texts = |is_it: &dyn Fn(&markup::Element) -> bool| -> Vec<String> {
        all.iter().filter(|element| is_it(element)).map(|element| element.text()).collect()
    };
    let rules = texts(&|element| element.has_class("rule"));
    // Of three scopes and of the two variables in one of them.
    assert_eq!(rules, vec![shown.clone(); 5]);
    assert!(
        all.iter().any(|element| element.attribute("title") == Some(&*shown)),
        "the rule over a card's category"
    );
    let why: Vec<_> = all.iter().filter(|element| element.has_class("why")).collect();
    for reason in why {
        let evidence = reason.find(|element| element.name == "dl").unwrap();
        assert_eq!(evidence.find(|element| element.name == "dt").unwrap().text(), shown);
        // A unit that we do not know stands after its figure.
        assert!(
            evidence.find(|element| element.name == "dd").unwrap().text().ends_with(&format!(" {shown}"))
        );
    }
    let threads = texts(&|element| element.has_class("thread"));
    assert!(threads.len() > 10 && threads.iter().all(|text| text.ends_with(&*shown)), "{threads:?}");
    let sharers = texts(&|element| element.attribute("href") == Some("#variable=0") && element.name == "a");
    assert!(sharers.contains(&shown), "{sharers:?}");
}

#[test]
fn the_island_gives_the_same_strings_back() {
    let snapshot = hostile();
    let html = whole::whole(&snapshot);
    let (_, rest) = html.split_once("<script type=\"text/plain\" id=\"data\">").unwrap();
    let island = memscope_dashboard::island::json(rest.split_once("</script>").unwrap().0).unwrap();
    // Most live bytes first: large_one stands at index 1. Texts are as they are shown.
    let rows = &island["variables"];
    assert_eq!(rows["index"][0], 1);
    let text =
        |column: &str| rows["texts"][rows[column][0].as_u64().unwrap() as usize].as_str().unwrap().to_owned();
    let shown = memscope_dashboard::text::visible(HOSTILE);
    assert_eq!((text("name"), text("type_name")), (shown.clone(), shown.clone()));
    assert_eq!(text("scope"), format!("{shown} › {shown}"));
}

#[cfg(feature = "cli")]
#[test]
fn the_terminal_gets_no_control_character() {
    let text = memscope_dashboard::show::summary(&hostile());
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text}");
}

/// Every number of the document, by its JSON pointer.
fn numbers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| numbers(item, &format!("{at}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| numbers(field, &format!("{at}/{key}"), found));
        }
        _ => {}
    }
}

#[test]
fn figures_at_their_largest_overflow_nothing() {
    let mut document = serde_json::to_value(fixture::small()).unwrap();
    let mut pointers = Vec::new();
    numbers(&document, "", &mut pointers);
    for pointer in &pointers {
        // Most numbers have 64 bits, ids and lines have 32; an index past its list's end is among them.
        for largest in [u64::MAX, u64::from(u32::MAX)] {
            *document.pointer_mut(pointer).unwrap() = largest.into();
            if serde_json::from_value::<memscope_runtime::snapshot::Snapshot>(document.clone()).is_ok() {
                break;
            }
        }
    }
    let snapshot = serde_json::from_value(document).unwrap();
    assert!(whole::whole(&snapshot).contains("data-value=\"18446744073709551615\""), "2^64 - 1");
}
