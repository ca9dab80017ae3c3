//! The tier of the context cache that survives a restart: one state file and one small index file for each
//! conversation, in a folder that all models share.

mod index;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{debug, warn};
use vocab::Timestamp;

use crate::prefix::{Owner, Reuse, Token, shared_prefix};
use crate::settings::DiskCacheSettings;
use index::{Entry, IndexHeader, checksum, entry_name, restrict};

const ENTRIES_MAX: usize = 4_096;

/// What a state file depends on besides its tokens: the model file, the engine's build, how values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(pub [u8; 32]);

/// The folder and what is known of its contents.
#[derive(Debug)]
pub(crate) struct DiskCache {
    settings: DiskCacheSettings,
    ttl: Duration,
    entries: Mutex<Vec<Entry>>,
    /// Files being written have a number: two models in memory may be of one file, and write the same entry.
    writes: AtomicU64,
}

/// A state file that a prompt can begin from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DiskHit {
    pub name: String,
    pub path: PathBuf,
    /// How many first tokens are shared.
    pub shared: usize,
    /// How many tokens the file holds.
    pub held: usize,
}

impl DiskCache {
    /// Opens the folder, reads its index files, and clears away what is broken or too old.
    pub fn open(settings: DiskCacheSettings, ttl: Duration, now: Timestamp) -> io::Result<Self> {
        fs::create_dir_all(&settings.folder)?;
        restrict(&settings.folder, 0o700)?;
        let cache = Self { settings, ttl, entries: Mutex::default(), writes: AtomicU64::new(0) };

        let mut known = Vec::new();
        for file in fs::read_dir(&cache.settings.folder)?.flatten() {
            let path = file.path();
            if path.extension().is_some_and(|e| e == "idx") {
                match Entry::read(&path, ttl, now) {
                    Ok(entry) => known.push(entry),
                    Err(reason) => {
                        debug!(%reason, "a context cache entry was cleared away");
                        cache.delete_files(path.file_stem().and_then(|s| s.to_str()).unwrap_or_default());
                    }
                }
            }
        }
        let states: HashSet<PathBuf> = known.iter().map(|e| cache.state_path(&e.name)).collect();
        for file in fs::read_dir(&cache.settings.folder)?.flatten() {
            let path = file.path();
            let is_ours = path.extension().is_some_and(|e| e == "kv" || e == "tmp");
            if is_ours && !states.contains(&path) {
                let _ = fs::remove_file(&path);
            }
        }
        *cache.lock() = known;
        cache.shrink();
        Ok(cache)
    }

    /// Conversations shorter than this are not worth a file.
    pub fn min_tokens(&self) -> usize {
        self.settings.min_tokens as usize
    }

    /// The entry of `owner` that shares most with `prompt`, if it shares more than `more_than` tokens.
    pub fn find(
        &self,
        fingerprint: Fingerprint,
        owner: Owner,
        prompt: &[Token],
        more_than: usize,
        reuse: Reuse,
        now: Timestamp,
    ) -> Option<DiskHit> {
        self.expire(now);
        let usable = &prompt[..prompt.len().saturating_sub(1)];
        let entries = self.lock();
        let mine =
            entries.iter().filter(|e| e.header.fingerprint == fingerprint.0 && e.header.owner == owner.0);
        mine.map(|e| (reuse.usable(shared_prefix(&e.tokens, usable), e.tokens.len()), e))
            .filter(|(shared, _)| *shared > more_than)
            .max_by_key(|(shared, _)| *shared)
            .map(|(shared, e)| DiskHit {
                name: e.name.clone(),
                path: self.state_path(&e.name),
                shared,
                held: e.tokens.len(),
            })
    }

    /// Whether the state file is as it was written. Reads it whole. An entry that is not is deleted.
    pub fn verify(&self, name: &str) -> bool {
        let expected = self.lock().iter().find(|e| e.name == name).map(|e| e.header.checksum.clone());
        let is_whole =
            expected.is_some_and(|sum| checksum(&self.state_path(name)).is_ok_and(|found| found == sum));
        if !is_whole {
            warn!("a context cache file was damaged and has been deleted");
            self.remove(name);
        }
        is_whole
    }

