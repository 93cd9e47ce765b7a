//! What the page's script writes is what Rust writes, byte for byte: each partial with the views of the fixtures, and
//! figures made of raw numbers.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail.

#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "browser/modules.rs"]
mod modules;

use devtools::Browser;
use memscope_dashboard::figure::Figure;
use memscope_dashboard::render::{partial, partial_names, programs};
use memscope_dashboard::view;
use memscope_dashboard::view::inspector::inspectors;
use memscope_dashboard::view::island::{PARTIALS, island};
use memscope_dashboard::view::label::Labels;
use memscope_dashboard::view::variables::cards;
use memscope_runtime::snapshot::{Mode, Snapshot};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Partials with the views that the page of `snapshot` gives them.
fn views(snapshot: &Snapshot) -> Vec<(String, Value)> {
    let labels = Labels::new(snapshot);
    let page = serde_json::to_value(view::page(snapshot, &labels)).unwrap();
    let names: BTreeSet<&str> = partial_names().collect();
    let mut views = Vec::new();
    for (field, view) in page.as_object().unwrap() {
        if names.contains(&**field) && !view.is_null() {
            views.push((field.clone(), view.clone()));
        }
    }
    for inspector in inspectors(snapshot, &labels, 10) {
        views.push(("inspector".into(), serde_json::to_value(inspector).unwrap()));
    }
    if let Some(timeline) = page["overview"].get("timeline").filter(|timeline| !timeline.is_null()) {
        views.push(("points".into(), timeline.clone()));
    }
    for thread in page["memory_map"]["threads"].as_array().unwrap() {
        views.push(("squares".into(), thread.clone()));
    }
    for row in page["scopes"]["rows"].as_array().unwrap() {
        views.push(("more_of_scope".into(), row["more"].clone()));
    }
    for card in cards(snapshot, &labels, 10) {
        views.push(("brief".into(), serde_json::to_value(card).unwrap()));
    }
    views
}

#[test]
fn each_partial_gives_the_same_bytes() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = modules::open(&mut browser, &["units.js", "hbs.js"]);
    let all: Vec<&str> = partial_names().collect();
    let all = programs(&all).unwrap();
    browser.eval(&format!("globalThis.render = hbs.renderer({})", Value::Object(all.clone())));
    let mut rendered = BTreeSet::new();
    let small = fixture::small();
    let snapshots = [
        fixture::large(50),
        fixture::exact(&fixture::large(50)),
        fixture::sampled(50),
        breakout::hostile(),
        Snapshot { mode: Mode::Off, findings: vec![], variables: vec![], scopes: vec![], ..small.clone() },
        small,
    ];
    for snapshot in snapshots {
        for (name, view) in views(&snapshot) {
            let expected = partial(&name, &view).unwrap();
            let html = browser.eval(&format!("render({name:?}, {view})"));
            assert_same(&name, html.as_str().unwrap(), &expected);
            rendered.extend(programs(&[&name]).unwrap().into_iter().map(|(name, _)| name));
        }
    }
    // Pages over several recordings, and the bar of a page that is fed, are rendered by Rust alone.
    let by_rust_alone =
        |name: &str| name.starts_with("compare") || name.starts_with("trend_") || name == "live";
    let missed: Vec<_> =
        all.keys().filter(|name| !rendered.contains(*name) && !by_rust_alone(name)).collect();
    assert!(missed.is_empty(), "no view for {missed:?}");
}

