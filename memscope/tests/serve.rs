//! The page of a program that runs: what is served, to whom, and that no browser gets in the program's way.

mod serve {
    pub(crate) mod client;
}

use memscope::alerts;
use memscope::{Server, track, track_var};
use memscope_runtime::format;
use serve::client::{self, Listener, ask, connect, get};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Bytes of a variable that is told by them.
const KEPT_BYTES: usize = 12_345;

#[track]
fn keep() -> Vec<u8> {
    track_var!(let kept: Vec<u8> = vec![1; KEPT_BYTES]);
    kept
}

/// One test at a time: some count what comes in a second, and an unoptimised build's snapshots take a good part of one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn server() -> (Server, SocketAddr) {
    let server = memscope::serve("127.0.0.1:0").expect("the loopback interface has a free port");
    let address = server.address();
    (server, address)
}

#[test]
fn the_page_is_served_and_nothing_of_it_to_another_origin() {
    let _alone = alone();
    let (_server, address) = server();
    let page = get(address, "/");
    assert_eq!(page.status(), 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("content-length"), Some(page.body.len().to_string().as_str()));
    assert!(page.text().contains("id=\"live\"") && page.text().trim_end().ends_with("</html>"));
    // What the page itself may: speak to where it came from.
    let policy = page.header("content-security-policy").expect("a policy");
    for part in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(page.text().contains("connect-src 'self'"), "the page's own policy forbids what it needs");
    for answer in [&page, &get(address, "/export.memscope"), &get(address, "/nothing")] {
        assert!(!answer.head.contains("access-control-"), "{}", answer.head);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let head = ask(address, &format!("HEAD / HTTP/1.1\nHost: {address}"));
    assert_eq!((head.status(), head.body.len()), (200, 0));
    assert_eq!(get(address, "/nothing").status(), 404);
}

#[test]
fn a_page_of_a_file_has_nothing_live() {
    let _alone = alone();
    let html = memscope_dashboard::render(&memscope::snapshot()).expect("it can be rendered");
    assert!(!html.contains("connect-src") && !html.contains("id=\"live\""));
}

/// Each by one case over the wire; `gate.rs` has them all.
#[test]
fn foreign_hosts_and_origins_are_refused() {
    let _alone = alone();
    let (_server, address) = server();
    let status = |lines: &str| ask(address, &format!("GET /export.memscope HTTP/1.1\n{lines}")).status();
    assert_eq!(status(&format!("Host: {address}")), 200);
    assert_eq!(status("Host: rebound.example"), 421);
    assert_eq!(status(&format!("Host: {address}\nOrigin: http://other.example")), 403);
    assert_eq!(status(&format!("Host: {address}\nOrigin: null")), 403);
    assert_eq!(status(&format!("Host: {address}\nSec-Fetch-Site: cross-site")), 403);
    assert_eq!(status(&format!("Host: {address}\nSec-Fetch-Site: same-origin")), 200);
    assert_eq!(status("X: y"), 400);
}

#[test]
fn a_token_opens_the_page_once_and_then_its_cookie_does() {
    let _alone = alone();
    let token = "a-token-of-24-characters";
    let server = memscope::serve_with_token("127.0.0.1:0", token).expect("a free port");
    let address = server.address();
    assert_eq!(server.url(), format!("http://{address}/?token={token}"));
    assert!(!format!("{server:?}").contains(token));
    for path in [
        "/",
        "/events",
        "/export.memscope",
        "/inspector?variable=0",
        "/?token=a-token-of-24-character5",
        "/events?token=a-token-of-24-characters",
    ] {
        assert_eq!(get(address, path).status(), 401, "{path}");
    }
    let first = get(address, &format!("/?token={token}"));
    assert_eq!((first.status(), first.header("location")), (303, Some("./")));
    let cookie = first.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("; httponly") && cookie.contains("; samesite=lax"), "{cookie}");
    let pair = cookie.split(';').next().expect("a pair");
    let with = |line: &str| ask(address, &format!("GET / HTTP/1.1\nHost: {address}\n{line}")).status();
    assert_eq!(with(&format!("Cookie: other=1; {pair}")), 200);
    // It does not stay in the address because the cookie is there.
    let again = format!("GET /?token={token} HTTP/1.1\nHost: {address}\nCookie: {pair}");
    assert_eq!(ask(address, &again).status(), 303);
    assert_eq!(with(&format!("Authorization: Bearer {token}")), 200);
    assert_eq!(with("Authorization: Bearer another"), 401);
    for wrong in ["short", "with a space in the middle"] {
        assert!(memscope::serve_with_token("127.0.0.1:0", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn beyond_this_machine_there_is_always_a_token() {
    let _alone = alone();
    let server = memscope::serve("0.0.0.0:0").expect("a free port");
    let address = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    let (_, token) = server.url().split_once("?token=").expect("a token");
    // 128 random bits in hexadecimal.
    assert_eq!(token.len(), 32);
    assert_eq!(get(address, "/").status(), 401);
    assert_eq!(get(address, &format!("/?token={token}")).status(), 303);
}

#[test]
fn requests_are_bounded_in_kind_size_and_time() {
    let _alone = alone();
    let (_server, address) = server();
    assert_eq!(ask(address, &format!("POST / HTTP/1.1\nHost: {address}")).status(), 405);
    assert_eq!(ask(address, &format!("GET / HTTP/1.1\nHost: {address}\nContent-Length: 5")).status(), 413);
    assert_eq!(ask(address, &format!("GET /{} HTTP/1.1", "a".repeat(9_000))).status(), 431);
    assert_eq!(ask(address, "no request").status(), 400);
    // Begun and never ended: five seconds, and not many more.
    let start = Instant::now();
    let mut slow = connect(address);
    slow.write_all(b"GET / HTT").expect("it reads");
    assert_eq!(client::read(slow).status(), 408);
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_secs(5) && elapsed < Duration::from_secs(15), "{elapsed:?}");
}

#[test]
fn connections_are_bounded_and_come_free_again() {
    let _alone = alone();
    let (_server, address) = server();
    // 64 are served; each of these says nothing for less than the five seconds that it may.
    let held: Vec<_> = (0..64).map(|_| connect(address)).collect();
    let answer = client::read(connect(address));
    assert_eq!(answer.status(), 503);
    drop(held);
    let start = Instant::now();
    // A refused connection may be closed before its request was read, which is no answer at all.
    let is_served = || {
        let mut stream = connect(address);
        let sent = stream.write_all(format!("GET /nothing HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes());
        let mut text = String::new();
        sent.is_ok() && stream.read_to_string(&mut text).is_ok() && text.starts_with("HTTP/1.1 404")
    };
    while !is_served() {
        assert!(start.elapsed() < Duration::from_secs(4), "their places stay taken");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn ten_browsers_hear_the_program_twice_a_second() {
    let _alone = alone();
    let (_server, address) = server();
    let time = Duration::from_secs(4);
    let fewest_pulses = || {
        let browsers: Vec<_> =
            (0..10).map(|_| thread::spawn(move || Listener::new(address).pulses_within(time))).collect();
        browsers.into_iter().map(|browser| browser.join().expect("it hears")).min().expect("ten")
    };
    // Twice a second for four seconds; a crowded machine may be late once.
    let tries: Vec<_> = (0..3).map(|_| fewest_pulses()).take_while(|&pulses| pulses < 8).collect();
    assert!(tries.len() < 3, "{tries:?}");
}

#[test]
fn a_browser_that_does_not_read_holds_up_nobody() {
    let _alone = alone();
    let (_server, address) = server();
    let mut deaf = connect(address);
    deaf.write_all(format!("GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).expect("it reads");
    // Asks for pages and takes none of them.
    let mut greedy: Vec<_> = (0..10).map(|_| connect(address)).collect();
    for stream in &mut greedy {
        stream.write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).expect("it reads");
    }
    let mut listener = Listener::new(address);
    // The page was made, and is in the sockets of who takes none of it.
    listener.until(|event| event.kind == "pulse");
    // Were the thread to wait for one of them, none would come for the 30 seconds that it is given.
    let pulses = listener.pulses_within(Duration::from_secs(4));
    assert!(pulses >= 4, "{pulses}");
    let start = Instant::now();
    drop(keep());
    assert!(start.elapsed() < Duration::from_secs(1), "the program waits");
}

#[test]
fn panels_and_sums_follow_the_program() {
    let _alone = alone();
    let (_server, address) = server();
    let mut listener = Listener::new(address);
    let pulse = listener.until(|event| event.kind == "pulse");
    let before = pulse.figure("/totals/allocated_bytes").expect("it is measured");
    let kept = keep();
    let after = listener.until(|event| {
        event.figure("/totals/allocated_bytes").is_some_and(|bytes| bytes >= before + KEPT_BYTES as u64)
    });
    assert!(after.figure("/program/elapsed_ms") >= pulse.figure("/program/elapsed_ms"));
    listener.panel("data:variables", |view| {
        row_of_kept(view).is_some_and(|(_, bytes)| bytes >= Some(KEPT_BYTES as u64))
    });
    drop(kept);
}

/// The number of the first variable that is `kept`, and its bytes, among those that the page was told of.
fn row_of_kept(view: &serde_json::Value) -> Option<(u64, Option<u64>)> {
    let is_kept = |name: &serde_json::Value| view["texts"][name.as_u64()? as usize].as_str();
    let place = view["name"].as_array()?.iter().position(|name| is_kept(name) == Some("kept"))?;
    Some((view["index"][place].as_u64()?, view["heap_bytes"][place].as_u64()))
}

fn number_of_kept(listener: &mut Listener) -> u64 {
    let view = listener.panel("data:variables", |view| row_of_kept(view).is_some());
    row_of_kept(&view).expect("it was looked for").0
}

#[test]
fn an_inspector_is_given_when_it_is_asked_for() {
    let _alone = alone();
    let (_server, address) = server();
    let kept = keep();
    let number = number_of_kept(&mut Listener::new(address));
    let path = format!("/inspector?variable={number}");
    let answer = get(address, &path);
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")));
    let view: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
    assert_eq!((&view["name"], &view["index"]), (&"kept".into(), &number.into()));
    let heap = view["heap"]["value"].as_u64();
    assert!(heap >= Some(KEPT_BYTES as u64), "{heap:?}");
    // The page has none of them itself.
    assert!(!get(address, "/").text().contains("\"lifecycle\":"));
    for absent in
        ["/inspector", "/inspector?variable=", "/inspector?variable=-1", "/inspector?variable=999999"]
    {
        assert_eq!(get(address, absent).status(), 404, "{absent}");
    }
    let foreign =
        ask(address, &format!("GET {path} HTTP/1.1\nHost: {address}\nOrigin: http://other.example"));
    assert_eq!(foreign.status(), 403);
    drop(kept);
}

/// Nobody listens: a page that is paused opens inspectors.
#[test]
fn an_inspector_is_of_the_program_as_it_is_though_nobody_listens() {
    let _alone = alone();
    let (_server, address) = server();
    let kept = keep();
    let number = number_of_kept(&mut Listener::new(address));
    let heap = || {
        let answer = get(address, &format!("/inspector?variable={number}"));
        let view: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
        assert_eq!(view["name"], "kept");
        view["heap"]["value"].as_u64().expect("it is measured")
    };
    let before = heap();
    let more = keep();
    // A look is new enough for three seconds. Scopes and variables are those that were there.
    thread::sleep(Duration::from_millis(3_500));
    assert_eq!(heap(), before + KEPT_BYTES as u64);
    drop((kept, more));
}

/// Each pulse says how old the panels are, and the scopes' data come with them.
#[test]
fn panels_say_how_old_they_are_and_scopes_are_fed() {
    let _alone = alone();
    let (_server, address) = server();
    let kept = keep();
    let mut listener = Listener::new(address);
    let scopes = listener.panel("data:scopes", |_| true);
    let names = scopes["names"].as_array().expect("names");
    assert!(names.iter().any(|name| name == "keep"), "{names:?}");
    let ages = |event: &client::Event| {
        let age = |name: &str| event.data["ages"][name].as_u64().expect("milliseconds");
        [age("books_ms"), age("variables_ms"), age("blocks_ms")]
    };
    let first = listener.until(|event| event.kind == "pulse");
    let mut before = ages(&first);
    for _ in 0..10 {
        let pulse = listener.until(|event| event.kind == "pulse");
        let now = ages(&pulse);
        // A deeper look is one of the others too.
        assert!(now.is_sorted(), "{now:?}");
        for (now, before) in now.into_iter().zip(before) {
            // Nothing new was looked at: then time goes on, by a beat of 400 ms or more. A millisecond may be cut off. Or it
            // was, and its age begins anew with a beat.
            assert!(now >= before + 399 || now == 0, "{before} {now}");
        }
        before = now;
    }
    drop(kept);
}

/// Of a panel that is known what changed is sent. That it becomes the panel, `Listener` sees to: it is JSON, and has a name.
#[test]
fn what_changed_in_a_panel_is_sent_and_makes_it() {
    let _alone = alone();
    let (_server, address) = server();
    let kept = keep();
    let mut listener = Listener::new(address);
    let allocations = |view: &serde_json::Value| view["allocations"]["value"].as_u64();
    let first = listener.panel("overview", |view| allocations(view).is_some());
    while listener.patches < 20 {
        listener.until(|event| event.kind == "pulse");
        drop(keep());
    }
    let last = listener.panel("overview", |view| allocations(view) > allocations(&first));
    // All that its panel has by name is there still.
    let names = |view: &serde_json::Value| view.as_object().map(|fields| fields.len());
    assert_eq!(names(&last), names(&first));
    // Who begins anew is sent it whole.
    let mut other = Listener::new(address);
    other.panel("overview", |view| allocations(view) >= allocations(&last));
    assert_eq!(other.patches, 0);
    drop(kept);
}

#[test]
fn export_now_gives_a_file_that_reads() {
    let _alone = alone();
    let (_server, address) = server();
    let kept = keep();
    let file = get(address, "/export.memscope");
    let disposition = file.header("content-disposition").expect("it is for saving");
    let recording = format::read(&file.body).expect("a recording");
    // The test's own name is of characters that may stand there; `header` has it in lower case.
    let name = recording.program.name.to_lowercase();
    assert_eq!(disposition, format!("attachment; filename=\"{name}.memscope\""));
    let row = recording.variables.iter().find(|row| row.name == "kept").expect("it is kept");
    assert!(row.heap_bytes >= Some(KEPT_BYTES as u64), "{row:?}");
    let report = get(address, "/export.html");
    assert!(report.text().starts_with("<!DOCTYPE html>") && !report.text().contains("id=\"live\""));
    assert!(report.header("content-disposition").is_some_and(|value| value.ends_with(".html\"")));
    drop(kept);
}

#[test]
fn an_alert_is_heard_by_who_listens_and_by_who_comes_later() {
    let _alone = alone();
    let (_server, address) = server();
    let mut listener = Listener::new(address);
    listener.until(|event| event.kind == "pulse");
    // Something is always live.
    let alerts = alerts::when().live_bytes_above(1).to(|_| ()).start();
    let is_it = |event: &client::Event| {
        event.kind == "alert"
            && event.data["message"].as_str().is_some_and(|text| text.contains("more than 1;"))
    };
    let first = listener.until(is_it);
    assert_eq!(first.data["severity"], "warning");
    drop(alerts);
    let again = Listener::new(address).until(is_it);
    assert_eq!(again.data["message"], first.data["message"]);
}

#[test]
fn it_ends_with_its_guard_and_the_port_is_free() {
    let _alone = alone();
    let (server, address) = server();
    let mut listener = Listener::new(address);
    listener.until(|event| event.kind == "pulse");
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    while listener.next().is_some() {}
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens there any more");
    let again = memscope::serve(&address.to_string()).expect("the port is free");
    let taken = memscope::serve(&address.to_string()).expect_err("it is taken").to_string();
    assert!(taken.contains(&address.to_string()) && taken.contains("port 0"), "{taken}");
    drop(again);
}
