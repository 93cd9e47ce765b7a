//! A crate without the prelude.

#![no_implicit_prelude]

#[global_allocator]
static ALLOC: ::memscope::Allocator = ::memscope::Allocator::system();

#[::memscope::track]
fn sync(text: &str) -> usize {
    ::memscope::track_var!(let length: usize = text.len());
    ::memscope::track_var!(length);
    length
}

#[::memscope::track]
async fn asynchronous<T>(value: T) -> ::std::result::Result<T, ::std::string::String> {
    ::std::result::Result::Ok(value)
}

fn main() {
    ::std::assert_eq!(sync("ab"), 2);
    ::std::assert_eq!(::ui_tests::block_on(asynchronous(3)), ::std::result::Result::Ok(3));
    ::std::assert_eq!(::ui_tests::calls(&["sync"]), 1);
    ::std::assert_eq!(::ui_tests::calls(&["asynchronous"]), 1);
}