    /// Notes that an entry was used.
    pub fn touch(&self, name: &str, now: Timestamp) {
        let mut entries = self.lock();
        if let Some(entry) = entries.iter_mut().find(|e| e.name == name) {
            entry.header.used = now;
            if let Err(error) = entry.write(&self.settings.folder, self.next_write()) {
                debug!(%error, "a context cache index file could not be written");
            }
        }
    }

    /// Forgets an entry and deletes its files.
    pub fn remove(&self, name: &str) {
        self.lock().retain(|e| e.name != name);
        self.delete_files(name);
    }

    /// Keeps a conversation: `write` makes the state file at the path it is given.
    pub fn save(
        &self,
        fingerprint: Fingerprint,
        owner: Owner,
        tokens: &[Token],
        now: Timestamp,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        let is_mine = |e: &Entry| e.header.fingerprint == fingerprint.0 && e.header.owner == owner.0;
        let covering =
            self.lock().iter().find(|e| is_mine(e) && e.tokens.starts_with(tokens)).map(|e| e.name.clone());
        if let Some(name) = covering {
            self.touch(&name, now);
            return Ok(());
        }

        let name = entry_name(fingerprint, owner, tokens);
        let scratch = self.settings.folder.join(format!("{name}.{}.tmp", self.next_write()));
        let written = write(&scratch).and_then(|()| restrict(&scratch, 0o600)).and_then(|()| {
            let header = IndexHeader::of(fingerprint, owner, tokens, &scratch, now)?;
            fs::rename(&scratch, self.state_path(&name))?;
            let entry = Entry { name: name.clone(), header, tokens: tokens.to_vec() };
            entry.write(&self.settings.folder, self.next_write())?;
            Ok(entry)
        });
        let entry = match written {
            Ok(entry) => entry,
            Err(error) => {
                let _ = fs::remove_file(&scratch);
                self.delete_files(&name);
                return Err(error);
            }
        };

        // The beginnings of this conversation that were kept earlier are all in it.
        let mut replaced = Vec::new();
        {
            let mut entries = self.lock();
            entries.retain(|e| {
                let is_contained = is_mine(e) && tokens.starts_with(&e.tokens);
                if is_contained && e.name != name {
                    replaced.push(e.name.clone());
                }
                !is_contained
            });
            entries.push(entry);
        }
        for name in replaced {
            self.delete_files(&name);
        }
        self.shrink();
        Ok(())
    }

    fn expire(&self, now: Timestamp) {
        let mut old = Vec::new();
        self.lock().retain(|e| {
            let is_fresh = now.since(e.header.used) <= self.ttl;
            if !is_fresh {
                old.push(e.name.clone());
            }
            is_fresh
        });
        for name in old {
            self.delete_files(&name);
        }
    }

    /// Deletes the least recently used entries until the rest fits.
    fn shrink(&self) {
        let mut entries = self.lock();
        entries.sort_by_key(|e| std::cmp::Reverse(e.header.used));
        let mut bytes: u64 = 0;
        let mut kept = 0;
        for entry in entries.iter() {
            bytes =
                bytes.saturating_add(entry.header.state_bytes).saturating_add(entry.tokens.len() as u64 * 4);
            if bytes > self.settings.bytes_max || kept >= ENTRIES_MAX {
                break;
            }
            kept += 1;
        }
        for entry in entries.drain(kept..) {
            self.delete_files(&entry.name);
        }
    }

    fn delete_files(&self, name: &str) {
        let _ = fs::remove_file(self.settings.folder.join(format!("{name}.idx")));
        let _ = fs::remove_file(self.state_path(name));
    }

    fn next_write(&self) -> u64 {
        self.writes.fetch_add(1, Ordering::Relaxed)
    }

