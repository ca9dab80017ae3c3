-- How accounts use their plans. These rows outlive the accounts they name, so they do not refer to them.

-- One row for an account, a client and an hour, however many requests there were.
CREATE TABLE conduct_violation (
    account     TEXT   NOT NULL,
    client_name TEXT   NOT NULL,
    hour        BIGINT NOT NULL,
    noted       BIGINT NOT NULL,
    request     TEXT   NOT NULL,
    api_key     TEXT   NOT NULL,
    door        TEXT   NOT NULL,
    client      TEXT   NOT NULL,
    PRIMARY KEY (account, client_name, hour)
);

CREATE INDEX conduct_violation_by_time ON conduct_violation (noted, request);
CREATE INDEX conduct_violation_by_account ON conduct_violation (account, noted, request);

CREATE TABLE conduct_case (
    id       TEXT   NOT NULL PRIMARY KEY,
    account  TEXT   NOT NULL,
    cause    TEXT   NOT NULL,
    state    TEXT   NOT NULL
        CHECK (state IN ('open', 'struck', 'in_review', 'appealed', 'upheld', 'dismissed', 'lifted')),
    measure  TEXT CHECK (measure IN ('throttle', 'suspend', 'ban')),
    evidence TEXT   NOT NULL,
    opened   BIGINT NOT NULL,
    struck   BIGINT,
    appeal   TEXT,
    decision TEXT,
    CHECK ((measure IS NULL) = (struck IS NULL)),
    CHECK (state NOT IN ('struck', 'in_review', 'appealed', 'upheld', 'lifted') OR struck IS NOT NULL)
);

CREATE INDEX conduct_case_by_account ON conduct_case (account, id);
CREATE INDEX conduct_case_by_state ON conduct_case (state, id);

-- How each account stands. The version lets one of several writers in.
CREATE TABLE conduct_record (
    account     TEXT   NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL CHECK (version > 0),
    strikes     BIGINT NOT NULL CHECK (strikes >= 0),
    last_strike BIGINT,
    restriction TEXT
);

CREATE TABLE blocked_end_user (
    account  TEXT   NOT NULL,
    end_user TEXT   NOT NULL CHECK (length(end_user) BETWEEN 6 AND 128),
    blocked  BIGINT NOT NULL,
    note     TEXT   NOT NULL,
    PRIMARY KEY (account, end_user)
);

-- Digests of what a banned person signed up with (LEGAL-05).
CREATE TABLE ban_mark (
    mark    TEXT NOT NULL PRIMARY KEY CHECK (length(mark) = 64),
    case_id TEXT NOT NULL
);

CREATE INDEX ban_mark_by_case ON ban_mark (case_id);
