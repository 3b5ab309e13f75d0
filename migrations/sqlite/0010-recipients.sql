-- Who told that the address exists: 'delivery' or 'callout'. Addresses are in their comparable form.
ALTER TABLE accepted ADD COLUMN origin TEXT NOT NULL DEFAULT 'delivery';

-- A known recipient of a domain, for when its primary has to prove itself.
CREATE INDEX accepted_domain ON accepted (substr(address, instr(address, '@') + 1), at);

-- Addresses that their primary says it does not have.
CREATE TABLE refused (
  address TEXT PRIMARY KEY,
  -- When it began to say so, without a word to the contrary since.
  since INTEGER NOT NULL,
  at INTEGER NOT NULL,
  origin TEXT NOT NULL,
  reply TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX refused_at ON refused (at);

-- Recipients of a domain as they were fetched over HTTP; in generations, as `overlay`.
CREATE TABLE fetched (
  domain TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  list INTEGER NOT NULL,
  PRIMARY KEY (domain, since)
) STRICT, WITHOUT ROWID;

CREATE INDEX fetched_until ON fetched (until) WHERE until IS NOT NULL;
CREATE INDEX fetched_list ON fetched (list);

-- How each of these lists stands: FetchRecord as JSON.
CREATE TABLE fetch_record (
  domain TEXT PRIMARY KEY,
  record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
