//! Thirty workers of known kinds, by names that mislead: what the observer saw says which kind each is.
//!
//! The right answers follow from what each worker is written to do: compute on memory that it has (CPU), call the system to
//! read and write (IO), allocate and free (memory), or await in a task (async). Two run at a time, each for 1.2 s.
//!
//! One test, for its subject is the process.

use memscope::model::CategoryKind::{self, AsyncIntensive, CpuIntensive, IoIntensive, MemoryIntensive};
use memscope::{track, track_var};
use std::collections::{HashMap, LinkedList};
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Seek, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const LENGTH: Duration = Duration::from_millis(1_200);

/// Runs `work` again and again until the time is over.
fn for_a_while(mut work: impl FnMut()) {
    let begin = Instant::now();
    while begin.elapsed() < LENGTH {
        work();
    }
}

fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

// Eight that compute.

#[track]
fn io_buffer_flush() {
    let buffer = [7u8; 4_096];
    for_a_while(|| {
        let hash = buffer.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        black_box(hash);
    });
}

#[track]
fn read_all_sockets() {
    let (a, b) = ([[1.5f64; 48]; 48], [[0.5f64; 48]; 48]);
    let mut product = [[0f64; 48]; 48];
    for_a_while(|| {
        for (row, a) in product.iter_mut().zip(&a) {
            for (column, sum) in row.iter_mut().enumerate() {
                *sum = a.iter().zip(&b).map(|(a, b)| a * b[column]).sum();
            }
        }
        black_box(&product);
    });
}

#[track]
fn allocate_everything() {
    let mut composite = vec![false; 20_000];
    for_a_while(|| {
        composite.fill(false);
        for factor in 2..150 {
            for multiple in (factor * factor..composite.len()).step_by(factor) {
                composite[multiple] = true;
            }
        }
        black_box(&composite);
    });
}

#[track]
fn async_wait_for_peer() {
    let mut values = vec![0u64; 2_000];
    let mut state = 1;
    for_a_while(|| {
        values.fill_with(|| next_random(&mut state));
        values.sort_unstable();
        black_box(&values);
    });
}

#[track]
fn memory_churn() {
    let mut start = 1u64;
    for_a_while(|| {
        start += 2;
        let (mut number, mut steps) = (start, 0u32);
        while number != 1 {
            number = if number % 2 == 0 { number / 2 } else { 3 * number + 1 };
            steps += 1;
        }
        black_box(steps);
    });
}

/// Entered some thousand times a second.
#[track]
fn write_record(seed: u64) -> u64 {
    (0..5_000).fold(seed, |sum, step| sum.rotate_left(5) ^ step)
}

/// Computes on a runtime, and gives way now and then.
#[track]
async fn async_parse() {
    let begin = Instant::now();
    let mut sum = 0u64;
    while begin.elapsed() < LENGTH {
        for step in 0..50_000u64 {
            sum = sum.rotate_left(7) ^ step;
        }
        black_box(sum);
        tokio::task::yield_now().await;
    }
}

/// Allocates a line of a log every some hundred microseconds.
#[track]
fn sleepy_poller() {
    let (left, right) = ([1u8; 64], [2u8; 64]);
    for_a_while(|| {
        let mut row: [usize; 65] = std::array::from_fn(|index| index);
        for _ in 0..10 {
            for (line, &a) in left.iter().enumerate() {
                let mut diagonal = row[0];
                row[0] = line + 1;
                for (column, &b) in right.iter().enumerate() {
                    let change = diagonal + usize::from(a != b);
                    diagonal = row[column + 1];
                    row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
                }
            }
        }
        black_box(format!("distance {}", row[64]));
    });
}

// Eight that read and write.

fn scratch_file() -> File {
    tempfile::tempfile().expect("the folder for temporary files is there")
}

#[track]
fn matrix_calculation_io() {
    let mut file = scratch_file();
    for_a_while(|| {
        file.rewind().expect("it is a file");
        file.write_all(&[1; 16_384]).expect("there is room");
        file.sync_all().expect("it is a file");
    });
}

