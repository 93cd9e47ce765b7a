//! A fork's child serves nothing and holds no connection of its parent's.
//!
//! The child has no such thread, but copies of its sockets: with them the port would stay taken and browsers would wait
//! after the parent's end. So all are listed while they are open, and the child closes them.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

/// Sockets of all servers of a process.
const PLACES: usize = 256;
const FREE: RawFd = -1;

/// What is known of a socket. Who has the turn writes it, and a fork's child, where nobody else runs, reads it.
struct Place {
    number: AtomicI32,
    device: AtomicU64,
    inode: AtomicU64,
}

static SOCKETS: [Place; PLACES] = [const { Place::free() }; PLACES];
/// Taken while a socket is opened and listed, or taken off and closed, and around a fork. Acquire and release order the
/// list and the sockets by it.
static TURN: AtomicBool = AtomicBool::new(false);

/// The turn, until it is dropped. Nobody keeps it for longer than a few system calls.
struct Turn(());

impl Place {
    const fn free() -> Place {
        Place { number: AtomicI32::new(FREE), device: AtomicU64::new(0), inode: AtomicU64::new(0) }
    }
}

impl Turn {
    fn wait_for() -> Turn {
        take();
        Turn(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TURN.store(false, Ordering::Release);
    }
}

/// A socket that is on the list. Dropping it takes it off and closes it, and no fork comes between.
pub(super) struct Listed<T: AsRawFd> {
    socket: ManuallyDrop<T>,
    /// Where it stands; `None`: there was no place.
    place: Option<&'static Place>,
    identity: Option<Identity>,
}

/// The device and number of what a descriptor is of.
type Identity = (u64, u64);

/// Opens sockets, which wait for nothing, and lists them; no fork comes between. `None`: the list is full.
pub(super) fn open<T: AsRawFd, E, const N: usize>(
    open: impl FnOnce() -> Result<[T; N], E>,
) -> Result<Option<[Listed<T>; N]>, E> {
    let turn = Turn::wait_for();
    let sockets = open()?.map(|socket| Listed::new(socket, &turn));
    // They take it themselves if they are dropped.
    drop(turn);
    Ok(sockets.iter().all(|socket| socket.place.is_some()).then_some(sockets))
}

impl<T: AsRawFd> Listed<T> {
    fn new(socket: T, _turn: &Turn) -> Listed<T> {
        let number = socket.as_raw_fd();
        let identity = identity(number);
        let place = SOCKETS.iter().find(|place| place.number.load(Ordering::Relaxed) == FREE);
        if let Some(place) = place {
            let (device, inode) = identity.unwrap_or_default();
            place.device.store(device, Ordering::Relaxed);
            place.inode.store(inode, Ordering::Relaxed);
            place.number.store(number, Ordering::Relaxed);
        }
        Listed { place, identity, socket: ManuallyDrop::new(socket) }
    }
}

impl<T: AsRawFd> Deref for Listed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.socket
    }
}

impl<T: AsRawFd> Drop for Listed<T> {
    fn drop(&mut self) {
        let _turn = Turn::wait_for();
        if let Some(place) = self.place {
            place.number.store(FREE, Ordering::Relaxed);
        }
        // A program that closes descriptors which are not its own has closed this one too, and may have another file there.
        if self.identity.is_some() && identity(self.socket.as_raw_fd()) == self.identity {
            // SAFETY: it is dropped here and nowhere else, and not used after.
            unsafe { ManuallyDrop::drop(&mut self.socket) };
        }
    }
}

#[allow(clippy::unnecessary_cast, reason = "the types differ by system")]
fn identity(number: RawFd) -> Option<Identity> {
    let mut status = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the place is for the answer, which is read only if there is one.
    unsafe {
        (libc::fstat(number, status.as_mut_ptr()) == 0).then(|| {
            let status = status.assume_init();
            (status.st_dev as u64, status.st_ino as u64)
        })
    }
}

fn take() {
    while TURN.swap(true, Ordering::Acquire) {
        std::thread::yield_now();
    }
}

/// Makes forks known.
pub(super) fn learn() {
    static ONCE: Once = Once::new();
    // SAFETY: the handlers stay valid; they wait for a moment, and close sockets.
    ONCE.call_once(|| _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) });
}

extern "C" fn before() {
    take();
}

extern "C" fn in_parent() {
    TURN.store(false, Ordering::Release);
}

extern "C" fn in_child() {
    for place in &SOCKETS {
        let number = place.number.swap(FREE, Ordering::Relaxed);
        let was = (place.device.load(Ordering::Relaxed), place.inode.load(Ordering::Relaxed));
        // Else the program closed it, and may have another file there.
        if number != FREE && identity(number) == Some(was) {
            // SAFETY: it is the child's copy of a socket that only the parent's thread uses.
            unsafe { libc::close(number) };
        }
    }
    TURN.store(false, Ordering::Release);
}
