//! Getting a package's sources: Cargo fetches them and checks their checksum, and they are copied from where it keeps
//! them.

use crate::packages::Package;
use crate::process;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder in which Cargo keeps the unpacked sources.
///
/// # Errors
///
/// Cargo's own, and a checksum that is not the pinned one.
pub(crate) fn fetched(package: &Package, folder: &Path) -> Result<PathBuf, String> {
    let Package { name, version, checksum, .. } = package;
    let manifest = folder.join("Cargo.toml");
    write(&folder.join("lib.rs"), "")?;
    write(
        &manifest,
        &format!(
            "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n\
             [dependencies]\n{name} = \"={version}\"\n\n[workspace]\n"
        ),
    )?;
    let output = process::cargo("metadata", &manifest)
        .args(["--format-version", "1"])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let lock = read(&folder.join("Cargo.lock"))?;
    let stated = stated_checksum(&lock, name, version);
    if stated != Some(checksum) {
        return Err(format!(
            "{name} {version}: the index states the checksum {stated:?}, pinned is {checksum}"
        ));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let found = metadata["packages"].as_array().into_iter().flatten().find_map(|found| {
        let wanted = found["name"] == **name && found["version"] == **version;
        found["manifest_path"].as_str().filter(|_| wanted).and_then(|path| Path::new(path).parent())
    });
    found.map(Path::to_path_buf).ok_or_else(|| format!("cargo metadata does not know {name} {version}"))
}

/// What a lock file says of a package; Cargo writes the index's checksum there and refuses an archive of another one.
fn stated_checksum<'a>(lock: &'a str, name: &str, version: &str) -> Option<&'a str> {
    let head = format!("name = \"{name}\"\nversion = \"{version}\"\n");
    let entry = lock.split("[[package]]\n").find(|entry| entry.starts_with(&head))?;
    entry.lines().find_map(|line| line.strip_prefix("checksum = \"")?.strip_suffix('"'))
}

/// Copies a folder; what was at its new place is removed before.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if to.exists() {
        fs::remove_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    }
    copy_into(from, to)
}

fn copy_into(from: &Path, to: &Path) -> Result<(), String> {
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |error| format!("{path}: {error}")
    };
    fs::create_dir_all(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let from = entry.map_err(at(from))?.path();
        let to = to.join(from.file_name().expect("an entry of a folder has a name"));
        if from.is_dir() {
            copy_into(&from, &to)?;
        } else {
            fs::write(&to, fs::read(&from).map_err(at(&from))?).map_err(at(&to))?;
        }
    }
    Ok(())
}

/// The files of a kind in a folder and in those within it, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|of| of == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes a file and makes its folder.
pub(crate) fn write(file: &Path, text: &str) -> Result<(), String> {
    let folder = file.parent().expect("a file is in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_name_and_version() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"r\"\nchecksum = \"11\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"2.0.0\"\nsource = \"r\"\nchecksum = \"22\"\n";
        assert_eq!(stated_checksum(lock, "a", "2.0.0"), Some("22"));
        assert_eq!(stated_checksum(lock, "a", "3.0.0"), None);
    }
}
