-- Which program a request seems to have come from. Applies to SQLite and PostgreSQL alike.

ALTER TABLE usage_record ADD COLUMN client TEXT;
ALTER TABLE usage_record ADD COLUMN client_version TEXT;
ALTER TABLE usage_record ADD COLUMN client_confidence TEXT NOT NULL DEFAULT '';
