use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use accounts::Seal;
use anyhow::{Context, bail};

/// The demo model that is part of the program, so that the first start needs no download.
const DEMO_MODEL: &[u8] = include_bytes!("../../../models/azimuth-demo.gguf");
const DEMO_MODEL_FILE: &str = "azimuth-demo.gguf";
const MASTER_KEY_BYTES: usize = 32;

/// The folder in which one installation keeps everything.
#[derive(Clone, Debug)]
pub(crate) struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// Opens the folder, which is made if it is not there and can only be read by its owner.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(root)
            .with_context(|| format!("the data folder {} cannot be made", root.display()))?;
        let folder = Self { root: root.to_owned() };
        only_for_owner(root, 0o700)?;
        fs::create_dir_all(folder.models())?;
        fs::create_dir_all(folder.cache())?;
        Ok(folder)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("azimuth.db")
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Where usage records wait for a database that is away.
    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// The demo model as a file; written again if this program carries another one.
    pub(crate) fn demo_model(&self) -> anyhow::Result<PathBuf> {
        let path = self.models().join(DEMO_MODEL_FILE);
        let is_current = fs::read(&path).is_ok_and(|bytes| bytes == DEMO_MODEL);
        if !is_current {
            write_whole(&path, DEMO_MODEL, 0o644)
                .with_context(|| format!("the demo model cannot be written to {}", path.display()))?;
        }
        Ok(path)
    }

    /// Where a model file named in the configuration is: as given, or among the downloaded ones.
    pub(crate) fn find_model(&self, file: &Path) -> PathBuf {
        let is_bare_name = file.components().count() == 1;
        if is_bare_name && !file.exists() { self.models().join(file) } else { file.to_owned() }
    }

    /// What seals the secrets of keys: from `AZIMUTH_MASTER_KEY`, or from a file made at the first start.
    ///
    /// Two processes that start at once agree on one key: the file is linked into place, which only one can do.
    pub(crate) fn seal(&self) -> anyhow::Result<Seal> {
        if let Ok(text) = std::env::var("AZIMUTH_MASTER_KEY") {
            return parse_master_key(&text).context("AZIMUTH_MASTER_KEY");
        }
        let path = self.root.join("master.key");
        if !path.exists() {
            let fresh = path.with_extension(format!("{}.new", std::process::id()));
            let key: [u8; MASTER_KEY_BYTES] = rand::random();
            write_whole(&fresh, hex::encode(key).as_bytes(), 0o600)?;
            let linked = fs::hard_link(&fresh, &path);
            fs::remove_file(&fresh)?;
            sync_folder_of(&path)?;
            if let Err(error) = linked
                && error.kind() != io::ErrorKind::AlreadyExists
            {
                return Err(error).with_context(|| format!("{} cannot be made", path.display()));
            }
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        parse_master_key(&text).with_context(|| path.display().to_string())
    }
}

fn parse_master_key(text: &str) -> anyhow::Result<Seal> {
    let Ok(bytes) = hex::decode(text.trim()) else {
        bail!("expected {} hexadecimal digits", 2 * MASTER_KEY_BYTES)
    };
    let Ok(key) = <[u8; MASTER_KEY_BYTES]>::try_from(bytes) else {
        bail!("expected {} hexadecimal digits", 2 * MASTER_KEY_BYTES)
    };
    Ok(Seal::from_bytes(&key))
}

/// Writes a file so that whoever opens `path` sees all of it or the old one, also after a crash.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let fresh = path.with_extension(format!("{}.part", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    sync_folder_of(path)
}

/// Makes the names in a file's folder survive a power failure: a file that is whole on the disk is lost without them.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| cfg!(unix) && !folder.as_os_str().is_empty()) {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn only_for_owner(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn only_for_owner(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