/// A megabyte that the kernel has at hand; nothing blocks.
#[track]
fn sort_in_memory() {
    let mut file = scratch_file();
    file.write_all(&vec![1; 1 << 20]).expect("there is room");
    let mut place = vec![0; 65_536];
    for_a_while(|| {
        for chunk in 0..16 {
            file.read_exact_at(&mut place, chunk << 16).expect("it is that long");
        }
        black_box(&place);
    });
}

#[track]
fn hash_blocks() {
    let (mut to_echo, mut at_echo) = UnixStream::pair().expect("sockets are to be had");
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while at_echo.read(&mut byte).is_ok_and(|read| read == 1) {
            at_echo.write_all(&byte).expect("the other end is open");
        }
    });
    for_a_while(|| {
        to_echo.write_all(&[1]).expect("the other end is open");
        to_echo.read_exact(&mut [0]).expect("it is echoed");
    });
    drop(to_echo);
    echo.join().expect("it ends with the socket");
}

#[track]
fn compress_fast() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    let echo = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        let mut place = [0; 512];
        while stream.read_exact(&mut place).is_ok() {
            stream.write_all(&place).expect("the other end is open");
        }
    });
    let mut stream = TcpStream::connect(address).expect("it listens");
    for_a_while(|| {
        stream.write_all(&[1; 512]).expect("the other end is open");
        stream.read_exact(&mut [0; 512]).expect("it is echoed");
    });
    drop(stream);
    echo.join().expect("it ends with the socket");
}

