//! The macro stands where a statement stands.

use memscope::track_var;

track_var!(let outside = 1);

fn main() {
    let x = vec![1];
    let y = track_var!(let z = 1);
    let w = track_var!(x);
}
