//! The user guide's quick start, as written there. It declares its allocation; no allocator is installed.

#![expect(unused_qualifications, reason = "the guide writes `std::mem::size_of`")]
#![expect(clippy::print_stdout, reason = "an example talks to a person")]
#![expect(clippy::useless_vec, reason = "the guide tracks a vector")]

use memscope::core::tracker::MemoryTracker;
use memscope::export::clean_unified_api::export_html;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // 1. Initialize tracker
    let tracker = Arc::new(MemoryTracker::new());

    // 2. Your application code with memory tracking
    let data = vec![1, 2, 3, 4, 5];
    tracker.track_allocation(
        data.as_ptr() as usize,
        data.len() * std::mem::size_of::<i32>(),
        Some("my_vector".to_string()),
    )?;

    // 3. Export to interactive HTML dashboard
    export_html(tracker, "memory_analysis.html")?;

    println!("Memory analysis saved to memory_analysis.html");
    Ok(())
}
