use std::sync::Arc;

use accounts::{Account, By, Cause, Conduct, Evidence, Locale, Membership, Profile, Role, StrikeLetters};
use testkit::contract;
use testkit::memory::MemoryConduct;
use vocab::CaseId;

use crate::house::House;

struct Court {
    conduct: Conduct,
    letters: StrikeLetters,
}

impl Court {
    fn of(house: &House) -> Self {
        let store = Arc::new(MemoryConduct::default());
        let conduct = Conduct::new(store.clone(), Arc::default(), house.clock.clone());
        Self { conduct, letters: StrikeLetters::new(house.people.clone(), store) }
    }

    async fn strike(&self, account: &Account, cause: Cause) -> CaseId {
        let case = self.conduct.open(account.id, cause, Evidence::default()).await.unwrap();
        self.conduct.strike(case.id, "per_1", "seen").await.unwrap().id
    }
}

async fn own(house: &House, email: &str) -> (vocab::PersonId, Account) {
    let me = house.signed_in(email).await.person.id;
    (me, house.organisations.list(me, None, 10).await.unwrap()[0].account.clone())
}

/// USE-08, LEGAL-06: a strike is told to the owners, in their language, with what follows and where to appeal. A case
/// that is no strike yet is not told, and no strike is told twice.
#[tokio::test]
async fn the_owners_are_told_of_a_strike() {
    let house = House::new();
    let (_, account) = own(&house, "ana@example.com").await;
    let (ben, _) = own(&house, "ben@example.com").await;
    let (kim, _) = own(&house, "kim@example.com").await;
    for (person, role) in [(ben, Role::Member), (kim, Role::Owner)] {
        let membership = Membership { person, account: account.id, role, since: account.created };
        house.store.membership_insert(&membership, &contract::people::audit("x")).await.unwrap();
    }
    let profile = Profile { name: "金".to_owned(), locale: Locale::Chinese, birth_date: None };
    house.people.set_profile(kim, &profile, &By::person(kim, None)).await.unwrap();
    let court = Court::of(&house);
    court.conduct.open(account.id, Cause::Resale, Evidence::default()).await.unwrap();
    assert_eq!(court.letters.send_due().await.unwrap(), 0, "nobody decided anything");

    let case = court.strike(&account, Cause::UnsupportedClient).await;
    assert_eq!(court.letters.send_due().await.unwrap(), 2);
    let mut letters = [house.letter().await, house.letter().await];
    letters.sort_by(|one, other| one.to.as_str().cmp(other.to.as_str()));
    let link = format!("\nhttps://house.example/accounts/{}/cases/{case}\n", account.id);
    for (letter, to, words) in [
        (&letters[0], "ana@example.com", "none of the supported tools"),
        (&letters[1], "kim@example.com", "限速"),
    ] {
        assert_eq!(letter.to.as_str(), to);
        let text = format!("{}\n{}", letter.subject, letter.text);
        assert!(text.contains(words) && text.contains(&link), "{text}");
        assert!(
            text.contains(&format!("/api/console/accounts/{}/cases/{case}/appeal", account.id)),
            "{text}"
        );
    }
    court.conduct.appeal(account.id, case, "it was not us").await.unwrap();
    assert_eq!(court.letters.send_due().await.unwrap(), 0);
}

/// USE-05, DATA-07: each strike says what it brings; the third is a ban that waits for a person.
#[tokio::test]
async fn each_strike_says_what_follows() {
    let house = House::new();
    let (_, account) = own(&house, "ana@example.com").await;
    let court = Court::of(&house);
    for words in ["slowed down", "suspended", "about to be banned"] {
        court.strike(&account, Cause::Sharing).await;
        assert_eq!(court.letters.send_due().await.unwrap(), 1);
        let letter = house.letter().await;
        assert!(letter.subject.contains(words), "{}", letter.subject);
        assert!(letter.text.contains("several people"), "{}", letter.text);
    }
}

/// An account without people, as programs have, is struck all the same.
#[tokio::test]
async fn where_nobody_reads_nothing_is_sent() {
    let house = House::new();
    let (_, account) = own(&house, "ana@example.com").await;
    let court = Court::of(&house);
    let nobodys = Account { id: vocab::AccountId::generate(), ..account };
    court.strike(&nobodys, Cause::Other).await;
    assert_eq!(court.letters.send_due().await.unwrap(), 0);
}
