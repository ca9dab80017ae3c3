use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::{
    AccountState, AccountStore, Agreement, By, ConsentSubject, DataPage, DataRights, DataRightsSettings,
    DeletionError, DeletionEvent, DeletionState, Document, ExportError, Keys, LoginError, Membership,
    PersonalData, PersonalDataError, Proof, Retention, RetentionDays, Role, Seal, Section, SignedIn, Subject,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use testkit::contract;
use vocab::{Clock, Secret, Timestamp};

use crate::house::{House, PASSWORD, source, wish};

/// Another store, with two pages about everyone.
#[derive(Default)]
struct Notes {
    erased: Mutex<Vec<Subject>>,
    is_down: Mutex<bool>,
    name: Option<&'static str>,
}

#[async_trait]
impl PersonalData for Notes {
    fn section(&self) -> Section {
        Section { name: "notes", source: "you", purpose: "testing", receivers: "nobody" }
    }

    async fn data_page(
        &self,
        subject: &Subject,
        cursor: Option<&str>,
    ) -> Result<DataPage, PersonalDataError> {
        let name = self.name.unwrap_or(if cursor.is_some() { "second" } else { "first" });
        let content = json!({"person": subject.person, "accounts": subject.accounts});
        let next = cursor.is_none().then(|| "on".to_owned());
        Ok(DataPage { documents: vec![Document { name: name.to_owned(), content }], next })
    }

    async fn data_erase(&self, subject: &Subject, _at: Timestamp) -> Result<(), PersonalDataError> {
        if *self.is_down.lock().unwrap() {
            return Err(PersonalDataError { section: "notes", source: "down".into() });
        }
        self.erased.lock().unwrap().push(subject.clone());
        Ok(())
    }
}

fn rights(house: &House, notes: &Arc<Notes>, settings: DataRightsSettings) -> DataRights {
    DataRights::new(house.people.clone(), house.store.clone(), house.accounts.clone(), settings)
        .with(notes.clone())
}

async fn export(rights: &DataRights, me: &SignedIn) -> Result<BTreeMap<String, Value>, ExportError> {
    let password = Secret::new(PASSWORD);
    let mut bytes = Cursor::new(Vec::new());
    let exported = rights.export(me, &Proof::Password(&password), &mut bytes, source()).await?;
    let mut archive = zip::ZipArchive::new(bytes).unwrap();
    assert_eq!(exported.documents, archive.len() as u64);
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let name = file.name().unwrap().into_owned();
        files.insert(name, serde_json::from_str(&text).unwrap());
    }
    Ok(files)
}

/// DATA-01, DATA-02: a copy with a section for everything, its sources, purposes and receivers; keys are masked.
#[tokio::test]
async fn someone_takes_a_copy_of_everything_with_them() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let own = house.organisations.list(me.person.id, None, 10).await.unwrap()[0].account.clone();
    let keys = Keys::new(house.accounts.clone(), Seal::generate().0, house.clock.clone());
    let (key, text) = keys.create(own.id, "laptop", None).await.unwrap();
    let notes = Arc::new(Notes::default());
    let rights = rights(&house, &notes, DataRightsSettings::default());
    let agreement =
        Agreement { subject: ConsentSubject::Terms, version: "1".parse().unwrap(), is_given: true };
    rights.agree(me.person.id, &agreement).await.unwrap();

    let files = export(&rights, &me).await.unwrap();
    let sections = files["index.json"]["sections"].as_array().unwrap();
    assert_eq!(sections.len(), 2);
    for section in sections {
        for told in ["name", "source", "purpose", "receivers"] {
            assert!(section[told].as_str().is_some_and(|text| !text.is_empty()), "{section}");
        }
    }
    assert_eq!(files["account/person-1.json"]["person"]["email"], "ana@example.com");
    assert_eq!(files["account/sessions-1.json"].as_array().unwrap().len(), 1);
    assert_eq!(files["account/memberships-1.json"][0]["account"]["id"], own.id.to_string());
    assert_eq!(files["account/consents-1.json"][0]["subject"], "terms");
    assert!(!files["account/acts-1.json"].as_array().unwrap().is_empty());
    assert_eq!(files["notes/second.json"]["accounts"][0], own.id.to_string());

    let shown = &files["account/keys-1.json"][0];
    assert_eq!((&shown["id"], &shown["name"]), (&json!(key.id), &json!("laptop")));
    let all = serde_json::to_string(&files).unwrap();
    let (id, secret) = text.expose().split_once('.').unwrap();
    let hash = house.people.find(me.person.id).await.unwrap().unwrap().password.unwrap();
    for kept_back in
        [id, secret, key.sealed_secret.as_str(), hash.as_str(), PASSWORD, &me.session.token.to_string()]
    {
        assert!(!all.contains(kept_back), "{kept_back}");
    }
}

