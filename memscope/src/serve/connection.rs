//! One browser's connection: a head is read, an answer is written, perhaps a stream of events.
//!
//! ```text
//!   reads ─→ writes ─→ lingers ─→ closed      lingers: what the browser still sends is read away, so that
//!      └───→ listens ────────────→ closed               the answer is not lost with it
//! ```
//!
//! Invariants: nothing here waits; what is kept for a connection is bounded; whoever takes too long is closed.

use super::children::Listed;
use super::request::{self, Request};
use super::response::{self, Status};
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd as _, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// For the head of a request.
pub(super) const READ_WITHIN: Duration = Duration::from_secs(5);
/// Between two bytes that the browser takes.
pub(super) const TAKE_WITHIN: Duration = Duration::from_secs(30);
/// Frames that are written at one go: more than a beat has.
const AT_ONCE: usize = 64;
const LINGER_FOR: Duration = Duration::from_secs(1);
/// What is read away at most after the answer.
const LINGER_BYTES: usize = 64 << 10;

/// Bytes that several connections may share.
pub(super) type Frame = Rc<[u8]>;

/// What a listener has been sent: all panels that changed up to an update, all alerts up to one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    pub(super) update: u64,
    pub(super) alert: u64,
    /// The update that it had when it began to listen.
    pub(super) since: u64,
}

/// What answers a request.
pub(super) struct Answer {
    pub(super) frames: Vec<Frame>,
    /// The connection goes on as a listener's.
    pub(super) listens: Option<Heard>,
}

enum State {
    Reads(Vec<u8>),
    Writes,
    Listens(Heard),
    Lingers(usize),
    Closed,
}

pub(super) struct Connection {
    stream: Listed<TcpStream>,
    state: State,
    out: VecDeque<Frame>,
    /// Bytes of the first frame that are written.
    written: usize,
    /// When patience ends.
    until: Instant,
}

impl Connection {
    pub(super) fn new(stream: Listed<TcpStream>, now: Instant) -> Connection {
        let state = State::Reads(Vec::new());
        Connection { stream, state, out: VecDeque::new(), written: 0, until: now + READ_WITHIN }
    }

    pub(super) fn socket(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// While an answer is written nothing is read: who has said all that he will say is answered like anybody.
    pub(super) fn wants_to_read(&self) -> bool {
        !matches!(self.state, State::Writes | State::Closed)
    }

    pub(super) fn wants_to_write(&self) -> bool {
        !self.out.is_empty()
    }

    /// When something is to be done though the browser does nothing.
    pub(super) fn until(&self) -> Option<Instant> {
        let is_patient = matches!(self.state, State::Listens(_)) && self.out.is_empty();
        (!is_patient).then_some(self.until)
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    pub(super) fn is_listener(&self) -> bool {
        matches!(self.state, State::Listens(_))
    }

    /// What a listener has heard, if it took all of it: a slow one gets the newest state when it is ready.
    pub(super) fn ready_to_hear(&mut self) -> Option<&mut Heard> {
        match &mut self.state {
            State::Listens(heard) if self.out.is_empty() => Some(heard),
            _ => None,
        }
    }

    /// Puts `frames` behind what is to be written, and writes what can be written at once.
    pub(super) fn send(&mut self, frames: impl IntoIterator<Item = Frame>, now: Instant) {
        if self.out.is_empty() {
            self.until = now + TAKE_WITHIN;
        }
        self.out.extend(frames);
        self.write(now);
    }

    /// Reads what has come, and answers when the head is whole. Call it where it [wants to read](Self::wants_to_read).
    pub(super) fn read(&mut self, now: Instant, answer: impl FnOnce(&Request) -> Answer) {
        let mut bytes = [0; 4096];
        let count = match (&*self.stream).read(&mut bytes) {
            Ok(0) => return self.close(),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            Err(_) => return self.close(),
        };
        match &mut self.state {
            State::Reads(head) => {
                head.extend_from_slice(bytes.get(..count).unwrap_or_default());
                match request::parse(head) {
                    Ok(None) if head.len() >= request::MOST_HEAD_BYTES => {
                        self.refuse(Status::HeadTooLarge, now)
                    }
                    Ok(None) => {}
                    Ok(Some(request)) => {
                        let answer = answer(&request);
                        self.state = answer.listens.map_or(State::Writes, State::Listens);
                        self.send(answer.frames, now);
                    }
                    Err(status) => self.refuse(status, now),
                }
            }
            State::Lingers(left) => match left.checked_sub(count) {
                Some(less) => *left = less,
                None => self.close(),
            },
            State::Listens(_) => self.close(), // a listener has nothing to say
            State::Writes | State::Closed => {}
        }
    }

    fn refuse(&mut self, status: Status, now: Instant) {
        self.state = State::Writes;
        self.send([Frame::from(response::line(status, &[]))], now);
    }

    /// Writes what the browser takes.
    pub(super) fn write(&mut self, now: Instant) {
        self.drop_written();
        while !self.out.is_empty() {
            let frames = self.out.iter().take(AT_ONCE).enumerate();
            let slices: Vec<IoSlice<'_>> = frames
                .map(|(place, frame)| {
                    let written = if place == 0 { self.written } else { 0 };
                    IoSlice::new(frame.get(written..).unwrap_or_default())
                })
                .collect();
            match (&*self.stream).write_vectored(&slices) {
                Ok(0) => return self.close(),
                Ok(count) => {
                    self.written += count;
                    self.until = now + TAKE_WITHIN;
                    self.drop_written();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.close(),
            }
        }
        if matches!(self.state, State::Writes) {
            // The browser sees the end; what it still sends is read away.
            let _ = self.stream.shutdown(Shutdown::Write);
            self.state = State::Lingers(LINGER_BYTES);
            self.until = now + LINGER_FOR;
        }
    }

    /// Lets go of the frames that are written; what is written of the next stays counted.
    fn drop_written(&mut self) {
        while let Some(frame) = self.out.front().filter(|frame| self.written >= frame.len()) {
            self.written -= frame.len();
            self.out.pop_front();
        }
    }

    /// Ends what took too long.
    pub(super) fn look_at_clock(&mut self, now: Instant) {
        if self.until().is_none_or(|until| now < until) {
            return;
        }
        match &self.state {
            State::Reads(head) if !head.is_empty() => self.refuse(Status::Timeout, now),
            _ => self.close(),
        }
    }

    fn close(&mut self) {
        self.state = State::Closed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::children;
    use std::net::TcpListener;
    use std::thread;

    /// `nc -N`, or a proxy that shuts what it has nothing more to send by.
    #[test]
    fn who_has_said_all_is_answered_all() {
        const BYTES: usize = 64 << 20; // more than sockets hold
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut browser = TcpStream::connect(listener.local_addr().expect("it has one")).expect("it listens");
        let stream = children::open(|| listener.accept().map(|(stream, _)| [stream])).expect("it came");
        let [stream] = stream.expect("there is a place");
        stream.set_nonblocking(true).expect("it can be");
        browser.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is open");
        browser.shutdown(Shutdown::Write).expect("it is open");
        let browser = thread::spawn(move || std::io::copy(&mut browser, &mut std::io::sink()));
        let (now, mut connection) = (Instant::now(), Connection::new(stream, Instant::now()));
        while !connection.is_closed() {
            if connection.wants_to_read() {
                connection.read(now, |_| Answer { frames: vec![vec![1; BYTES].into()], listens: None });
            }
            connection.write(now);
            thread::sleep(Duration::from_millis(1));
        }
        drop(connection);
        let read = browser.join().expect("it reads").expect("no fault");
        assert_eq!(read, BYTES as u64);
    }
}
