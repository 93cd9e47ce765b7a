//! Where the scope tree is full, tasks and carried scopes are charged to the nearest node that there is.

mod asynchronous;

use asynchronous::*;
use memscope::__private::{Site, enter};
use memscope::track;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const fn site(name: &'static str) -> Site {
    Site::function(name, || "async_full_tree::fills::here", file!(), line!(), column!(), "fn fills()")
}

static SITES: [Site; 9] =
    [site("a"), site("b"), site("c"), site("d"), site("e"), site("f"), site("g"), site("h"), site("i")];

/// Enters every order of every choice of sites: 9! / 0! + 9! / 1! + … + 9! / 8! = 986,409 nodes, and there is room for
/// 2^18 = 262,144. Ends a little past that.
fn fill(taken: usize, left: &mut u32) {
    for (index, site) in SITES.iter().enumerate() {
        if taken & 1 << index == 0 && *left > 0 {
            *left -= 1;
            let _scope = enter(site);
            fill(taken | 1 << index, left);
        }
    }
}

#[track]
async fn task() -> Vec<u8> {
    let first = vec![0u8; 10];
    Yield::default().await;
    drop(first);
    vec![0; 5]
}

#[test]
fn a_task_whose_node_finds_no_room_is_charged_to_its_spawner() {
    let scope = spawner();
    fill(0, &mut 265_000);
    let first = thread::spawn(move || {
        let mut future = Box::pin(task());
        scope.run(|| assert!(poll_once(future.as_mut()).is_pending()));
        future
    });
    let mut future = first.join().expect("it does not panic");
    let std::task::Poll::Ready(kept) = poll_once(future.as_mut()) else { panic!("it waits once") };
    let outside = vec![0u8; 1 << 20]; // this thread is at its root again
    // One snapshot: it has a row for each of the nodes.
    let snapshot = memscope::snapshot();
    assert!(snapshot.profiler.folded_scopes > 0, "the tree is full");
    let row = asynchronous::scope(&snapshot, &["spawner"]);
    // Both polls are charged to it, wherever they were: 10 bytes that are freed, and 5.
    assert_eq!((row.exclusive.allocated_bytes, row.exclusive.live_bytes, row.calls), (15, 5, 1));
    let [task] = &snapshot.tasks[..] else { panic!("one task: {:?}", snapshot.tasks) };
    assert_eq!((&task.scope, task.polls), (&row.path, 2));
    assert!(asynchronous::scope(&snapshot, &[]).exclusive.live_bytes >= 1 << 20);
    drop((kept, outside));
}
