-- Applies to SQLite and PostgreSQL alike. Moments are milliseconds since 1970, ids and JSON are text.

CREATE TABLE account (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    is_operator BOOLEAN NOT NULL,
    created     BIGINT  NOT NULL
);

-- One account runs the installation, however many processes start on an empty database at once.
CREATE UNIQUE INDEX account_one_operator ON account (is_operator) WHERE is_operator;

CREATE TABLE api_key (
    id            TEXT   NOT NULL PRIMARY KEY,
    account       TEXT   NOT NULL REFERENCES account (id),
    name          TEXT   NOT NULL,
    public_id     TEXT   NOT NULL UNIQUE CHECK (length(public_id) = 32),
    sealed_secret TEXT   NOT NULL,
    created       BIGINT NOT NULL,
    expires       BIGINT,
    revoked       BIGINT,
    last_used     BIGINT
);

CREATE INDEX api_key_by_account ON api_key (account, id);

CREATE TABLE task (
    id          TEXT   NOT NULL PRIMARY KEY,
    account     TEXT   NOT NULL,
    api_key     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    request_id  TEXT   NOT NULL,
    model       TEXT   NOT NULL,
    payload     TEXT   NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),
    result      TEXT,
    attempts    BIGINT NOT NULL CHECK (attempts >= 0),
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    lease       TEXT,
    lease_until BIGINT,
    expires     BIGINT NOT NULL,
    CHECK ((state = 'running') = (lease IS NOT NULL)),
    CHECK ((lease IS NULL) = (lease_until IS NULL)),
    CHECK ((state IN ('succeeded', 'failed')) = (result IS NOT NULL))
);

-- A request id in progress is refused (rule ERR-08); the same index counts an account's open tasks.
CREATE UNIQUE INDEX task_open ON task (account, request_id) WHERE state IN ('queued', 'running');
CREATE INDEX task_waiting ON task (created, id) WHERE state IN ('queued', 'running');
CREATE INDEX task_by_expiry ON task (expires);

-- Outlives the accounts and keys it names, so it does not refer to them.
CREATE TABLE usage_record (
    request        TEXT   NOT NULL PRIMARY KEY,
    account        TEXT   NOT NULL,
    api_key        TEXT   NOT NULL,
    door           TEXT   NOT NULL,
    model          TEXT   NOT NULL,
    engine         TEXT   NOT NULL,
    fresh_prompt   BIGINT NOT NULL CHECK (fresh_prompt >= 0),
    cached_prompt  BIGINT NOT NULL CHECK (cached_prompt >= 0),
    reasoning      BIGINT NOT NULL CHECK (reasoning >= 0),
    answer         BIGINT NOT NULL CHECK (answer >= 0),
    started        BIGINT NOT NULL,
    first_token_us BIGINT CHECK (first_token_us >= 0),
    duration_us    BIGINT NOT NULL CHECK (duration_us >= 0),
    ending         TEXT   NOT NULL
);

CREATE INDEX usage_record_by_time ON usage_record (started, request);
CREATE INDEX usage_record_by_account ON usage_record (account, started, request);
