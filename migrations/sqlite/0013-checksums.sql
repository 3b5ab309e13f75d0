-- A body is guarded by a CRC-32 from its receipt on, null for mail that came before; the SHA-256 of the ledger is that
-- of what a primary took, a recipient each.
ALTER TABLE message ADD COLUMN crc INTEGER;
ALTER TABLE recipient ADD COLUMN hash TEXT;
UPDATE recipient SET hash = (SELECT hash FROM message WHERE key = mail) WHERE state = 'gone' AND reason = 'delivered';
ALTER TABLE message DROP COLUMN hash;
