//! Reads the values of a GGUF header, within bounds.

use std::fs::{File, Metadata};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::gguf::ModelFileError;

const BUFFER_BYTES: usize = 256 << 10;
const ARRAY_DEPTH_MAX: u32 = 4;

/// Reads little-endian values and never past the end of the file.
pub(crate) struct Reader<'a> {
    path: &'a Path,
    input: BufReader<File>,
    /// Bytes that were not read yet.
    pub left: u64,
    file_bytes: u64,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `file`, which has `file_bytes` bytes.
    pub fn new(path: &'a Path, file: File, file_bytes: u64) -> Self {
        Self { path, input: BufReader::with_capacity(BUFFER_BYTES, file), left: file_bytes, file_bytes }
    }

    pub fn damaged(&self, problem: String) -> ModelFileError {
        ModelFileError::Damaged { path: self.path.to_owned(), problem }
    }

    fn take(&mut self, bytes: u64) -> Result<(), ModelFileError> {
        let needed = (self.file_bytes - self.left).saturating_add(bytes);
        self.left = self.left.checked_sub(bytes).ok_or_else(|| ModelFileError::Truncated {
            path: self.path.to_owned(),
            actual: self.file_bytes,
            needed,
        })?;
        Ok(())
    }

    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ModelFileError> {
        self.take(buffer.len() as u64)?;
        self.input
            .read_exact(buffer)
            .map_err(|source| ModelFileError::Unreadable { path: self.path.to_owned(), source })
    }

    fn skip(&mut self, bytes: u64) -> Result<(), ModelFileError> {
        self.take(bytes)?;
        // A length that passed `take` is at most the file's, which fits.
        let distance = i64::try_from(bytes).map_err(|_| self.damaged("a value is too long".into()))?;
        self.input
            .seek_relative(distance)
            .map_err(|source| ModelFileError::Unreadable { path: self.path.to_owned(), source })
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelFileError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub fn u32(&mut self) -> Result<u32, ModelFileError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, ModelFileError> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn text(&mut self, bytes_max: u64) -> Result<String, ModelFileError> {
        let length = self.u64()?;
        if length > bytes_max {
            // Longer than the file itself: cut short. Otherwise: nothing anyone would write.
            self.take(length)?;
            return Err(self.damaged(format!("a text of {length} bytes")));
        }
        self.take(length)?;
        self.left += length;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    #[expect(clippy::cast_precision_loss, reason = "no count in a header needs more than 53 bits")]
    pub fn number(&mut self, kind: u32) -> Result<f64, ModelFileError> {
        Ok(match kind {
            0 | 7 => f64::from(self.array::<1>()?[0]),
            1 => f64::from(i8::from_le_bytes(self.array()?)),
            2 => f64::from(u16::from_le_bytes(self.array()?)),
            3 => f64::from(i16::from_le_bytes(self.array()?)),
            4 => f64::from(self.u32()?),
            5 => f64::from(i32::from_le_bytes(self.array()?)),
            6 => f64::from(f32::from_le_bytes(self.array()?)),
            10 => self.u64()? as f64,
            11 => i64::from_le_bytes(self.array()?) as f64,
            12 => f64::from_le_bytes(self.array()?),
            _ => return Err(self.damaged(format!("a value has the unknown type {kind}"))),
        })
    }

    pub fn skip_array(&mut self, depth: u32) -> Result<u64, ModelFileError> {
        let kind = self.u32()?;
        let length = self.u64()?;
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                for _ in 0..length {
                    let bytes = self.u64()?;
                    self.skip(bytes)?;
                }
                return Ok(length);
            }
            9 if depth < ARRAY_DEPTH_MAX => {
                for _ in 0..length {
                    self.skip_array(depth + 1)?;
                }
                return Ok(length);
            }
            _ => return Err(self.damaged(format!("an array has the unknown type {kind}"))),
        };
        self.skip(length.saturating_mul(width))?;
        Ok(length)
    }

    /// A hash that changes when the file does: of its header, size and time of change.
    pub fn identity(
        mut self,
        header_bytes: u64,
        metadata: &Metadata,
    ) -> Result<blake3::Hash, ModelFileError> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.file_bytes.to_le_bytes());
        let changed =
            metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        hasher.update(&changed.as_nanos().to_le_bytes());
        self.input
            .seek(SeekFrom::Start(0))
            .and_then(|_| hasher.update_reader(self.input.take(header_bytes)).map(|_| ()))
            .map_err(|source| ModelFileError::Unreadable { path: self.path.to_owned(), source })?;
        Ok(hasher.finalize())
    }
}
