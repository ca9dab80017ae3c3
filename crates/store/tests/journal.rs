//! Usage records on this machine's disk: whatever happens to the process or the disk, what was acknowledged is there, and
//! nothing else.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use gateway::{Journal, JournalError, JournalSerial, UsageLog, UsageQuery, UsageRecord, replay};
use ledger::{LedgerStore, MoneyUse, Settlement, TopUp};
use store::{FileJournal, JournalSettings, OpenJournalError, Store};
use tempfile::TempDir;
use testkit::contract::usage;
use vocab::{AccountId, KeyId, NanoUsd};

fn record() -> UsageRecord {
    usage::record(AccountId::generate(), KeyId::generate(), "glm-4.7", 1_790_000_000_000)
}

async fn open(folder: &Path) -> FileJournal {
    FileJournal::open(folder, JournalSettings::default()).await.unwrap()
}

/// Everything that is there, in order.
async fn read(journal: &FileJournal) -> Vec<UsageRecord> {
    let found = journal.journal_oldest(usize::MAX).await.unwrap();
    found.map(|found| found.records).unwrap_or_default()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = names.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_was_appended_is_there_after_a_restart_until_it_is_forgotten() {
    let folder = TempDir::new().unwrap();
    let groups = [vec![record()], vec![record(), record()], vec![record()]];
    let journal = open(folder.path()).await;
    for group in &groups {
        journal.journal_append(group).await.unwrap();
    }
    drop(journal);

    let journal = open(folder.path()).await;
    assert_eq!(read(&journal).await, groups.concat());
    let oldest = journal.journal_oldest(3).await.unwrap().unwrap();
    assert_eq!(oldest.records, groups[..2].concat(), "as many whole groups as fit");
    let first = journal.journal_oldest(0).await.unwrap().unwrap();
    assert_eq!(first.records, groups[0], "at least one");
    journal.journal_forget(oldest.upto).await.unwrap();
    assert_eq!(read(&journal).await, groups[2]);

    let later = vec![record()];
    let last = journal.journal_append(&later).await.unwrap();
    assert_eq!(read(&journal).await, [groups[2].clone(), later].concat());
    journal.journal_forget(last).await.unwrap();
    assert_eq!(journal.journal_oldest(1).await.unwrap(), None);
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new(), "nothing is left lying about");
}

/// A crash, or a power failure, at any moment of an append.
#[tokio::test]
async fn a_file_that_ends_anywhere_has_the_groups_before_that_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let groups = [vec![record()], vec![record(), record()]];
    let journal = open(folder.path()).await;
    let mut ends = Vec::new();
    for group in &groups {
        journal.journal_append(group).await.unwrap();
        ends.push(usize::try_from(fs::metadata(&files(folder.path())[0]).unwrap().len()).unwrap());
    }
    let bytes = fs::read(&files(folder.path())[0]).unwrap();

    let torn = TempDir::new().unwrap();
    let name = torn.path().join(files(folder.path())[0].file_name().unwrap());
    for cut in 0..=bytes.len() {
        fs::write(&name, &bytes[..cut]).unwrap();
        let journal = open(torn.path()).await;
        let whole = groups[..ends.iter().filter(|end| **end <= cut).count()].concat();
        assert_eq!(read(&journal).await, whole, "cut at {cut} of {}", bytes.len());
        if cut % 61 == 0 {
            let next = record();
            journal.journal_append(std::slice::from_ref(&next)).await.unwrap();
            drop(journal);
            let journal = open(torn.path()).await;
            assert_eq!(read(&journal).await, [whole, vec![next]].concat(), "after a cut at {cut}");
            journal.journal_forget(JournalSerial(u64::MAX)).await.unwrap();
        }
    }
}

/// A bad spot on the disk costs the group that it is in.
#[tokio::test]
async fn a_damaged_group_is_not_taken_for_another() {
    let folder = TempDir::new().unwrap();
    let groups = [vec![record()], vec![record()]];
    let journal = open(folder.path()).await;
    for group in &groups {
        journal.journal_append(group).await.unwrap();
    }
    let file = files(folder.path()).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[30] ^= 4;
    fs::write(&file, bytes).unwrap();
    assert!(matches!(journal.journal_oldest(1).await, Err(JournalError::Failed(_))));
    drop(journal);
    assert_eq!(read(&open(folder.path()).await).await, groups[1]);
}

