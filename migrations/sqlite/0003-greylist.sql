-- Clients, senders and recipients that were put off once (passed = 0), and those that came again (1).
CREATE TABLE greylist (
  key TEXT PRIMARY KEY,
  first_at INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  -- Forgotten from here on.
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX greylist_until ON greylist (until);
