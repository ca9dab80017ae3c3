-- Plans that accounts have for a time. What a plan is stands in the plan book, which has versions of its own.
CREATE TABLE subscription (
    id          TEXT   NOT NULL PRIMARY KEY,
    account     TEXT   NOT NULL REFERENCES account (id),
    number      BIGINT NOT NULL CHECK (number > 0),
    plan        TEXT   NOT NULL,
    starts      BIGINT NOT NULL,
    ends        BIGINT CHECK (ends >= starts),
    ended_early BIGINT,
    granted_by  TEXT,
    note        TEXT   NOT NULL,
    created     BIGINT NOT NULL,
    -- Of two that are planned at once one is kept, and the other is planned again.
    UNIQUE (account, number)
);

CREATE INDEX subscription_by_account ON subscription (account, id);