#[tokio::test]
async fn two_nodes_do_not_share_a_journal() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path()).await;
    let Err(refusal) = FileJournal::open(folder.path(), JournalSettings::default()).await else {
        panic!("the second node got in");
    };
    assert!(matches!(refusal, OpenJournalError::InUse { .. }), "{refusal}");
    drop(journal);
    open(folder.path()).await;
}

#[tokio::test]
async fn a_journal_has_its_size_and_no_more() {
    let folder = TempDir::new().unwrap();
    let settings = JournalSettings { bytes_max: 20_000, file_bytes: 5_000 };
    let journal = FileJournal::open(folder.path(), settings).await.unwrap();
    let mut serials = Vec::new();
    let refusal = loop {
        match journal.journal_append(&[record(), record()]).await {
            Ok(serial) => serials.push(serial),
            Err(error) => break error,
        }
    };
    assert!(matches!(refusal, JournalError::Full), "{refusal}");
    let sizes = files(folder.path()).iter().map(|file| fs::metadata(file).unwrap().len()).collect::<Vec<_>>();
    assert!(sizes.iter().sum::<u64>() <= 20_000 && sizes.len() >= 3, "{sizes:?}");

    journal.journal_forget(serials[serials.len() / 2]).await.unwrap();
    assert!(files(folder.path()).len() < sizes.len(), "files of forgotten groups go");
    journal.journal_append(&[record()]).await.unwrap();
    let left = 2 * (serials.len() - serials.len() / 2 - 1) + 1;
    assert_eq!(read(&journal).await.len(), left);
}

/// A disk that is full or gone for a while: nothing is acknowledged meanwhile, and what was before stays.
#[tokio::test]
async fn an_append_that_fails_leaves_the_rest_as_it_was() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("journal");
    let journal = open(&place).await;
    let elsewhere = folder.path().join("unplugged");
    fs::rename(&place, &elsewhere).unwrap();
    assert!(matches!(journal.journal_append(&[record()]).await, Err(JournalError::Failed(_))));
    fs::rename(&elsewhere, &place).unwrap();

    let kept = record();
    journal.journal_append(std::slice::from_ref(&kept)).await.unwrap();
    assert_eq!(read(&journal).await, [kept]);
}

/// After going back to an older version of the program: what it cannot read it must not throw away.
#[tokio::test]
async fn a_file_of_another_version_stops_the_start_and_stays() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("00000000000000000007.usage");
    fs::write(&file, b"azjrnl9\nwhatever this is").unwrap();
    let Err(refusal) = FileJournal::open(folder.path(), JournalSettings::default()).await else {
        panic!("it was opened");
    };
    assert!(matches!(refusal, OpenJournalError::Unreadable { .. }), "{refusal}");
    assert!(file.exists());
}

/// The group was written, and the node died before it heard so.
#[tokio::test]
async fn what_is_in_the_log_already_is_charged_once() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("azimuth.db")).await.unwrap();
    let records: Vec<UsageRecord> = (0..3).map(|_| costly(7)).collect();
    for record in &records {
        let (account, amount) = (record.account, NanoUsd(100));
        let top_up = TopUp { reference: record.request.to_string(), account, amount, at: record.started };
        store.top_up(&top_up).await.unwrap();
    }
    let journal = open(&folder.path().join("journal")).await;
    for record in &records {
        journal.journal_append(std::slice::from_ref(record)).await.unwrap();
    }
    store.usage_append(&records[..2]).await.unwrap();

    assert_eq!(replay(&journal, &store).await.unwrap(), 3);
    assert_eq!(replay(&journal, &store).await.unwrap(), 0);
    assert_eq!(store.usage_list(&UsageQuery::default(), 10).await.unwrap().len(), 3);
    for record in &records {
        assert_eq!(store.funds(record.account, record.started).await.unwrap().cash, NanoUsd(93));
    }
    assert!(store.verify().await.unwrap().is_clean());
}

fn costly(cost: i64) -> UsageRecord {
    let record = record();
    let money = MoneyUse { hold: None, cost: NanoUsd(cost), price_version: 1 };
    let settlement = Settlement {
        request: record.request.clone(),
        account: record.account,
        at: record.started,
        money: Some(money),
        quota: None,
    };
    UsageRecord { settlement: Some(settlement), ..record }
}
