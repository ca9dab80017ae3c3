//! Reads the header of a GGUF file, so that llama.cpp, which aborts on some bad files, never sees one.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::architecture;
use crate::gguf_reader::Reader;
use crate::settings::Settings;
use crate::tensor_type::TensorType;

const MAGIC: &[u8; 4] = b"GGUF";
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;
/// Others are read over: a file may hold thousands of long ones.
const TEXTS_KEPT: [&str; 3] = ["general.architecture", "general.name", "tokenizer.chat_template"];
const KEY_BYTES_MAX: u64 = 64 << 10;
const TEXT_BYTES_MAX: u64 = 4 << 20;
const ENTRIES_MAX: u64 = 1 << 16;
const TENSORS_MAX: u64 = 1 << 20;
const DIMENSIONS_MAX: u32 = 4;
const SPLITS_MAX: u64 = 512;

/// What a GGUF file says of the model inside it, read without loading any weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelFile {
    /// Where it is. For a model in several files, the first of them.
    pub path: PathBuf,
    /// Bytes of all files of the model together.
    pub file_bytes: u64,
    /// Bytes of weights.
    pub weight_bytes: u64,
    /// llama.cpp's word for the kind of network: `glm4`, `glm4moe`, `glm-dsa`, …
    pub architecture: String,
    /// The author's name for the model.
    pub name: Option<String>,
    /// Numbers in all weights together.
    pub parameters: u64,
    /// The type most of the weights are stored in: `Q4_K`, `Q8_0`, `F32`, …
    pub quantisation: String,
    /// The longest context the model was made for.
    pub context_tokens: Option<u32>,
    /// Entries of the vocabulary.
    pub vocabulary: u64,
    /// The Jinja template that turns a conversation into a prompt.
    #[serde(skip)]
    pub chat_template: Option<String>,
    /// Whether there is one.
    pub has_chat_template: bool,
    /// The author's advice for the draw.
    pub sampling: SamplingAdvice,
    /// Layers, as far as the file says.
    #[serde(skip)]
    pub(crate) layers: u64,
    /// Numbers kept for each token and layer: keys and values of all heads.
    #[serde(skip)]
    pub(crate) kv_width: u64,
    /// Changes when the file does; names it in the disk cache.
    #[serde(skip)]
    pub(crate) identity: blake3::Hash,
}

/// The author's advice for the draw (`general.sampling.*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SamplingAdvice {
    /// Temperature.
    pub temperature: Option<f32>,
    /// Nucleus.
    pub top_p: Option<f32>,
    /// The number of best candidates drawn from.
    pub top_k: Option<i32>,
}

/// Why a file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// There is nothing at the path.
    #[error("there is no model file at `{}`", .0.display())]
    Missing(PathBuf),
    /// It could not be read.
    #[error("model file `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("`{}` is not a GGUF file", .0.display())]
    NotGguf(PathBuf),
    /// The format's version is not known.
    #[error("`{}` has GGUF version {version}; versions 2 and 3 can be read", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: u32,
    },
    /// It ends before its contents do, as after a broken download.
    #[error("`{}` is truncated: it has {actual} bytes and needs {needed}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes there are.
        actual: u64,
        /// Bytes there should be, as far as can be told.
        needed: u64,
    },
    /// The header contradicts itself or a limit.
    #[error("`{}` is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The network is of a kind that this build does not know.
    #[error("`{}` holds a `{architecture}` model, which this build does not know; it knows {}", path.display(), architecture::KNOWN.join(", "))]
    Architecture {
        /// The file.
        path: PathBuf,
        /// What it says.
        architecture: String,
    },
    /// It is a helper file, not a chat model.
    #[error("`{}` is {what}, which cannot chat on its own", path.display())]
    NotAChatModel {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A part of a model in several files is not there.
    #[error("part `{}` of the model is missing", .0.display())]
    MissingPart(PathBuf),
}

impl ModelFile {
    /// Reads and checks the header of the file at `path`, and that all of its weights are there.
    ///
    /// Blocks on the disk; reads the header only.
    pub fn inspect(path: &Path) -> Result<Self, ModelFileError> {
        let first = Header::read(path)?;
        let mut whole = first.describe(path)?;

        let splits = first.number("split.count").unwrap_or(1);
        if splits > SPLITS_MAX {
            return Err(first.damaged(path, format!("it claims to have {splits} parts")));
        }
        for part in 1..splits {
            let part_path = sibling(path, part, splits).ok_or_else(|| {
                first.damaged(path, "it is a part of a model but is not named like one".into())
            })?;
            if !part_path.is_file() {
                return Err(ModelFileError::MissingPart(part_path));
            }
            let header = Header::read(&part_path)?;
            whole.identity =
                blake3::hash(&[*whole.identity.as_bytes(), *header.identity.as_bytes()].concat());
            whole.file_bytes += header.file_bytes;
            whole.weight_bytes += header.weight_bytes;
            whole.parameters = whole.parameters.saturating_add(header.parameters);
        }
        Ok(whole)
    }

