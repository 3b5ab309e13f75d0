-- Addresses in lower case that their primary has taken mail for, and when it last did, to the day.
CREATE TABLE accepted (
  address TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX accepted_at ON accepted (at);
