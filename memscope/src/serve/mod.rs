//! The dashboard of the program that runs: the page, and what changes on it, over HTTP.
//!
//! ```text
//!  browser ──→ connection.rs ─→ request.rs ─→ gate.rs ─→ thread.rs ─→ feed.rs ─→ snapshot → views
//!          ←── (bounded)      ← response.rs  ←──────────────────────┘ one frame for all
//! ```
//!
//! Invariants: one thread does it all, under memscope's own account, and waits for no browser; nothing is looked at while
//! no browser listens; a fork's child serves nothing (`children.rs`). HTTP's syntax is read by `httparse`; a server crate
//! would bring threads of its own, which would be in the program's books.

mod address;
mod children;
mod connection;
mod cpu;
mod feed;
mod gate;
mod panels;
mod request;
mod response;
mod thread;
mod token;

use crate::quiet_thread;
use children::Listed;
use gate::Gate;
use memscope_runtime::stderr_line::say;
use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use token::Token;

/// Serves the dashboard of this program, fed while it runs, at `address`: `"127.0.0.1:8080"`, with port 0 for one that is
/// free, or a port alone, which means the loopback interface. It ends when the [`Server`] is dropped.
///
/// ```no_run
/// let server = memscope::serve("127.0.0.1:0")?;
/// println!("the dashboard is at {}", server.url());
/// // … the program …
/// # Ok::<(), memscope::ServeError>(())
/// ```
///
/// Without a line of code: `MEMSCOPE_SERVE=127.0.0.1:8080`, from the first tracked scope, variable or session on to the
/// program's end.
///
/// At any other than a loopback address whoever reads must show a token. This makes one and prints the address with it on
/// stderr; [`serve_with_token`] takes yours. The connection is not encrypted. `docs/live.md` says what protects the page.
///
/// It takes a thread, `memscope-serve`, whose work is memscope's own. In a program of one thread it ends the shortcuts that
/// glibc's `malloc` takes there (`docs/performance.md`, `plain-two-threads`). While no browser listens it sleeps.
///
/// # Errors
/// [`ServeError`]: no such address, one that is taken, no thread.
pub fn serve(address: &str) -> Result<Server, ServeError> {
    begin(address, None)
}

/// As [`serve`], and whoever reads must show `token`, also at a loopback address: at least 16 letters, digits, `-`, `_`,
/// `.` or `~`.
///
/// # Errors
/// As [`serve`], and a token that is shorter or has other characters.
pub fn serve_with_token(address: &str, token: &str) -> Result<Server, ServeError> {
    begin(address, Some(token))
}

/// A page that is served; it ends when this is dropped.
#[must_use = "the page is served until this is dropped; `keep` serves it until the program ends"]
pub struct Server {
    address: SocketAddr,
    url: String,
    /// `None`: it was given up, or belongs to a fork's parent.
    running: Option<Running>,
}

struct Running {
    /// Closing it ends the thread.
    stop: Listed<UnixStream>,
    thread: JoinHandle<()>,
    /// The process that has the thread: a fork's child does not.
    process: u32,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a browser is given, with the token where there is one.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until the program ends.
    pub fn keep(mut self) {
        std::mem::forget(self.running.take());
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not its token.
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        if running.process != process::id() {
            // The sockets were closed at the fork, and there is nobody to wait for.
            std::mem::forget(running);
            return;
        }
        let _own = memscope_runtime::own_work();
        let Running { stop, thread, .. } = running;
        // The other end reads that it ends. Where that is gone already, nothing happens, not even a signal.
        let _ = stop.shutdown(Shutdown::Both);
        // It ends soon: it waits for no browser. A panic in it was said already.
        let _ = thread.join();
    }
}

/// Why nothing is served.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// What was given is no address.
    Address {
        /// What was given.
        asked: String,
        /// What the system said.
        source: io::Error,
    },
    /// The system lets nobody listen there.
    Listen {
        /// What was given.
        asked: String,
        /// What it said.
        source: io::Error,
    },
    /// A token that could be guessed, or that cannot stand in an address.
    Token {
        /// Characters that it must have.
        least: usize,
    },
    /// The system gives no random bytes for a token.
    Randomness {
        /// What it said.
        source: io::Error,
    },
    /// The system gives no thread, or no socket to stop it by.
    Thread {
        /// What it said.
        source: io::Error,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::Address { asked, source } => {
                write!(f, "cannot serve at {asked:?}: {source}; name an address such as 127.0.0.1:8080")
            }
            ServeError::Listen { asked, source } => {
                write!(f, "cannot serve at {asked:?}: {source}; port 0 takes one that is free")
            }
            ServeError::Token { least } => write!(
                f,
                "the token cannot be used; give at least {least} letters, digits or characters of - _ . ~, or none \
                 for one that nobody can guess"
            ),
            ServeError::Randomness { source } => {
                write!(f, "/dev/urandom gives no random bytes for a token: {source}; give a token")
            }
            ServeError::Thread { source } => write!(f, "the system gives no thread to serve from: {source}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ServeError::Address { source, .. }
            | ServeError::Listen { source, .. }
            | ServeError::Randomness { source }
            | ServeError::Thread { source } => Some(source),
            ServeError::Token { .. } => None,
        }
    }
}

