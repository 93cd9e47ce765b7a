//! No number on the page without an origin, and each reads as what its origin says: in text, in what is read out, and in
//! what is drawn. Where a number comes from is checked in a real browser too, after its controls were used
//! (`browser.rs`).

#[path = "fixture/breakout.rs"]
mod breakout;
mod fixture;
mod reader;
#[path = "fixture/whole.rs"]
mod whole;

use memscope_dashboard::view::label::Labels;
use memscope_dashboard::view::{scopes, threads, types, variables};
use memscope_runtime::snapshot::{Evidence, Mode, Snapshot};
use reader::{origin, page};
use serde_json::Value;

fn page_and_document(snapshot: &Snapshot) -> (String, Value) {
    (whole::whole(snapshot), serde_json::to_value(snapshot).unwrap())
}

#[test]
fn each_number_on_the_page_is_the_documents() {
    let snapshots = [
        fixture::small(),
        fixture::large(50),
        fixture::exact(&fixture::large(50)),
        fixture::sampled(50),
        // More than a page shows of anything.
        fixture::large(2_100),
        hostile_names(),
        unmeasured(),
        Snapshot { mode: Mode::Declared, ..unmeasured() },
        Snapshot { mode: Mode::Off, ..unmeasured() },
    ];
    for snapshot in snapshots {
        let (html, document) = page_and_document(&snapshot);
        let faults = page::faults(&html, &document);
        assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
        assert!(page::figures(&html) > 300, "{}", page::figures(&html));
    }
}

#[test]
fn a_finding_names_its_lines_of_code() {
    let snapshot = fixture::small();
    let html = whole::whole(&snapshot);
    let (_, finding) = html.split_once("<div id=\"finding-0\"").expect("the fixture has one");
    let (finding, _) = finding.split_once("</article>").expect("it ends");
    let scope =
        snapshot.scopes.iter().find(|row| row.path == snapshot.findings[0].scope).expect("it is listed");
    // Its evidence is of the second variable.
    let variable = &snapshot.variables[1];
    for (file, line) in [(&scope.file, scope.line), (&variable.file, variable.line)] {
        let [file, line] = [file.clone().expect("known"), line.expect("known").to_string()];
        let place = finding.split("<span class=\"place\">").skip(1).any(|place| {
            place.starts_with(&format!("{file}:<span")) && place.contains(&format!("data-value=\"{line}\""))
        });
        assert!(place, "no {file}:{line} in {finding}");
    }
}

/// What a list does not show of estimates is one: no sample counts for two rows, so that its error is the root of the sum of
/// the squares of theirs.
#[test]
fn what_is_not_shown_of_estimates_has_its_error() {
    let mut snapshot = fixture::sampled(5);
    // Two rows beyond the most of each list: 3 and 4 of something, ± a tenth, so that both together are 7 ± 0.5.
    for (number, bytes) in [(0_u32, 3_000_u64), (1, 4_000)] {
        let mut scope = snapshot.scopes[4].clone();
        scope.path[2] = ["one", "other"][number as usize].into();
        (scope.inclusive.allocated_bytes, scope.exclusive.live_bytes) = (0, bytes);
        scope.exclusive.live_bytes_error = Some(bytes / 10);
        snapshot.scopes.push(scope);
    }
    let thread = snapshot.threads[4].clone();
    snapshot.threads.resize(threads::MOST_THREADS + 2, thread);
    let row = snapshot.types[0].clone();
    snapshot.types.resize(types::MOST_TYPES + 2, row);
    for (number, bytes) in [(0, 30_u64), (1, 40)] {
        let row = &mut snapshot.threads[threads::MOST_THREADS + number];
        (row.live_bytes, row.live_bytes_error) = (bytes, Some(bytes / 10));
        let row = &mut snapshot.types[types::MOST_TYPES + number];
        (row.heap_bytes, row.heap_bytes_error) = (Some(bytes), Some(bytes / 10));
    }
    for (id, row) in (1..).zip(&mut snapshot.threads) {
        row.id = id;
    }
    let (html, document) = page_and_document(&snapshot);
    assert_eq!(page::faults(&html, &document), [""; 0]);
    // More variables than a page is made of here.
    let row = snapshot.variables[0].clone();
    snapshot.variables.resize(variables::MOST_VARIABLES + 2, row);
    for (number, bytes) in [(0, 3_u64), (1, 4)] {
        let row = &mut snapshot.variables[variables::MOST_VARIABLES + number];
        (row.heap_bytes, row.heap_bytes_error) = (Some(bytes), Some(bytes));
    }
    let labels = Labels::new(&snapshot);
    let document = serde_json::to_value(&snapshot).unwrap();
    let folded = [
        // √(300² + 400²) = 500 bytes, 0.49 KiB; √(3² + 4²) = 5 bytes.
        (scopes::scopes(&snapshot, &labels).folded, "6.8 KiB ± 0.5 KiB", 500.0),
        (threads::threads(&snapshot, &labels).folded, "70 B ± 5 B", 5.0),
        (types::types(&snapshot).folded, "70 B ± 5 B", 5.0),
        (variables::variables(&snapshot, &labels, 0).folded, "7 B ± 5 B", 5.0),
    ];
    for (folded, text, error) in folded {
        let folded = folded.unwrap();
        let bytes = folded.bytes.unwrap();
        assert_eq!((folded.rows.value.as_u64(), &*bytes.to_string()), (Some(2), text));
        assert_eq!(origin::evaluate(&bytes.error.unwrap().from, &document), Some(error));
    }
}

