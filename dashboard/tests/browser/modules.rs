//! Modules of the page alone, in a page that holds nothing else.
#![allow(unreachable_pub, reason = "each test file has it as its own")]

use super::devtools::Browser;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Opens a page in which the exports of each of `modules` (files of `assets/`) stand under the name of its file. It goes with
/// what is given back.
pub fn open(browser: &mut Browser, modules: &[&str]) -> TempDir {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let names: Vec<_> = modules.iter().map(|file| file.trim_end_matches(".js")).collect();
    let import =
        |(name, file)| format!("import * as {name} from \"file://{}\";", assets.join(file).display());
    let imports: String = names.iter().zip(modules).map(import).collect();
    let folder = TempDir::new().expect("a folder for the page");
    let file = folder.path().join("modules.html");
    let html = format!(
        "<!DOCTYPE html><html class=\"busy\"><meta charset=\"utf-8\"><link rel=\"icon\" href=\"data:,\"><script type=\"module\">{imports}\n\
         Object.assign(globalThis, {{ {} }}); document.documentElement.classList.remove(\"busy\");</script>",
        names.join(", ")
    );
    fs::write(&file, html).expect("a folder of ours");
    browser.open(&file, "", (800, 600), "light");
    folder
}
