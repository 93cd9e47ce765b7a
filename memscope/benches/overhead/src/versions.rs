//! The versions that figures belong to.

/// Packages that the figures compare or run, as name and version: what the benchmark's lock file says.
pub(crate) fn versions(lock: &str, named: &[&str]) -> Vec<String> {
    named.iter().filter_map(|name| Some(format!("{name} {}", version(lock, name)?))).collect()
}

/// The newest, where the lock file has several.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let head = format!("name = \"{name}\"");
    let mut lines = lock.lines();
    let mut found = None;
    while let Some(line) = lines.next() {
        if line == head {
            found = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"');
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_the_whole_name() {
        let lock = "[[package]]\nname = \"syn-mid\"\nversion = \"0.5.0\"\n\n\
                    [[package]]\nname = \"syn\"\nversion = \"2.0.1\"\n\n\
                    [[package]]\nname = \"syn\"\nversion = \"3.0.10\"\n";
        assert_eq!(version(lock, "syn"), Some("3.0.10"));
        assert_eq!(version(lock, "sy"), None);
    }
}
