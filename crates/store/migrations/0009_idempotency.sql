-- Requests that clients made with a key of their own, so that asking again does not do them again. Kept for a day.
CREATE TABLE idempotency_key (
    scope   TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    sealed  TEXT   NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
);

CREATE INDEX idempotency_key_expires ON idempotency_key (expires);
