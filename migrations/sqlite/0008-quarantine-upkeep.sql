-- What is in quarantine, by age: it goes before other held mail, which stays until somebody acts.
CREATE INDEX recipient_quarantine ON recipient (since, mail, n) WHERE state = 'held' AND reason = 'quarantine';

-- Senders whose mail is wanted in any case; domain: of the recipients, empty for all.
CREATE TABLE allowed_sender (
  sender TEXT NOT NULL,
  domain TEXT NOT NULL,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  PRIMARY KEY (sender, domain)
) STRICT, WITHOUT ROWID;