/// Nothing measured that need not be: each option is null, and so the page has its other words.
fn unmeasured() -> Snapshot {
    fn places(value: &Value, at: String, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, row)| places(row, format!("{at}/{key}"), found))
            }
            Value::Array(rows) => {
                rows.iter().enumerate().for_each(|(index, row)| places(row, format!("{at}/{index}"), found));
            }
            _ => {}
        }
        found.push(at);
    }
    let mut snapshot = fixture::small();
    // What a finding rests on was measured.
    snapshot.findings.clear();
    let mut document = serde_json::to_value(&snapshot).unwrap();
    let mut all = Vec::new();
    places(&document, String::new(), &mut all);
    let mut nulls = 0;
    for pointer in all {
        let Some(before) = document.pointer_mut(&pointer).map(Value::take) else { continue };
        if serde_json::from_value::<Snapshot>(document.clone()).is_err() {
            *document.pointer_mut(&pointer).unwrap() = before;
        } else {
            nulls += 1;
        }
    }
    assert!(nulls > 100, "{nulls}");
    serde_json::from_value(document).unwrap()
}

/// Names full of digits and marks; evidence keeps its pointers and units, which the recorder writes and not the program.
fn hostile_names() -> Snapshot {
    let mut snapshot = breakout::hostile();
    let tame = fixture::small();
    let keep = |rows: &mut [Evidence], tame: &[Evidence]| {
        rows[0].pointer.clone_from(&tame[0].pointer);
        rows[0].unit.clone_from(&tame[0].unit);
    };
    for (row, tame) in snapshot.scopes.iter_mut().zip(&tame.scopes) {
        let (row, tame) = (row.category.as_mut().unwrap(), tame.category.as_ref().unwrap());
        keep(&mut row.evidence, &tame.evidence);
    }
    keep(&mut snapshot.findings[0].evidence, &tame.findings[0].evidence);
    snapshot
}

/// A number that the page would show without an origin, in each place where it could.
#[test]
fn a_number_without_an_origin_is_found() {
    let (html, document) = page_and_document(&fixture::small());
    let intrusions = [
        ("<main>", "<main><p>17 blocks</p>"),
        ("<main>", "<main><p>seventeen blocks<span>, 17</span></p>"),
        ("<main>", "<main><p title=\"17 blocks\">blocks</p>"),
        ("<main>", "<main><p aria-label=\"17 blocks\">blocks</p>"),
        ("<main>", "<main><i class=\"bar\"><i style=\"width:17%\"></i></i>"),
        ("<main>", "<main><svg><path d=\"M0 17L17 0\"/></svg>"),
        ("<main>", "<main><meter value=\"17\"></meter>"),
        ("<main>", "<main><a href=\"#variable=17\">such a variable</a>"),
        ("<main>", "<main><a href=\"#finding-17\">such a finding</a>"),
        // A string of the document stands alone or not at all: `x86_64` is one.
        ("<main>", "<main><p>x86_643</p>"),
        // An origin that is another figure's.
        ("data-from=\"/program/pid\"", "data-from=\"/totals/allocations\""),
        // A unit that is not its own.
        (">2.5 s</span>", ">2.5 KiB</span>"),
    ];
    for (place, intrusion) in intrusions {
        assert!(html.contains(place), "{place}");
        let broken = html.replacen(place, intrusion, 1);
        assert!(!page::faults(&broken, &document).is_empty(), "{intrusion}");
    }
}

/// One digit of what is shown made another one, in text, in titles and in what is drawn: many places of a page, one after
/// another.
#[test]
fn a_page_with_one_other_digit_is_refused() {
    const SHOWN: [&str; 8] = ["data-value", "title", "style", "d", "points", "data-values", "data-x", "y1"];
    let (html, document) = page_and_document(&fixture::small());
    assert_eq!(page::faults(&html, &document), [""; 0]);
    let body = html.find("<main>").unwrap();
    let end = html.find("<script type=\"text/plain\"").unwrap();
    let is_shown = |&at: &usize| {
        let tag = html[..at].rfind('<').unwrap();
        let (start, of_text) =
            html[tag..at].split_once('>').map_or((&html[tag..at], false), |(tag, _)| (tag, true));
        let attribute = start.rsplit_once("=\"").map(|(before, _)| before.rsplit(' ').next().unwrap());
        if of_text {
            start.contains(" data-from=")
        } else {
            attribute.is_some_and(|name| SHOWN.contains(&name))
        }
    };
    let digits = html[body..end].match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| body + at);
    // The last decimals of a ratio's exact value are below what is compared.
    let is_decimal = |at: &usize| html[..*at].rsplit('"').next().unwrap().starts_with("0.");
    let shown: Vec<usize> = digits.filter(|at| is_shown(at) && !is_decimal(at)).collect();
    assert!(shown.len() > 4_000, "{}", shown.len());
    // A prime apart, so that all kinds of places have their turn.
    for &at in shown.iter().step_by(53) {
        let other = char::from(b'0' + (html.as_bytes()[at] - b'0' + 1) % 10);
        let broken = format!("{}{other}{}", &html[..at], &html[at + 1..]);
        let place = &html[html[..at].rfind('<').unwrap()..at];
        assert!(!page::faults(&broken, &document).is_empty(), "{other} in place of the digit after {place}");
    }
}