/// DATA-06: an export asks for the password or a mail link first.
#[tokio::test]
async fn a_copy_needs_a_proof() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let ben = house.signed_in("ben@example.com").await;
    let rights = rights(&house, &Arc::default(), DataRightsSettings::default());
    let wrong = Secret::new("wrong password");
    let refused = rights.export(&me, &Proof::Password(&wrong), Cursor::new(Vec::new()), None).await;
    assert!(matches!(refused, Err(ExportError::Proof(_))), "{refused:?}");

    house.people.send_proof(&me, None).await.unwrap();
    let token = house.token().await;
    let stolen = rights.export(&ben, &Proof::Letter(&token), Cursor::new(Vec::new()), None).await;
    assert!(matches!(stolen, Err(ExportError::Proof(_))), "{stolen:?}");
    rights.export(&me, &Proof::Letter(&token), Cursor::new(Vec::new()), None).await.unwrap();
    let again = rights.export(&me, &Proof::Letter(&token), Cursor::new(Vec::new()), None).await;
    assert!(matches!(again, Err(ExportError::Proof(_))), "{again:?}");
}

/// No document is unpacked outside the folder of its section.
#[tokio::test]
async fn a_badly_named_document_is_refused() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    for name in ["../../etc/passwd", "", "a/b", "a.b"] {
        let notes = Arc::new(Notes { name: Some(name), ..Notes::default() });
        let refused = export(&rights(&house, &notes, DataRightsSettings::default()), &me).await;
        assert!(matches!(refused, Err(ExportError::Documents("notes"))), "{name}: {refused:?}");
    }
}

/// DATA-05, DATA-11, DATA-18: no by default; given, withdrawn, and both stay in the log.
#[tokio::test]
async fn a_consent_is_withdrawn() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await.person.id;
    let rights = rights(&house, &Arc::default(), DataRightsSettings::default());
    let in_force = async |subject| rights.consent_in_force(me, subject).await.unwrap().is_some();
    for subject in [ConsentSubject::Marketing, ConsentSubject::Training] {
        assert!(!in_force(subject).await, "off until given");
        let mut agreement = Agreement { subject, version: "1".parse().unwrap(), is_given: true };
        rights.agree(me, &agreement).await.unwrap();
        assert!(in_force(subject).await);
        agreement.is_given = false;
        rights.agree(me, &agreement).await.unwrap();
        assert!(!in_force(subject).await);
    }
    assert_eq!(rights.consent_list(me, None, 10).await.unwrap().len(), 4);
}

async fn ask(rights: &DataRights, me: &SignedIn) -> Result<accounts::DeletionRequest, DeletionError> {
    rights.request_deletion(me, &Proof::Password(&Secret::new(PASSWORD)), source()).await
}

/// DATA-03, DATA-08: reviewed, then carried out after a time; then sign-in fails and only ids are left.
#[tokio::test]
async fn someone_is_forgotten() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let own = house.organisations.list(me.person.id, None, 10).await.unwrap()[0].account.clone();
    let notes = Arc::new(Notes::default());
    let rights = rights(&house, &notes, DataRightsSettings::default());
    let request = ask(&rights, &me).await.unwrap();
    assert_eq!(request.state, DeletionState::Requested);
    assert_eq!(house.letter().await.subject, "Your login will be deleted");
    assert!(matches!(ask(&rights, &me).await, Err(DeletionError::AlreadyRequested)));

    house.wait(30 * 24 * 3600);
    assert!(rights.carry_out_due().await.unwrap().is_empty(), "nobody looked at it");
    rights.move_deletion(me.person.id, DeletionEvent::Approve, &By::OPERATOR).await.unwrap();
    let done = rights.carry_out_due().await.unwrap();
    assert!(matches!(done.as_slice(), [(person, Ok(()))] if *person == me.person.id), "{done:?}");
    assert_eq!(
        notes.erased.lock().unwrap().as_slice(),
        [Subject { person: me.person.id, accounts: vec![own.id] }]
    );

    assert!(matches!(house.login("ana@example.com", PASSWORD).await, Err(LoginError::Wrong)));
    let left = house.people.find(me.person.id).await.unwrap().unwrap();
    assert!(!format!("{left:?}").to_lowercase().contains("ana"), "{left:?}");
    let account = house.accounts.account_find(own.id).await.unwrap().unwrap();
    assert_eq!((account.state, account.name.as_str()), (AccountState::Closed, "deleted"));
    let undo = rights.move_deletion(me.person.id, DeletionEvent::Withdraw, &By::OPERATOR).await;
    assert!(matches!(undo, Err(DeletionError::IllegalState(_))), "{undo:?}");

    house.people.sign_up(wish("ana@example.com")).await.unwrap();
    let anew = house.people.find_by_email(&left_address()).await.unwrap().unwrap();
    assert_ne!(anew.id, me.person.id, "the same id is never reused");
}

