//! The head of an answer. Each ends its connection, the stream of events by never ending.
//!
//! No header lets another origin read; all tell the browser to keep what comes to the page that asked for it.

use std::fmt::Write as _;

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    SeeOther,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Timeout,
    BodyRefused,
    Misdirected,
    HeadTooLarge,
    Fault,
    Busy,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Status::Ok => "200 OK",
            Status::SeeOther => "303 See Other",
            Status::BadRequest => "400 Bad Request",
            Status::Unauthorized => "401 Unauthorized",
            Status::Forbidden => "403 Forbidden",
            Status::NotFound => "404 Not Found",
            Status::MethodNotAllowed => "405 Method Not Allowed",
            Status::Timeout => "408 Request Timeout",
            Status::BodyRefused => "413 Content Too Large",
            Status::Misdirected => "421 Misdirected Request",
            Status::HeadTooLarge => "431 Request Header Fields Too Large",
            Status::Fault => "500 Internal Server Error",
            Status::Busy => "503 Service Unavailable",
        }
    }

    /// What a person reads who meets it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Status::Ok => "",
            Status::SeeOther => "The page is at /.",
            Status::BadRequest => "This is no request that memscope understands.",
            Status::Unauthorized => {
                "This page needs its token: open the address with ?token=… that the program printed on stderr."
            }
            Status::Forbidden => "Another site's page asked for this; open the address itself.",
            Status::NotFound => "There is nothing here; the page is at /.",
            Status::MethodNotAllowed => "Only GET and HEAD are answered.",
            Status::Timeout => "The request did not come in time.",
            Status::BodyRefused => "No request here has a body.",
            Status::Misdirected => {
                "The address names a host that memscope does not serve; use localhost or the number."
            }
            Status::HeadTooLarge => "The request is too long.",
            Status::Fault => "The page could not be made.",
            Status::Busy => "Too much is asked for at once; try again.",
        }
    }
}

/// What of the page's own policy no `<meta>` may say is here; the page has the rest, which holds for its file too.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' blob:; img-src data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Begins an answer.
pub(super) fn head(
    status: Status,
    media_type: &str,
    length: Option<usize>,
    more: &[(&str, &str)],
) -> Vec<u8> {
    let mut head =
        format!("HTTP/1.1 {}\r\nContent-Type: {media_type}\r\nConnection: close\r\n", status.line());
    if let Some(length) = length {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    let always = [
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", POLICY),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ];
    for (name, value) in always.iter().chain(more) {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// A whole answer of one line.
pub(super) fn line(status: Status, more: &[(&str, &str)]) -> Vec<u8> {
    let text = format!("{}\n", status.text());
    let mut answer = head(status, "text/plain; charset=utf-8", Some(text.len()), more);
    answer.extend_from_slice(text.as_bytes());
    answer
}