/// The page's data become the cards, the inspectors and the rows that Rust makes of the same snapshot.
#[test]
fn what_the_page_holds_as_data_is_whole() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = modules::open(&mut browser, &["units.js", "figure.js", "hbs.js", "packed.js", "card.js"]);
    let programs = Value::Object(programs(&PARTIALS).unwrap());
    browser.eval(&format!("globalThis.render = hbs.renderer({programs})"));
    let mut large = fixture::large(2_100);
    // What a browser would round, what nobody knows, and a row that draws its whole history.
    large.variables[7].heap_bytes = Some(u64::MAX);
    large.variables[8].heap_bytes_error = None;
    large.variables[7].history[0].bound_ms = (1 << 53) + 1;
    large.variables[9].history = vec![fixture::instance(10); 20];
    large.variables[9].history[5].peak_heap_bytes = None;
    large.variables[9].history[6].peak_heap_bytes = Some(777);
    for snapshot in [fixture::small(), fixture::sampled(50), breakout::hostile(), large] {
        let labels = Labels::new(&snapshot);
        let island = island(&snapshot, &labels);
        let (held, whole) = (island.variables.index.len(), island.inspectors.index.clone());
        assert!(whole.len() > 50 || whole.len() == snapshot.variables.len(), "{}", whole.len());
        browser.eval(&format!("globalThis.island = {}", serde_json::to_string(&island).unwrap()));
        let html = browser
            .eval("island.variables.index.map((_, at) => render('card', card.card(island.variables, at)))");
        let all = cards(&snapshot, &labels, usize::MAX);
        assert_eq!((html.as_array().unwrap().len(), all.len()), (held, held));
        for (card, html) in all.iter().zip(html.as_array().unwrap()) {
            assert_same("card", html.as_str().unwrap(), &partial("card", card).unwrap());
        }
        let html = browser.eval(
            "island.inspectors.index.map((_, at) => \
             render('inspector', packed.unpacked(island.inspectors, at)))",
        );
        let views = inspectors(&snapshot, &labels, whole.len());
        assert_eq!(views.iter().map(|view| view.index).collect::<Vec<_>>(), whole);
        for (view, html) in views.iter().zip(html.as_array().unwrap()) {
            assert_same("inspector", html.as_str().unwrap(), &partial("inspector", view).unwrap());
        }
        let page = view::page(&snapshot, &labels);
        let html = browser
            .eval("packed.allUnpacked(island.more_of_scopes).map((view) => render('more_of_scope', view))");
        assert_eq!(html.as_array().unwrap().len(), page.scopes.rows.len());
        for (row, html) in page.scopes.rows.iter().zip(html.as_array().unwrap()) {
            assert_same(
                "more_of_scope",
                html.as_str().unwrap(),
                &partial("more_of_scope", &row.more).unwrap(),
            );
        }
        let list = |browser: &mut Browser, name: &str| {
            browser.eval(&format!("render('{name}', {{ rows: packed.allUnpacked(island.lists.{name}) }})"))
        };
        let html = list(&mut browser, "thread_rows");
        assert_same("thread_rows", html.as_str().unwrap(), &partial("thread_rows", &page.threads).unwrap());
        let html = list(&mut browser, "pairs");
        let pairs =
            page.threads.foreign_frees.map_or(String::new(), |frees| partial("pairs", &frees).unwrap());
        assert_same("pairs", html.as_str().unwrap(), &pairs);
        let html = list(&mut browser, "size_rows");
        let sizes = page.sizes.map_or(String::new(), |sizes| partial("size_rows", &sizes).unwrap());
        assert_same("size_rows", html.as_str().unwrap(), &sizes);
        let html = list(&mut browser, "lifetime_rows");
        let lifetimes =
            page.lifetimes.map_or(String::new(), |panel| partial("lifetime_rows", &panel).unwrap());
        assert_same("lifetime_rows", html.as_str().unwrap(), &lifetimes);
    }
}

/// Fails where `html` begins to differ.
fn assert_same(what: &str, html: &str, expected: &str) {
    if html == expected {
        return;
    }
    let at = html.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(80);
    let around =
        |text: &str| String::from_utf8_lossy(&text.as_bytes()[at..(at + 200).min(text.len())]).into_owned();
    panic!("{what}, from byte {at}:\nbrowser {}\nRust    {}", around(html), around(expected));
}

#[test]
fn a_view_that_lacks_a_field_is_refused() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = modules::open(&mut browser, &["units.js", "hbs.js"]);
    let programs = Value::Object(programs(&["place", "diagnostics"]).unwrap());
    let says = |browser: &mut Browser, name: &str, view: Value| {
        browser.eval(&format!(
            "(() => {{ try {{ return hbs.renderer({programs})({name:?}, {view}); }} catch (error) {{ return error.message; }} }})()"
        ))
    };
    assert_eq!(says(&mut browser, "place", json!({ "line": null })), "the view has no file");
    assert_eq!(says(&mut browser, "place", json!({ "file": "a" })), "the view has no line");
    assert_eq!(says(&mut browser, "places", json!({})), "there is no partial places");
    let whole = "<span class=\"place\">a&lt;b</span>\n";
    assert_eq!(says(&mut browser, "place", json!({ "file": "a<b", "line": null })), whole);
    assert_eq!(partial("place", &json!({ "file": "a<b", "line": null })).unwrap(), whole);
}

