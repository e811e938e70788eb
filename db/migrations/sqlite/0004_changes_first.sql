-- An edit or a deletion may come before the message it is about. The release before runs on this schema, too.

-- What was done to a message before it came.
CREATE INDEX idx_inbox_target ON inbox (platform, installation, target) WHERE target IS NOT NULL;

-- Edited texts that still wait for their message: they are not kept for ever.
CREATE INDEX idx_inbox_early ON inbox (received_at) WHERE kind = 'edited' AND body <> '';