    /// Memory the model needs when it runs under `settings`, by estimate: weights, context, working room.
    pub fn memory_bytes(&self, settings: &Settings) -> u64 {
        let window = u64::from(self.window(settings));
        let context =
            settings.kv_type.bytes(window.saturating_mul(self.layers).saturating_mul(self.kv_width));
        let logits = u64::from(settings.slots).saturating_mul(self.vocabulary).saturating_mul(4);
        const WORKING_BYTES: u64 = 64 << 20;
        self.weight_bytes.saturating_add(context).saturating_add(logits).saturating_add(WORKING_BYTES)
    }

    /// The context window under `settings`.
    pub fn window(&self, settings: &Settings) -> u32 {
        settings.context_tokens.min(self.context_tokens.unwrap_or(u32::MAX)).max(1)
    }
}

/// `model-00001-of-00003.gguf` and its like.
fn sibling(first: &Path, part: u64, parts: u64) -> Option<PathBuf> {
    let name = first.file_name()?.to_str()?;
    let stem = name.strip_suffix(&format!("-00001-of-{parts:05}.gguf"))?;
    Some(first.with_file_name(format!("{stem}-{:05}-of-{parts:05}.gguf", part + 1)))
}

/// Everything of one file's header that anything here asks for.
struct Header {
    file_bytes: u64,
    weight_bytes: u64,
    parameters: u64,
    numbers: HashMap<String, f64>,
    texts: HashMap<String, String>,
    array_lengths: HashMap<String, u64>,
    bytes_by_type: HashMap<&'static str, u64>,
    identity: blake3::Hash,
}

