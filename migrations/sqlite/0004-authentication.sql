-- What SPF, DKIM and DMARC said at receipt, as JSON; null where nothing was asked.
ALTER TABLE message ADD COLUMN authentication TEXT;
