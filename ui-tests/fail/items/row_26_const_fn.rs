//! A `const fn` is one error, and stays one that constants can call.

use memscope::track;

#[track]
pub const fn three() -> u32 {
    3
}

struct Owner;

impl Owner {
    #[track]
    pub(crate) const unsafe extern "C" fn method(&self) -> u32 {
        4
    }
}

const THREE: u32 = three();

fn main() {
    assert_eq!(THREE, 3);
    const FOUR: u32 = unsafe { Owner.method() };
    assert_eq!(FOUR, 4);
}
