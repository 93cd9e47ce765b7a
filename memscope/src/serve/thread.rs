//! The one thread `memscope-serve`: it waits for whatever comes first, a browser or the next beat.
//!
//! Invariants: it waits nowhere but in `poll`; connections are few; nothing that a browser does makes it panic or hold what
//! the program needs.

use super::children::{self, Listed};
use super::connection::{Answer, Connection, Frame};
use super::feed::{BEAT, Body, Feed};
use super::gate::{Gate, Refusal};
use super::request::Request;
use super::response::{self, Status};
use std::io::{self, ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A browser holds one for the events and opens up to six for a moment.
const MOST_CONNECTIONS: usize = 64;
const MOST_LISTENERS: usize = 32;
/// Taken in one round, so that a flood of them does not hold up the others.
const ACCEPT_AT_ONCE: usize = 8;
/// A page is loaded before it listens; what was made for it is kept for so long.
const REST_AFTER: Duration = Duration::from_secs(10);
/// Where the system gives no more sockets.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

pub(super) struct Server {
    pub(super) listener: Listed<TcpListener>,
    pub(super) gate: Gate,
    /// Tells this server's numbers from another's.
    pub(super) run: String,
    /// Says that it is to end.
    pub(super) stop: Listed<UnixStream>,
}

struct Round {
    feed: Feed,
    connections: Vec<Connection>,
    next_beat: Instant,
    /// No connection is taken before.
    accept_from: Instant,
    /// When what was kept for browsers goes; `None`: there are some.
    rest_at: Option<Instant>,
}

/// Serves until the other end of `stop` is closed.
///
/// # Errors
/// The system lets it wait no longer, or the program has closed its sockets.
pub(super) fn run(server: &Server) -> io::Result<()> {
    let now = Instant::now();
    let mut round = Round {
        feed: Feed::new(server.run.clone(), now),
        connections: Vec::new(),
        next_beat: now,
        accept_from: now,
        rest_at: None,
    };
    while round.wait_and_serve(server)? {}
    Ok(())
}

impl Round {
    /// False: it is to end.
    fn wait_and_serve(&mut self, server: &Server) -> io::Result<bool> {
        let now = Instant::now();
        let accepts = now >= self.accept_from;
        let poll = |socket: RawFd, reads: bool, writes: bool| libc::pollfd {
            fd: socket,
            events: if reads { libc::POLLIN } else { 0 } | if writes { libc::POLLOUT } else { 0 },
            revents: 0,
        };
        // A negative number is passed over.
        let listener = if accepts { server.listener.as_raw_fd() } else { -1 };
        let mut sockets = vec![poll(server.stop.as_raw_fd(), true, false), poll(listener, true, false)];
        sockets.extend(self.connections.iter().map(|connection| {
            poll(connection.socket(), connection.wants_to_read(), connection.wants_to_write())
        }));
        let timeout = self.timeout(now, accepts);
        // SAFETY: the list is as long as it says.
        let ready = unsafe { libc::poll(sockets.as_mut_ptr(), sockets.len() as libc::nfds_t, timeout) };
        if ready < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
        let come =
            |index: usize| sockets.get(index).map_or(0, |socket| if ready > 0 { socket.revents } else { 0 });
        if (come(0) | come(1)) & libc::POLLNVAL != 0 {
            return Err(io::Error::other("the program has closed sockets that are not its own"));
        }
        if come(0) != 0 && (&*server.stop).read(&mut [0]).is_ok() {
            return Ok(false);
        }
        let now = Instant::now();
        let mut listeners = self.connections.iter().filter(|connection| connection.is_listener()).count();
        for (index, connection) in self.connections.iter_mut().enumerate() {
            let come = come(index + 2);
            // What is wrong with it is learned by using it.
            let wrong = come & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL);
            if come & libc::POLLOUT | wrong != 0 {
                connection.write(now);
            }
            if come & libc::POLLIN | wrong != 0 && connection.wants_to_read() {
                let feed = &mut self.feed;
                let was_listener = connection.is_listener();
                connection.read(now, |request| answer(server, feed, request, listeners, now));
                if connection.is_listener() && !was_listener {
                    listeners += 1;
                    self.next_beat = now; // it is told at once
                }
            }
            connection.look_at_clock(now);
        }
        if come(1) != 0 {
            self.accept(server, now);
        }
        self.beat(now);
        self.close_ended(now);
        Ok(true)
    }

    /// Milliseconds until something is to be done though nothing comes; -1: for ever.
    fn timeout(&self, now: Instant, accepts: bool) -> i32 {
        let beat = self.has_listeners().then_some(self.next_beat);
        let accept = (!accepts).then_some(self.accept_from);
        let patience = self.connections.iter().filter_map(Connection::until);
        let soonest = patience.chain(beat).chain(accept).chain(self.rest_at).min();
        let Some(soonest) = soonest else { return -1 };
        // Rounded up: woken before the time it would only wait again.
        let wait = soonest.saturating_duration_since(now).as_micros().div_ceil(1_000);
        i32::try_from(wait).unwrap_or(i32::MAX)
    }

    fn has_listeners(&self) -> bool {
        self.connections.iter().any(Connection::is_listener)
    }

    fn accept(&mut self, server: &Server, now: Instant) {
        for _ in 0..ACCEPT_AT_ONCE {
            match children::open(|| server.listener.accept().map(|(stream, _)| [stream])) {
                Ok(Some([stream])) => {
                    if self.connections.len() < MOST_CONNECTIONS && stream.set_nonblocking(true).is_ok() {
                        // An event is one write, and shall not wait for the next.
                        let _ = stream.set_nodelay(true);
                        self.connections.push(Connection::new(stream, now));
                        self.rest_at = None;
                    } else {
                        refuse(&stream);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Ok(None) | Err(_) => {
                    self.accept_from = now + AFTER_FAILURE;
                    return;
                }
            }
        }
    }

    fn beat(&mut self, now: Instant) {
        if !self.has_listeners() || now < self.next_beat {
            return;
        }
        let beat = self.feed.beat(now);
        for connection in &mut self.connections {
            if let Some(heard) = connection.ready_to_hear() {
                let frames = self.feed.frames_for(&beat, heard);
                connection.send(frames, now);
            }
        }
        self.next_beat = now + BEAT;
    }

    fn close_ended(&mut self, now: Instant) {
        if self.connections.iter().any(Connection::is_closed) {
            self.connections.retain(|connection| !connection.is_closed());
            if self.connections.is_empty() {
                self.rest_at = Some(now + REST_AFTER);
            }
        }
        if self.rest_at.is_some_and(|rest_at| now >= rest_at) {
            self.rest_at = None;
            self.feed.rest();
        }
    }
}

/// What `request` gets, while so many listen.
fn answer(server: &Server, feed: &mut Feed, request: &Request, listeners: usize, now: Instant) -> Answer {
    let once = |bytes: Vec<u8>| Answer { frames: vec![bytes.into()], listens: None };
    match server.gate.admits(request) {
        Ok(()) => {}
        Err(Refusal::Status(status)) => return once(response::line(status, &[])),
        Err(Refusal::ToPage { cookie }) => {
            let more = [("Set-Cookie", cookie.as_str()), ("Location", "./")];
            return once(response::line(Status::SeeOther, &more));
        }
    }
    match request.path.as_str() {
        "/" => body(feed, Body::Page, request, now),
        "/export.memscope" => body(feed, Body::Recording, request, now),
        "/export.html" => body(feed, Body::Report, request, now),
        "/inspector" => inspector(feed, request, listeners > 0, now),
        "/events" if listeners < MOST_LISTENERS || request.is_head => {
            let head = response::head(Status::Ok, "text/event-stream", None, &[]);
            Answer { frames: vec![head.into()], listens: (!request.is_head).then(|| feed.heard(request)) }
        }
        "/events" => once(response::line(Status::Busy, &[])),
        _ => once(response::line(Status::NotFound, &[])),
    }
}

/// All about one variable, as JSON.
fn inspector(feed: &mut Feed, request: &Request, is_heard: bool, now: Instant) -> Answer {
    let index = request.asked("variable").and_then(|index| index.parse().ok());
    let line = |status| Answer { frames: vec![response::line(status, &[]).into()], listens: None };
    let bytes = match index.ok_or(Status::NotFound).and_then(|index| feed.inspector(index, is_heard, now)) {
        Ok(bytes) => bytes,
        Err(status) => return line(status),
    };
    let head: Frame = response::head(Status::Ok, "application/json", Some(bytes.len()), &[]).into();
    let frames = if request.is_head { vec![head] } else { vec![head, bytes] };
    Answer { frames, listens: None }
}

fn body(feed: &mut Feed, body: Body, request: &Request, now: Instant) -> Answer {
    let Ok(bytes) = feed.body(body, now) else {
        let fault = response::line(Status::Fault, &[]);
        return Answer { frames: vec![fault.into()], listens: None };
    };
    let stem = feed.file_stem();
    let (media_type, name) = match body {
        Body::Page => ("text/html; charset=utf-8", None),
        Body::Recording => ("application/octet-stream", Some(format!("{stem}.memscope"))),
        Body::Report => ("text/html; charset=utf-8", Some(format!("{stem}.html"))),
    };
    let disposition = name.map(|name| format!("attachment; filename=\"{name}\""));
    let more: Vec<(&str, &str)> =
        disposition.iter().map(|value| ("Content-Disposition", value.as_str())).collect();
    let head: Frame = response::head(Status::Ok, media_type, Some(bytes.len()), &more).into();
    let frames = if request.is_head { vec![head] } else { vec![head, bytes] };
    Answer { frames, listens: None }
}

/// Says why, as far as it can be said without waiting.
fn refuse(stream: &TcpStream) {
    use std::io::Write as _;
    let _ = stream.set_nonblocking(true);
    let mut stream = stream;
    let _ = stream.write(&response::line(Status::Busy, &[]));
}
