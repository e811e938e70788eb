-- Calls of tools that a person must approve before they are made. The release before runs on this schema, too: it does not
-- know of them.

-- hash: SHA-256 over tool and arguments in lower-case hex: what was shown is what is done. turn_id: in which the person was
-- asked; used_turn_id: in which the call was made.
CREATE TABLE approvals (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	code TEXT NOT NULL CHECK (length(code) = 8),
	org_id TEXT NOT NULL REFERENCES organizations (id),
	profile_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
	turn_id INTEGER NOT NULL REFERENCES "LLMConversationMessage" (id) ON DELETE CASCADE,
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	tool TEXT NOT NULL,
	arguments TEXT NOT NULL CHECK (json_valid(arguments)),
	hash TEXT NOT NULL CHECK (length(hash) = 64),
	state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'used', 'denied')),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	expires_at TEXT NOT NULL,
	decided_at TEXT,
	decided_by TEXT REFERENCES user_profiles (id) ON DELETE SET NULL,
	used_turn_id INTEGER REFERENCES "LLMConversationMessage" (id) ON DELETE SET NULL,
	UNIQUE (org_id, code),
	CHECK ((state = 'pending') = (decided_at IS NULL)),
	CHECK (used_turn_id IS NULL OR state = 'used')
) STRICT;
CREATE INDEX idx_approvals_turn ON approvals (turn_id);
CREATE INDEX idx_approvals_profile ON approvals (profile_id);
CREATE INDEX idx_approvals_decided_by ON approvals (decided_by) WHERE decided_by IS NOT NULL;
CREATE INDEX idx_approvals_used_turn ON approvals (used_turn_id) WHERE used_turn_id IS NOT NULL;