/// Numbers at which a text changes: each unit's first, what rounds up to it and what just does not; powers of ten, which
/// are grouped; and where a float is no longer exact.
fn values() -> Vec<u64> {
    let mut values = vec![0, 1, 7, 48, u64::from(u32::MAX), 951_827_696_000, u64::MAX];
    let around = |value: u64| [value - 1, value, value.saturating_add(1)];
    for power in 1..20 {
        values.extend(around(10_u64.pow(power)));
    }
    let units = [1024, 1 << 20, 1 << 30, 1_000, 60_000, 3_600_000, 1_000_000];
    for unit in units {
        values.extend(around(unit));
        // x.x5 of a unit is a tie: 0.05, 0.95, 1.05, 9.95, 59.95, 999.95, 1023.95.
        for tenths in [0, 9, 10, 99, 599, 9_999, 10_239] {
            values.extend(around((2 * tenths + 1) * unit / 20));
        }
    }
    // A float holds each whole number up to 2^53, and every other one above.
    values.extend(around(1 << 53));
    values.extend(around((1 << 54) + 2));
    values.sort_unstable();
    values.dedup();
    values
}

#[test]
fn figures_agree() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = modules::open(&mut browser, &["units.js", "figure.js", "hbs.js"]);
    let values = values();
    assert!(values.len() > 150, "{}", values.len());
    let mut figures: Vec<(String, Figure)> = Vec::new();
    // A whole number in the page's data: above 2^53 − 1 a string of its digits.
    let raw = |value: u64| if value < 1 << 53 { value.to_string() } else { format!("\"{value}\"") };
    for &value in &values {
        let digits = raw(value);
        figures.push((format!("bytes('/x', {digits})"), Figure::bytes("/x", value)));
        figures.push((format!("count('/x', {digits})"), Figure::count("/x", value)));
        figures.push((format!("ms('/x', {digits})"), Figure::ms("/x", value)));
        figures.push((format!("us('/x', {digits})"), Figure::us("/x", value)));
        figures.push((format!("utc('/x', {digits})"), Figure::utc("/x", value)));
        figures.push((format!("name('/x', {digits})"), Figure::name("/x", value)));
        figures.push((format!("address('/x', {digits})"), Figure::address("/x", value)));
    }
    for kind in ["bytes", "count", "ms", "us", "name"] {
        figures.push((format!("{kind}('/x', null)"), Figure::bytes("/x", None)));
    }
    // Each fifth with each seventh: pairs of all sizes.
    for &one in values.iter().step_by(5).chain([&3, &5, &7]) {
        for &other in values.iter().step_by(7).chain([&400, &12]) {
            let (a, b) = (raw(one), raw(other));
            figures.push((format!("bytes('/x', {a}, {b})"), Figure::estimated_bytes("/x", one, Some(other))));
            figures.push((format!("count('/x', {a}, {b})"), Figure::estimated_count("/x", one, Some(other))));
            figures.push((
                format!("withUpperBound(figure.bytes('/x', {a}, {b}), {b})"),
                Figure::estimated_bytes("/x", one, Some(other)).with_upper_bound(Some(other)),
            ));
            figures.push((format!("share('/x', {a}, '/y', {b})"), Figure::share("/x", one, "/y", other)));
            figures.push((
                format!("perSecond('/x', {a}, '/y', {b})"),
                Figure::per_second("/x", one, "/y", other),
            ));
            figures.push((
                format!("bytesPerSecond('/x', {a}, '/y', {b})"),
                Figure::bytes_per_second("/x", one, "/y", other),
            ));
        }
    }
    // 0.25 % to 199.75 %: each other one is a tie of tenths.
    for quarter in 1..800 {
        figures.push((format!("share('/x', {quarter}, '/y', 400)"), Figure::share("/x", quarter, "/y", 400)));
        figures.push((
            format!("perSecond('/x', {quarter}, '/y', 40000)"),
            Figure::per_second("/x", quarter, "/y", 40_000),
        ));
    }
    let makers: Vec<_> = figures.iter().map(|(maker, _)| format!("() => figure.{maker}")).collect();
    let html = browser.eval(&format!("[{}].map((make) => hbs.figureHtml(make()))", makers.join(",")));
    for ((maker, figure), html) in figures.iter().zip(html.as_array().unwrap()) {
        // The shortest partial that holds a figure.
        let thread = partial("thread", &json!({ "id": figure, "name": null })).unwrap();
        let expected =
            thread.strip_prefix("<span class=\"thread\">thread ").unwrap().strip_suffix("</span>\n").unwrap();
        assert_eq!(html.as_str().unwrap(), expected, "{maker}");
    }
}
