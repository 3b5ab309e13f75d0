-- What senders ask of notices (RFC 3461), what their mail's header says of it, and what they were told.
ALTER TABLE message ADD COLUMN dsn_ret TEXT;
ALTER TABLE message ADD COLUMN dsn_envid TEXT;
-- Bits in the order of TRAITS in mail/header-scanner.ts.
ALTER TABLE message ADD COLUMN traits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN notify TEXT;
ALTER TABLE recipient ADD COLUMN orcpt TEXT;
-- Kind of the notice that is owed; null once it is written, or silence was found to be right.
ALTER TABLE recipient ADD COLUMN owed TEXT;
-- What became of it last, as JSON: `Told` of ports/notices.ts.
ALTER TABLE recipient ADD COLUMN told TEXT;

CREATE INDEX recipient_owed ON recipient (mail, n) WHERE owed IS NOT NULL;
CREATE INDEX recipient_content ON recipient (since, mail, n) WHERE state = 'parked' AND reason = 'content';

-- Notices written to one address, in lower case, within a day from `since`.
CREATE TABLE noticed (
  address TEXT PRIMARY KEY,
  since INTEGER NOT NULL,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX noticed_since ON noticed (since);
