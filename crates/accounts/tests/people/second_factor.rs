use accounts::{By, FactorError, LoginError, Proof, RecoveryCodes, SignedIn};
use futures::future::join_all;
use totp_rs::{Algorithm, Builder};
use vocab::{Clock, Secret};

use crate::house::{House, PASSWORD, source};

/// What the person's device shows.
struct Device(totp_rs::Totp);

impl Device {
    fn code(&self, house: &House) -> Secret {
        let now = u64::try_from(house.clock.now().as_secs()).unwrap();
        Secret::new(self.0.generate(now).to_string())
    }
}

async fn with_device(house: &House) -> (SignedIn, Device, RecoveryCodes) {
    let me = house.signed_in("ana@example.com").await;
    let password = Secret::new(PASSWORD);
    let setup = house.people.begin_factor(&me, &Proof::Password(&password), source()).await.unwrap();
    let secret = totp_rs::Secret::try_from_base32(setup.secret.expose()).unwrap();
    let built = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(30);
    let device = Device(built.with_secret(secret).with_account_name("ana").build().unwrap());
    let codes = house.people.confirm_factor(&me, &device.code(house), source()).await.unwrap();
    house.wait(30);
    (me, device, codes)
}

#[tokio::test]
async fn a_login_asks_for_a_code_once_a_device_is_set_up() {
    let house = House::new();
    let (_, device, _) = with_device(&house).await;
    assert!(matches!(house.login("ana@example.com", PASSWORD).await, Err(LoginError::CodeNeeded)));
    assert!(matches!(house.login("ana@example.com", "wrong password").await, Err(LoginError::Wrong)));
    let wrong = house.login_with("ana@example.com", PASSWORD, Some(&Secret::new("000000"))).await;
    assert!(matches!(wrong, Err(LoginError::WrongCode)), "{wrong:?}");
    assert!(house.login_with("ana@example.com", PASSWORD, Some(&device.code(&house))).await.is_ok());
}

/// A code that someone saw over a shoulder is worth nothing once it was used; nor is an earlier one.
#[tokio::test]
async fn a_code_is_good_once() {
    let house = House::new();
    let (_, device, _) = with_device(&house).await;
    let earlier = device.code(&house);
    house.wait(30);
    let code = device.code(&house);
    let tries = join_all((0..4).map(|_| house.login_with("ana@example.com", PASSWORD, Some(&code)))).await;
    assert_eq!(tries.iter().filter(|result| result.is_ok()).count(), 1);
    let replayed = house.login_with("ana@example.com", PASSWORD, Some(&earlier)).await;
    assert!(matches!(replayed, Err(LoginError::WrongCode)), "{replayed:?}");
    house.wait(30);
    assert!(house.login_with("ana@example.com", PASSWORD, Some(&device.code(&house))).await.is_ok());
}

#[tokio::test]
async fn codes_cannot_be_tried_without_end() {
    let house = House::new();
    with_device(&house).await;
    let wrong = Secret::new("000000");
    for _ in 0..6 {
        let refused = house.login_with("ana@example.com", PASSWORD, Some(&wrong)).await;
        assert!(matches!(refused, Err(LoginError::WrongCode)), "{refused:?}");
    }
    let refused = house.login_with("ana@example.com", PASSWORD, Some(&wrong)).await;
    assert!(matches!(refused, Err(LoginError::TooManyTries(_))), "{refused:?}");
    let refused = house.login("ana@example.com", PASSWORD).await;
    assert!(matches!(refused, Err(LoginError::TooManyTries(_))), "also without a code: {refused:?}");
}

#[tokio::test]
async fn a_recovery_code_opens_once_in_place_of_the_device() {
    let house = House::new();
    let (me, device, codes) = with_device(&house).await;
    let typed = Secret::new(codes.0[3].expose().to_uppercase());
    assert!(house.login_with("ana@example.com", PASSWORD, Some(&typed)).await.is_ok());
    let again = house.login_with("ana@example.com", PASSWORD, Some(&typed)).await;
    assert!(matches!(again, Err(LoginError::WrongCode)), "{again:?}");
    assert_eq!(house.people.recovery_codes_left(me.person.id).await.unwrap(), Some(9));

    let new = house.people.replace_recovery_codes(&me, &device.code(&house), source()).await.unwrap();
    let old = house.login_with("ana@example.com", PASSWORD, Some(&codes.0[4])).await;
    assert!(matches!(old, Err(LoginError::WrongCode)), "{old:?}");
    assert!(house.login_with("ana@example.com", PASSWORD, Some(&new.0[0])).await.is_ok());
}

#[tokio::test]
async fn setting_up_and_taking_away_ask_who_it_is() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let wrong = Secret::new("wrong password");
    let refused = house.people.begin_factor(&me, &Proof::Password(&wrong), source()).await;
    assert!(matches!(refused, Err(FactorError::Proof(_))), "{refused:?}");
    let refused = house.people.confirm_factor(&me, &Secret::new("123456"), source()).await;
    assert!(matches!(refused, Err(FactorError::NotSetUp)), "{refused:?}");

    let house = House::new();
    let (me, device, _) = with_device(&house).await;
    let password = Secret::new(PASSWORD);
    let again = house.people.begin_factor(&me, &Proof::Password(&password), source()).await;
    assert!(matches!(again, Err(FactorError::AlreadyEnabled)), "{again:?}");
    let refused = house.people.disable_factor(&me, &Secret::new("000000"), source()).await;
    assert!(matches!(refused, Err(FactorError::WrongCode)), "{refused:?}");
    house.people.disable_factor(&me, &device.code(&house), source()).await.unwrap();
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
}

/// Setting a device up that shows no right code changes nothing.
#[tokio::test]
async fn a_device_that_is_not_confirmed_is_not_asked_for() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let password = Secret::new(PASSWORD);
    house.people.begin_factor(&me, &Proof::Password(&password), source()).await.unwrap();
    let refused = house.people.confirm_factor(&me, &Secret::new("000000"), source()).await;
    assert!(matches!(refused, Err(FactorError::WrongCode)), "{refused:?}");
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn the_operator_helps_who_lost_everything() {
    let house = House::new();
    let (me, _, _) = with_device(&house).await;
    house.people.remove_factor(me.person.id, &By::OPERATOR).await.unwrap();
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
}
