//! A file that is not whole yet.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::error::PullError;

const READ_BYTES: usize = 1 << 20;

/// `NAME.part`, held by one pull at a time, and the hash of what it contains.
///
/// Disk and hash work runs on blocking threads; each step takes the file and gives it back.
pub(super) struct PartFile {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    len: u64,
}

impl PartFile {
    /// Opens or makes the part of the file at `path`, and hashes what an earlier pull left in it.
    pub async fn open(path: &Path, name: &str) -> Result<Self, PullError> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let name = name.to_owned();
        blocking(move || {
            let result = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part);
            let mut file = result.map_err(|source| PullError::file(&part, source))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(PullError::UnderWay(name)),
                Err(TryLockError::Error(source)) => return Err(PullError::file(&part, source)),
            }
            let (hasher, len) = hash(&mut file).map_err(|source| PullError::file(&part, source))?;
            Ok(Self { path: part, file, hasher, len })
        })
        .await
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether size and checksum are what the hub says.
    pub fn is_whole(&self, size: u64, sha256: Option<&str>) -> bool {
        let is_match = |expected| hex::encode(self.hasher.clone().finalize()) == expected;
        self.len == size && sha256.is_none_or(is_match)
    }

    /// Adds bytes at the end.
    pub async fn append(self, bytes: Bytes) -> Result<Self, PullError> {
        if bytes.is_empty() {
            return Ok(self);
        }
        self.step(move |part| {
            part.file.write_all(&bytes)?;
            part.hasher.update(&bytes);
            part.len += bytes.len() as u64;
            Ok(())
        })
        .await
    }

    /// Throws away what is there.
    pub async fn restart(self) -> Result<Self, PullError> {
        self.step(|part| {
            part.file.set_len(0)?;
            part.file.seek(SeekFrom::Start(0))?;
            part.hasher = Sha256::new();
            part.len = 0;
            Ok(())
        })
        .await
    }

    /// Gives the file its name, once it is safely on the disk.
    pub async fn keep_as(self, path: &Path) -> Result<(), PullError> {
        let path = path.to_owned();
        self.step(move |part| {
            part.file.sync_all()?;
            std::fs::rename(&part.path, &path)?;
            sync_folder_of(&path)
        })
        .await
        .map(drop)
    }

    /// Removes the file.
    pub async fn discard(self) -> Result<(), PullError> {
        self.step(|part| std::fs::remove_file(&part.path)).await.map(drop)
    }

    async fn step(
        mut self,
        work: impl FnOnce(&mut Self) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, PullError> {
        blocking(move || match work(&mut self) {
            Ok(()) => Ok(self),
            Err(source) => Err(PullError::file(&self.path, source)),
        })
        .await
    }
}

/// Whether the file at `path` is the one the hub means.
pub(super) async fn matches(path: &Path, size: u64, sha256: Option<&str>) -> Result<bool, PullError> {
    let path = path.to_owned();
    let sha256 = sha256.map(str::to_owned);
    blocking(move || {
        let check = || -> io::Result<bool> {
            let mut file = File::open(&path)?;
            if file.metadata()?.len() != size {
                return Ok(false);
            }
            let Some(expected) = sha256 else { return Ok(true) };
            let (hasher, _) = hash(&mut file)?;
            Ok(hex::encode(hasher.finalize()) == expected)
        };
        check().map_err(|source| PullError::file(&path, source))
    })
    .await
}

fn hash(file: &mut File) -> io::Result<(Sha256, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut len = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hasher, len));
        }
        hasher.update(&buffer[..count]);
        len += count as u64;
    }
}

/// Makes the new name itself durable. Only Unix lets a folder be synchronised.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PullError> + Send + 'static,
) -> Result<T, PullError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The task cannot be cancelled once it runs, so this is a panic of ours or the end of the runtime.
        Err(error) => Err(PullError::Hub(format!("the download was abandoned: {error}"))),
    }
}
