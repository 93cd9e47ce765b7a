//! The user guide's "Example Complete Workflow" with the processes that "Mode Coordination Workflow" speaks of: a program
//! in development, the same in production, and another one that records nothing and analyses what they left.
//!
//! The test runs itself again as each of them. What a page says is compared with what the programs did, worked out by hand.

use memscope::ExportError;
use memscope::core::sampling_tracker::SamplingTracker;
use memscope::core::tracker::MemoryTracker;
use memscope::export::api::Exporter;
use memscope::model::{Mode, Provenance, Snapshot, Variable};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Runs this test again in `folder`, as the program `name`, which is to end well.
fn run(name: &str, folder: &Path, mode: &str) -> Output {
    let output = Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "program", "--nocapture", "--include-ignored", "--test-threads=1"])
        .current_dir(folder)
        .env("WORKFLOW_PROGRAM", name)
        .env("MEMSCOPE_MODE", mode)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{name}: {output:?}");
    output
}

#[test]
#[ignore = "what the other tests run in a process of its own"]
fn program() -> Outcome {
    match std::env::var("WORKFLOW_PROGRAM").as_deref() {
        Ok("development") => development(),
        Ok("production") => production(),
        Ok("analysis") => analysis(),
        Ok("analysis of nothing") => analysis_of_nothing(),
        _ => Ok(()),
    }
}

/// Keeps 1,000 numbers of 8 bytes, and a text of 500; a list of 70 bytes comes and goes.
fn development() -> Outcome {
    // 1. Live tracking during development
    let tracker = Arc::new(MemoryTracker::new());
    let orders: Vec<u64> = (0..1_000).collect();
    tracker.track_allocation(orders.as_ptr() as usize, orders.capacity() * 8, Some("orders".to_string()))?;
    let greeting = "x".repeat(500);
    tracker.track_allocation(
        greeting.as_ptr() as usize,
        greeting.capacity(),
        Some("greeting".to_string()),
    )?;
    let gone: Vec<u8> = vec![1; 70];
    tracker.track_allocation(gone.as_ptr() as usize, gone.capacity(), Some("gone".to_string()))?;
    drop(gone);
    let indexed = indexes(&orders);

    // 2. Export to binary for archival
    tracker.export_user_binary("session.memscope")?;
    drop((orders, greeting, indexed));
    Ok(())
}

/// 1,000 places of 4 bytes.
#[memscope::track]
fn indexes(orders: &[u64]) -> Vec<u32> {
    memscope::track_var!(let index: Vec<u32> = orders.iter().map(|&order| order as u32).collect());
    index
}

/// Declares 40 orders of 24 bytes, of which 10 end.
fn production() -> Outcome {
    // 4. Later: sampling mode for production
    let sampler = SamplingTracker::new("./prod_data");
    for number in 1..=40 {
        sampler.track_variable(number * 0x1_0000, 24, "order".to_string(), "Order".to_string())?;
    }
    for number in 1..=10 {
        assert!(sampler.track_deallocation(number * 0x1_0000));
    }
    Ok(())
}

fn analysis() -> Outcome {
    assert_eq!(memscope::snapshot().mode, Mode::Off, "who analyses records nothing");
    // 3. Generate interactive HTML dashboard
    MemoryTracker::export_binary_to_html("session.memscope", "analysis.html")?;
    // 5. Analyze production data
    let stats = Exporter::binary_to_html("prod_data.memscope", "production_analysis.html")?;
    assert_eq!(stats.bytes_written, std::fs::metadata("production_analysis.html")?.len());
    Ok(())
}

fn say(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").expect("it is piped");
}

/// What cannot be read: each is one line, which the parent reads.
fn analysis_of_nothing() -> Outcome {
    say(""); // the harness has begun a line
    std::fs::write("a.txt", "no recording")?;
    std::fs::write("old.html", "the old page")?;
    let to_html: [fn(&str, &str) -> Result<_, ExportError>; 2] = [
        |from, to| MemoryTracker::export_binary_to_html(from, to),
        |from, to| Exporter::binary_to_html(from, to),
    ];
    for to_html in to_html {
        for (from, to) in [
            ("missing.memscope", "old.html"),
            ("a.txt", "old.html"),
            (".", "old.html"),
            ("a.txt", "nowhere/new.html"),
        ] {
            let error = to_html(from, to).expect_err(from);
            say(&format!("said: {error}"));
        }
    }
    assert_eq!(std::fs::read_to_string("old.html")?, "the old page");
    Ok(())
}

