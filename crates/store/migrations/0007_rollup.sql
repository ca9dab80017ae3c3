-- Daily sums of usage records, for statements.
CREATE TABLE usage_daily (
    -- Counted from 1970-01-01 in the zone of the statements.
    day           BIGINT NOT NULL,
    account       TEXT   NOT NULL,
    api_key       TEXT   NOT NULL,
    model         TEXT   NOT NULL,
    requests      BIGINT NOT NULL CHECK (requests > 0),
    fresh_prompt  BIGINT NOT NULL CHECK (fresh_prompt >= 0),
    cached_prompt BIGINT NOT NULL CHECK (cached_prompt >= 0),
    reasoning     BIGINT NOT NULL CHECK (reasoning >= 0),
    answer        BIGINT NOT NULL CHECK (answer >= 0),
    cost          BIGINT NOT NULL CHECK (cost >= 0),
    charged       BIGINT NOT NULL CHECK (charged >= 0),
    PRIMARY KEY (account, day, api_key, model)
);

CREATE INDEX usage_daily_by_day ON usage_daily (day, account, api_key, model);

-- What was written and is in no daily sum yet. A note is made in the transaction that writes the records it is of, and
-- goes away in the transaction that adds it.
CREATE TABLE usage_unsummed (
    -- The first of its requests.
    request       TEXT   NOT NULL PRIMARY KEY,
    -- The minute in which its requests ended.
    ended         BIGINT NOT NULL,
    account       TEXT   NOT NULL,
    api_key       TEXT   NOT NULL,
    model         TEXT   NOT NULL,
    requests      BIGINT NOT NULL,
    fresh_prompt  BIGINT NOT NULL,
    cached_prompt BIGINT NOT NULL,
    reasoning     BIGINT NOT NULL,
    answer        BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    charged       BIGINT NOT NULL
);

-- Records from before there were sums.
INSERT INTO usage_unsummed
SELECT request, (started + duration_us / 1000) / 60000 * 60000, account, api_key, model, 1,
       fresh_prompt, cached_prompt, reasoning, answer, 0, 0
FROM usage_record;
