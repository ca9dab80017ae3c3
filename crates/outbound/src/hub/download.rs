//! Brings one file here, whole and checked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;
use reqwest::StatusCode;
use reqwest::header::CONTENT_RANGE;

use super::choice::ChosenFile;
use super::error::PullError;
use super::part_file::{PartFile, matches};
use super::web::{Web, final_refusal};
use super::{ModelReference, PullOptions};
use crate::client::causes;

/// So much is gathered before it is hashed and written, away from the threads that serve requests.
const WRITE_BYTES: usize = 1 << 20;

/// One file on its way.
pub(super) struct Download<'a> {
    pub web: &'a Web,
    pub reference: &'a ModelReference,
    pub options: &'a PullOptions,
    pub remote: &'a ChosenFile,
    pub dest_dir: &'a Path,
}

/// Why one attempt ended early.
enum Setback {
    /// Worth trying again.
    Passing(String),
    /// The hub's `Range` does not fit what is here: begin anew.
    StartOver,
    Final(PullError),
}

impl Download<'_> {
    /// Brings the file here and returns its path. Does nothing if it is here already.
    pub async fn run(&self, report: &mut (dyn FnMut(u64) + Send)) -> Result<PathBuf, PullError> {
        let path = self.dest_dir.join(&self.remote.name);
        if tokio::fs::try_exists(&path).await.map_err(|source| PullError::file(&path, source))? {
            if !matches(&path, self.remote.size, self.remote.sha256.as_deref()).await? {
                return Err(PullError::Occupied(path));
            }
            report(self.remote.size);
            return Ok(path);
        }

        let mut part = PartFile::open(&path, &self.remote.name).await?;
        for _ in 0..self.options.attempts_max.max(1) {
            part = self.fill(part, report).await?;
            if part.is_whole(self.remote.size, self.remote.sha256.as_deref()) {
                part.keep_as(&path).await?;
                return Ok(path);
            }
            part = part.restart().await?;
        }
        part.discard().await?;
        Err(PullError::Corrupt { file: self.remote.name.clone(), attempts: self.options.attempts_max.max(1) })
    }

    /// Fetches until the part has its full size, taking up cut lines again.
    async fn fill(
        &self,
        mut part: PartFile,
        report: &mut (dyn FnMut(u64) + Send),
    ) -> Result<PartFile, PullError> {
        let mut failures = 0;
        let mut pause = self.options.pause;
        report(part.len());
        while part.len() != self.remote.size {
            if part.len() > self.remote.size {
                part = part.restart().await?;
            }
            let before = part.len();
            let (after, result) = self.attempt(part, report).await?;
            part = after;
            let reason = match result {
                Ok(()) if part.len() == self.remote.size => break,
                Ok(()) => "the line was cut".to_owned(),
                Err(Setback::Passing(reason)) => reason,
                Err(Setback::Final(error)) => return Err(error),
                Err(Setback::StartOver) => {
                    part = part.restart().await?;
                    "the hub does not continue where we stopped".to_owned()
                }
            };
            if part.len() > before {
                (failures, pause) = (0, self.options.pause);
            }
            failures += 1;
            if failures >= self.options.attempts_max.max(1) {
                return Err(PullError::Broken { file: self.remote.name.clone(), attempts: failures, reason });
            }
            tracing::info!(model.file = %self.remote.name, bytes = part.len(), "fetching `{}` goes on after: {reason}", self.remote.name);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.options.pause_max.max(Duration::from_millis(1)));
        }
        Ok(part)
    }

    /// One request. Whatever has come when it ends is in the part; only the disk's own errors are fatal here.
    async fn attempt(
        &self,
        mut part: PartFile,
        report: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(PartFile, Result<(), Setback>), PullError> {
        let response = match self.open(part.len()).await {
            Ok(response) => response,
            Err(setback) => return Ok((part, Err(setback))),
        };
        if response.status() == StatusCode::OK && part.len() > 0 {
            // `Range` was ignored: this is the whole file.
            part = part.restart().await?;
        }

        let mut pieces = response.bytes_stream();
        let mut gathered = BytesMut::with_capacity(WRITE_BYTES);
        let mut result = Ok(());
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => gathered.extend_from_slice(&piece),
                Err(error) => {
                    result = Err(Setback::Passing(causes(error)));
                    break;
                }
            }
            if part.len() + gathered.len() as u64 > self.remote.size {
                result = Err(Setback::StartOver);
                break;
            }
            if gathered.len() >= WRITE_BYTES {
                part = part.append(gathered.split().freeze()).await?;
                report(part.len());
            }
        }
        part = part.append(gathered.freeze()).await?;
        report(part.len());
        Ok((part, result))
    }

    async fn open(&self, from: u64) -> Result<reqwest::Response, Setback> {
        let (organisation, name) = self.reference.repository().split_once('/').unwrap_or_default();
        let head = [organisation, name, "resolve", &self.options.revision];
        let url =
            self.web.url(head.into_iter().chain(self.remote.path.split('/'))).map_err(Setback::Final)?;
        let response = self.web.get(url, from).await.map_err(Setback::Passing)?;

        let status = response.status();
        match status.as_u16() {
            200 => Ok(response),
            206 if continues_at(&response, from) => Ok(response),
            206 | 416 => Err(Setback::StartOver),
            refused => Err(match final_refusal(refused, self.reference, &self.options.revision) {
                Some(error) => Setback::Final(error),
                None => Setback::Passing(format!("status {refused}")),
            }),
        }
    }
}

/// `Content-Range: bytes FROM-…`.
fn continues_at(response: &reqwest::Response, from: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let start =
        range.and_then(|range| range.trim().strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok());
    start == Some(from)
}
