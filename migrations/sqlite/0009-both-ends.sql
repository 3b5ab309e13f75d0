-- The client's TCP port and our address that it came to, for the primary that wants to know; null where not known.
ALTER TABLE message ADD COLUMN client_port INTEGER;
ALTER TABLE message ADD COLUMN server_ip TEXT;

-- Primaries that spoke TLS when they were spoken to last, so that its vanishing is seen after a restart, too.
CREATE TABLE encrypted_primary (destination TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
