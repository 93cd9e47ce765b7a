//! What `track_var!` does not take, at the token that says why.

use memscope::track_var;

fn f() -> Vec<u8> {
    Vec::new()
}

fn main() {
    track_var!(let x);
    x = 1;
    track_var!(let later: Vec<u8>;);
    later = f();
    track_var!(let _ = f());
    track_var!(let (_, ..) = (f(), 1));
    track_var!(let None = Some(x) else { return });
    track_var!(let a = f(); let b = f(););
    track_var!(f());
    track_var!(later[0], x + 1);
    track_var!(later = f());
    track_var!();
    track_var!(crate = "memscope"; later);
    drop((a, b));
}
