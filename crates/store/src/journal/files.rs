//! The files of a journal.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use gateway::{JournalError, JournalSerial};

use super::{JournalSettings, OpenJournalError, failed, frame, parse, sync_folder};

/// How every file begins; the digit is the version of what follows.
const MAGIC: &[u8; 8] = b"azjrnl1\n";
const SUFFIX: &str = ".usage";
const LOCK: &str = "lock";

pub(super) struct Files {
    folder: PathBuf,
    settings: JournalSettings,
    /// Oldest first. None is without groups, unless it could not be deleted.
    all: VecDeque<Segment>,
    /// The newest of them, if it takes more.
    open: Option<File>,
    next: u64,
    /// Locked while this lives, and no longer: not after a crash either.
    _lock: File,
}

/// One file. Its name is the serial that its first group had when it was written.
struct Segment {
    path: PathBuf,
    bytes: u64,
    groups: VecDeque<Group>,
}

struct Group {
    serial: JournalSerial,
    frame: Range<u64>,
    records: usize,
}

/// Groups as they were appended.
pub(super) struct Payloads {
    pub(super) groups: Vec<Vec<u8>>,
    pub(super) upto: JournalSerial,
}

impl Files {
    pub(super) fn open(folder: PathBuf, settings: JournalSettings) -> Result<Self, OpenJournalError> {
        let unusable = |source| OpenJournalError::File { path: folder.clone(), source };
        make_folder(&folder).map_err(unusable)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(LOCK))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenJournalError::InUse { folder }),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unusable)? {
            names.extend(serial_in(&entry.map_err(unusable)?.path()));
        }
        names.sort_unstable();

        let mut files =
            Self { folder: folder.clone(), settings, all: VecDeque::new(), open: None, next: 1, _lock: lock };
        for name in names {
            let path = files.path(name);
            // A file whose end was not certain may hold a group more than the name of the next one says.
            let first = files.next.max(name);
            let segment = Segment::read(&path, first)?;
            if segment.groups.is_empty() {
                fs::remove_file(&path).map_err(|source| OpenJournalError::File { path, source })?;
                continue;
            }
            files.next = first + u64::try_from(segment.groups.len()).unwrap_or(u64::MAX);
            files.all.push_back(segment);
        }
        Ok(files)
    }

    /// Adds a group. If that fails, nothing is added to this file any more: what became of it on the disk is not known.
    pub(super) fn append(&mut self, payload: &[u8], records: usize) -> Result<JournalSerial, JournalError> {
        let frame = frame::encode(payload).ok_or(JournalError::Full)?;
        let bytes = frame.len() as u64;
        let taken: u64 = self.all.iter().map(|segment| segment.bytes).sum();
        if taken.saturating_add(bytes) > self.settings.bytes_max {
            return Err(JournalError::Full);
        }
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.begin().map_err(failed)?,
        };
        let serial = JournalSerial(self.next);
        let Some(segment) = self.all.back_mut() else { return Err(failed(io::Error::other("no file"))) };
        if let Err(error) = file.write_all(&frame).and_then(|()| file.sync_data()) {
            self.give_up(&file);
            return Err(failed(error));
        }
        let end = segment.bytes + bytes;
        segment.groups.push_back(Group { serial, frame: segment.bytes..end, records });
        segment.bytes = end;
        self.next += 1;
        self.open = (end < self.settings.file_bytes).then_some(file);
        Ok(serial)
    }

    pub(super) fn oldest(&mut self, records_max: usize) -> Result<Option<Payloads>, JournalError> {
        let (mut found, mut count): (Option<Payloads>, _) = (None, 0);
        for segment in &self.all {
            let mut file = File::open(&segment.path).map_err(failed)?;
            for group in &segment.groups {
                count += group.records;
                if count > records_max && found.is_some() {
                    return Ok(found);
                }
                let payload = read_frame(&mut file, &group.frame).map_err(failed)?;
                let found = found.get_or_insert(Payloads { groups: Vec::new(), upto: group.serial });
                found.groups.push(payload);
                found.upto = group.serial;
            }
        }
        Ok(found)
    }

    pub(super) fn forget(&mut self, upto: JournalSerial) -> Result<(), JournalError> {
        while let Some(segment) = self.all.front_mut() {
            while segment.groups.front().is_some_and(|group| group.serial <= upto) {
                segment.groups.pop_front();
            }
            if !segment.groups.is_empty() {
                return Ok(());
            }
            if self.all.len() == 1 {
                self.open = None;
            }
            self.drop_first().map_err(failed)?;
        }
        Ok(())
    }

    fn drop_first(&mut self) -> io::Result<()> {
        let Some(segment) = self.all.front() else { return Ok(()) };
        match fs::remove_file(&segment.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => {
                self.all.pop_front();
                Ok(())
            }
        }
    }

    /// Begins a file for the next group.
    fn begin(&mut self) -> io::Result<File> {
        let path = self.path(self.next);
        let mut options = OpenOptions::new();
        // It may be there, with an append in it that failed.
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        if let Err(error) = file.write_all(MAGIC).and_then(|()| sync_folder(&self.folder)) {
            // Without a group it means nothing to the next start.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        self.all.push_back(Segment { path, bytes: MAGIC.len() as u64, groups: VecDeque::new() });
        Ok(file)
    }

    /// After an append that failed: room for others is made where that is possible.
    fn give_up(&mut self, file: &File) {
        let Some(segment) = self.all.back() else { return };
        if segment.groups.is_empty() {
            let _ = fs::remove_file(&segment.path);
            self.all.pop_back();
        } else {
            // The next start would cut it off as well.
            let _ = file.set_len(segment.bytes);
        }
    }

    fn path(&self, first: u64) -> PathBuf {
        self.folder.join(format!("{first:020}{SUFFIX}"))
    }
}

