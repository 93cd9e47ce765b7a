//! `tasks[]`: one row for each task that an executor polled, and what becomes of it. One test, for the list is the
//! process's: tests beside it would fill it.

mod asynchronous;

use asynchronous::*;
use memscope::model::{Snapshot, Task, TaskState};
use memscope::track;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn of<'a>(snapshot: &'a Snapshot, path: &[&str]) -> Vec<&'a Task> {
    snapshot.tasks.iter().filter(|task| task.scope == path).collect()
}

#[track]
async fn part() {
    Yield::default().await;
}

#[track]
async fn task() -> u32 {
    part().await;
    part().await;
    3
}

#[track]
async fn dropped() {
    Yield::default().await;
}

#[track]
async fn panicked() {
    Yield::default().await;
    panic!("as it should");
}

#[track]
async fn short() {}

#[track]
async fn long() {
    std::future::pending::<()>().await;
}

#[test]
fn a_task_has_a_row_from_its_first_poll_on() {
    // Not polled: no task.
    drop(task());
    assert!(memscope::snapshot().tasks.is_empty());

    // Polled thrice, on two threads: it waits once in each of its parts.
    let mut running = Box::pin(task());
    assert!(poll_once(running.as_mut()).is_pending());
    let snapshot = memscope::snapshot();
    let [row] = of(&snapshot, &["task"])[..] else { panic!("one row: {:?}", snapshot.tasks) };
    assert_eq!((row.number, row.polls, row.state), (1, 1, TaskState::Running));
    assert_eq!(row.id, None); // no tokio here
    let here = row.threads[0];
    let ended = thread::spawn(move || {
        assert!(poll_once(running.as_mut()).is_pending());
        assert!(poll_once(running.as_mut()).is_ready());
        running // its drop is no end: it has ended before
    });
    drop(ended.join().expect("it does not panic"));
    let snapshot = memscope::snapshot();
    let [row] = of(&snapshot, &["task"])[..] else { panic!("one row: {:?}", snapshot.tasks) };
    assert_eq!((row.polls, row.state, row.has_more_threads), (3, TaskState::Finished, false));
    assert_eq!((row.threads.len(), row.threads[0]), (2, here));
    assert!(row.threads.iter().all(|id| snapshot.threads.iter().any(|thread| thread.id == *id)));
    assert!(row.first_ms <= row.last_ms && row.last_ms <= snapshot.program.elapsed_ms);
    // What a task awaits is part of it.
    assert_eq!(scope(&snapshot, &["task", "part"]).calls, 2);
    assert!(of(&snapshot, &["task", "part"]).is_empty());

    let mut unfinished = Box::pin(dropped());
    assert!(poll_once(unfinished.as_mut()).is_pending());
    drop(unfinished);
    quietly(|| {
        let mut panics = Box::pin(panicked());
        assert!(poll_once(panics.as_mut()).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(panics.as_mut()))).is_err());
    });
    let snapshot = memscope::snapshot();
    let state = |path: &[&str]| of(&snapshot, path).iter().map(|task| task.state).collect::<Vec<_>>();
    assert_eq!(
        (state(&["dropped"]), state(&["panicked"])),
        (vec![TaskState::Dropped], vec![TaskState::Panicked])
    );
    // After the panic nobody is taken for a part of the task that panicked.
    assert!(poll_once(Box::pin(short()).as_mut()).is_ready());
    assert_eq!(of(&memscope::snapshot(), &["short"]).len(), 1);
    assert_eq!(memscope::snapshot().profiler.folded_tasks, 0);

    // A million short ones beside a long one: the list keeps the newest and the one that runs, and nothing grows.
    let mut runs_on = Box::pin(long());
    assert!(poll_once(runs_on.as_mut()).is_pending());
    let before = memscope::snapshot();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            thread::spawn(|| {
                for _ in 0..500_000 {
                    let mut future = std::pin::pin!(short());
                    assert!(poll_once(future.as_mut()).is_ready());
                }
            })
        })
        .collect();
    // While rows are used again they are read, and no row is half of one task and half of another.
    while !threads.iter().all(thread::JoinHandle::is_finished) {
        for row in memscope::snapshot().tasks {
            assert!(row.first_ms <= row.last_ms && row.polls <= 3, "{row:?}");
            assert!(row.scope != ["short"] || row.threads.len() <= 1, "{row:?}");
        }
    }
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    let after = memscope::snapshot();
    assert_eq!(scope(&after, &["short"]).calls, 1_000_001);
    assert!(after.tasks.len() <= 1_024, "{}", after.tasks.len());
    assert_eq!(of(&after, &["long"]).len(), 1);
    assert_eq!(of(&after, &["long"])[0].state, TaskState::Running);
    // Five tasks before the million: task, dropped, panicked, short and long. Each is listed or counted.
    assert_eq!(after.tasks.len() as u64 + after.profiler.folded_tasks, 1_000_005);
    assert!(after.tasks.iter().any(|task| task.number > 1_000_000), "the newest are listed");
    assert!(after.tasks.windows(2).all(|pair| pair[0].number < pair[1].number));
    // The rows, and what two threads' rows and accounts take; a million tasks of 8 bytes each would be 8 MB.
    let grown = after.profiler.own_bytes.zip(before.profiler.own_bytes).map(|(after, before)| after - before);
    assert!(grown.is_some_and(|bytes| bytes < 1 << 20), "{grown:?}");

    // More tasks at once than there are rows: all others are counted, and each goes on as it should.
    let mut many: Vec<_> = (0..3_000).map(|_| Box::pin(task())).collect();
    for future in &mut many {
        assert!(poll_once(future.as_mut()).is_pending());
    }
    let snapshot = memscope::snapshot();
    // `long` has the last of the 1,024 rows.
    assert_eq!(of(&snapshot, &["task"]).len(), 1_023);
    assert_eq!(snapshot.tasks.len() as u64 + snapshot.profiler.folded_tasks, 1_003_005);
    for mut future in many {
        assert!(poll_once(future.as_mut()).is_pending());
        assert!(poll_once(future.as_mut()).is_ready());
    }
    let snapshot = memscope::snapshot();
    assert!(of(&snapshot, &["task"]).iter().all(|row| row.state == TaskState::Finished && row.polls == 3));
    assert!(of(&snapshot, &["task", "part"]).is_empty(), "parts of tasks that are not listed are parts too");
    assert_at_root();
}