fn begin(asked: &str, token: Option<&str>) -> Result<Server, ServeError> {
    let _own = memscope_runtime::own_work();
    let given = token.map(Token::given).transpose()?;
    children::learn();
    let no_thread = |source| ServeError::Thread { source };
    let full = || no_thread(io::Error::other("there are too many servers in this process"));
    let refused = |source| ServeError::Listen { asked: asked.to_owned(), source };
    let addresses = address::resolve(asked)?;
    let listener = children::open(|| address::listen(&addresses).map(|listener| [listener]));
    let [listener] = listener.map_err(refused)?.ok_or_else(full)?;
    let address = listener.local_addr().map_err(refused)?;
    let is_loopback = address.ip().is_loopback();
    let is_given = given.is_some();
    let token = match given {
        None if !is_loopback => Some(Token::random()?),
        given => given,
    };
    let ends = children::open(|| UnixStream::pair().map(|(one, other)| [one, other]));
    let [stop, stopped] = ends.map_err(no_thread)?.ok_or_else(full)?;
    stopped.set_nonblocking(true).map_err(no_thread)?;
    let query = token.as_ref().map(|token| format!("?token={}", token.text())).unwrap_or_default();
    let url = format!("http://{address}/{query}");
    static SERVERS: AtomicU32 = AtomicU32::new(0);
    let number = SERVERS.fetch_add(1, Ordering::Relaxed);
    let server = thread::Server {
        listener,
        gate: Gate {
            is_loopback,
            name: address::name_in(asked),
            token,
            cookie_name: format!("memscope-{}", address.port()),
        },
        run: format!("{}-{}-{number}", process::id(), started_unix_ms()),
        stop: stopped,
    };
    let thread = quiet_thread::spawn("memscope-serve", move || run(&server));
    let thread = thread.map_err(no_thread)?;
    if !is_loopback {
        say(&format!(
            "the page is open to whoever reaches {address} and shows its token; it is not encrypted"
        ));
        if !is_given {
            say(&format!("open {url}"));
        }
    }
    Ok(Server { address, url, running: Some(Running { stop, thread, process: process::id() }) })
}

fn started_unix_ms() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis())
}

fn run(server: &thread::Server) {
    let _own = memscope_runtime::own_work();
    match catch_unwind(AssertUnwindSafe(|| thread::run(server))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => say(&format!("the page is served no longer: {error}")),
        Err(_) => say("the page is served no longer, by a fault of memscope's"),
    }
}

/// Serves where `MEMSCOPE_SERVE` says so, once in a process; a fork's child counts as the same. A program that records
/// nothing has no first event, and does not ask.
#[cfg(any(feature = "live", feature = "sampling"))]
pub(crate) fn as_environment_says() {
    static ASKED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    if ASKED.swap(true, Ordering::Relaxed) {
        return;
    }
    let Some(address) = std::env::var_os("MEMSCOPE_SERVE").filter(|address| !address.is_empty()) else {
        return;
    };
    let address = address.to_string_lossy();
    // One that is no text is no token; its replaced characters are refused as any others are.
    let token = std::env::var_os("MEMSCOPE_SERVE_TOKEN").filter(|token| !token.is_empty());
    let token = token.as_deref().map(std::ffi::OsStr::to_string_lossy);
    match begin(&address, token.as_deref()) {
        Ok(server) => {
            if server.address.ip().is_loopback() && token.is_none() {
                say(&format!("the dashboard is at {}", server.url));
            } else if token.is_some() {
                say(&format!(
                    "the dashboard is at http://{}/?token=… with the token of MEMSCOPE_SERVE_TOKEN",
                    server.address
                ));
            }
            server.keep();
        }
        Err(error) => say(&format!("MEMSCOPE_SERVE: {error}; nothing is served")),
    }
}

#[cfg(any(feature = "live", feature = "sampling"))]
memscope_runtime::inventory::submit! { memscope_runtime::AtStart(as_environment_says) }
