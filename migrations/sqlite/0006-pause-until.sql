-- When a pause ends by itself, in ms since 1970; null: when an operator says so.
ALTER TABLE pause ADD COLUMN until INTEGER;