fn named<'a>(recording: &'a Snapshot, name: &str) -> (usize, &'a Variable) {
    let mut rows = recording.variables.iter().enumerate().filter(|(_, row)| row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name} is in the recording"));
    assert!(rows.next().is_none(), "{name} is there once");
    row
}

/// Whether the page shows the document's figure at `pointer`, as `value`.
fn shows(page: &str, pointer: &str, value: u64) -> bool {
    let (from, value) = (format!("data-from=\"{pointer}\""), format!("data-value=\"{value}\""));
    page.split('<').any(|tag| tag.contains(&from) && tag.contains(&value))
}

#[test]
fn development_production_and_analysis_are_processes_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    run("development", folder.path(), "live");
    run("production", folder.path(), if cfg!(feature = "sampling") { "sampling" } else { "live" });
    run("analysis", folder.path(), "off");
    let read = |name: &str| memscope_runtime::format::read_file(&at(name)).expect("it was written");
    let page = |name: &str| std::fs::read_to_string(at(name)).expect("it was written");

    let (recording, page_of_it) = (read("session.memscope"), page("analysis.html"));
    assert_eq!(recording.mode, Mode::Live);
    // 1,000 numbers of 8 bytes, 500 letters, 1,000 of 4 bytes; of the freed one nothing is left. The allocator knows them all.
    for (name, bytes) in [("orders", 8_000), ("greeting", 500), ("gone", 0), ("index", 4_000)] {
        let (index, row) = named(&recording, name);
        assert_eq!(row.heap_bytes, Some(bytes), "{name}");
        assert_eq!(row.provenance, Provenance::Measured, "{name}");
        assert!(page_of_it.contains(name), "{name}");
        assert!(shows(&page_of_it, &format!("/variables/{index}/heap_bytes"), bytes), "{name}");
    }
    // A figure that is not the document's is not shown.
    assert!(!shows(&page_of_it, &format!("/variables/{}/heap_bytes", named(&recording, "orders").0), 8_001));
    // `indexes` ran once, and what it made lives: its 4,000 bytes.
    let scope = recording.scopes.iter().position(|scope| scope.path == ["indexes"]).expect("it ran");
    assert_eq!(recording.scopes[scope].calls, 1);
    assert!(shows(&page_of_it, &format!("/scopes/{scope}/calls"), 1));
    assert!(shows(&page_of_it, &format!("/scopes/{scope}/exclusive/live_bytes"), 4_000));

    let (recording, page_of_it) = (read("prod_data.memscope"), page("production_analysis.html"));
    assert_eq!(recording.mode, if cfg!(feature = "sampling") { Mode::Sampling } else { Mode::Live });
    // 40 were declared and 10 ended: 30 of 24 bytes are 720. No allocator knows these addresses.
    let (index, row) = named(&recording, "order");
    assert_eq!((row.heap_bytes, row.provenance), (Some(720), Provenance::Declared));
    assert!(shows(&page_of_it, &format!("/variables/{index}/heap_bytes"), 720));
    assert!(shows(&page_of_it, &format!("/variables/{index}/instances"), 40));
    assert!(page_of_it.contains("Order"));

    // The program's name is that of the program that was recorded.
    for page in [page("analysis.html"), page_of_it] {
        assert!(page.contains(&recording.program.name));
    }
}

#[test]
fn what_cannot_be_analysed_is_said_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run("analysis of nothing", folder.path(), "off");
    let output = String::from_utf8(output.stdout).expect("text");
    let said: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("said: ")).collect();
    let once = [
        "missing.memscope: cannot be read: No such file or directory",
        "a.txt: is no .memscope recording",
        ".: cannot be read: ",
        "a.txt: is no .memscope recording",
    ];
    assert_eq!(said.len(), 2 * once.len(), "each is one line: {output}");
    for (line, expected) in said.iter().zip(once.iter().cycle()) {
        assert!(line.starts_with(expected), "{line}");
    }
    // Nothing new but what the program itself wrote.
    assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 2);
}
