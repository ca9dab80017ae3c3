//! What a repository holds.

use reqwest::Url;
use reqwest::header::LINK;
use serde::Deserialize;

use super::error::PullError;
use super::web::{Web, final_refusal};
use super::{ModelReference, PullOptions};

const PAGES_MAX: usize = 20;
const PAGE_BYTES_MAX: usize = 16 << 20;

/// A file on the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HubFile {
    pub path: String,
    pub size: u64,
    /// Lower-case hexadecimal; large files have it.
    pub sha256: Option<String>,
}

/// All files of the repository at the wanted revision.
pub(super) async fn fetch(
    web: &Web,
    reference: &ModelReference,
    options: &PullOptions,
) -> Result<Vec<HubFile>, PullError> {
    let (organisation, name) = reference.repository().split_once('/').unwrap_or_default();
    let mut url = web.url(["api", "models", organisation, name, "tree", &options.revision])?;
    url.set_query(Some("recursive=true"));

    let mut files = Vec::new();
    for _ in 0..PAGES_MAX {
        let (page, next) = page_with_patience(web, url.clone(), reference, options).await?;
        files.extend(page.into_iter().filter(|entry| entry.kind == "file").map(HubFile::from));
        match next {
            Some(next) => url = next,
            None => return Ok(files),
        }
    }
    Err(PullError::Hub(format!("its list of files has more than {PAGES_MAX} pages")))
}

async fn page_with_patience(
    web: &Web,
    url: Url,
    reference: &ModelReference,
    options: &PullOptions,
) -> Result<(Vec<Entry>, Option<Url>), PullError> {
    let mut pause = options.pause;
    let mut attempt = 1;
    loop {
        let reason = match page(web, &url, reference, options).await {
            Ok(page) => return Ok(page),
            Err(Miss::Final(error)) => return Err(error),
            Err(Miss::Passing(reason)) => reason,
        };
        if attempt >= options.attempts_max.max(1) {
            return Err(PullError::Hub(reason));
        }
        attempt += 1;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(options.pause_max);
    }
}

enum Miss {
    Final(PullError),
    Passing(String),
}

async fn page(
    web: &Web,
    url: &Url,
    reference: &ModelReference,
    options: &PullOptions,
) -> Result<(Vec<Entry>, Option<Url>), Miss> {
    let response = web.get(url.clone(), 0).await.map_err(Miss::Passing)?;
    let status = response.status();
    if !status.is_success() {
        return Err(match final_refusal(status.as_u16(), reference, &options.revision) {
            Some(error) => Miss::Final(error),
            None => Miss::Passing(format!("status {}", status.as_u16())),
        });
    }
    let next = next_page(response.headers().get(LINK).and_then(|link| link.to_str().ok()), url);
    let body = crate::remote::read_at_most(response.bytes_stream(), PAGE_BYTES_MAX)
        .await
        .ok_or_else(|| Miss::Passing("the line broke".to_owned()))?;
    let entries = serde_json::from_slice(&body).map_err(|_| {
        Miss::Final(PullError::Hub("its list of files cannot be read; is it a hub?".to_owned()))
    })?;
    Ok((entries, next))
}

/// `Link: <https://…?cursor=…>; rel="next"`, if it stays on the same host.
fn next_page(link: Option<&str>, page: &Url) -> Option<Url> {
    let next = link?.split(',').find(|part| part.contains("rel=\"next\""))?;
    let target = next.split_once('<')?.1.split_once('>')?.0;
    page.join(target).ok().filter(|next| next.origin() == page.origin())
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    lfs: Option<LargeFile>,
}

#[derive(Debug, Deserialize)]
struct LargeFile {
    #[serde(alias = "sha256")]
    oid: String,
    size: u64,
}

impl From<Entry> for HubFile {
    fn from(entry: Entry) -> Self {
        let sha256 =
            entry.lfs.as_ref().map(|large| large.oid.trim_start_matches("sha256:").to_ascii_lowercase());
        Self {
            path: entry.path,
            size: entry.lfs.map_or(entry.size, |large| large.size),
            sha256: sha256.filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_followed_on_the_same_host_only() {
        let page: Url = "https://hub.example/api/models/a/b/tree/main?recursive=true".parse().unwrap();
        let next = next_page(Some("<https://hub.example/api/x?cursor=2>; rel=\"next\""), &page).unwrap();
        assert_eq!(next.as_str(), "https://hub.example/api/x?cursor=2");
        assert_eq!(next_page(Some("<https://evil.example/x>; rel=\"next\""), &page), None);
        assert_eq!(next_page(Some("<https://hub.example/x>; rel=\"prev\""), &page), None);
        assert_eq!(next_page(None, &page), None);
    }
}