impl Segment {
    /// Reads a file that an earlier process wrote, and cuts off what it did not finish.
    fn read(path: &Path, first: u64) -> Result<Self, OpenJournalError> {
        let unusable = |source| OpenJournalError::File { path: path.to_owned(), source };
        let unreadable = |source| OpenJournalError::Unreadable { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(unusable)?;
        let Some(body) = bytes.strip_prefix(MAGIC) else {
            let is_begun = MAGIC.starts_with(&bytes);
            return if is_begun { Ok(Self::empty(path)) } else { Err(unreadable(None)) };
        };
        let scanned = frame::scan(body);
        if scanned.damaged > 0 {
            tracing::error!(
                damaged = scanned.damaged,
                "`{}` is damaged: so many groups of usage records cannot be read",
                path.display()
            );
        }
        let mut segment = Self::empty(path);
        for (serial, frame) in (first..).zip(scanned.whole) {
            let records = parse(frame::decode(&body[frame.clone()]).unwrap_or_default())
                .map_err(|error| unreadable(Some(error)))?;
            let offset = |at: usize| (MAGIC.len() + at) as u64;
            segment.groups.push_back(Group {
                serial: JournalSerial(serial),
                frame: offset(frame.start)..offset(frame.end),
                records: records.len(),
            });
        }
        segment.bytes = (MAGIC.len() + scanned.end) as u64;
        if scanned.end < body.len() {
            tracing::info!(bytes = body.len() - scanned.end, "an append that was cut short is cut off");
            let file = OpenOptions::new().write(true).open(path).map_err(unusable)?;
            file.set_len(segment.bytes).and_then(|()| file.sync_all()).map_err(unusable)?;
        }
        Ok(segment)
    }

    fn empty(path: &Path) -> Self {
        Self { path: path.to_owned(), bytes: 0, groups: VecDeque::new() }
    }
}

fn read_frame(file: &mut File, frame: &Range<u64>) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(frame.start))?;
    let mut bytes = Vec::new();
    file.take(frame.end - frame.start).read_to_end(&mut bytes)?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a group has changed since it was written");
    frame::decode(&bytes).map(<[u8]>::to_vec).ok_or_else(damaged)
}

/// Only its owner may read it: records say who used what.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

fn serial_in(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Files {
        Files::open(folder.to_owned(), JournalSettings::default()).unwrap()
    }

    /// A group of no records that can be told from others by its length.
    fn group(number: usize) -> Vec<u8> {
        format!("[{}]", " ".repeat(number)).into_bytes()
    }

    fn append(files: &mut Files, number: usize) -> Result<JournalSerial, JournalError> {
        files.append(&group(number), 0)
    }

    fn all(files: &mut Files) -> Vec<Vec<u8>> {
        files.oldest(1).unwrap().map(|found| found.groups).unwrap_or_default()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn after_a_write_that_failed_the_next_goes_to_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path());
        append(&mut files, 1).unwrap();
        files.open = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        assert!(matches!(append(&mut files, 2), Err(JournalError::Failed(_))));
        append(&mut files, 3).unwrap();
        assert_eq!(all(&mut files), [group(1), group(3)]);
        assert_eq!(files.all.len(), 2);
    }

    /// The disk reported an error, and kept the group all the same: it is there twice, which the log does not mind, and no
    /// group is forgotten in place of another.
    #[test]
    fn a_group_that_was_given_up_and_is_there_all_the_same_does_not_hide_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut written = files(folder.path());
        append(&mut written, 1).unwrap();
        written.open = None;
        append(&mut written, 2).unwrap();
        let first = written.all[0].path.clone();
        drop(written);
        let mut file = OpenOptions::new().append(true).open(first).unwrap();
        file.write_all(&frame::encode(&group(2)).unwrap()).unwrap();

        let mut read = files(folder.path());
        assert_eq!(all(&mut read), [group(1), group(2), group(2)]);
        read.forget(JournalSerial(2)).unwrap();
        assert_eq!(all(&mut read), [group(2)]);
        let last = append(&mut read, 3).unwrap();
        assert_eq!(all(&mut read), [group(2), group(3)]);
        read.forget(last).unwrap();
        assert_eq!(all(&mut read), Vec::<Vec<u8>>::new());
    }
}
