//! A server under load: allocations of a task that goes from thread to thread, between system calls.
//!
//! The load comes from one plain thread that allocates nothing, over eight connections: it sends a request on each
//! and then reads the answers, so that up to eight requests are in work at once.

use crate::tracked::Tracked;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

const WORKERS: usize = 2;
const CONNECTIONS: usize = 8;

const REQUEST: &[u8] = b"item=lamp&colour=red&size=4&page=2&sort=price&user=anna&city=basel&lang=en\n";

/// One operation is one request: a line is parsed into a map, and an answer of some 200 bytes is built of it.
#[inline(never)]
pub fn server(operations: u64, tracked: &'static Tracked) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_io()
        .build()
        .expect("a runtime of two threads starts");
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port of loopback is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn((tracked.task)(Box::pin(connection(stream, tracked))));
        }
    });
    let elapsed = load(address, operations).expect("the server answers");
    runtime.shutdown_background();
    elapsed
}

fn load(address: SocketAddr, operations: u64) -> io::Result<Duration> {
    let mut streams = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let mut answer = [0; 1_024];
    let start = Instant::now();
    for _ in 0..operations.div_ceil(CONNECTIONS as u64) {
        for stream in &mut streams {
            stream.write_all(REQUEST)?;
        }
        for stream in &mut streams {
            let mut read = 0;
            while read == 0 || answer[read - 1] != b'\n' {
                match stream.read(&mut answer[read..])? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    bytes => read += bytes,
                }
            }
        }
    }
    Ok(start.elapsed())
}

async fn connection(mut stream: tokio::net::TcpStream, tracked: &'static Tracked) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut text = String::new();
        (tracked.work)(&mut || text = answer(&line));
        if writer.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[inline(never)]
fn answer(request: &str) -> String {
    let fields: HashMap<String, String> = request
        .split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort();
    let mut text = String::from("ok");
    for name in names {
        write!(text, "; the {name} asked for is {}", fields[name]).expect("a String takes any text");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_that_fits_the_clients_buffer() {
        let request = std::str::from_utf8(REQUEST).unwrap();
        let text = answer(request.trim_end());
        assert!(text.starts_with("ok; the city asked for is basel; the colour asked for is red;"), "{text}");
        assert_eq!(text.find('\n'), Some(text.len() - 1));
        assert!(text.len() < 1_024);
    }
}