fn left_address() -> accounts::EmailAddress {
    "ana@example.com".parse().unwrap()
}

#[tokio::test]
async fn someone_changes_their_mind() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let settings = DataRightsSettings { grace: Duration::from_secs(100), is_reviewed: false };
    let rights = rights(&house, &Arc::default(), settings);
    assert_eq!(ask(&rights, &me).await.unwrap().state, DeletionState::Approved);
    house.wait(99);
    assert!(rights.carry_out_due().await.unwrap().is_empty(), "not due yet");
    let by_me = By::person(me.person.id, None);
    rights.move_deletion(me.person.id, DeletionEvent::Withdraw, &by_me).await.unwrap();
    house.wait(100);
    assert!(rights.carry_out_due().await.unwrap().is_empty());
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
}

/// A store that is down is asked again; until all have forgotten, nobody says it is done.
#[tokio::test]
async fn a_deletion_that_fails_is_tried_again() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let notes = Arc::new(Notes::default());
    let settings = DataRightsSettings { grace: Duration::ZERO, is_reviewed: false };
    let rights = rights(&house, &notes, settings);
    ask(&rights, &me).await.unwrap();
    *notes.is_down.lock().unwrap() = true;
    let failed = rights.carry_out_due().await.unwrap();
    assert!(matches!(failed.as_slice(), [(_, Err(DeletionError::Data(_)))]), "{failed:?}");
    *notes.is_down.lock().unwrap() = false;
    let done = rights.carry_out_due().await.unwrap();
    assert!(matches!(done.as_slice(), [(_, Ok(()))]), "{done:?}");
}

#[tokio::test]
async fn who_leaves_others_behind_passes_the_account_on_first() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let ben = house.signed_in("ben@example.com").await.person.id;
    let own = house.organisations.list(me.person.id, None, 10).await.unwrap()[0].clone();
    let membership =
        Membership { person: ben, account: own.account.id, role: Role::Member, since: me.person.created };
    house.store.membership_insert(&membership, &contract::people::audit("x")).await.unwrap();
    let rights = rights(&house, &Arc::default(), DataRightsSettings::default());
    let refused = ask(&rights, &me).await;
    assert!(matches!(refused, Err(DeletionError::LastOwner { others: 1, .. })), "{refused:?}");

    house.organisations.set_role(&own, ben, Role::Owner, &By::person(me.person.id, None)).await.unwrap();
    ask(&rights, &me).await.unwrap();
}

/// DATA-14: retention settings really delete.
#[tokio::test]
async fn what_was_kept_long_enough_is_deleted() {
    let house = House::new();
    house.people.sign_up(wish("never@example.com")).await.unwrap();
    let session = {
        house.token().await;
        house.signed_in("ana@example.com").await.session
    };
    let retention = Retention::new(house.store.clone(), &RetentionDays::default());
    let day = 24 * 3600;
    let purge = async || {
        let purged = retention.purge(house.clock.now()).await.into_iter().map(Result::unwrap);
        purged.map(|purged| (purged.kind, purged.rows)).filter(|(_, rows)| *rows > 0).collect::<Vec<_>>()
    };
    assert_eq!(purge().await, []);
    house.wait(9 * day);
    assert_eq!(purge().await, [("tokens", 1), ("unverified", 1)]);
    house.wait(52 * day);
    assert_eq!(purge().await, [("sessions", 1)]);
    assert!(house.store.session_find(&session.token).await.unwrap().is_none());
    house.wait(400 * day);
    assert!(matches!(purge().await.as_slice(), [("audit", _)]));
}
