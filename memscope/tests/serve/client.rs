//! A browser's side of HTTP, by hand: what is sent is what a test writes.
#![allow(dead_code, unreachable_pub, reason = "a module of several test files, none of which uses all")]

use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Nothing here takes so long, on a busy machine either.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Answer {
    /// Status line and headers, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
    stream
}

/// Sends `head`, lines apart by `\n` and without the empty one, and reads all that comes.
pub fn ask(address: SocketAddr, head: &str) -> Answer {
    let mut stream = connect(address);
    let head = format!("{}\r\n\r\n", head.replace('\n', "\r\n"));
    stream.write_all(head.as_bytes()).expect("it reads");
    read(stream)
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &format!("GET {path} HTTP/1.1\nHost: {address}"))
}

pub fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("it answers and closes");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text").to_lowercase();
    Answer { head, body: bytes[end + 4..].to_vec() }
}

/// One that listens to the events.
pub struct Listener {
    lines: BufReader<TcpStream>,
    /// The JSON of each panel.
    panels: HashMap<String, String>,
    /// Changes of panels that came.
    pub patches: usize,
}

/// An event: its kind and its data.
pub struct Event {
    pub kind: String,
    pub data: Value,
}

impl Event {
    /// The value of the figure at `from`, of a pulse.
    pub fn figure(&self, from: &str) -> Option<u64> {
        self.data["figures"].as_array()?.iter().find(|figure| figure["from"] == from)?["value"].as_u64()
    }
}

impl Listener {
    pub fn new(address: SocketAddr) -> Listener {
        let mut stream = connect(address);
        stream
            .write_all(format!("GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
            .expect("it reads");
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.read_line(&mut line).expect("it answers");
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        while line != "\r\n" {
            line.clear();
            lines.read_line(&mut line).expect("a head");
        }
        Listener { lines, panels: HashMap::new(), patches: 0 }
    }

    /// The next event; `None`: the stream has ended. A panel of which changes came is one that came.
    pub fn next(&mut self) -> Option<Event> {
        let (kind, data) = self.next_as_sent()?;
        let event = Event { data: serde_json::from_str(&data).expect("JSON"), kind };
        let (after, name) = match (event.kind.as_str(), event.data["name"].as_str()) {
            ("panel", Some(name)) => {
                let begin = format!("{{\"name\":\"{name}\",\"view\":");
                let view = data.strip_prefix(&begin).and_then(|rest| rest.strip_suffix('}'));
                (view.expect("its view is the last field").to_owned(), name.to_owned())
            }
            ("patch", Some(name)) => {
                self.patches += 1;
                let before = self.panels.get(name).expect("only what came whole changes");
                (patched(before, &event.data["patch"]), name.to_owned())
            }
            _ => return Some(event),
        };
        let view: Value = serde_json::from_str(&after).expect("it is JSON");
        let data = serde_json::json!({ "name": name, "view": view });
        self.panels.insert(name, after);
        Some(Event { kind: "panel".into(), data })
    }

    /// Its kind and its data.
    fn next_as_sent(&mut self) -> Option<(String, String)> {
        let (mut kind, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", value)) => kind = value.to_owned(),
                Some(("data", value)) => data = value.to_owned(),
                Some(_) => panic!("an unknown line: {line}"),
                None => return Some((kind, data)),
            }
        }
    }

    /// The next event for which `is` is true.
    pub fn until(&mut self, is: impl Fn(&Event) -> bool) -> Event {
        let start = Instant::now();
        loop {
            let event = self.next().expect("the stream goes on");
            if is(&event) {
                return event;
            }
            assert!(start.elapsed() < PATIENCE, "no such event came");
        }
    }

    /// The next panel of this name for which `is` is true of its view.
    pub fn panel(&mut self, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        let is_it =
            |event: &Event| event.kind == "panel" && event.data["name"] == name && is(&event.data["view"]);
        self.until(is_it).data["view"].clone()
    }

    /// Pulses that come within `time`.
    pub fn pulses_within(&mut self, time: Duration) -> usize {
        let start = Instant::now();
        let mut count = 0;
        while let Some(event) = self.next() {
            if start.elapsed() > time {
                break;
            }
            count += usize::from(event.kind == "pulse");
        }
        count
    }
}

/// What a patch makes of `before`, as `dashboard/src/patch.rs` describes it.
fn patched(before: &str, patch: &Value) -> String {
    let before: Vec<u16> = before.encode_utf16().collect();
    let (mut after, mut at) = (Vec::new(), 0);
    for change in patch.as_array().expect("a list").chunks(3) {
        let length = |place: usize| change[place].as_u64().expect("a length") as usize;
        after.extend(&before[at..at + length(0)]);
        after.extend(change[2].as_str().expect("text").encode_utf16());
        at += length(0) + length(1);
    }
    after.extend(&before[at..]);
    String::from_utf16(&after).expect("no character was cut")
}
