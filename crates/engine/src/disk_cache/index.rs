//! The small file beside each state file that says what is in it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vocab::Timestamp;

use super::Fingerprint;
use crate::prefix::{Owner, Token};

const FORMAT: u32 = 1;
const INDEX_BYTES_MAX: u64 = 64 << 20;

/// One kept conversation.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    pub header: IndexHeader,
    pub tokens: Vec<Token>,
}

/// The first line of an index file; the tokens follow it, four bytes each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct IndexHeader {
    format: u32,
    pub fingerprint: [u8; 32],
    pub owner: [u8; 32],
    tokens: u64,
    pub state_bytes: u64,
    /// Of the state file: a flipped bit must not become a wrong answer.
    pub checksum: String,
    pub used: Timestamp,
}

impl IndexHeader {
    /// Describes the state file at `state`.
    pub fn of(
        fingerprint: Fingerprint,
        owner: Owner,
        tokens: &[Token],
        state: &Path,
        used: Timestamp,
    ) -> io::Result<Self> {
        Ok(Self {
            format: FORMAT,
            fingerprint: fingerprint.0,
            owner: owner.0,
            tokens: tokens.len() as u64,
            state_bytes: fs::metadata(state)?.len(),
            checksum: checksum(state)?,
            used,
        })
    }
}

impl Entry {
    /// Reads the index file at `path`. The error says why it is of no use.
    pub fn read(path: &Path, ttl: Duration, now: Timestamp) -> Result<Self, String> {
        let name = path.file_stem().and_then(|s| s.to_str()).ok_or("its name is not text")?.to_owned();
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| e.to_string())?;
        file.take(INDEX_BYTES_MAX).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        let line_end = bytes.iter().position(|b| *b == b'\n').ok_or("it has no header")?;
        let (line, rest) = (&bytes[..line_end], &bytes[line_end + 1..]);
        let header: IndexHeader = serde_json::from_slice(line).map_err(|e| e.to_string())?;
        if header.format != FORMAT {
            return Err("it is of another format".into());
        }
        if rest.len() as u64 != header.tokens.saturating_mul(4) {
            return Err("it is truncated".into());
        }
        let tokens: Vec<Token> = rest.as_chunks().0.iter().map(|four| Token::from_le_bytes(*four)).collect();
        if name != entry_name(Fingerprint(header.fingerprint), Owner(header.owner), &tokens) {
            return Err("its contents do not match its name".into());
        }
        let state_bytes = fs::metadata(path.with_extension("kv")).map_err(|e| e.to_string())?.len();
        if state_bytes != header.state_bytes {
            return Err("its state file has another size".into());
        }
        if now.since(header.used) > ttl {
            return Err("it is too old".into());
        }
        Ok(Self { name, header, tokens })
    }

    /// Writes the index file into `folder`, whole or not at all. `write` is a number of its own for each call.
    pub fn write(&self, folder: &Path, write: u64) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&self.header)?;
        bytes.push(b'\n');
        bytes.extend(self.tokens.iter().flat_map(|t| t.to_le_bytes()));
        let scratch = folder.join(format!("{}.idx.{write}.tmp", self.name));
        let mut file = File::create(&scratch)?;
        file.write_all(&bytes)?;
        drop(file);
        restrict(&scratch, 0o600)?;
        fs::rename(&scratch, folder.join(format!("{}.idx", self.name)))
    }
}

/// The name of both files, without extension.
pub(super) fn entry_name(fingerprint: Fingerprint, owner: Owner, tokens: &[Token]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&fingerprint.0);
    hasher.update(&owner.0);
    for token in tokens {
        hasher.update(&token.to_le_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

pub(super) fn checksum(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Lets nobody else read what people wrote.
#[cfg(unix)]
pub(super) fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
