//! Our ES modules as the one script of the page.
//!
//! A module within a page has no address, so another one cannot import it, and the page may load nothing. So each
//! becomes a function that is called once, in their order, and gives what it exports:
//!
//! ```text
//! import { renderer } from "./hbs.js";        const { renderer } = $hbs;
//! export function escaped(text) { … }     →   const $x = (() => { function escaped(text) { … } … return { escaped }; })();
//! ```
//!
//! Comments, what indents a line, and spaces that part nothing (`script_line.rs`) are left out. The modules keep to what this needs, which the
//! tests see to: an import stands at the start of a line and names a file beside it, what is exported is a function or a
//! constant with one name, and no text goes over more lines than one.

use crate::script_line::shrunk;
use std::fmt::Write as _;

/// `modules`, by file name, each after those that it imports from, as one script.
pub fn script(modules: &[(&str, &str)]) -> String {
    let mut script = String::new();
    for (file, source) in modules {
        let body = body(source);
        let mut exports: Vec<&str> = Vec::new();
        let mut lines = String::new();
        for line in body.lines() {
            let exported = line.strip_prefix("export ");
            exports.extend(exported.map(declared));
            lines.push_str(exported.unwrap_or(line));
            lines.push('\n');
        }
        let given =
            if exports.is_empty() { String::new() } else { format!("return{{{}}};\n", exports.join(",")) };
        writeln!(script, "const {}=(()=>{{\n{lines}{given}}})();", name(file))
            .expect("writing to a String cannot fail");
    }
    script
}

/// What the exports of the module `file` are called in the script.
fn name(file: &str) -> String {
    format!("${}", file.trim_start_matches("./").trim_end_matches(".js"))
}

/// `source` without comments and spaces that part nothing, its imports made constants.
fn body(source: &str) -> String {
    let mut body = String::with_capacity(source.len());
    let mut in_comment = false;
    let mut import = String::new();
    for mut line in source.lines().map(str::trim) {
        // A type may stand before what it is of.
        while in_comment || line.starts_with("/*") {
            let end = line.split_once("*/");
            in_comment = end.is_none();
            line = end.map_or("", |(_, after)| after.trim_start());
            if in_comment || line.is_empty() {
                break;
            }
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let line = &*without_types(line);
        if !import.is_empty() || line.starts_with("import ") {
            // An import of many names goes over some lines.
            import.push_str(line);
            if let Some((names, file)) = import.trim_end_matches(';').split_once(" from ") {
                let names = names.trim_start_matches("import").trim();
                writeln!(body, "const{}={};", shrunk(names), name(file.trim_matches('"')))
                    .expect("writing to a String cannot fail");
                import.clear();
            }
            continue;
        }
        let line = shrunk(line);
        if !line.is_empty() {
            body.push_str(&line);
            body.push('\n');
        }
    }
    body
}

/// `line` without the comments within it, which say of what type something is.
fn without_types(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, comment)) = rest.split_once("/**") {
        let Some((_, after)) = comment.split_once("*/") else { break };
        kept.push_str(before);
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    kept + rest
}

/// The name that the declaration `line` declares.
fn declared(line: &str) -> &str {
    let after = ["async function ", "function ", "const ", "class "]
        .iter()
        .find_map(|keyword| line.strip_prefix(keyword))
        .unwrap_or(line);
    after.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_become_one_script() {
        let cast = "/** @type {A} */ (a).b();\n  /** C */ /* d */\n/*\n e */ (g)();\n";
        assert_eq!(script(&[("c.js", cast)]), "const $c=(()=>{\n(a).b();\n(g)();\n})();\n");
        let one = "// @ts-check\n/** Doc.\n * @param {x} y */\nexport function f(a) {\n  return a; // left out\n}\nexport const K = 1;\n";
        let two = "import { f,\n  K } from \"./one.js\";\nf(K);\n";
        assert_eq!(
            script(&[("one.js", one), ("two.js", two)]),
            "const $one=(()=>{\nfunction f(a){\nreturn a;\n}\nconst K=1;\nreturn{f,K};\n})();\n\
             const $two=(()=>{\nconst{f,K}=$one;\nf(K);\n})();\n"
        );
    }
}
