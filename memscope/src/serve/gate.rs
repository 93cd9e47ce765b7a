//! Who may read: a pure function of the request's head.
//!
//! A program's memory is nobody's business but its owner's, and every page that the owner's browser shows may send
//! requests to this machine. So, in this order:
//!
//! 1. **Host**: an address, `localhost` or the name that the program gave. A foreign name that was made to point here (DNS
//!    rebinding) has a foreign `Host`.
//! 2. **Origin, `Sec-Fetch-Site`**: this page's own requests, or a person who opens the page. Where a browser says that
//!    another site asks, nothing is served.
//! 3. **The token**, where there is one: once in the address, which sets a cookie and leads to the address without it.

use super::request::Request;
use super::response::Status;
use super::token::Token;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What the gate goes by.
pub(super) struct Gate {
    /// Whether only this machine's own names are served.
    pub(super) is_loopback: bool,
    /// The host's name that the program gave.
    pub(super) name: Option<String>,
    pub(super) token: Option<Token>,
    /// Cookies know no port, so the name does.
    pub(super) cookie_name: String,
}

/// Where a request that may not pass is sent.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// Nowhere.
    Status(Status),
    /// To the page, with this cookie.
    ToPage {
        /// The header's value.
        cookie: String,
    },
}

impl Gate {
    /// Whether `request` may be served.
    pub(super) fn admits(&self, request: &Request) -> Result<(), Refusal> {
        let refuse = |status| Err(Refusal::Status(status));
        if !self.serves_host(host_of(&request.host)) {
            return refuse(Status::Misdirected);
        }
        let own_origin = format!("http://{}", request.host);
        if request.origin.as_deref().is_some_and(|origin| origin != own_origin) {
            return refuse(Status::Forbidden);
        }
        // A link elsewhere that a person follows shows the page to that person, and to nobody else.
        let opens_page = request.path == "/" && request.fetch_mode.as_deref() == Some("navigate");
        let is_own = |site: &str| site == "same-origin" || site == "none" || opens_page;
        if request.fetch_site.as_deref().is_some_and(|site| !is_own(site)) {
            return refuse(Status::Forbidden);
        }
        let Some(token) = &self.token else { return Ok(()) };
        // Before all: it shall not stay in the address because a cookie is there already.
        if request.path == "/" && request.asked("token").is_some_and(|shown| token.is(shown)) {
            return Err(Refusal::ToPage {
                // Lax: with the stricter word it would not come back on the way from another site's link.
                cookie: format!("{}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie_name, token.text()),
            });
        }
        let bearer = request.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        let shown = [request.cookie(&self.cookie_name), bearer];
        match shown.into_iter().flatten().any(|shown| token.is(shown)) {
            true => Ok(()),
            false => refuse(Status::Unauthorized),
        }
    }

    fn serves_host(&self, host: &str) -> bool {
        let v4 = host.parse::<Ipv4Addr>().ok();
        let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')?.parse::<Ipv6Addr>().ok());
        let is_address = match self.is_loopback {
            true => {
                v4.is_some_and(|address| address.is_loopback())
                    || v6.is_some_and(|address| address.is_loopback())
            }
            false => v4.is_some() || v6.is_some(),
        };
        is_address || host == "localhost" || self.name.as_deref() == Some(host)
    }
}

/// `HOST` of `HOST` or `HOST:PORT`. The port may be another: a tunnel's.
fn host_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(is_loopback: bool, token: Option<&str>) -> Gate {
        let token = token.map(|token| Token::given(token).expect("long enough"));
        Gate { is_loopback, name: Some("build-host".into()), token, cookie_name: "memscope-80".into() }
    }

    fn request(host: &str) -> Request {
        Request { host: host.into(), path: "/".into(), ..Request::default() }
    }

    const MISDIRECTED: Result<(), Refusal> = Err(Refusal::Status(Status::Misdirected));
    const FORBIDDEN: Result<(), Refusal> = Err(Refusal::Status(Status::Forbidden));
    const UNAUTHORIZED: Result<(), Refusal> = Err(Refusal::Status(Status::Unauthorized));

