//! Over another allocator than glibc's nothing is said of blocks and heap: its headers are not glibc's.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOC: memscope::Allocator<MiMalloc> = memscope::Allocator::new(MiMalloc);

#[test]
fn mimalloc_is_not_taken_for_glibc() {
    let kept: Vec<Vec<u8>> = (0..1_000).map(|_| vec![1; 25]).collect();
    let said = memscope::snapshot().fragmentation;
    assert_eq!((said.slack_bytes, said.slack_blocks, said.slack_of_bytes, said.glibc), (None, 0, 0, None));
    // The kernel counts pages, whoever serves: at least the 25,000 bytes that were written.
    assert!(said.resident_bytes.is_some_and(|bytes| bytes > 25_000));
    drop(kept);
}
