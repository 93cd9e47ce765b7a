//! Readers and writers, files and sockets.

use super::sequences::visit_places;
use super::{Container, Trackable, left_out, whole_in_itself};
use crate::Visitor;
use std::io::{self, BufReader, BufWriter, Cursor, LineWriter, Write};

macro_rules! handle {
    ($($type:ty),+ $(,)?) => {$(
        impl Trackable for $type {
            fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
        }
        whole_in_itself!($type);
    )+};
}

// What they stand for is the system's, or std's for the whole process.
handle!(
    std::fs::File,
    std::net::TcpListener,
    std::net::TcpStream,
    std::net::UdpSocket,
    std::process::ChildStdin,
    std::process::ChildStdout,
    std::process::ChildStderr,
    std::process::ExitStatus,
    io::ErrorKind,
    io::Stdin,
    io::Stdout,
    io::Stderr,
    io::Empty,
    io::Sink,
    io::Repeat,
);

impl Trackable for std::process::Child {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

// Of an error with a payload the box around the payload does not show.
impl Trackable for io::Error {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.get_ref().is_some() {
            left_out(self, visitor);
        }
    }
}

/// A buffer shows from what is read next, which may be its very end.
fn visit_buffer<R: ?Sized>(reader: &BufReader<R>, visitor: &mut Visitor<'_>) {
    if reader.capacity() > 0 {
        visitor.block_up_to(reader.buffer().as_ptr(), reader.capacity());
        visitor.unused(reader.capacity() - reader.buffer().len());
    }
}

impl<R: Trackable + ?Sized> Trackable for BufReader<R> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        visit_buffer(self, visitor);
        self.get_ref().visit_blocks(visitor);
    }
}

impl<C: Container + ?Sized> Container for BufReader<C> {
    const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        visit_buffer(self, visitor);
        self.get_ref().visit_own_blocks(visitor);
    }
}

/// What waits to be written stands at the start of the buffer.
fn visit_waiting<W: Write + ?Sized>(writer: &BufWriter<W>, visitor: &mut Visitor<'_>) {
    visit_places(writer.buffer().as_ptr(), writer.capacity(), writer.buffer().len(), visitor);
}

impl<W: Trackable + Write + ?Sized> Trackable for BufWriter<W> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        visit_waiting(self, visitor);
        self.get_ref().visit_blocks(visitor);
    }
}

impl<C: Container + Write + ?Sized> Container for BufWriter<C> {
    const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        visit_waiting(self, visitor);
        self.get_ref().visit_own_blocks(visitor);
    }
}

// A `BufWriter` that it does not show.
impl<W: Trackable + Write> Trackable for LineWriter<W> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        visitor.could_not_look();
        self.get_ref().visit_blocks(visitor);
    }
}

impl<T: Trackable> Trackable for Cursor<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.get_ref().visit_blocks(visitor);
    }
}
