-- Who logs in, what they belong to, what they did and what they agreed to.

ALTER TABLE account ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'inactive', 'locked', 'irregular', 'closed'));
ALTER TABLE account ADD COLUMN rates TEXT NOT NULL DEFAULT '{}';

-- A key's project is one of its account's; who makes the key has found it there.
ALTER TABLE api_key ADD COLUMN project TEXT;
ALTER TABLE api_key ADD COLUMN scope TEXT NOT NULL DEFAULT '{}';
ALTER TABLE api_key ADD COLUMN monthly_spend_max BIGINT CHECK (monthly_spend_max >= 0);
ALTER TABLE api_key ADD COLUMN successor_of TEXT;
CREATE INDEX api_key_by_project ON api_key (project) WHERE project IS NOT NULL;

CREATE TABLE person (
    id             TEXT   NOT NULL PRIMARY KEY,
    email          TEXT   NOT NULL,
    -- In lower case: two spellings of an address are one person.
    email_folded   TEXT   NOT NULL UNIQUE,
    email_verified BIGINT,
    name           TEXT   NOT NULL,
    password       TEXT,
    locale         TEXT   NOT NULL CHECK (locale IN ('en', 'zh')),
    birth_date     TEXT,
    state          TEXT   NOT NULL CHECK (state IN ('active', 'locked', 'erased')),
    created        BIGINT NOT NULL,
    CHECK (state <> 'erased' OR (password IS NULL AND birth_date IS NULL))
);

CREATE INDEX person_unverified ON person (created, id) WHERE email_verified IS NULL;

CREATE TABLE identity (
    provider TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    person   TEXT   NOT NULL REFERENCES person (id),
    linked   BIGINT NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE (person, provider)
);

CREATE TABLE one_time_token (
    hash    TEXT   NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
    purpose TEXT   NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'confirm_rights')),
    person  TEXT   NOT NULL REFERENCES person (id),
    email   TEXT   NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT
);

CREATE INDEX one_time_token_by_person ON one_time_token (person, purpose);
CREATE INDEX one_time_token_by_expiry ON one_time_token (expires);

CREATE TABLE session (
    id        TEXT   NOT NULL PRIMARY KEY,
    person    TEXT   NOT NULL REFERENCES person (id),
    token     TEXT   NOT NULL UNIQUE CHECK (length(token) = 64),
    created   BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    ended     BIGINT,
    source    TEXT,
    agent     TEXT   NOT NULL
);

CREATE INDEX session_by_person ON session (person, id);
CREATE INDEX session_by_expiry ON session (expires);
CREATE INDEX session_by_end ON session (ended) WHERE ended IS NOT NULL;

CREATE TABLE second_factor (
    person        TEXT   NOT NULL PRIMARY KEY REFERENCES person (id),
    sealed_secret TEXT   NOT NULL,
    confirmed     BIGINT,
    last_step     BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    person TEXT NOT NULL REFERENCES person (id),
    hash   TEXT NOT NULL CHECK (length(hash) = 64),
    PRIMARY KEY (person, hash)
);

CREATE TABLE membership (
    account TEXT   NOT NULL REFERENCES account (id),
    person  TEXT   NOT NULL REFERENCES person (id),
    role    TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'billing')),
    since   BIGINT NOT NULL,
    PRIMARY KEY (account, person)
);

CREATE INDEX membership_by_person ON membership (person, account);

CREATE TABLE invitation (
    id           TEXT   NOT NULL PRIMARY KEY,
    account      TEXT   NOT NULL REFERENCES account (id),
    email        TEXT   NOT NULL,
    email_folded TEXT   NOT NULL,
    role         TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'billing')),
    invited_by   TEXT,
    token        TEXT   NOT NULL UNIQUE CHECK (length(token) = 64),
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    closed       BIGINT
);

CREATE INDEX invitation_by_account ON invitation (account, id);
CREATE INDEX invitation_by_email ON invitation (email_folded);
CREATE INDEX invitation_by_expiry ON invitation (expires);

CREATE TABLE project (
    id       TEXT   NOT NULL PRIMARY KEY,
    account  TEXT   NOT NULL REFERENCES account (id),
    name     TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    archived BIGINT
);

CREATE INDEX project_by_account ON project (account, id);

-- Outlives whom it names, so it does not refer to them.
CREATE TABLE audit_event (
    id      TEXT   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    account TEXT,
    action  TEXT   NOT NULL,
    target  TEXT   NOT NULL,
    details TEXT   NOT NULL,
    source  TEXT
);

CREATE INDEX audit_event_by_account ON audit_event (account, id);
CREATE INDEX audit_event_by_actor ON audit_event (actor, id);
CREATE INDEX audit_event_by_time ON audit_event (at);

CREATE TABLE consent (
    id       TEXT    NOT NULL PRIMARY KEY,
    person   TEXT    NOT NULL REFERENCES person (id),
    subject  TEXT    NOT NULL,
    version  TEXT    NOT NULL,
    is_given BOOLEAN NOT NULL,
    at       BIGINT  NOT NULL
);

CREATE INDEX consent_by_person ON consent (person, id);

CREATE TABLE deletion_request (
    person    TEXT   NOT NULL PRIMARY KEY REFERENCES person (id),
    state     TEXT   NOT NULL CHECK (state IN ('requested', 'approved', 'refused', 'withdrawn', 'carried_out')),
    requested BIGINT NOT NULL,
    due       BIGINT NOT NULL,
    updated   BIGINT NOT NULL
);

CREATE INDEX deletion_request_by_state ON deletion_request (state, person);
