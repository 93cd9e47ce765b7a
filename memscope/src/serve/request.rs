//! The head of a request, as far as anything here asks for it. `httparse` reads the syntax.

use super::response::Status;

/// A head is no longer than this; a browser's with a few cookies is below 2 KiB.
pub(super) const MOST_HEAD_BYTES: usize = 8 << 10;
const MOST_HEADERS: usize = 64;

/// What is asked for. `None`: the request does not say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Request {
    pub(super) is_head: bool,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) host: String,
    pub(super) origin: Option<String>,
    pub(super) fetch_site: Option<String>,
    pub(super) fetch_mode: Option<String>,
    pub(super) cookie: Option<String>,
    pub(super) authorization: Option<String>,
}

/// The request that `bytes` begin with; `None`: more is to come.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Request>, Status> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < MOST_HEAD_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(Status::HeadTooLarge);
        }
        Err(_) => return Err(Status::BadRequest),
    }
    let is_head = match parsed.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Err(Status::MethodNotAllowed),
    };
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request =
        Request { is_head, path: path.to_owned(), query: query.to_owned(), ..Request::default() };
    let mut hosts = 0;
    for header in parsed.headers.iter() {
        let value = || std::str::from_utf8(header.value).map(|value| value.trim().to_owned());
        let value = value().map_err(|_| Status::BadRequest)?;
        match header.name.to_ascii_lowercase().as_str() {
            "host" => {
                hosts += 1;
                request.host = value.to_ascii_lowercase();
            }
            "origin" => request.origin = Some(value.to_ascii_lowercase()),
            "sec-fetch-site" => request.fetch_site = Some(value),
            "sec-fetch-mode" => request.fetch_mode = Some(value),
            "cookie" => request.cookie = Some(value),
            "authorization" => request.authorization = Some(value),
            // Nothing that is served here reads a body.
            "content-length" if value != "0" => return Err(Status::BodyRefused),
            "transfer-encoding" => return Err(Status::BodyRefused),
            _ => {}
        }
    }
    if hosts == 1 { Ok(Some(request)) } else { Err(Status::BadRequest) }
}

impl Request {
    /// The value of `name` in the query, as it stands there.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        pairs(&self.query, '&').find(|&(key, _)| key == name).map(|(_, value)| value)
    }

    /// The value of a cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        pairs(self.cookie.as_deref()?, ';').find(|&(key, _)| key == name).map(|(_, value)| value)
    }
}

fn pairs(text: &str, between: char) -> impl Iterator<Item = (&str, &str)> {
    text.split(between).filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let head =
            b"GET /events?after=7&b=1 HTTP/1.1\r\nHost: LocalHost:80\r\nCookie: a=1; memscope=x\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(parse(&head[..end]), Ok(None), "{end}");
        }
        let request = parse(head).expect("it is right").expect("it is whole");
        assert_eq!((request.path.as_str(), request.asked("after")), ("/events", Some("7")));
        assert_eq!((request.host.as_str(), request.cookie("memscope")), ("localhost:80", Some("x")));
        assert_eq!((request.asked("c"), request.cookie("b")), (None, None));
    }

    #[test]
    fn what_is_not_asked_for_here_is_refused() {
        let status = |head: &str| parse(head.as_bytes()).expect_err(head);
        assert_eq!(status("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), Status::MethodNotAllowed);
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"), Status::BodyRefused);
        assert_eq!(
            status("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Status::BodyRefused
        );
        assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), Status::BadRequest);
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Status::BadRequest);
        assert_eq!(status("\u{1}\r\n\r\n"), Status::BadRequest);
        assert_eq!(status(&format!("GET /{}", "a".repeat(MOST_HEAD_BYTES))), Status::HeadTooLarge);
        let many = "A: b\r\n".repeat(MOST_HEADERS + 1);
        assert_eq!(status(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Status::HeadTooLarge);
    }
}