    #[test]
    fn only_names_of_this_machine_are_served() {
        let loopback = gate(true, None);
        for host in
            ["localhost", "localhost:9", "127.0.0.1:80", "127.1.2.3", "[::1]:80", "[::1]", "build-host:1"]
        {
            assert_eq!(loopback.admits(&request(host)), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:80",
            "192.168.0.7:80",
            "localhost.evil.example",
            "[::2]",
            "::1",
        ] {
            assert_eq!(loopback.admits(&request(host)), MISDIRECTED, "{host}");
        }
        let wide = gate(false, None);
        assert_eq!(wide.admits(&request("192.168.0.7:80")), Ok(()));
        assert_eq!(wide.admits(&request("evil.example:80")), MISDIRECTED);
    }

    #[test]
    fn another_sites_page_reads_nothing() {
        let gate = gate(true, None);
        let with = |origin: Option<&str>, site: Option<&str>, mode: Option<&str>, path: &str| {
            gate.admits(&Request {
                origin: origin.map(str::to_owned),
                fetch_site: site.map(str::to_owned),
                fetch_mode: mode.map(str::to_owned),
                path: path.to_owned(),
                ..request("localhost:80")
            })
        };
        for (site, path) in [("same-origin", "/events"), ("none", "/"), ("none", "/export.memscope")] {
            assert_eq!(with(None, Some(site), None, path), Ok(()), "{site} {path}");
        }
        assert_eq!(with(Some("http://localhost:80"), None, None, "/events"), Ok(()));
        for origin in ["http://evil.example", "null", "http://localhost:81", "https://localhost:80"] {
            assert_eq!(with(Some(origin), None, None, "/events"), FORBIDDEN, "{origin}");
        }
        for site in ["cross-site", "same-site", "anything"] {
            assert_eq!(with(None, Some(site), Some("cors"), "/"), FORBIDDEN, "{site}");
            assert_eq!(with(None, Some(site), Some("navigate"), "/export.memscope"), FORBIDDEN, "{site}");
            assert_eq!(with(None, Some(site), Some("navigate"), "/"), Ok(()), "{site}");
        }
    }

    #[test]
    fn a_token_is_shown_once_and_becomes_a_cookie() {
        let gate = gate(false, Some("0123456789abcdef"));
        let with = |query: &str, cookie: Option<&str>, bearer: Option<&str>, path: &str| {
            gate.admits(&Request {
                query: query.into(),
                cookie: cookie.map(str::to_owned),
                authorization: bearer.map(str::to_owned),
                path: path.into(),
                ..request("192.168.0.7:80")
            })
        };
        assert_eq!(with("", None, None, "/"), UNAUTHORIZED);
        assert_eq!(with("token=0123456789abcdee", None, None, "/"), UNAUTHORIZED);
        assert_eq!(with("", Some("memscope-81=0123456789abcdef"), None, "/"), UNAUTHORIZED);
        assert_eq!(with("", None, Some("Basic 0123456789abcdef"), "/"), UNAUTHORIZED);
        assert_eq!(
            with("token=0123456789abcdef", None, None, "/events"),
            UNAUTHORIZED,
            "only the page takes it"
        );
        let cookie = "memscope-80=0123456789abcdef; Path=/; HttpOnly; SameSite=Lax".to_owned();
        for cookie_there in [None, Some("memscope-80=0123456789abcdef")] {
            let to_page = Err(Refusal::ToPage { cookie: cookie.clone() });
            assert_eq!(with("token=0123456789abcdef", cookie_there, None, "/"), to_page, "{cookie_there:?}");
        }
        assert_eq!(with("", Some("a=b; memscope-80=0123456789abcdef"), None, "/events"), Ok(()));
        assert_eq!(with("", None, Some("Bearer 0123456789abcdef"), "/export.memscope"), Ok(()));
    }
}