    fn state_path(&self, name: &str) -> PathBuf {
        self.settings.folder.join(format!("{name}.kv"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: Fingerprint = Fingerprint([7; 32]);
    const ANY: Reuse = Reuse::Blocks(1);
    const TTL: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn open(folder: &Path, bytes_max: u64, now: Timestamp) -> DiskCache {
        let settings = DiskCacheSettings { folder: folder.to_owned(), bytes_max, min_tokens: 1 };
        DiskCache::open(settings, TTL, now).unwrap()
    }

    fn save(cache: &DiskCache, owner: &str, tokens: &[Token], state_bytes: usize, now: Timestamp) {
        cache
            .save(MODEL, Owner::of(owner), tokens, now, |path| fs::write(path, vec![1; state_bytes]))
            .unwrap();
    }

    fn shared(cache: &DiskCache, owner: &str, prompt: &[Token], now: Timestamp) -> usize {
        cache.find(MODEL, Owner::of(owner), prompt, 0, ANY, now).map_or(0, |hit| hit.shared)
    }

    /// What was kept before a restart is found after it, by its owner and for its model only (CACHE-06).
    #[test]
    fn entries_survive_a_restart_and_belong_to_one_owner_and_model() {
        let folder = tempfile::tempdir().unwrap();
        save(&open(folder.path(), 1_000, at(0)), "a", &[1, 2, 3], 10, at(0));

        let reopened = open(folder.path(), 1_000, at(1));
        assert_eq!(shared(&reopened, "a", &[1, 2, 3, 4], at(1)), 3);
        assert_eq!(shared(&reopened, "b", &[1, 2, 3, 4], at(1)), 0);
        assert_eq!(reopened.find(Fingerprint([8; 32]), Owner::of("a"), &[1, 2, 3, 4], 0, ANY, at(1)), None);
    }

    /// A file that was cut or changed is never used, and goes.
    #[test]
    fn damaged_files_are_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path(), 1_000, at(0));
        save(&cache, "a", &[1, 2, 3], 10, at(0));
        save(&cache, "a", &[4, 5, 6], 10, at(0));
        let cut = cache.find(MODEL, Owner::of("a"), &[1, 2, 3, 4], 0, ANY, at(0)).unwrap();
        fs::write(&cut.path, [1; 4]).unwrap();
        let flipped = cache.find(MODEL, Owner::of("a"), &[4, 5, 6, 7], 0, ANY, at(0)).unwrap();
        fs::write(&flipped.path, [2; 10]).unwrap();
        fs::write(folder.path().join("nonsense.idx"), b"{").unwrap();
        fs::write(folder.path().join("orphan.kv"), b"x").unwrap();

        let reopened = open(folder.path(), 1_000, at(0));
        assert_eq!(shared(&reopened, "a", &[1, 2, 3, 4], at(0)), 0);
        assert!(!reopened.verify(&flipped.name));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// The folder stays within its limit; what was used last stays.
    #[test]
    fn the_least_recently_used_entry_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path(), 250, at(0));
        save(&cache, "a", &[1, 1], 100, at(1));
        save(&cache, "a", &[2, 2], 100, at(2));
        let first = cache.find(MODEL, Owner::of("a"), &[1, 1, 0], 0, ANY, at(3)).unwrap();
        cache.touch(&first.name, at(3));
        save(&cache, "a", &[3, 3], 100, at(4));

        assert_eq!(shared(&cache, "a", &[1, 1, 0], at(5)), 2);
        assert_eq!(shared(&cache, "a", &[2, 2, 0], at(5)), 0);
        assert_eq!(shared(&cache, "a", &[3, 3, 0], at(5)), 2);
    }

    /// CACHE-05: an entry older than the setting is gone.
    #[test]
    fn entries_expire() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path(), 1_000, at(0));
        save(&cache, "a", &[1, 2], 10, at(0));
        assert_eq!(shared(&cache, "a", &[1, 2, 3], at(60)), 2);
        assert_eq!(shared(&cache, "a", &[1, 2, 3], at(61)), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// A conversation that goes on takes one file, not one for each turn.
    #[test]
    fn a_longer_state_replaces_its_own_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path(), 1_000, at(0));
        save(&cache, "a", &[1, 2], 10, at(0));
        save(&cache, "a", &[1, 2, 3, 4], 20, at(1));
        save(&cache, "a", &[1, 2, 3], 15, at(2));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(shared(&cache, "a", &[1, 2, 3, 4, 5], at(3)), 4);
    }
}
