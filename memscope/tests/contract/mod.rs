//! The hook's contract, as a suite that each `contract_*.rs` runs over another inner allocator.
//!
//! A scenario's subject is the process, so each runs in a child of its own: this program again, with the scenario's
//! name in the environment.

#[allow(dead_code, reason = "one of the suites runs without it")]
pub(crate) mod mock;
mod scenarios;

use libtest_mimic::{Arguments, Failed, Trial};
use std::alloc::{GlobalAlloc, Layout};
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};
use std::{env, thread};

/// What the binary's allocator is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A [`mock::Mock`] below memscope's allocator counts what passes, and can be told how to behave.
    Yes,
    /// `Allocator::system()`: nothing stands between it and `malloc`.
    No,
}

const SCENARIO: &str = "MEMSCOPE_CONTRACT_SCENARIO";
/// The mode that scenarios run in, where the suite's own is not meant.
const MODE: &str = "MEMSCOPE_CONTRACT_MODE";
/// A scenario that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// The allocator below memscope's.
pub(crate) struct Below {
    pub(crate) counted: Counted,
    /// Has it serve the calling thread once.
    pub(crate) warm_up: fn(),
    /// Stack that it takes for itself, built without optimisation.
    pub(crate) stack_bytes: usize,
}

/// Runs the suite, or the one scenario that the environment names.
pub(crate) fn run(below: Below) -> ExitCode {
    let counted = below.counted;
    scenarios::WARM_UP.store(below.warm_up as *mut (), SeqCst);
    scenarios::STACK_BELOW.store(below.stack_bytes, SeqCst);
    if let Ok(name) = env::var(SCENARIO) {
        let scenario = scenarios::ALL.iter().find(|scenario| scenario.name == name);
        (scenario.expect("the parent knows the names").run)(counted);
        return ExitCode::SUCCESS;
    }
    let trials = scenarios::ALL
        .iter()
        .filter(|scenario| counted == Counted::Yes || !scenario.needs_mock)
        .map(|scenario| Trial::test(scenario.name, move || in_a_child(scenario.name, scenario.variables)))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn in_a_child(name: &str, variables: &[(&str, &str)]) -> Result<(), Failed> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.env(SCENARIO, name).env_remove("MEMSCOPE_MODE");
    if let Some(mode) = env::var_os(MODE) {
        command.env("MEMSCOPE_MODE", mode);
    }
    command.envs(variables.iter().copied());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let started = Instant::now();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("the child ended with {status}").into()),
            None if started.elapsed() > PATIENCE => {
                child.kill().map_err(|error| error.to_string())?;
                return Err("the child hangs".into());
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Has `allocator` serve this thread once.
pub(crate) fn serve_once(allocator: &impl GlobalAlloc) {
    for bytes in [40, 900, 70_000, 3 << 20] {
        let layout = Layout::from_size_align(bytes, 8).expect("a valid layout");
        // SAFETY: the layout has a size, and the block is freed once.
        unsafe {
            let block = allocator.alloc(layout);
            assert!(!block.is_null());
            allocator.dealloc(block, layout);
        }
    }
}
