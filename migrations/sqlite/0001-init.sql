-- The queue: one row a mail, one row a recipient. Rows of state `gone` are the ledger.
CREATE TABLE message (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sender TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  hash TEXT NOT NULL,
  client_ip TEXT NOT NULL,
  client_name TEXT,
  client_helo TEXT NOT NULL,
  client_tls TEXT,
  top_fields TEXT NOT NULL,
  smtp_utf8 INTEGER NOT NULL,
  eight_bit INTEGER NOT NULL,
  message_id TEXT,
  subject TEXT,
  from_field TEXT,
  -- File in the spool folder; null for bodies in `body` and for mail whose last recipient is gone.
  spool TEXT
) STRICT;

CREATE INDEX message_spool ON message (spool) WHERE spool IS NOT NULL;

CREATE TABLE body (
  mail INTEGER PRIMARY KEY,
  content BLOB NOT NULL
) STRICT;

CREATE TABLE recipient (
  mail INTEGER NOT NULL,
  n INTEGER NOT NULL,
  address TEXT NOT NULL,
  domain TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'claimed', 'unconfirmed', 'held', 'parked', 'gone')),
  reason TEXT,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  unconfirmed INTEGER NOT NULL DEFAULT 0,
  token INTEGER,
  last_reply TEXT,
  destination TEXT,
  -- Operator who moved it last.
  who TEXT,
  -- From when its retention counts: accepted, released, parked or gone.
  since INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (mail, n),
  CHECK ((state = 'claimed') = (token IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX recipient_due ON recipient (domain, due_at, mail, n) WHERE state IN ('waiting', 'unconfirmed');
CREATE INDEX recipient_age ON recipient (state, since, mail, n);
CREATE INDEX recipient_domain ON recipient (domain, state, since, mail, n) WHERE state <> 'gone';

-- The table LEGAL_MOVES of ports/recipient-state.ts; a test compares the two.
CREATE TRIGGER recipient_moves BEFORE UPDATE OF state ON recipient
WHEN old.state || '>' || new.state NOT IN (
  'waiting>claimed', 'waiting>held', 'waiting>parked', 'waiting>gone',
  'claimed>waiting', 'claimed>unconfirmed', 'claimed>held', 'claimed>parked', 'claimed>gone',
  'unconfirmed>claimed', 'unconfirmed>waiting', 'unconfirmed>held', 'unconfirmed>parked', 'unconfirmed>gone',
  'held>waiting', 'held>parked', 'held>gone',
  'parked>waiting', 'parked>gone'
)
BEGIN
  SELECT RAISE(ABORT, 'illegal move');
END;

-- The directory. A row is visible in generation g when since <= g and (until is null or until > g).
CREATE TABLE generation (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;

INSERT INTO generation (number, at) VALUES (0, 0);

CREATE TABLE list (
  id INTEGER PRIMARY KEY,
  -- Null once entries are changed one by one.
  hash TEXT,
  state TEXT NOT NULL CHECK (state IN ('staged', 'live', 'dead')),
  entries INTEGER NOT NULL DEFAULT 0,
  wildcards INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX list_hash ON list (hash) WHERE hash IS NOT NULL;
CREATE INDEX list_unsettled ON list (state) WHERE state <> 'live';

CREATE TABLE entry (
  list INTEGER NOT NULL,
  pattern TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  PRIMARY KEY (list, pattern, since)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_until ON entry (until) WHERE until IS NOT NULL;

CREATE TABLE domain (
  name TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  origin TEXT NOT NULL CHECK (origin IN ('file', 'api')),
  settings TEXT NOT NULL,
  list INTEGER,
  draining INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (name, since)
) STRICT, WITHOUT ROWID;

CREATE INDEX domain_since ON domain (since);
CREATE INDEX domain_until ON domain (until) WHERE until IS NOT NULL;
CREATE INDEX domain_list ON domain (list) WHERE list IS NOT NULL;

-- Recipients that the API added to a domain of either origin.
CREATE TABLE overlay (
  domain TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  list INTEGER NOT NULL,
  PRIMARY KEY (domain, since)
) STRICT, WITHOUT ROWID;

CREATE INDEX overlay_until ON overlay (until) WHERE until IS NOT NULL;
CREATE INDEX overlay_list ON overlay (list);

-- Domains whose deliveries an operator paused.
CREATE TABLE pause (
  domain TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  domain TEXT
) STRICT, WITHOUT ROWID;
