use memscope::track;

#[track]
pub const fn three() -> u32 {
    3
}

#[track]
#[track]
fn twice() {}

const THREE: u32 = three();

fn main() {
    assert_eq!(THREE, 3);
    twice();
}
