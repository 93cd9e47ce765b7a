//! No number without an origin on the pages over several recordings, and each reads as what its formula gives on
//! `{"recordings": […]}`; one with another digit is refused.

#[path = "fixture/breakout.rs"]
mod breakout;
mod fixture;
mod reader;
#[path = "fixture/several.rs"]
mod several;

use memscope_dashboard::trend::in_time_order;
use memscope_dashboard::{render_compare, render_trend};
use memscope_runtime::snapshot::{Mode, Snapshot};
use reader::page;
use serde_json::Value;
use several::{document, pair, sampled_pair, sessions};

fn compared(base: &Snapshot, then: &Snapshot) -> (String, Value) {
    (render_compare(base, then).unwrap(), document(&[base, then]))
}

fn trended(recordings: &[Snapshot]) -> (String, Value) {
    let all: Vec<&Snapshot> = recordings.iter().collect();
    (render_trend(&all).unwrap(), document(&in_time_order(&all)))
}

fn assert_bound((html, document): &(String, Value), figures: usize) {
    let faults = page::faults(html, document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
    assert!(page::figures(html) >= figures, "{}", page::figures(html));
}

#[test]
fn each_number_of_a_comparison_is_the_documents() {
    let [base, then] = pair();
    assert_bound(&compared(&base, &then), 500);
    assert_bound(&compared(&then, &base), 500);
    let [few, many] = sampled_pair();
    assert_bound(&compared(&few, &many), 500);
    // Unlike in all that can be said: mode, distance, program, host, length, folded rows.
    assert_bound(&compared(&base, &many), 400);
    assert_bound(&compared(&fixture::small(), &many), 100);
    assert_bound(&compared(&fixture::large(50), &fixture::sampled(40)), 400);
    // Nothing was recorded in one of them.
    assert_bound(&compared(&Snapshot { mode: Mode::Off, ..base.clone() }, &then), 100);
    assert_bound(&compared(&base, &base), 20);
    assert_bound(&compared(&fixture::small(), &breakout::hostile()), 40);
    // Two places of one name and type in a scope are summed.
    let twice = |snapshot: &Snapshot| {
        let mut twice = snapshot.clone();
        twice.variables.extend(snapshot.variables.iter().take(9).cloned());
        twice.scopes.extend(snapshot.scopes.iter().take(3).cloned());
        twice
    };
    assert_bound(&compared(&twice(&base), &twice(&then)), 500);
    assert_bound(&compared(&few, &twice(&many)), 500);
}

#[test]
fn more_rows_than_a_page_lists_are_counted() {
    let base = fixture::exact(&fixture::large(700));
    let mut then = base.clone();
    for (number, row) in then.variables.iter_mut().enumerate() {
        row.heap_bytes = row.heap_bytes.map(|heap| heap + 1 + number as u64);
    }
    let page = compared(&base, &then);
    assert_bound(&page, 1_000);
    // Of 700 each ninth from the eighth on is not walked: 77. The other 623 grew, and 100 are listed.
    assert!(page.0.contains("data-from=\"classed(variables, grown) - 100\" data-value=\"523\""));
}

#[test]
fn each_number_of_a_trend_is_the_documents() {
    let exact = fixture::exact(&fixture::large(40));
    for count in [1, 2, 3, 5, 6, 9, 12] {
        // One session has each figure once: six sums, 24 scopes, 24 variables, and the sums in its row.
        assert_bound(&trended(&sessions(count, &exact)), if count == 1 { 60 } else { 80 });
    }
    assert_bound(&trended(&sessions(8, &fixture::sampled(40))), 200);
    // More than are looked at.
    let mut few = fixture::exact(&fixture::small());
    few.scopes = exact.scopes[..9].to_vec();
    few.variables = exact.variables[..9].to_vec();
    assert_bound(&trended(&sessions(104, &few)), 500);
    let mut mixed = sessions(7, &exact);
    mixed[2].mode = Mode::Off;
    mixed[4].folded.scopes.scopes = 5;
    mixed[5].program.started_unix_ms = 0;
    assert_bound(&trended(&mixed), 100);
    assert_bound(&trended(&vec![breakout::hostile(); 3]), 40);
}

#[test]
fn a_trend_turns_where_the_sessions_do() {
    // Twelve sessions, of which the live bytes rise from the eighth on (140,000, then 90,000 each), against noise of a thousand.
    let (html, document) = trended(&sessions(12, &fixture::exact(&fixture::large(40))));
    let turns = html.matches("at_turn(").count();
    assert!(turns >= 2, "{turns}");
    let start = document.pointer("/recordings/7/program/started_unix_ms").unwrap();
    let live = html.split("Live at export</code>").nth(2).unwrap();
    let turn = live.split("at_turn(").nth(1).unwrap();
    assert!(turn.split("data-value=\"").nth(1).unwrap().starts_with(&start.to_string()), "{turn:.300}");
}

/// One digit of what is shown made another one, in many places of a page.
fn refuse_other_digits((html, document): &(String, Value), step: usize) {
    // Where it comes from may name another row of the same figures, so it is not asked for.
    const SHOWN: [&str; 10] = ["data-value", "title", "style", "points", "cx", "cy", "x1", "y1", "x2", "y2"];
    assert_eq!(page::faults(html, document), [""; 0]);
    let body = html.find("<main>").unwrap();
    let end = html.find("</footer>").unwrap();
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
    // The last decimals of an exact value are below what is compared.
    let is_decimal = |at: &usize| html[..*at].rsplit(['"', '−', '-']).next().unwrap().contains('.');
    let is_value = |at: &usize| html[..*at].rsplit_once("=\"").unwrap().0.ends_with("data-value");
    let digits = html[body..end].match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| body + at);
    let shown: Vec<usize> = digits.filter(|at| is_shown(at) && !(is_decimal(at) && is_value(at))).collect();
    assert!(shown.len() > 1_500, "{}", shown.len());
    for &at in shown.iter().step_by(step) {
        let other = char::from(b'0' + (html.as_bytes()[at] - b'0' + 1) % 10);
        let broken = format!("{}{other}{}", &html[..at], &html[at + 1..]);
        let place = &html[html[..at].rfind('<').unwrap()..at];
        assert!(!page::faults(&broken, document).is_empty(), "{other} in place of the digit after {place}");
    }
}

#[test]
fn a_page_with_one_other_digit_is_refused() {
    let [base, then] = pair();
    let few = |snapshot: &Snapshot| {
        let mut few = snapshot.clone();
        few.variables.retain(|row| row.line.is_some());
        few.variables.truncate(12);
        few.scopes.truncate(10);
        few
    };
    refuse_other_digits(&compared(&few(&base), &few(&then)), 97);
    let mut small = fixture::sampled(8);
    small.scopes.truncate(9);
    refuse_other_digits(&trended(&sessions(7, &small)), 197);
}
