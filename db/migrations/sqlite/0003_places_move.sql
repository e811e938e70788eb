-- Places that move to another key, and codes that strangers try. The release before runs on this schema, too.

-- One kind more: the place has a new key. The column is made anew because a check cannot be changed.
ALTER TABLE inbox RENAME COLUMN kind TO kind_before;
ALTER TABLE inbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'said' CHECK (kind IN ('said', 'edited', 'deleted', 'rated', 'stopped', 'moved'));
UPDATE inbox SET kind = kind_before WHERE kind_before <> 'said';
ALTER TABLE inbox DROP COLUMN kind_before;

-- How often somebody guessed lately.
CREATE INDEX idx_inbox_wrong_code ON inbox (platform, installation, sender, received_at) WHERE reason = 'wrong code';
