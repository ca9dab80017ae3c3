use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use accounts::{Letter, MailError, Mailer};
use async_trait::async_trait;
use rand::RngExt;

use super::{Sender, message, unreachable};

/// Puts letters into a folder, each a file that mail programs open. For machines whose mail someone else carries.
pub struct FolderMailer {
    folder: PathBuf,
    sender: Sender,
}

impl FolderMailer {
    /// A mailer into `folder`, which is made if it is missing, readable by its owner only.
    pub fn new(folder: impl Into<PathBuf>, sender: Sender) -> io::Result<Self> {
        let folder = folder.into();
        make_private(&folder)?;
        Ok(Self { folder, sender })
    }
}

#[async_trait]
impl Mailer for FolderMailer {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = message(&self.sender, letter)?.formatted();
        let number: u128 = rand::rng().random();
        let path = self.folder.join(format!("{number:032x}.eml"));
        let written = tokio::task::spawn_blocking(move || write(&path, &message)).await;
        written.map_err(unreachable)?.map_err(unreachable)
    }
}

/// Whoever looks for files that end in `.eml` finds whole ones.
fn write(path: &Path, message: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("part");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(message)?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
