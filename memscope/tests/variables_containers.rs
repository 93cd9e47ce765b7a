//! A string, a vector and a map that grow: what each holds and leaves unused at the end, and how it came there.

use memscope::model::{Snapshot, Variable};
use memscope::{track, track_var};
use std::collections::HashMap;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn fills() -> (String, Vec<u64>, HashMap<u64, u64>) {
    track_var!(let mut text: String = String::from("12345678"));
    track_var!(let mut list: Vec<u64> = Vec::with_capacity(4));
    track_var!(let mut map: HashMap<u64, u64> = HashMap::new());
    (0..1_000).for_each(|_| text.push('a'));
    (0..100).for_each(|number| list.push(number));
    (0..100).for_each(|number| _ = map.insert(number, number));
    track_var!(text, list, map);
    (text, list, map)
}

fn row<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    snapshot.variables.iter().find(|row| row.name == name).expect("it was tracked")
}

#[test]
fn what_grew_is_known_to_the_byte() {
    let kept = fills();
    let snapshot = memscope::snapshot();
    let figures = |name| {
        let row = row(&snapshot, name);
        (row.heap_bytes, row.blocks, row.grown_bytes, row.unused_bytes)
    };
    // 8 bytes double up to the first power of two that holds 1,008: 1,024. It gained 1,016; 16 are unused.
    assert_eq!(figures("text"), (Some(1_024), Some(1), Some(1_016), Some(16)));
    // 4 places double to 128: 1,024 bytes, of which 992 were gained and 28 places are empty.
    assert_eq!(figures("list"), (Some(1_024), Some(1), Some(992), Some(224)));
    // 100 entries need 128 buckets, of which at most 7 in 8 are used: 112. A bucket of 16 bytes and a byte of control for
    // each, and 16 more of these: 128 × 16 + 128 + 16 = 2,192. A map takes a new table each time, so nothing was resized.
    assert_eq!(figures("map"), (Some(2_192), Some(1), Some(0), Some(12 * 16)));
    assert_eq!(
        snapshot.scopes.iter().find(|row| row.path == ["fills"]).map(|row| row.exclusive.live_bytes),
        Some(1_024 + 1_024 + 2_192)
    );
    drop(kept);
    let snapshot = memscope::snapshot();
    for name in ["text", "list", "map"] {
        let row = row(&snapshot, name);
        let fates = row.fates.expect("it is measured");
        // Returned and then dropped: it outlived its scope, and is no leak.
        assert_eq!((row.heap_bytes, fates.outlived_scope, fates.live_at_export), (Some(0), 1, 0), "{name}");
    }
}
