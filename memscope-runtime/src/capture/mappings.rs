//! What the system says is mapped where (`/proc/self/maps`, proc_pid_maps(5)).

use std::fs::File;
use std::io::{BufRead, BufReader};

/// A name is cut after so many bytes: it is a file's path.
const MOST_NAME_BYTES: usize = 255;

/// A stretch of the address space that the system mapped as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) start: u64,
    /// The address behind its last.
    pub(super) end: u64,
    /// `[heap]` and the like, or a file; `None`: it is anonymous.
    pub(super) name: Option<String>,
}

/// The mappings that hold any of these ascending addresses, by address; empty where the system does not say. Of the others
/// nothing is kept, however many there are.
pub(super) fn mappings_around(addresses: &[u64]) -> Vec<Mapping> {
    match File::open("/proc/self/maps") {
        Ok(file) => of_lines(BufReader::new(file), addresses),
        Err(_) => Vec::new(),
    }
}

fn of_lines(mut lines: impl BufRead, mut addresses: &[u64]) -> Vec<Mapping> {
    let mut mappings = Vec::new();
    let mut line = Vec::new();
    while !addresses.is_empty() {
        line.clear();
        // A path need not be UTF-8.
        if lines.read_until(b'\n', &mut line).is_err() || line.is_empty() {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let Some(mapping) = of_line(text.trim_end_matches('\n')) else { continue };
        addresses = &addresses[addresses.partition_point(|&address| address < mapping.start)..];
        let inside = addresses.partition_point(|&address| address < mapping.end);
        addresses = &addresses[inside..];
        if inside > 0 {
            mappings.push(mapping);
        }
    }
    mappings
}

/// `55d0…000-55d0…000 rw-p 00000000 00:00 0                          [heap]`
fn of_line(line: &str) -> Option<Mapping> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    // Permissions, offset, device and inode, each with one space behind it, then spaces and the name.
    let name = rest.splitn(5, ' ').nth(4).map(str::trim_start).filter(|name| !name.is_empty());
    let cut = |name: &str| {
        let border = (0..=name.len().min(MOST_NAME_BYTES)).rev().find(|&at| name.is_char_boundary(at));
        name[..border.unwrap_or(0)].to_owned()
    };
    Some(Mapping { start: address(start)?, end: address(end)?, name: name.map(cut) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000021000 rw-p 00000000 00:00 0 
7f0000021000-7f0004000000 ---p 00000000 00:00 0 
7f00a0000000-7f00a0010000 rw-s 00000000 00:01 1047                       /memfd:a name (deleted)
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";

    fn around(addresses: &[u64]) -> Vec<(u64, u64, Option<String>)> {
        let mappings = of_lines(MAPS.as_bytes(), addresses);
        mappings.into_iter().map(|mapping| (mapping.start, mapping.end, mapping.name)).collect()
    }

    #[test]
    fn the_mappings_that_hold_an_address_are_kept_with_their_names() {
        // Two in the heap, of which one is its first byte; one behind its last; the last of an anonymous one; one in a file.
        let addresses =
            [0x55d0_c0a0_0000, 0x55d0_c0a0_0010, 0x55d0_c0a2_1000, 0x7f00_0002_0fff, 0x7f00_a000_8000];
        assert_eq!(
            around(&addresses),
            [
                (0x55d0_c0a0_0000, 0x55d0_c0a2_1000, Some("[heap]".to_owned())),
                (0x7f00_0000_0000, 0x7f00_0002_1000, None),
                (0x7f00_a000_0000, 0x7f00_a001_0000, Some("/memfd:a name (deleted)".to_owned())),
            ]
        );
        assert_eq!(around(&[1, 0x7f00_b000_0000]), []);
        assert_eq!(around(&[]), []);
    }

    #[test]
    fn lines_that_are_none_are_passed_over_and_a_long_name_is_cut_between_characters() {
        let long = format!("10-20 r 0 0 0 /{}\nrubbish\n\n30-zz r 0 0 0\n30-40 r 0 0 0", "é".repeat(200));
        let mappings = of_lines(long.as_bytes(), &[0x10, 0x3f]);
        // "/" and 127 characters of two bytes are 255.
        assert_eq!(mappings[0].name, Some(format!("/{}", "é".repeat(127))));
        assert_eq!(mappings[1], Mapping { start: 0x30, end: 0x40, name: None });
    }

    #[test]
    fn the_heap_of_this_process_is_found() {
        let block = Box::new(7_u64);
        let address = std::ptr::from_ref(&*block).addr() as u64;
        let mappings = mappings_around(&[address]);
        assert_eq!(mappings.len(), usize::from(cfg!(target_os = "linux")));
        assert!(mappings.iter().all(|mapping| (mapping.start..mapping.end).contains(&address)));
    }
}
