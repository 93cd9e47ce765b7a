//! A headless Chromium, driven over its DevTools WebSocket: as little of it as the page's tests need.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use serde_json::{Value, json};
use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// A picture of a page has no more pixels: of a higher page the rest is left out.
const MOST_PIXELS: f64 = 12_000_000.0;
/// A page's script begins when its data are unpacked, which may be after the load.
const DRAWN: &str = "!document.documentElement.classList.contains('busy')";
/// Nothing that the tests do takes this long.
const PATIENCE: Duration = Duration::from_secs(60);
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    // A test's page may import our modules from where they are.
    "--allow-file-access-from-files",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
];

/// The browser's process; dropping it ends the browser, also when a test panics.
struct Process {
    child: Child,
    profile: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its children end a moment later, and write into the profile until then.
        for _ in 0..40 {
            if fs::remove_dir_all(self.profile.path()).is_ok() {
                break;
            }
            sleep(Duration::from_millis(25));
        }
    }
}

/// A browser with one page at a time.
pub struct Browser {
    _process: Process,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    last_id: u64,
    events: Vec<Value>,
    url: String,
    size: (u32, u32),
    saves_to: PathBuf,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Where a script starts the browser, the process that is killed is the script's. A closed socket is no fault.
        let _ = self.socket.send(Message::text(r#"{"id":0,"method":"Browser.close"}"#));
    }
}

/// A browser on the `PATH`.
fn program() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

impl Browser {
    /// `None` where no browser is installed.
    ///
    /// # Panics
    /// If it is required and not installed, or does not start.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert!(
                env::var("MEMSCOPE_REQUIRE_BROWSER").as_deref() != Ok("1"),
                "MEMSCOPE_REQUIRE_BROWSER=1, and no Chromium is on the PATH"
            );
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                // Past the test harness, which would keep a passing test's words to itself.
                let line = "skipped: no Chromium is on the PATH, so no browser looked at the page";
                writeln!(io::stderr(), "{line}").expect("standard error is open");
            });
            return None;
        };
        let profile = TempDir::new().expect("a temporary folder");
        let child = Command::new(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let mut process = Process { child, profile };
        let (port, path) = endpoint(&mut process);
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("DevTools listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
        let (socket, _) =
            tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream).expect("DevTools answers");
        Some(Self {
            _process: process,
            socket,
            session: None,
            last_id: 0,
            events: Vec::new(),
            url: String::new(),
            size: (0, 0),
            saves_to: PathBuf::new(),
        })
    }

    /// Calls `method` on the page (on the browser, before there is one) and gives its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(request.to_string())).expect("DevTools takes a request");
        loop {
            let message = self.receive();
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn receive(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().expect("DevTools answers in time") {
                let message: Value = serde_json::from_str(&text).expect("DevTools speaks JSON");
                // A dialog stops the page, and every later call with it.
                assert!(
                    message["method"] != "Page.javascriptDialogOpening",
                    "the page opened a dialog: {message}"
                );
                return message;
            }
        }
    }

    /// Opens `file`, with `fragment` in its address, in a fresh page of this size and colour scheme.
    pub fn open(&mut self, file: &Path, fragment: &str, size: (u32, u32), scheme: &str) {
        self.open_url(&format!("file://{}", file.display()), fragment, size, scheme);
    }

    /// Opens what is at `url`, likewise.
    pub fn open_url(&mut self, url: &str, fragment: &str, (width, height): (u32, u32), scheme: &str) {
        self.session = None;
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = self.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        self.session = Some(attached["sessionId"].as_str().expect("a session").to_owned());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.resize(width, height);
        self.prefer(scheme);
        self.events.clear();
        self.url = url.to_owned();
        let url = format!("{}{fragment}", self.url);
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{answer}");
        self.wait_for("Page.loadEventFired");
        self.until(DRAWN);
    }

    /// What the page downloads is saved in `folder`.
    pub fn save_to(&mut self, folder: &Path) {
        let params = json!({ "behavior": "allow", "downloadPath": folder, "eventsEnabled": true });
        self.call("Browser.setDownloadBehavior", params);
        self.saves_to = folder.to_owned();
    }

    /// Waits for the next download to be saved, and gives its file.
    pub fn saved(&mut self) -> PathBuf {
        let start = Instant::now();
        loop {
            let is_done = |event: &Value| {
                event["method"] == "Browser.downloadProgress" && event["params"]["state"] == "completed"
            };
            if let Some(place) = self.events.iter().position(is_done) {
                let id = self.events.remove(place)["params"]["guid"].clone();
                let begun = self.events.iter().find(|event| {
                    event["method"] == "Browser.downloadWillBegin" && event["params"]["guid"] == id
                });
                let name = begun.expect("it began")["params"]["suggestedFilename"].clone();
                return self.saves_to.join(name.as_str().expect("a name"));
            }
            assert!(start.elapsed() < PATIENCE, "nothing was saved");
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// Makes the window this large.
    pub fn resize(&mut self, width: u32, height: u32) {
        // No phone's viewport: that one widens itself to what does not fit, and would hide it.
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        self.size = (width, height);
    }

    /// Lets the reader prefer the colour scheme `scheme`.
    pub fn prefer(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": "", "features": features }));
    }

    /// Shows the page as it prints, to a reader who prefers the colour scheme `scheme`.
    pub fn emulate_paper(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": "print", "features": features }));
    }

    /// Prints the page to `name`.pdf among the test's temporary files.
    pub fn pdf(&mut self, name: &str, params: Value) -> Vec<u8> {
        let pdf = base64(self.call("Page.printToPDF", params)["data"].as_str().expect("a document"));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pdf"));
        fs::write(path, &pdf).expect("the document is written");
        pdf
    }

    /// Lets the reader prefer no motion: the page is where it scrolls to at once.
    pub fn prefer_no_motion(&mut self) {
        let features = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// Waits until what the page does with the next frames is done.
    pub fn settle(&mut self) {
        self.eval(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))))",
        );
    }

    /// Fails if the page, a panel or an open dialog is wider than its room.
    pub fn assert_fits(&mut self) {
        let wide = self.eval(
            "(() => { const { classList } = document.documentElement; const rests = classList.contains('resting'); \
             classList.remove('resting'); const wide = [document.documentElement, ...document.querySelectorAll('.panel, dialog[open]')] \
             .filter((element) => element.scrollWidth > element.clientWidth) \
             .map((element) => { const edge = (one) => one.getBoundingClientRect().right; \
             const past = [...element.querySelectorAll('*')].filter((one) => one.checkVisibility() && edge(one) > edge(element)).at(-1); \
             return `${element.id || element.tagName}: ${element.scrollWidth} in ${element.clientWidth}, by ${past?.outerHTML.slice(0, 120)}`; }); \
             classList.toggle('resting', rests); return wide.join('; '); })()",
        );
        assert_eq!(wide, "", "wider than its room in a window of {}", self.size.0);
    }

    /// The window's width.
    pub fn width(&self) -> u32 {
        self.size.0
    }

    fn wait_for(&mut self, method: &str) {
        let start = Instant::now();
        while !self.events.iter().any(|event| event["method"] == method) {
            assert!(start.elapsed() < PATIENCE, "no {method}");
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// Waits until the page was loaded anew by what `act` does.
    pub fn until_loaded_by(&mut self, act: impl FnOnce()) {
        self.events.retain(|event| event["method"] != "Page.loadEventFired");
        act();
        self.wait_for("Page.loadEventFired");
        self.until(DRAWN);
    }

    /// The value of `expression` on the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until `expression` is true, and fails naming it if it never is.
    pub fn until(&mut self, expression: &str) {
        let start = Instant::now();
        while self.eval(expression) != true {
            let said = |event: &&Value| event["method"] == "Runtime.exceptionThrown";
            assert!(
                start.elapsed() < PATIENCE,
                "never true: {expression}; thrown: {:#?}",
                self.events.iter().filter(said).collect::<Vec<_>>()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Milliseconds that the page's own thread was at work so far: script, styles, layout and painting. `Performance.enable` is
    /// to be called before.
    pub fn busy_ms(&mut self) -> f64 {
        let metrics = self.call("Performance.getMetrics", json!({}))["metrics"].clone();
        let all = metrics.as_array().expect("metrics").iter();
        let busy = all.filter(|metric| metric["name"] == "TaskDuration");
        busy.filter_map(|metric| metric["value"].as_f64()).sum::<f64>() * 1_000.0
    }

    /// How many exceptions nobody caught on the page.
    pub fn thrown(&self) -> usize {
        self.events.iter().filter(|event| event["method"] == "Runtime.exceptionThrown").count()
    }

    /// Clicks with the mouse into the middle of what `selector` finds.
    pub fn click(&mut self, selector: &str) {
        let at = self.eval(&format!(
            "(async () => {{ const element = document.querySelector({selector:?}); \
             element.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); \
             const box = element.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Presses and releases the key `key`.
    pub fn press(&mut self, key: &str, virtual_code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": virtual_code });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types `text` into what has the focus.
    pub fn insert(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Fails on anything on the console, and on any request but for the page itself and its `data:` addresses.
    pub fn assert_quiet(&mut self) {
        self.assert_asks_only(|url, page| url == page);
    }

    /// The same, where the page asks for what `is_own` says is its own, of the address and the page's.
    pub fn assert_asks_only(&mut self, is_own: impl Fn(&str, &str) -> bool) {
        // All that the page has caused so far comes before the answer to this.
        self.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))");
        for event in &self.events {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => {
                    panic!("on the console: {params}");
                }
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str().expect("a request has an address");
                    let without_fragment = url.split('#').next().unwrap_or_default();
                    let may_ask = is_own(without_fragment, &self.url) || url.starts_with("data:");
                    assert!(may_ask, "the page asked for {url}");
                }
                _ => {}
            }
        }
        assert!(self.events.iter().any(|event| event["method"] == "Network.requestWillBeSent"));
    }

    /// Writes what the page looks like to `name`.png among the test's temporary files: all of it, or the window.
    pub fn screenshot(&mut self, name: &str, full_page: bool) {
        let mut params = json!({ "format": "png", "captureBeyondViewport": full_page });
        if full_page {
            // Panels that are out of the window are not painted otherwise.
            self.eval(
                "{ const style = document.createElement('style'); style.id = 'all-in-sight'; \
                 style.textContent = '.panel.panel { content-visibility: visible !important } .flame-readout { position: static !important }'; document.head.append(style); }",
            );
            let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
            let height = size["height"].as_f64().expect("a height").min(MOST_PIXELS / f64::from(self.size.0));
            params["clip"] = json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
        }
        let data = self.call("Page.captureScreenshot", params)["data"].clone();
        self.eval("document.getElementById('all-in-sight')?.remove()");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        fs::write(path, base64(data.as_str().expect("an image"))).expect("the screenshot is written");
    }
}

/// Port and path of the browser's DevTools, which it writes into its profile.
fn endpoint(process: &mut Process) -> (u16, String) {
    let file = process.profile.path().join("DevToolsActivePort");
    let start = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(&file) {
            if let Some((port, path)) = text.split_once('\n') {
                if let (Ok(port), true) = (port.parse(), path.starts_with('/')) {
                    return (port, path.trim().to_owned());
                }
            }
        }
        if let Some(status) = process.child.try_wait().expect("the browser's state") {
            panic!("the browser ended: {status}");
        }
        assert!(start.elapsed() < PATIENCE, "the browser opened no DevTools");
        sleep(Duration::from_millis(20));
    }
}

/// The bytes that `text` stands for.
fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}
