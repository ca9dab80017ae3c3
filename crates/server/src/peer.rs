use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Where a request comes from: the other end of its connection, or whom a trusted proxy there forwards it for.
///
/// Proxies append to `X-Forwarded-For`, and whoever is before them can write anything, so the list is read from its end:
/// the first address that is no trusted proxy's is the caller's.
pub(crate) fn source(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let Peer(peer) = *extensions.get::<Peer>()?;
    let is_trusted = |address: IpAddr| {
        let address = address.to_canonical();
        trusted.iter().any(|network| network.contains(&address))
    };
    if !is_trusted(peer) {
        return Some(peer.to_canonical());
    }
    let lists: Vec<&str> =
        headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let forwarded = lists.iter().flat_map(|list| list.split(',')).map(str::trim);
    let mut source = peer;
    for text in forwarded.collect::<Vec<_>>().into_iter().rev() {
        // What is no address was not written by a proxy of ours.
        let Ok(address) = text.parse::<IpAddr>() else { break };
        source = address;
        if !is_trusted(address) {
            break;
        }
    }
    Some(source.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for list in forwarded {
            headers.append(X_FORWARDED_FOR, list.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        source(&extensions, &headers, &trusted).unwrap().to_string()
    }

    /// A caller cannot claim another address: only what trusted proxies wrote counts.
    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.7"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.2.3.4, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.2.3.4", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, nonsense"]), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", &[]), "10.0.0.1");
    }
}
