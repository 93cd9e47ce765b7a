//! Where to listen: of what was asked for, an address; the loopback interface unless another is named.

use super::ServeError;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs as _};

/// The addresses that `asked` means: `HOST:PORT`, or a port alone, which means the loopback interface. It waits where a name
/// has to be asked for.
pub(super) fn resolve(asked: &str) -> Result<Vec<SocketAddr>, ServeError> {
    let no_address = |source| ServeError::Address { asked: asked.to_owned(), source };
    match asked.parse::<u16>() {
        Ok(port) => Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]),
        Err(_) => Ok(asked.to_socket_addrs().map_err(no_address)?.collect()),
    }
}

/// Listens at the first of `addresses` where it may. It waits for nothing.
pub(super) fn listen(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addresses)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The host's name in `HOST:PORT`, unless it is an address.
pub(super) fn name_in(asked: &str) -> Option<String> {
    let (host, _) = asked.rsplit_once(':')?;
    let is_name = !host.is_empty() && !host.starts_with('[') && host.parse::<Ipv4Addr>().is_err();
    is_name.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_means_the_loopback_interface() {
        let listener = listen(&resolve("0").expect("it is a port")).expect("the system gives one");
        let bound = listener.local_addr().expect("it has one");
        assert!(bound.ip().is_loopback() && bound.port() != 0, "{bound}");
    }

    #[test]
    fn what_is_no_address_is_refused_in_one_line() {
        for wrong in ["", "127.0.0.1", "127.0.0.1:65536", "no host:80", "65536"] {
            let error = resolve(wrong).expect_err(wrong).to_string();
            assert!(error.contains("127.0.0.1:8080") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_name_is_told_from_an_address() {
        assert_eq!(name_in("Build-Host:8080").as_deref(), Some("build-host"));
        for address in ["127.0.0.1:80", "[::1]:80", "8080", ":80"] {
            assert_eq!(name_in(address), None, "{address}");
        }
    }
}
