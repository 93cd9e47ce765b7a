//! Files that are whole at all times: where the system refuses, the error is clear, the old file is what it was and nothing
//! is left beside it.

use memscope_runtime::format::{advice, replace_file};
use std::fs;
use std::path::Path;

/// Names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("it is there")
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_as_a_whole_or_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.memscope");
    replace_file(&path, b"first").expect("it can be written");
    replace_file(&path, b"second").expect("it can be written");
    assert_eq!(fs::read(&path).expect("it is there"), b"second");
    assert!(replace_file(folder.path(), b"x").is_err());
    let missing = replace_file(&folder.path().join("missing/a"), b"x").expect_err("there is no such folder");
    assert_eq!(advice(&missing), "; make its folder first, or name another file");
    assert!(replace_file(&path.join("below"), b"x").is_err(), "a file is no folder");
    assert!(replace_file(Path::new(""), b"x").is_err() && replace_file(Path::new("/"), b"x").is_err());
    assert_eq!(names(folder.path()), ["a.memscope"], "nothing is left beside");
}

/// A process that was killed while it wrote leaves its file beside; in a container the next one has its number.
#[test]
fn what_a_killed_process_of_our_number_left_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    for write in 0..200 {
        fs::write(folder.path().join(format!(".memscope-{}-{write}.tmp", std::process::id())), "left")
            .expect("room");
    }
    let path = folder.path().join("a.memscope");
    replace_file(&path, b"new").expect("it can be written");
    assert_eq!(fs::read(&path).expect("it is there"), b"new");
    assert_eq!(names(folder.path()).len(), 201);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;

    #[test]
    fn a_link_is_followed_and_permissions_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("target"), "old").expect("room");
        fs::set_permissions(at("target"), fs::Permissions::from_mode(0o640)).expect("it is ours");
        symlink("target", at("link")).expect("room");
        replace_file(&at("link"), b"new").expect("it can be written");
        assert_eq!(fs::read(at("target")).expect("it is there"), b"new");
        assert!(fs::symlink_metadata(at("link")).expect("it is there").is_symlink());
        let mode = fs::metadata(at("target")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        // A link to what is not there yet.
        symlink("later", at("dangling")).expect("room");
        replace_file(&at("dangling"), b"new").expect("it can be written");
        assert_eq!(fs::read(at("later")).expect("it was made"), b"new");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error_that_says_so() {
        let full = replace_file(Path::new("/dev/full"), b"x").expect_err("it is always full");
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(advice(&full), "; make room, or name a file elsewhere");
    }

    /// For root no folder is read-only by its permissions; /proc is.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_takes_no_file_is_an_error() {
        assert!(replace_file(Path::new("/proc/a.memscope"), b"x").is_err());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.memscope");
        fs::write(&path, "old").expect("room");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).expect("it is ours");
        if let Err(error) = replace_file(&path, b"new") {
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
            assert_eq!(advice(&error), "; name a file where this user may write");
            assert_eq!(fs::read(&path).expect("it is there"), b"old");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        assert_eq!(names(folder.path()), ["a.memscope"]);
    }

    /// Runs a test of this file under a limit, as a process of its own, and gives what it printed.
    fn under(limit: &str, child: &str, path: &Path) -> String {
        let command = format!("{limit}; exec \"$0\" --exact --nocapture unix::{child}");
        let child = Command::new("sh")
            .args(["-c", &command])
            .arg(std::env::current_exe().expect("it runs"))
            .env("MEMSCOPE_TEST_PATH", path)
            .output()
            .expect("there is a shell");
        let output = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success() && output.contains("child:"), "{child:?}");
        output
    }

    /// Not a test of its own: what [`under`] runs.
    #[test]
    fn child() {
        let Some(path) = std::env::var_os("MEMSCOPE_TEST_PATH") else { return };
        #[expect(clippy::print_stdout, reason = "the parent reads it")]
        match replace_file(path.as_ref(), &[7; 300_000]) {
            Ok(()) => println!("child: written"),
            Err(error) => println!("child: {error}{}", advice(&error)),
        }
    }

    #[test]
    fn a_disk_that_fills_up_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.memscope");
        fs::write(&path, "old").expect("room");
        // At most 100 blocks of 512 or 1,024 bytes, by the shell; the signal that comes with it is ignored.
        let output = under("trap '' XFSZ; ulimit -f 100", "child", &path);
        assert!(output.contains("; make room, or name a file elsewhere"), "{output}");
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        assert_eq!(names(folder.path()), ["a.memscope"], "nothing is left beside");
        assert!(under("true", "child", &path).contains("child: written"));
    }

    #[test]
    fn a_limit_of_descriptors_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.memscope");
        fs::write(&path, "old").expect("room");
        let output = under("ulimit -n 32", "child_without_descriptors", &path);
        assert!(output.contains("; close files, or raise the limit (`ulimit -n`)"), "{output}");
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        assert_eq!(names(folder.path()), ["a.memscope"]);
    }

    /// Not a test of its own: takes all descriptors that there are before it writes.
    #[test]
    fn child_without_descriptors() {
        let Some(path) = std::env::var_os("MEMSCOPE_TEST_PATH") else { return };
        let mut held = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            held.push(file);
        }
        let written = replace_file(path.as_ref(), b"new");
        drop(held);
        #[expect(clippy::print_stdout, reason = "the parent reads it")]
        match written {
            Ok(()) => println!("child: written"),
            Err(error) => println!("child: {error}{}", advice(&error)),
        }
    }
}
