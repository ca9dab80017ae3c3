//! Who is calling, on what plan; and the people behind it.
//!
//! A request brings a [`Credential`]; [`Keys::authenticate`] turns it into a [`Caller`]. A person brings a [`Login`];
//! [`People::login`] turns it into a session. Everything that is kept goes through ports, such as [`AccountStore`] and
//! [`PeopleStore`].

mod account;
mod account_moves;
mod account_state;
mod account_store;
mod accounts;
mod audit;
mod audit_log;
mod birth_date;
mod caller;
mod consent;
mod credential;
mod data_rights;
mod deletion;
mod document;
mod document_store;
mod documents;
mod email;
mod holdings;
mod idempotency;
mod identity;
mod invitation;
mod jwt;
mod key;
mod key_cache;
mod key_scope;
mod keys;
mod lately;
mod letter;
mod locale;
mod mail;
mod membership;
mod one_time_token;
mod opaque;
mod open_id;
mod organisations;
mod password;
mod people;
mod people_store;
mod person;
mod plan;
mod plans;
mod project;
mod projects;
mod retention;
mod role;
mod seal;
mod second_factor;
mod session;
mod standing;
mod standings;
mod subscription;
mod subscription_store;
mod throttle;
mod token;
mod use_rules;

pub use account::{Account, InvalidName};
pub use account_moves::AccountMoves;
pub use account_state::{AccountEvent, AccountState, IllegalAccountEvent};
pub use account_store::{AccountStore, AccountStoreError, KnownKey};
pub use accounts::{AccountError, Accounts, Operator};
pub use audit::{Actor, AuditAction, AuditEvent, AuditQuery, By, InvalidActor, InvalidAuditAction};
pub use audit_log::AuditLog;
pub use birth_date::{BirthDate, InvalidBirthDate};
pub use caller::Caller;
pub use consent::{Agreement, Consent, ConsentSubject, ConsentVersion, InvalidConsentVersion};
pub use credential::Credential;
pub use data_rights::{
    AccountData, AccountRows, ByAccount, ConductData, DataPage, DataRights, DataRightsSettings,
    DeletionError, Document, ExportError, Exported, PersonalData, PersonalDataError, PlanData, Section,
    Subject,
};
pub use deletion::{DeletionEvent, DeletionRequest, DeletionState, IllegalDeletionEvent};
pub use document::{DocumentName, OperatorDocument, UnknownDocument};
pub use document_store::{DocumentStore, DocumentStoreError};
pub use documents::{
    DocumentError, DocumentValidator, Documents, InvalidDocument, Refreshed, RefusedDocument,
};
pub use email::{EmailAddress, InvalidEmailAddress};
pub use holdings::{HeldPlan, Holdings, NoPlan};
pub use idempotency::{
    Claim, Idempotency, IdempotencyBegun, IdempotencyError, IdempotencyRecord, IdempotencyStore,
    IdempotencyStoreError, Idempotent, KeptAnswer,
};
pub use identity::{
    AuthorizationRequest, Identity, IdentityError, IdentityProvider, InvalidProviderName, ProvenIdentity,
    ProviderName,
};
pub use invitation::Invitation;
pub use key::KeyTerms;
pub use key::{ApiKey, InvalidPublicId, PublicId};
pub use key_scope::{InvalidKeyScope, KeyScope, OutOfScope};
pub use keys::{AuthError, KeyError, Keys};
pub use letter::{Letter, Site};
pub use locale::Locale;
pub use mail::{MailError, Mailer, Post, PostFull, Postman};
pub use membership::{Access, Member, Membership, NotAllowed};
pub use one_time_token::{OneTimeToken, TokenPurpose};
pub use opaque::{InvalidOpaqueKey, OpaqueKey};
pub use open_id::{OpenIdError, OpenIdLogins, OpenIdOutcome, OpenIdSignUp, OpenIdStart};
pub use organisations::{OrganisationError, Organisations};
pub use password::{PasswordCost, PasswordError, PasswordHash, Passwords};
pub use people::{
    AddressError, Enrolment, EnrolmentError, FactorError, Login, LoginError, NewSession, PasswordChangeError,
    People, PeopleSettings, ProfileError, Proof, ProofError, SessionError, SignUp, SignUpError, SignUpPolicy,
    SignedUp,
};
pub use people_store::{
    AddressChange, Arrival, Arrived, AuditStore, Erasure, FactorStore, Kept, MembershipChange,
    OrganisationStore, PeopleStore, PeopleStoreError, PersonStore, Place, RightsStore, SessionStore,
    SoleOwner,
};
pub use person::{Person, PersonState, Profile};
pub use plan::{
    Cycle, InvalidMultiplier, InvalidPlanBook, InvalidPlanId, InvalidTimeOfDay, InvalidUtcOffset, Load,
    McpReset, McpTool, ModelMultiplier, Multiplier, NoPlanCode, PeakWindow, Plan, PlanBook, PlanId,
    PlanRates, Promo, QuotaRules, QuotaUnit, Term, TimeOfDay, Turn, UtcOffset, WeekAnchor, WindowMode,
    permille_used, reset_text, window_words,
};
pub use plans::{GrantStart, PlanError, PlanGrant, Plans};
pub use project::Project;
pub use projects::{ProjectError, Projects};
pub use retention::{Purge, PurgeError, Purged, Retention, RetentionDays};
pub use role::{Action, Role};
pub use seal::{Seal, SealError, SealedSecret};
pub use second_factor::{FactorSetup, RecoveryCodes, SecondFactor};
pub use session::{Session, SignedIn};
pub use standing::{RateOverrides, Standing};
pub use standings::{StandingSource, StandingStores, StandingUnavailable, Standings};
pub use subscription::{Subscription, SubscriptionState};
pub use subscription_store::{SubscriptionStore, SubscriptionStoreError};
pub use throttle::TooManyTries;
pub use token::{InvalidTokenHash, TokenHash};
pub use use_rules::{
    Appeal, AppealState, BanMark, BlockedEndUser, Case, CaseEvent, CaseQuery, CaseState, Cause, Conduct,
    ConductError, ConductRecord, ConductStore, ConductStoreError, Decision, EndUserId, EndUsers, Enforcement,
    Evidence, IllegalCaseEvent, InvalidBanMark, InvalidEndUserId, InvalidUseRules, Measure, Restriction,
    SeenClient, Sighting, StrikeLetterError, StrikeLetters, UseRules, Verdict, Violation, ViolationQuery,
};
