-- Rules of access that operators added while the daemon ran; `rule` is JSON.
CREATE TABLE access_rule (
  id TEXT PRIMARY KEY,
  rule TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  who TEXT NOT NULL
) STRICT, WITHOUT ROWID;
