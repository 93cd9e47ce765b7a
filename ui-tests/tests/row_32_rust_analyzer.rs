//! rust-analyzer completes inside tracked bodies that do not parse: the real program, spoken to as an editor does, on a
//! crate of one file. Where it is not installed, the test says so and, with `MEMSCOPE_REQUIRE_RUST_ANALYZER`, fails.
//! That the tokens of such a body come back as they were is a test of `memscope-macros`.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{fs, thread, time};

/// A crate in the middle of being written. `$0` is where the cursor is.
const SOURCE: &str = "
use memscope::{track, track_var};

pub struct Basket { pub apples: u32, pub pears: u32 }

impl Basket {
    #[track]
    pub fn of_self(&self) -> u32 {
        let unfinished = ;
        self.$0
    }
}

#[track(name = \"sync\")]
pub fn sync(basket: Basket) {
    if basket.apples > 1 {
        basket.$0
    let after = 3;
}

#[track]
pub async fn asynchronous(basket: &Basket) -> u32 {
    let local = basket;
    local.$0
}

#[track(nme = 3)]
pub fn with_a_bad_argument(basket: Basket) {
    basket.$0
}

pub fn variable() {
    track_var!(let bound = Basket { apples: 1, pears: 2 });
    bound.$0
}
";

/// A running rust-analyzer, spoken to over its standard input and output.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    requests: u64,
}

impl Server {
    fn start(root: &Path) -> Self {
        let mut child = Command::new("rust-analyzer")
            .current_dir(root)
            // Kept between runs, so that only the first one builds the macro.
            .env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/rust-analyzer"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it has said its version");
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, input, output: BufReader::new(output), requests: 0 }
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("it reads");
        self.input.flush().expect("it reads");
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// The next message, whatever it is.
    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(
                self.output.read_line(&mut line).expect("it writes lines"),
                0,
                "rust-analyzer has ended"
            );
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", bytes)) => length = bytes.parse().expect("a number"),
                Some(_) => {}
                None => break,
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).expect("as long as it said");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// The answer to a request. What the server asks meanwhile gets an empty answer.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.receive();
            if message.get("method").is_some() {
                if let Some(id) = message.get("id") {
                    self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));
                }
            } else if message["id"] == id {
                return message;
            }
        }
    }

    /// The names that are offered at a place; none while the server is not ready.
    fn complete(&mut self, file: &str, line: usize, character: usize) -> BTreeSet<String> {
        let answer = self.ask(
            "textDocument/completion",
            json!({ "textDocument": { "uri": file }, "position": { "line": line, "character": character } }),
        );
        let result = &answer["result"];
        let items = result["items"].as_array().or_else(|| result.as_array());
        let label = |item: &Value| item["filterText"].as_str().or(item["label"].as_str()).map(str::to_owned);
        items.map(|items| items.iter().filter_map(label).collect()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not tested is said")]
fn row_32_completes_in_a_body_that_does_not_parse() {
    let version = Command::new("rust-analyzer").arg("--version").stderr(Stdio::null()).output();
    if !version.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("MEMSCOPE_REQUIRE_RUST_ANALYZER").is_none(),
            "rust-analyzer is not installed: `rustup component add rust-analyzer`"
        );
        eprintln!("rust-analyzer is not installed here: that it completes in a tracked body was not tested");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().canonicalize().expect("a path");
    let memscope = Path::new(env!("CARGO_MANIFEST_DIR")).join("../memscope").canonicalize().expect("a path");
    fs::create_dir(root.join("src")).expect("a directory");
    fs::write(
        root.join("Cargo.toml"),
        format!(
            "[package]\nname = \"edited\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
             memscope = {{ path = {memscope:?}, default-features = false, features = [\"live\"] }}\n"
        ),
    )
    .expect("a file");
    // The same versions as here, which are already downloaded.
    fs::copy(memscope.join("../Cargo.lock"), root.join("Cargo.lock")).expect("the workspace's");
    let source = SOURCE.replace("$0", "");
    fs::write(root.join("src/lib.rs"), &source).expect("a file");
    let cursors: Vec<(usize, usize)> =
        SOURCE.lines().enumerate().filter_map(|(line, text)| Some((line, text.find("$0")?))).collect();
    let uri = |path: &Path| format!("file://{}", path.display());
    let (root_uri, file) = (uri(&root), uri(&root.join("src/lib.rs")));

    let mut server = Server::start(&root);
    server.ask(
        "initialize",
        json!({
            "processId": null,
            "rootUri": root_uri,
            "capabilities": {},
            "initializationOptions": {
                "checkOnSave": false,
                "cachePriming": { "enable": false },
                "procMacro": { "enable": true },
                // It would have rustup install the library's sources where they are missing.
                "cargo": { "buildScripts": { "enable": true }, "sysrootSrc": root.join("src") },
            },
        }),
    );
    server.notify("initialized", json!({}));
    let document = json!({ "uri": file, "languageId": "rust", "version": 1, "text": source });
    server.notify("textDocument/didOpen", json!({ "textDocument": document }));

    // The last one knows its type only once the macro is built; the workspace is then loaded.
    let (line, character) = *cursors.last().expect("there are five");
    let is_ready = |offered: &BTreeSet<String>| offered.contains("apples");
    let deadline = time::Instant::now() + time::Duration::from_secs(240);
    while !is_ready(&server.complete(&file, line, character)) {
        assert!(time::Instant::now() < deadline, "rust-analyzer did not expand `track_var!`");
        thread::sleep(time::Duration::from_millis(300));
    }
    assert_eq!(cursors.len(), 5);
    for (line, character) in cursors {
        let offered = server.complete(&file, line, character);
        let text = SOURCE.lines().nth(line).unwrap_or_default();
        assert!(offered.contains("apples") && offered.contains("pears"), "{}: {offered:?}", text.trim());
    }
}
