-- Money, in billionths of a dollar, and plan quota. Applies to SQLite and PostgreSQL alike. The constraints repeat what
-- the crate `ledger` promises, so that a mistake stops where it is made.
--
-- Outlives the accounts it names, as accounts owe an explanation of every charge, so it does not refer to them.

-- What an account has: the sum of its postings. Locked by whoever moves money of the account.
CREATE TABLE ledger_account (
    id        TEXT   NOT NULL PRIMARY KEY,
    cash      BIGINT NOT NULL,
    overdraft BIGINT NOT NULL CHECK (overdraft >= 0),
    owed_max  BIGINT NOT NULL CHECK (owed_max >= overdraft),
    CHECK (cash >= -owed_max)
);

-- Written once, never changed.
CREATE TABLE ledger_entry (
    id        TEXT   NOT NULL PRIMARY KEY,
    kind      TEXT   NOT NULL CHECK (kind IN ('top_up', 'grant', 'hold', 'release', 'settle', 'expire', 'refund')),
    account   TEXT   NOT NULL,
    reference TEXT   NOT NULL,
    entered   BIGINT NOT NULL,
    UNIQUE (kind, reference)
);

CREATE INDEX ledger_entry_by_account ON ledger_entry (account, id);

-- Written once, never changed. `owner` is the account, grant or hold whose book it is; the house's own books have none.
CREATE TABLE ledger_posting (
    entry  TEXT   NOT NULL REFERENCES ledger_entry (id),
    book   TEXT   NOT NULL CHECK (book IN ('cash', 'credit', 'held', 'payments', 'promotions', 'revenue')),
    owner  TEXT   NOT NULL,
    amount BIGINT NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (entry, book, owner),
    CHECK ((book IN ('payments', 'promotions', 'revenue')) = (owner = ''))
);

CREATE TABLE ledger_grant (
    id        TEXT   NOT NULL PRIMARY KEY,
    account   TEXT   NOT NULL,
    kind      TEXT   NOT NULL CHECK (kind IN ('operator', 'referral', 'promotion', 'upgrade', 'refund')),
    note      TEXT   NOT NULL,
    amount    BIGINT NOT NULL CHECK (amount > 0),
    priority  BIGINT NOT NULL,
    expires   BIGINT,
    given     BIGINT NOT NULL,
    remaining BIGINT NOT NULL CHECK (remaining >= 0),
    ended     BIGINT NOT NULL CHECK (ended >= 0),
    CHECK (remaining <= amount - ended)
);

CREATE INDEX ledger_grant_unspent ON ledger_grant (account) WHERE remaining > 0;
CREATE INDEX ledger_grant_ending ON ledger_grant (expires, id) WHERE remaining > 0;

CREATE TABLE ledger_hold (
    id      TEXT   NOT NULL PRIMARY KEY,
    account TEXT   NOT NULL,
    purpose TEXT   NOT NULL CHECK (purpose IN ('lease', 'task')),
    node    TEXT,
    opened  BIGINT NOT NULL CHECK (opened > 0),
    until   BIGINT NOT NULL,
    closed  BIGINT,
    CHECK ((purpose = 'lease') = (node IS NOT NULL))
);

CREATE INDEX ledger_hold_open ON ledger_hold (until, id) WHERE closed IS NULL;
CREATE INDEX ledger_hold_open_by_account ON ledger_hold (account) WHERE closed IS NULL;

-- Where a hold's money came from, in the order it was taken: a grant, or cash if `credit` is missing.
CREATE TABLE ledger_hold_part (
    hold      TEXT   NOT NULL REFERENCES ledger_hold (id),
    place     BIGINT NOT NULL,
    credit    TEXT REFERENCES ledger_grant (id),
    taken     BIGINT NOT NULL CHECK (taken > 0),
    remaining BIGINT NOT NULL CHECK (remaining >= 0),
    PRIMARY KEY (hold, place),
    CHECK (remaining <= taken)
);

-- One row for each ended request, so that none is charged twice; with the quota it used, if it used any.
CREATE TABLE ledger_settlement (
    request       TEXT   NOT NULL PRIMARY KEY,
    account       TEXT   NOT NULL,
    cost          BIGINT NOT NULL,
    charged       BIGINT NOT NULL CHECK (charged >= 0),
    from_credits  BIGINT NOT NULL CHECK (from_credits >= 0),
    price_version BIGINT NOT NULL,
    entry         TEXT REFERENCES ledger_entry (id),
    ended         BIGINT NOT NULL,
    refunded      BIGINT NOT NULL CHECK (refunded >= 0),
    pool          TEXT,
    units         BIGINT CHECK (units >= 0),
    used_second   BIGINT,
    five_hours    BIGINT,
    week          BIGINT,
    month         BIGINT,
    CHECK (charged <= cost),
    CHECK (from_credits <= charged),
    CHECK (refunded <= charged),
    CHECK ((charged > 0) = (entry IS NOT NULL)),
    CHECK ((pool IS NULL) = (units IS NULL)),
    CHECK ((pool IS NULL) = (used_second IS NULL))
);

CREATE TABLE ledger_refund (
    reference TEXT   NOT NULL PRIMARY KEY,
    request   TEXT   NOT NULL REFERENCES ledger_settlement (request),
    amount    BIGINT NOT NULL CHECK (amount > 0),
    credits   TEXT   NOT NULL,
    entry     TEXT   NOT NULL REFERENCES ledger_entry (id),
    given     BIGINT NOT NULL
);

-- Locked by whoever gives out or counts quota of the pool.
CREATE TABLE quota_pool (
    pool TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE quota_slice (
    id        TEXT    NOT NULL PRIMARY KEY,
    pool      TEXT    NOT NULL REFERENCES quota_pool (pool),
    node      TEXT    NOT NULL,
    given     BIGINT  NOT NULL CHECK (given > 0),
    remaining BIGINT  NOT NULL CHECK (remaining >= 0),
    until     BIGINT  NOT NULL,
    is_open   BOOLEAN NOT NULL,
    CHECK (remaining <= given),
    CHECK (is_open OR remaining = 0)
);

CREATE INDEX quota_slice_open_by_pool ON quota_slice (pool) WHERE is_open;
CREATE INDEX quota_slice_by_end ON quota_slice (until, id);

-- What rolling windows count: units by the second in which they were used, and what of that was taken back.
CREATE TABLE quota_use (
    pool       TEXT   NOT NULL REFERENCES quota_pool (pool),
    second     BIGINT NOT NULL,
    settled    BIGINT NOT NULL CHECK (settled > 0),
    taken_back BIGINT NOT NULL CHECK (taken_back >= 0),
    PRIMARY KEY (pool, second),
    CHECK (taken_back <= settled)
);

CREATE INDEX quota_use_by_age ON quota_use (second);

-- What anchored windows count.
CREATE TABLE quota_window (
    pool       TEXT   NOT NULL REFERENCES quota_pool (pool),
    name       TEXT   NOT NULL CHECK (name IN ('five_hours', 'week', 'month')),
    starts     BIGINT NOT NULL,
    settled    BIGINT NOT NULL CHECK (settled > 0),
    taken_back BIGINT NOT NULL CHECK (taken_back >= 0),
    PRIMARY KEY (pool, name, starts),
    CHECK (taken_back <= settled)
);
