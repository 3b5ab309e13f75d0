-- Why a mail was set aside when it came; null for all others.
ALTER TABLE message ADD COLUMN quarantine TEXT;