/// Waits for who sends a little every millisecond.
#[track]
fn allocate_pool() {
    let (mut reader, mut writer) = UnixStream::pair().expect("sockets are to be had");
    let sender = thread::spawn(move || {
        while writer.write_all(&[1; 100]).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    for_a_while(|| reader.read_exact(&mut [0; 100]).expect("the other end is open"));
    drop(reader);
    sender.join().expect("it ends with the socket");
}

#[track]
fn async_runtime() {
    let mut file = scratch_file();
    for_a_while(|| {
        file.rewind().expect("it is a file");
        for _ in 0..256 {
            file.write_all(&[1; 100]).expect("there is room");
        }
    });
}

#[track]
fn prime_sieve() {
    let mut kernel = File::open("/proc/self/stat").expect("it is there");
    let mut place = [0; 2_048];
    for_a_while(|| {
        kernel.rewind().expect("it is a file");
        black_box(kernel.read(&mut place).expect("it can be read"));
    });
}

#[track]
fn convolution() {
    let folder = tempfile::tempdir().expect("the folder for temporary files is there");
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, vec![1; 1 << 20]).expect("there is room");
    for_a_while(|| {
        let mut read = File::open(&from).expect("it was written");
        let mut written =
            OpenOptions::new().create(true).write(true).truncate(true).open(&to).expect("may be written");
        let mut place = [0; 32_768];
        while let Ok(bytes @ 1..) = read.read(&mut place) {
            written.write_all(&place[..bytes]).expect("there is room");
        }
    });
}

// Seven that allocate.

#[track]
fn compute_checksum() {
    for_a_while(|| {
        for number in 0..100u64 {
            black_box(Box::new(number));
        }
    });
}

#[track]
fn read_file_lines() {
    for_a_while(|| {
        let mut text = String::new();
        for _ in 0..64 {
            text.reserve_exact(16); // grows each time
            text.push_str("sixteen letters!");
        }
        black_box(&text);
    });
}

#[track]
fn wait_for_events() {
    let mut state = 1;
    for_a_while(|| {
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for _ in 0..50 {
            rows.push(Vec::with_capacity(next_random(&mut state) as usize % 500 + 1));
        }
        black_box(&rows);
    });
}

#[track]
fn io_scheduler() {
    for_a_while(|| {
        black_box(vec![1u8; 4 << 20]);
    });
}

#[track]
fn async_queue() {
    for_a_while(|| {
        let mut list = LinkedList::new();
        for number in 0..100u64 {
            list.push_back(number);
        }
        black_box(&list);
    });
}

#[track]
fn cpu_bound_loop() {
    let names: Vec<String> = (0..100).map(|number| format!("name {number}")).collect();
    for_a_while(|| {
        track_var!(let copy = names.clone());
        black_box(&copy);
    });
}

#[track]
fn poll_sockets() {
    for_a_while(|| {
        let parts: [Arc<[u8]>; 8] = std::array::from_fn(|index| Arc::from(&[1u8; 64][index..]));
        black_box(&parts);
    });
}

// Seven that await.

#[track]
async fn cpu_crunch() {
    let begin = Instant::now();
    while begin.elapsed() < LENGTH {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[track]
async fn matrix_multiply(mut numbers: tokio::sync::mpsc::Receiver<u64>) {
    while let Some(number) = numbers.recv().await {
        black_box(number * 3);
    }
}

#[track]
async fn allocate_arena() {
    let begin = Instant::now();
    let mut interval = tokio::time::interval(Duration::from_millis(2));
    while begin.elapsed() < LENGTH {
        interval.tick().await;
        black_box(vec![1u8; 1_000]);
    }
}

/// Computes a little of each time.
#[track]
async fn busy_loop() {
    let begin = Instant::now();
    while begin.elapsed() < LENGTH {
        black_box((0..2_000u64).fold(0u64, |sum, step| sum.rotate_left(3) ^ step));
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
}

#[track]
async fn sort_everything(woken: Arc<tokio::sync::Notify>) {
    let begin = Instant::now();
    while begin.elapsed() < LENGTH {
        woken.notified().await;
    }
}

#[track]
async fn io_flush(shared: Arc<tokio::sync::Mutex<HashMap<u64, u64>>>) {
    let begin = Instant::now();
    while begin.elapsed() < LENGTH {
        let mut map = shared.lock().await;
        map.entry(1).and_modify(|count| *count += 1).or_default();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// Waits for one thing, all the time.
#[track]
async fn memory_pool(answer: tokio::sync::oneshot::Receiver<u64>) {
    black_box(answer.await).expect("it is sent");
}

fn runs_tasks() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("two threads");
    runtime.block_on(async {
        let (send_numbers, numbers) = tokio::sync::mpsc::channel(1);
        let (send_answer, answer) = tokio::sync::oneshot::channel();
        let notify = Arc::new(tokio::sync::Notify::new());
        let shared = Arc::new(tokio::sync::Mutex::new(HashMap::new()));
        let tasks = [
            tokio::spawn(cpu_crunch()),
            tokio::spawn(matrix_multiply(numbers)),
            tokio::spawn(allocate_arena()),
            tokio::spawn(busy_loop()),
            tokio::spawn(sort_everything(notify.clone())),
            tokio::spawn(io_flush(shared)),
            tokio::spawn(memory_pool(answer)),
        ];
        let begin = Instant::now();
        while begin.elapsed() < LENGTH + Duration::from_millis(100) {
            tokio::time::sleep(Duration::from_millis(3)).await;
            notify.notify_one();
            let _ = send_numbers.try_send(1);
        }
        drop(send_numbers);
        send_answer.send(1).expect("it is awaited");
        for task in tasks {
            task.await.expect("it does not panic");
        }
    });
}

fn runs_async_parse() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async { tokio::spawn(async_parse()).await.expect("it does not panic") });
}

fn writes_records() {
    for_a_while(|| _ = black_box(write_record(1)));
}

const WORKERS: [(&str, CategoryKind, fn()); 23] = [
    ("io_buffer_flush", CpuIntensive, io_buffer_flush),
    ("read_all_sockets", CpuIntensive, read_all_sockets),
    ("allocate_everything", CpuIntensive, allocate_everything),
    ("async_wait_for_peer", CpuIntensive, async_wait_for_peer),
    ("memory_churn", CpuIntensive, memory_churn),
    ("write_record", CpuIntensive, writes_records),
    ("async_parse", CpuIntensive, runs_async_parse),
    ("sleepy_poller", CpuIntensive, sleepy_poller),
    ("matrix_calculation_io", IoIntensive, matrix_calculation_io),
    ("sort_in_memory", IoIntensive, sort_in_memory),
    ("hash_blocks", IoIntensive, hash_blocks),
    ("compress_fast", IoIntensive, compress_fast),
    ("allocate_pool", IoIntensive, allocate_pool),
    ("async_runtime", IoIntensive, async_runtime),
    ("prime_sieve", IoIntensive, prime_sieve),
    ("convolution", IoIntensive, convolution),
    ("compute_checksum", MemoryIntensive, compute_checksum),
    ("read_file_lines", MemoryIntensive, read_file_lines),
    ("wait_for_events", MemoryIntensive, wait_for_events),
    ("io_scheduler", MemoryIntensive, io_scheduler),
    ("async_queue", MemoryIntensive, async_queue),
    ("cpu_bound_loop", MemoryIntensive, cpu_bound_loop),
    ("poll_sockets", MemoryIntensive, poll_sockets),
];

const TASKS: [&str; 7] = [
    "cpu_crunch",
    "matrix_multiply",
    "allocate_arena",
    "busy_loop",
    "sort_everything",
    "io_flush",
    "memory_pool",
];

/// Runs half of the workers beside the other half, so that of each kind some run together with some of another one.
fn run(workers: &[(&'static str, CategoryKind, fn())]) {
    let (first, second) = workers.split_at(workers.len() / 2);
    thread::scope(|threads| {
        for lane in [first, second] {
            threads.spawn(move || lane.iter().for_each(|(_, _, work)| work()));
        }
    });
}

fn samples(snapshot: &memscope::model::Snapshot, name: &str) -> u64 {
    let scope = snapshot.scopes.iter().find(|scope| scope.path.last().is_some_and(|last| last == name));
    let activity = scope.and_then(|scope| scope.activity).expect("it ran, and so did the observer");
    activity.thread_samples.max(activity.task_samples)
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn thirty_workers_are_told_apart_by_what_they_do() {
    let begin = Instant::now();
    run(&WORKERS);
    runs_tasks();
    // Half a percent of a processor is too little for some samples of each where others take both. Whom it was too little for
    // runs again.
    let snapshot = memscope::snapshot();
    let hardly_seen = |name| samples(&snapshot, name) < 10;
    let unseen: Vec<_> = WORKERS.into_iter().filter(|(name, ..)| hardly_seen(name)).collect();
    if begin.elapsed() < Duration::from_secs(18) {
        run(&unseen[..unseen.len().min(8)]);
        if TASKS.into_iter().any(hardly_seen) {
            runs_tasks();
        }
    }

    let snapshot = memscope::snapshot();
    let document = serde_json::to_value(&snapshot).expect("it is plain data");
    let expected = WORKERS.iter().map(|&(name, kind, _)| (name, kind));
    let expected = expected.chain(TASKS.map(|name| (name, AsyncIntensive)));
    let (mut right, mut count) = (0, 0);
    for (name, kind) in expected {
        let scope = snapshot.scopes.iter().find(|scope| scope.path.last().is_some_and(|last| last == name));
        let category = scope.and_then(|scope| scope.category.as_ref()).expect("the observer ran");
        let is_right = category.kind == kind;
        right += usize::from(is_right);
        count += 1;
        println!("{} {name:<22} {:?}", if is_right { "    " } else { "BAD " }, category.kind);
        for evidence in &category.evidence {
            println!("         {:>12} {:<5} {}", evidence.value, evidence.unit, evidence.what);
            assert_eq!(
                document.pointer(&evidence.pointer),
                Some(&evidence.value.into()),
                "{}",
                evidence.pointer
            );
        }
        if !is_right {
            println!(
                "         it is {kind:?}; {}\n         {:?}",
                category.rule,
                scope.map(|scope| scope.activity)
            );
        }
    }
    println!("{right} of {count}; {:?}", snapshot.profiler.observer);
    assert_eq!(count, 30);
    assert!(right >= 28, "{right} of 30");
    // A variable is of its scope's kind.
    let copy = snapshot.variables.iter().find(|variable| variable.name == "copy").expect("it ran");
    let scope = snapshot.scopes.iter().find(|scope| scope.path == copy.scope).expect("it is its scope");
    assert_eq!(copy.category, scope.category.as_ref().map(|category| category.kind));
}
