//! What pages hold of `assets/` is made of it by esbuild: modules as one script, all without what only their readers need.
//! It is kept in `built/`, so that a build of memscope needs no such tool, with a checksum of both.
//!
//! After a change of `assets/`, with esbuild of [`VERSION`] as `esbuild` or as `MEMSCOPE_ESBUILD`
//! (`npm install esbuild@…`; `.ci/run` fetches it by itself):
//!
//! ```sh
//! UPDATE_BUILT=1 cargo test -p memscope-dashboard --test built
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Another version may write the same in another way.
const VERSION: &str = "0.28.2";
const SCRIPTS: [&str; 3] = ["page.js", "fed.js", "compare.js"];
const STYLES: [&str; 6] = ["page.css", "panels.css", "scopes.css", "live.css", "compare.css", "print.css"];
const CHECKSUM: &str = "checksum";

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Files by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let named = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().expect("our names are ASCII");
        (name, fs::read(entry.path()).expect("it was listed"))
    };
    fs::read_dir(folder).expect("a folder of ours").map(|entry| named(entry.expect("an entry"))).collect()
}

/// Of what is in `assets/` and in `built`.
fn checksum(built: &Path) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for (name, bytes) in files(&folder("assets")).into_iter().chain(files(built)) {
        if name != CHECKSUM {
            hasher.update(name.as_bytes());
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(&bytes);
        }
    }
    format!("{:08x}\n", hasher.finalize())
}

/// esbuild's command, if there is one of this version.
fn esbuild() -> Option<OsString> {
    let command = std::env::var_os("MEMSCOPE_ESBUILD").unwrap_or_else(|| "esbuild".into());
    let said = Command::new(&command).arg("--version").output().ok()?;
    (String::from_utf8_lossy(&said.stdout).trim() == VERSION).then_some(command)
}

fn build(esbuild: &OsString, into: &Path) {
    for name in SCRIPTS.iter().chain(&STYLES) {
        let mut command = Command::new(esbuild);
        command.arg(folder("assets").join(name)).args(["--minify", "--charset=utf8", "--log-level=warning"]);
        if SCRIPTS.contains(name) {
            command.args(["--bundle", "--format=esm", "--target=es2022"]);
        }
        let status = command.arg(format!("--outfile={}", into.join(name).display())).status();
        assert!(status.expect("it said its version").success(), "esbuild refuses {name}");
    }
    fs::write(into.join(CHECKSUM), checksum(into)).expect("a folder of ours");
}

#[test]
fn pages_hold_what_assets_say() {
    let built = folder("built");
    let esbuild = esbuild();
    if std::env::var_os("UPDATE_BUILT").is_some() {
        let esbuild = esbuild.as_ref().unwrap_or_else(|| {
            panic!("there is no esbuild {VERSION}, neither as `esbuild` nor as MEMSCOPE_ESBUILD: npm install esbuild@{VERSION}")
        });
        build(esbuild, &built);
    }
    let kept = fs::read_to_string(built.join(CHECKSUM)).unwrap_or_default();
    let anew = format!(
        "UPDATE_BUILT=1 and esbuild {VERSION} make it anew: see the head of dashboard/tests/built.rs"
    );
    assert_eq!(kept, checksum(&built), "dashboard/built is not of what is in dashboard/assets now; {anew}");
    match esbuild {
        Some(esbuild) => {
            let fresh = TempDir::new().unwrap();
            build(&esbuild, fresh.path());
            for (name, bytes) in files(fresh.path()) {
                assert!(
                    fs::read(built.join(&name)).is_ok_and(|kept| kept == bytes),
                    "dashboard/built/{name} is not what esbuild writes; {anew}"
                );
            }
        }
        None => assert!(
            std::env::var_os("MEMSCOPE_REQUIRE_ESBUILD").is_none(),
            "MEMSCOPE_REQUIRE_ESBUILD is set, and there is no esbuild {VERSION}"
        ),
    }
}
