//! Every snippet of the user guide, as it is written there, with the values that it leaves open supplied.
//!
//! No allocator is installed here: the guide's programs work from what they declare.

#![expect(unused_qualifications, reason = "the guide writes `std::mem::size_of`")]
#![expect(clippy::useless_vec, reason = "the guide tracks a vector")]

use memscope::model::Provenance;
use std::path::PathBuf;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A folder of the test's own, as the current one: the guide's paths are relative.
fn in_own_folder(test: impl FnOnce(PathBuf) -> Outcome) {
    static ONE_AT_A_TIME: parking_lot::Mutex<()> = parking_lot::Mutex::new(());
    let _one = ONE_AT_A_TIME.lock();
    let folder = tempfile::tempdir().expect("a folder");
    let back = std::env::current_dir().expect("a current folder");
    std::env::set_current_dir(&folder).expect("it was made");
    let outcome = test(folder.path().to_owned());
    std::env::set_current_dir(back).expect("it was there");
    outcome.expect("the guide's code gives no error");
}

fn page(path: &str) -> String {
    let page = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(page.starts_with("<!DOCTYPE html>"), "{path}");
    page
}

#[test]
fn real_time_memory_tracking() {
    use memscope::core::tracker::MemoryTracker;
    use std::sync::Arc;

    in_own_folder(|_| {
        let (ptr, size) = (0x1000, 64);
        // Initialize tracker
        let tracker = Arc::new(MemoryTracker::new());

        // Track memory allocations in real-time
        tracker.track_allocation(ptr, size, Some("my_variable".to_string()))?;

        let known = tracker.get_allocations();
        assert_eq!(known.len(), 1);
        assert_eq!((known[0].ptr, known[0].size), (0x1000, 64));
        assert_eq!(known[0].var_name.as_deref(), Some("my_variable"));
        // Nobody measures it: no allocator of memscope's is installed.
        assert_eq!((known[0].is_declared, known[0].provenance), (true, Provenance::Declared));
        assert_eq!((known[0].reallocations, known[0].freed_by.as_deref()), (None, None));
        assert_eq!((&known[0].stack_trace, known[0].is_leaked), (&None, false));
        Ok(())
    });
}

#[test]
fn sampling_based_tracking() {
    use memscope::core::sampling_tracker::SamplingTracker;

    in_own_folder(|_| {
        let (ptr, size) = (0x2000, 24);
        // Initialize sampling tracker
        let tracker = SamplingTracker::new("./output");

        // Track variable with reduced overhead
        tracker.track_variable(ptr, size, "var_name".to_string(), "String".to_string())?;

        let recording = memscope_runtime::format::read_file("output.memscope".as_ref())?;
        assert_eq!(recording.variables.len(), 1);
        assert_eq!(recording.variables[0].type_name.as_deref(), Some("String"));
        Ok(())
    });
}

#[test]
fn a_sampling_tracker_makes_missing_folders() {
    use memscope::core::sampling_tracker::SamplingTracker;

    in_own_folder(|folder| {
        let tracker = SamplingTracker::new("./a/b/prod_data");
        tracker.track_variable(0x2000, 24, "x".to_string(), "u8".to_string())?;
        drop(tracker);
        assert!(folder.join("a/b/prod_data.memscope").is_file());
        Ok(())
    });
}

#[test]
fn binary_analysis() {
    use memscope::export::api::Exporter;

    in_own_folder(|_| {
        memscope::export("memory_data.memscope")?;
        // Convert binary to HTML dashboard
        Exporter::binary_to_html("memory_data.memscope", "analysis.html")?;
        page("analysis.html");
        Ok(())
    });
}

#[test]
fn direct_html_export() {
    use memscope::core::tracker::MemoryTracker;
    use memscope::export::clean_unified_api::export_html;
    use std::sync::Arc;

    in_own_folder(|_| {
        let tracker = Arc::new(MemoryTracker::new());
        // Export current tracker state to HTML
        export_html(tracker, "dashboard.html")?;
        page("dashboard.html");
        Ok(())
    });
}

#[test]
fn binary_to_html_conversion() {
    use memscope::core::tracker::memory_tracker::MemoryTracker;

    in_own_folder(|_| {
        MemoryTracker::new().export_user_binary("data.memscope")?;
        // Convert existing binary file to interactive HTML
        MemoryTracker::export_binary_to_html("data.memscope", "dashboard.html")?;
        page("dashboard.html");
        Ok(())
    });
}

#[test]
fn unified_export_api() {
    use memscope::core::tracker::MemoryTracker;
    use memscope::export::api::{ExportConfig, Exporter};

    in_own_folder(|_| {
        let tracker = MemoryTracker::new();
        tracker.track_allocation(0x1000, 4_321, Some("exported_variable".to_string()))?;
        let (allocations, stats) = (tracker.get_allocations(), tracker.get_stats());
        let config = ExportConfig { program_name: Some("a_named_program".to_string()) };

        // Create exporter with custom configuration
        let exporter = Exporter::new(allocations, stats, config);
        let stats = exporter.export_html("output.html")?;

        let page = page("output.html");
        assert_eq!(stats.bytes_written, page.len() as u64);
        assert_eq!(stats.allocations, 1);
        assert!(page.contains("exported_variable") && page.contains("a_named_program"));
        Ok(())
    });
}

