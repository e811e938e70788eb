-- Messages that asked for approvals lose their buttons and say who decided. The release before runs on this schema, too: it
-- leaves them as they are.

-- tell_at: when the message that asks is next brought up to date: at its end at the latest; while that is under way, when it
-- is tried again. NULL: it says how it ended, or can't.
ALTER TABLE approvals ADD COLUMN tell_at TEXT;
CREATE INDEX idx_approvals_tell ON approvals (tell_at) WHERE tell_at IS NOT NULL;
UPDATE approvals SET tell_at = expires_at
WHERE state = 'pending' AND expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now');
