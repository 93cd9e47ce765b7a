//! A list whose entries are let go once nothing is left of them.
//!
//! Whoever adds to it waits for that, so it is not gone through at once, which in a long list takes as long as a program's
//! frame or request may take: each entry that is added brings along a look at two.

/// Looks at entries for each that is added: the list is gone through while it grows by half.
const LOOKS_AN_ENTRY: usize = 2;
/// Looks at once, at most, also where many are owed. Each is a cache miss or two: some 30 µs.
const LOOKS_AT_ONCE: usize = 256;
/// A list that is shorter is left as it is.
const SHORT: usize = 64;

pub(crate) struct Swept<T> {
    entries: Vec<T>,
    /// The next to be looked at.
    next: usize,
    owed: usize,
}

impl<T> Swept<T> {
    pub(super) const fn new() -> Swept<T> {
        Swept { entries: Vec::new(), next: 0, owed: 0 }
    }

    pub(super) fn push(&mut self, entry: T) {
        self.entries.push(entry);
        self.owed += LOOKS_AN_ENTRY;
    }

    /// Entries stay where they are until the next [`Swept::sweep`].
    pub(crate) fn entries(&self) -> &[T] {
        &self.entries
    }

    pub(super) fn entries_mut(&mut self) -> &mut [T] {
        &mut self.entries
    }

    /// Makes looks that are owed, and takes out those of which nothing is left.
    pub(super) fn sweep(&mut self, is_gone: impl Fn(&T) -> bool, mut take: impl FnMut(T)) {
        let looks = self.owed.min(LOOKS_AT_ONCE);
        if looks == 0 || self.entries.len() < SHORT {
            return;
        }
        self.owed -= looks;
        for _ in 0..looks {
            if self.next >= self.entries.len() {
                self.next = 0;
            }
            match self.entries.get(self.next) {
                Some(entry) if is_gone(entry) => take(self.entries.swap_remove(self.next)),
                Some(_) => self.next += 1,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_list_stays_as_long_as_what_is_alive_and_no_sweep_takes_many_looks() {
        let mut list = Swept::new();
        let looks = Cell::new(0usize);
        // Of 100,000 numbers the newest 1,000 are alive at any time.
        let (mut longest, mut most, mut taken) = (0, 0, Vec::new());
        for number in 0..100_000usize {
            list.push(number);
            looks.set(0);
            let is_gone = |&entry: &usize| {
                looks.set(looks.get() + 1);
                entry + 1_000 <= number
            };
            list.sweep(is_gone, |entry| taken.push(entry));
            longest = longest.max(list.entries().len());
            most = most.max(looks.get());
        }
        // n entries are gone through in n / 2 additions, so at most that many are dead and kept twice as long as it takes:
        // n <= 1,000 + n / 2 + n / 2 of the round before only while it shrinks; it settles below three times the living.
        assert!(longest < 3_000, "{longest}");
        // When it is no longer short it owes two looks for each of its 64 entries; later, two at a time.
        assert!(most <= LOOKS_AN_ENTRY * SHORT, "{most}");
        // Each number is there once: taken or still in it.
        taken.extend_from_slice(list.entries());
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..100_000));
    }

    #[test]
    fn what_was_owed_is_made_up_for_in_pieces() {
        let mut list = Swept::new();
        (0..10_000).for_each(|number| list.push(number));
        let mut sweeps = 0;
        while list.entries().len() >= SHORT {
            let before = list.entries().len();
            list.sweep(|_| true, drop);
            assert!(before - list.entries().len() <= LOOKS_AT_ONCE);
            sweeps += 1;
        }
        // 256 at a time of 10,000, down to fewer than 64: 39 × 256 = 9,984 leave 16.
        assert_eq!(sweeps, 39);
    }
}