impl Header {
    fn read(path: &Path) -> Result<Self, ModelFileError> {
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ModelFileError::Missing(path.to_owned()),
            _ => ModelFileError::Unreadable { path: path.to_owned(), source },
        };
        // Asked before opening, which would wait at a pipe.
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(ModelFileError::NotGguf(path.to_owned()));
        }
        let file = File::open(path).map_err(unreadable)?;
        let file_bytes = metadata.len();
        let mut reader = Reader::new(path, file, file_bytes);

        let mut magic = [0; 4];
        if file_bytes < 4 || reader.fill(&mut magic).is_err() || &magic != MAGIC {
            return Err(ModelFileError::NotGguf(path.to_owned()));
        }
        let version = reader.u32()?;
        if !VERSIONS.contains(&version) {
            return Err(ModelFileError::Version { path: path.to_owned(), version });
        }
        let tensors = reader.u64()?;
        let entries = reader.u64()?;
        if tensors > TENSORS_MAX || entries > ENTRIES_MAX {
            return Err(reader.damaged(format!("it claims {tensors} tensors and {entries} entries")));
        }

        let mut header = Self {
            file_bytes,
            weight_bytes: 0,
            parameters: 0,
            numbers: HashMap::new(),
            texts: HashMap::new(),
            array_lengths: HashMap::new(),
            bytes_by_type: HashMap::new(),
            identity: blake3::hash(&[]),
        };
        for _ in 0..entries {
            let key = reader.text(KEY_BYTES_MAX)?;
            header.read_value(&mut reader, key)?;
        }
        let mut data_end: u64 = 0;
        for _ in 0..tensors {
            data_end = data_end.max(header.read_tensor(&mut reader)?);
        }

        let alignment = header.number("general.alignment").unwrap_or(32);
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(reader.damaged(format!("its alignment is {alignment}")));
        }
        let header_bytes = file_bytes - reader.left;
        let data_start = header_bytes.next_multiple_of(alignment);
        let needed = data_start.saturating_add(data_end);
        if needed > file_bytes {
            return Err(ModelFileError::Truncated { path: path.to_owned(), actual: file_bytes, needed });
        }

        header.identity = reader.identity(header_bytes, &metadata)?;
        Ok(header)
    }

    fn read_value(&mut self, reader: &mut Reader<'_>, key: String) -> Result<(), ModelFileError> {
        let kind = reader.u32()?;
        match kind {
            8 => {
                let text = reader.text(TEXT_BYTES_MAX)?;
                if TEXTS_KEPT.contains(&key.as_str()) {
                    self.texts.insert(key, text);
                }
            }
            9 => {
                let length = reader.skip_array(0)?;
                self.array_lengths.insert(key, length);
            }
            _ => {
                let number = reader.number(kind)?;
                self.numbers.insert(key, number);
            }
        }
        Ok(())
    }

    /// Returns where the tensor ends, counted from the start of the data.
    fn read_tensor(&mut self, reader: &mut Reader<'_>) -> Result<u64, ModelFileError> {
        let name = reader.text(KEY_BYTES_MAX)?;
        let dimensions = reader.u32()?;
        if dimensions > DIMENSIONS_MAX {
            return Err(reader.damaged(format!("tensor `{name}` has {dimensions} dimensions")));
        }
        let mut values: u64 = 1;
        let mut row = 1;
        for axis in 0..dimensions {
            let length = reader.u64()?;
            if axis == 0 {
                row = length;
            }
            values = values
                .checked_mul(length)
                .ok_or_else(|| reader.damaged(format!("tensor `{name}` is larger than any file")))?;
        }
        let type_id = reader.u32()?;
        let offset = reader.u64()?;
        let kind = TensorType::from_id(type_id)
            .ok_or_else(|| reader.damaged(format!("tensor `{name}` has the unknown type {type_id}")))?;
        if row % kind.block != 0 {
            return Err(reader.damaged(format!("tensor `{name}` does not fill its blocks")));
        }
        let bytes = (values / kind.block)
            .checked_mul(kind.block_bytes)
            .ok_or_else(|| reader.damaged(format!("tensor `{name}` is larger than any file")))?;
        let end = offset
            .checked_add(bytes)
            .ok_or_else(|| reader.damaged(format!("tensor `{name}` lies beyond any file")))?;

        self.parameters = self.parameters.saturating_add(values);
        self.weight_bytes = self.weight_bytes.saturating_add(bytes);
        *self.bytes_by_type.entry(kind.name).or_default() += bytes;
        Ok(end)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, which is what a count needs"
    )]
    fn number(&self, key: &str) -> Option<u64> {
        self.numbers.get(key).map(|n| *n as u64)
    }

    fn damaged(&self, path: &Path, problem: String) -> ModelFileError {
        ModelFileError::Damaged { path: path.to_owned(), problem }
    }

    fn describe(&self, path: &Path) -> Result<ModelFile, ModelFileError> {
        let architecture = self
            .texts
            .get("general.architecture")
            .cloned()
            .ok_or_else(|| self.damaged(path, "it does not say what kind of network it holds".into()))?;
        if let Some(what) = architecture::helper(&architecture) {
            return Err(ModelFileError::NotAChatModel { path: path.to_owned(), what });
        }
        if !architecture::KNOWN.contains(&architecture.as_str()) {
            return Err(ModelFileError::Architecture { path: path.to_owned(), architecture });
        }
        let vocabulary = self.array_lengths.get("tokenizer.ggml.tokens").copied().unwrap_or(0);
        if vocabulary == 0 {
            return Err(self.damaged(path, "it has no vocabulary".into()));
        }

        let of = |key: &str| self.number(&format!("{architecture}.{key}"));
        let embedding = of("embedding_length").unwrap_or(0);
        let heads = of("attention.head_count").unwrap_or(1).max(1);
        let kv_heads = of("attention.head_count_kv").unwrap_or(heads);
        let key_length = of("attention.key_length").unwrap_or(embedding / heads);
        let value_length = of("attention.value_length").unwrap_or(embedding / heads);
        let advice = |key: &str| self.numbers.get(&format!("general.sampling.{key}")).copied();
        let quantisation = self.bytes_by_type.iter().max_by_key(|(name, bytes)| (**bytes, **name));
        let chat_template = self.texts.get("tokenizer.chat_template").cloned();

        #[expect(clippy::cast_possible_truncation, reason = "advice is short numbers")]
        Ok(ModelFile {
            path: path.to_owned(),
            file_bytes: self.file_bytes,
            weight_bytes: self.weight_bytes,
            name: self.texts.get("general.name").cloned(),
            parameters: self.parameters,
            quantisation: quantisation.map_or_else(String::new, |(name, _)| (*name).to_owned()),
            context_tokens: of("context_length").map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
            vocabulary,
            has_chat_template: chat_template.is_some(),
            chat_template,
            sampling: SamplingAdvice {
                temperature: advice("temp").map(|n| n as f32),
                top_p: advice("top_p").map(|n| n as f32),
                top_k: advice("top_k").map(|n| n as i32),
            },
            layers: of("block_count").unwrap_or(0),
            kv_width: kv_heads.saturating_mul(key_length.saturating_add(value_length)),
            identity: self.identity,
            architecture,
        })
    }
}
