-- Whether the owners of an account were written about a strike. Strikes from before there were letters count as told.
ALTER TABLE conduct_case ADD COLUMN is_told BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE conduct_case SET is_told = TRUE WHERE struck IS NOT NULL;

CREATE INDEX conduct_case_untold ON conduct_case (id) WHERE struck IS NOT NULL AND NOT is_told;