#[test]
fn complete_workflow() {
    use memscope::core::sampling_tracker::SamplingTracker;
    use memscope::core::tracker::MemoryTracker;
    use memscope::export::api::Exporter;
    use std::sync::Arc;

    in_own_folder(|_| {
        // 1. Live tracking during development
        let tracker = Arc::new(MemoryTracker::new());
        // ... track allocations ...
        tracker.track_allocation(0x1000, 64, Some("developed".to_string()))?;

        // 2. Export to binary for archival
        tracker.export_user_binary("session.memscope")?;

        // 3. Generate interactive HTML dashboard
        MemoryTracker::export_binary_to_html("session.memscope", "analysis.html")?;

        // 4. Later: sampling mode for production
        let sampler = SamplingTracker::new("./prod_data");
        // ... production tracking ...
        for number in 1..=5 {
            sampler.track_variable(number * 0x100, 10, format!("produced_{number}"), "Order".to_string())?;
        }

        // 5. Analyze production data
        Exporter::binary_to_html("prod_data.memscope", "production_analysis.html")?;

        assert!(page("analysis.html").contains("developed"));
        // The last declarations came within a second of the first write; reading the file brings them in.
        assert!(page("production_analysis.html").contains("produced_5"));
        Ok(())
    });
}

#[test]
fn quick_start() {
    use memscope::core::tracker::MemoryTracker;
    use memscope::export::clean_unified_api::export_html;
    use std::sync::Arc;

    in_own_folder(|_| {
        // 1. Initialize tracker
        let tracker = Arc::new(MemoryTracker::new());

        // 2. Your application code with memory tracking
        let data = vec![1, 2, 3, 4, 5];
        tracker.track_allocation(
            data.as_ptr() as usize,
            data.len() * std::mem::size_of::<i32>(),
            Some("my_vector".to_string()),
        )?;
        let snapshot = tracker.snapshot();

        // 3. Export to interactive HTML dashboard
        export_html(tracker, "memory_analysis.html")?;

        let page = page("memory_analysis.html");
        let body = page.split_once("<body").expect("a body").1;
        let first = body.find("The memscope allocator is not installed").expect("the first line says so");
        assert!(first < body.find("my_vector").expect("the variable is shown"));
        // Five numbers of 4 bytes are all that was declared.
        assert_eq!((snapshot.totals.live_bytes, snapshot.totals.allocations), (20, 1));
        assert_eq!(snapshot.variables[0].heap_bytes, Some(20));
        assert!(snapshot.findings.iter().any(|finding| finding.kind == "allocator_not_installed"));
        Ok(())
    });
}

/// The guide's structs have the guide's fields, with the guide's types.
#[test]
fn the_structs_have_the_guides_fields() {
    use memscope::core::tracker::{
        AllocationInfo, FragmentationAnalysis, MemoryStats, ScopeLifecycleMetrics,
    };

    fn allocation(info: AllocationInfo) {
        let _: usize = info.ptr;
        let _: usize = info.size;
        let _: Option<String> = info.var_name;
        let _: Option<String> = info.type_name;
        let _: String = info.thread_id;
        let _: u64 = info.timestamp_alloc;
        let _: Option<u64> = info.timestamp_dealloc;
        let _: usize = info.borrow_count;
        let _: Option<Vec<String>> = info.stack_trace;
        let _: bool = info.is_leaked;
        let _: Option<u64> = info.lifetime_ms;
    }
    fn stats(stats: MemoryStats) {
        let _: usize = stats.total_allocations;
        let _: usize = stats.active_allocations;
        let _: usize = stats.peak_memory;
        let _: usize = stats.leaked_allocations;
        let fragmentation: FragmentationAnalysis = stats.fragmentation_analysis;
        // The allocator is not installed, so nobody knows what serves the program. What is resident the kernel says.
        assert_eq!((fragmentation.slack_bytes, fragmentation.glibc), (None, None));
        assert!(fragmentation.resident_bytes.is_some());
        let lifecycle: ScopeLifecycleMetrics = stats.lifecycle_stats;
        // One declaration, which has no scope that ends.
        assert_eq!((lifecycle.instances, lifecycle.active_instances), (1, 1));
        assert_eq!((lifecycle.fates, lifecycle.instances_without_fates, lifecycle.held_bytes), (None, 0, 8));
    }
    let tracker = memscope::core::tracker::MemoryTracker::new();
    tracker.track_allocation(0x1000, 8, None).expect("a fine range");
    tracker.get_allocations().into_iter().for_each(allocation);
    stats(tracker.get_stats());
}
