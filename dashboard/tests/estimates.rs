//! What a sampled recording reads like: estimates with their errors, bounds where there is no sample, and no trace of
//! either in a recording that is exact.

mod fixture;
#[path = "fixture/whole.rs"]
mod whole;

use memscope_runtime::snapshot::{Snapshot, TimelinePoint};

/// The page from the element `id` to the end of its section.
fn panel(html: &str, id: &str) -> String {
    let (_, rest) =
        html.split_once(&format!("<section class=\"panel\" id=\"{id}\"")).expect("the panel is there");
    rest.split_once("</section>").unwrap().0.to_owned()
}

#[test]
fn an_estimate_stands_beside_its_error() {
    let html = whole::body(&fixture::sampled(5));
    // 100 MiB are 104,857,600 bytes; one sample in 512 KiB gives 200, whose error is √200 · 512 KiB.
    assert!(html.contains(
        "<span data-from=\"/totals/live_bytes\" data-value=\"104857600\" title=\"104\u{202f}857\u{202f}600 bytes\">\
         100.0 MiB</span> \
         <span class=\"plus-minus\" data-from=\"/totals/live_bytes_error\" data-value=\"7414552\" \
         title=\"7\u{202f}414\u{202f}552 bytes\">± 7.1 MiB</span>"
    ));
    // What is exact in a sampled recording has none.
    let calls = "<span data-from=\"/scopes/1/calls\" data-value=\"5\">5</span></span>";
    assert!(html.contains(calls));
    for panel_id in ["overview", "variables", "scopes", "types", "threads", "lifetimes", "sizes"] {
        assert!(panel(&html, panel_id).contains("<span class=\"plus-minus\""), "{panel_id}");
    }
}

#[test]
fn a_scope_without_a_sample_reads_its_upper_bound() {
    let html = whole::body(&fixture::sampled(5));
    for field in ["allocated_bytes", "live_bytes"] {
        let bound = format!(
            "<span class=\"none\" data-from=\"/scopes/3/exclusive/{field}\" data-value=\"0\" \
             title=\"No sample: below 1\u{202f}572\u{202f}864 bytes with a confidence of 95 %; the estimate itself is 0\">\
             <span data-from=\"/scopes/3/exclusive/{field}_upper_bound\" data-value=\"1572864\">&lt; 1.5 MiB</span></span>"
        );
        assert!(html.contains(&bound), "{field}");
    }
    // A count has no bound, and says why it is 0.
    let count = "<span class=\"none\" data-from=\"/scopes/3/exclusive/allocations\" data-value=\"0\" \
                 title=\"No sample stands behind the estimate of 0.\">no sample</span>";
    assert!(html.contains(count));
    assert!(!html.contains("± 0<") && !html.contains("± 0 B<"), "an estimate that nothing stands behind");
}

#[test]
fn an_exact_recording_shows_no_trace_of_sampling() {
    let html = whole::body(&fixture::exact(&fixture::large(50)));
    let traces = ["±", "&lt; ", "no sample", "class=\"plus-minus\"", "class=\"band"];
    for trace in traces.into_iter().chain([">Samples<", "Mean sample distance", "_error\"", "_upper_bound"]) {
        assert!(!html.contains(trace), "{trace}");
    }
}

#[test]
fn the_band_lies_one_error_to_either_side() {
    let mut snapshot = fixture::sampled(5);
    snapshot.program.elapsed_ms = 100;
    snapshot.totals.peak_bytes = 400;
    let point = |ms, live_bytes, error| TimelinePoint {
        ms,
        live_bytes,
        live_bytes_error: Some(error),
        resident_bytes: None,
    };
    snapshot.timeline = vec![point(0, 100, 200), point(50, 300, 80)];
    let html = whole::body(&snapshot);
    // 400 bytes are 1,900 high, below 100 of air: 300 stand at 2,000 − 1,425 = 575, 380 at 195, 220 at 955; half of the time is
    // 5,000 wide. The first point's lower edge is cut at 0, which stands at 2,000. Each corner is told from the one before.
    assert!(html.contains("<path class=\"band\" d=\"M0 575l5000-380l0 760l-5000 1045Z\"/>"));
    // An upper edge above the peak stays in the drawing: 800 bytes are 1,900 high now, 300 stand at 1,287.5.
    snapshot.timeline[1] = point(50, 300, 500);
    assert!(whole::body(&snapshot).contains("d=\"M0 1288l5000-1188l0 1900l-5000 0Z\""));
}

