//! A package's two copies: as it was published, and annotated.

use crate::annotate::{self, Census};
use crate::archive;
use crate::packages::Package;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Both copies, and what was annotated.
#[derive(Debug)]
pub(crate) struct Copies {
    pub(crate) plain: PathBuf,
    pub(crate) annotated: PathBuf,
    pub(crate) census: Census,
}

/// Fetches a package and makes its copies, in `folder`.
///
/// # Errors
///
/// What was found in the way: no network, another checksum, a file that cannot be written.
pub(crate) fn copies(package: &Package, folder: &Path) -> Result<Copies, String> {
    let Package { name, version, .. } = package;
    let fetched = archive::fetched(package, &folder.join("fetch").join(name))?;
    let copy = |kind: &str| {
        let copy = folder.join(kind).join(format!("{name}-{version}"));
        archive::copy(&fetched, &copy)?;
        // Cargo looks for a workspace in the folders above.
        append(&copy.join("Cargo.toml"), "\n[workspace]\n")?;
        Ok::<_, String>(copy)
    };
    let (plain, annotated) = (copy("plain")?, copy("annotated")?);
    append(&annotated.join("Cargo.toml"), &dependencies())?;
    let census = annotate_library(&annotated)?;
    Ok(Copies { plain, annotated, census })
}

fn append(file: &Path, text: &str) -> Result<(), String> {
    archive::write(file, &format!("{}{text}", archive::read(file)?))
}

/// memscope and the hook, by path.
fn dependencies() -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for (name, path) in [("memscope", "../.."), ("corpus-hook", "hook")] {
        let path = here.join(path);
        // A String takes any text. `{:?}` quotes as TOML does.
        let _ = write!(text, "\n[dependencies.{name}]\npath = {:?}\n", path.display().to_string());
        if name == "memscope" {
            text.push_str("default-features = false\nfeatures = [\"live\"]\n");
        }
    }
    text
}

/// Annotates all that is in `src/`, but for the sources of programs.
fn annotate_library(folder: &Path) -> Result<Census, String> {
    let mut census = Census::default();
    let library = folder.join("src");
    for file in archive::files(&library, "rs")? {
        if file.starts_with(library.join("bin")) || file == library.join("main.rs") {
            continue;
        }
        let shown = file.strip_prefix(folder).expect("a file of the package").display().to_string();
        let in_file = |reason: String| format!("{shown}: {reason}");
        let (mut text, of_file) = annotate::annotated(&archive::read(&file)?).map_err(in_file)?;
        if file == library.join("lib.rs") {
            text = annotate::with_hook(&text).map_err(in_file)?;
        }
        archive::write(&file, &text)?;
        census += of_file;
    }
    Ok(census)
}
