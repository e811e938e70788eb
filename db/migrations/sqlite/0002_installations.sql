-- Places that add us, and what people do to messages beside saying them: secrets, edits, ratings, parts of long
-- answers, fetched files, codes that join two identities. Only additions: the release before runs on this schema.

-- "removedAt": taken out by the other side, "removedWhy" tells how. Secrets are sealed text (AES-256-GCM) and do not
-- outlive that moment.
ALTER TABLE "LLMAgentInstallation" ADD COLUMN title TEXT;
ALTER TABLE "LLMAgentInstallation" ADD COLUMN "removedAt" TEXT;
ALTER TABLE "LLMAgentInstallation" ADD COLUMN "removedWhy" TEXT;
ALTER TABLE "LLMAgentInstallation" ADD COLUMN secrets TEXT CHECK (secrets IS NULL OR "removedAt" IS NULL);

-- unsure: an earlier attempt may have arrived.
ALTER TABLE outbox ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0 CHECK (unsure IN (0, 1));

-- The platform's id of what stands for the answer until it is there.
ALTER TABLE "LLMConversationMessage" ADD COLUMN placeholder TEXT;

-- What a person did. All but 'said' are about target: a semantic key, or the uuid of a reply.
ALTER TABLE inbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'said' CHECK (kind IN ('said', 'edited', 'deleted', 'rated', 'stopped'));
ALTER TABLE inbox ADD COLUMN target TEXT;

-- A file that came with a message: path is where it lies.
ALTER TABLE "LLMAgentImport" ADD COLUMN "inboxId" INTEGER REFERENCES inbox (id) ON DELETE SET NULL;
ALTER TABLE "LLMAgentImport" ADD COLUMN "fileIndex" INTEGER CHECK ("fileIndex" >= 0);
ALTER TABLE "LLMAgentImport" ADD COLUMN size INTEGER CHECK (size >= 0);
ALTER TABLE "LLMAgentImport" ADD COLUMN mime TEXT;
ALTER TABLE "LLMAgentImport" ADD COLUMN path TEXT;
ALTER TABLE "LLMAgentImport" ADD COLUMN sha256 TEXT CHECK (length(sha256) = 64);
CREATE UNIQUE INDEX idx_import_file ON "LLMAgentImport" ("inboxId", "fileIndex") WHERE "inboxId" IS NOT NULL;

-- What somebody thought of an answer; the last word of each sender counts.
CREATE TABLE feedback (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	org_id TEXT NOT NULL REFERENCES organizations (id),
	turn_id INTEGER NOT NULL REFERENCES "LLMConversationMessage" (id) ON DELETE CASCADE,
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	sender TEXT NOT NULL,
	profile_id TEXT REFERENCES user_profiles (id) ON DELETE SET NULL,
	value TEXT NOT NULL CHECK (value IN ('up', 'down')),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	UNIQUE (turn_id, sender)
) STRICT;
CREATE INDEX idx_feedback_profile ON feedback (profile_id) WHERE profile_id IS NOT NULL;
CREATE INDEX idx_feedback_updated ON feedback (updated_at);

-- A person asks for a code in one place and gives it in another: both are the same from then on. Only the SHA-256 of
-- a code is kept. used_by: "platform/installation/sender".
CREATE TABLE link_codes (
	code_hash TEXT NOT NULL PRIMARY KEY CHECK (length(code_hash) = 64),
	org_id TEXT NOT NULL REFERENCES organizations (id),
	profile_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	expires_at TEXT NOT NULL,
	used_at TEXT,
	used_by TEXT,
	CHECK ((used_at IS NULL) = (used_by IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_link_codes_profile ON link_codes (profile_id, expires_at);