#[test]
fn blocks_that_live_are_told_apart_from_the_freed() {
    let lifetimes = panel(&whole::body(&fixture::small()), "lifetimes");
    assert!(lifetimes.contains("freed at this age") && lifetimes.contains("(censored)"));
    // 601 freed and 603 alive of the 1,212 of the fullest range.
    for bar in ["<i class=\"freed\" style=\"width:49.59%\"", "<i class=\"alive\" style=\"width:49.75%\""] {
        assert!(lifetimes.contains(bar), "{lifetimes}");
    }
}

#[test]
fn what_is_not_told_by_lifetime_or_size_stands_apart() {
    let html = whole::body(&fixture::small());
    let lifetimes = panel(&html, "lifetimes");
    let (rows, unknown) = lifetimes.split_once("Not known:").expect("two are known, one is not");
    assert!(
        !rows.contains("/lifetimes/2/")
            && unknown.contains("/lifetimes/2/deallocations\" data-value=\"651\"")
    );
    assert!(unknown.contains("data-from=\"/sizes/0/below_bytes\" data-value=\"1024\""), "{unknown}");
    let sizes = panel(&html, "sizes");
    // Alive 615 of the 625 of the fullest range and 61,700 of 1,627,000 bytes; freed 621 of 621 and 1 of these.
    for bar in ["width:98.40%", "width:3.79%", "width:100.00%", "width:0.16%"] {
        assert!(sizes.contains(bar), "{bar} {sizes}");
    }
    let (rows, small) = sizes.split_once("/sizes/0/from_bytes").expect("a row of its own");
    assert!(small.contains("/sizes/0/freed_bytes\" data-value=\"61300\"") && rows.contains("<td>–</td>"));
    // In a recording from before there were these lists there is no panel.
    let older = Snapshot { sizes: Vec::new(), lifetimes: Vec::new(), ..fixture::small() };
    let html = whole::body(&older);
    assert!(!html.contains("id=\"sizes\"") && !html.contains("id=\"lifetimes\""));
}

#[test]
fn the_recording_states_what_was_drawn_and_what_was_lost() {
    let html = whole::body(&fixture::small());
    let (_, recording) = html.split_once("id=\"recording\"").unwrap();
    for (field, value) in
        [("mean_bytes", 524_288), ("samples", 301), ("live_samples", 203), ("lost_samples", 21)]
    {
        let origin = format!("data-from=\"/profiler/sampling/{field}\" data-value=\"{value}\"");
        assert!(recording.contains(&origin), "{origin}");
    }
}

fn first_line(snapshot: &Snapshot) -> String {
    memscope_dashboard::view::first_line::first_line(snapshot).to_string()
}

#[test]
fn the_first_line_says_that_figures_are_estimates() {
    let mut snapshot = fixture::sampled(5);
    let line = first_line(&snapshot);
    assert!(line.starts_with("code_index: sampling recording of 2.5 s."), "{line}");
    assert!(line.contains("estimates from a sample") && line.contains("mean distance 512.0 KiB"), "{line}");
    assert!(!line.contains("lost"), "{line}");
    assert!(
        whole::body(&snapshot).contains("<p id=\"first-line\" class=\"warning\" role=\"note\">code_index:")
    );
    let sampling = snapshot.profiler.sampling.as_mut().unwrap();
    sampling.lost_samples = 21;
    assert!(first_line(&snapshot).ends_with(" 21 samples were lost, so totals are too low."));
    snapshot.profiler.sampling = None;
    assert!(first_line(&snapshot).contains("mean distance not measured"));
}

#[cfg(feature = "cli")]
#[test]
fn the_terminal_reads_the_same() {
    use memscope_dashboard::show::summary;
    let mut snapshot = fixture::sampled(5);
    // Of these the fourth has no sample.
    snapshot.scopes.truncate(4);
    let text = summary(&snapshot);
    assert_eq!(text.lines().next(), Some(&*first_line(&snapshot)));
    let line = |with: &str| text.lines().find(|line| line.contains(with)).unwrap();
    assert!(line("live at export").contains("100.0 MiB ± 7.1 MiB"), "{text}");
    assert!(line("step_00").contains("< 1.5 MiB"), "{text}");
    assert!(line("postings_04").contains("KiB ± "), "{text}");
    assert!(!summary(&fixture::exact(&fixture::large(5))).contains('±'));
}
