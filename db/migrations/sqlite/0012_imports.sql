-- Imports: a job for each file, what came out of it, and what is searched.

-- The words of the states are those of an import's own way. What there was before is brought to them: a file whose message
-- still waits for its answer is fetched again, one whose answer was given stays where it lies (path).
CREATE TABLE import_new (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	"userId" TEXT REFERENCES user_profiles (id),
	"userCompanyId" TEXT NOT NULL REFERENCES organizations (id),
	"inputFileName" TEXT NOT NULL,
	"inputFileUrl" TEXT,
	"outputFormat" TEXT,
	"outputFileUrl" TEXT,
	"outputContent" TEXT,
	"processingStatus" TEXT NOT NULL DEFAULT 'received' CHECK ("processingStatus" IN
		('received', 'fetched', 'checked', 'extracted', 'processed', 'delivered', 'failed')),
	"errorMessage" TEXT,
	"commercialImportId" TEXT,
	"createdAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"updatedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"inboxId" INTEGER REFERENCES inbox (id) ON DELETE SET NULL,
	"fileIndex" INTEGER CHECK ("fileIndex" >= 0),
	size INTEGER CHECK (size >= 0),
	mime TEXT,
	path TEXT,
	sha256 TEXT CHECK (length(sha256) = 64),
	"llmConversationId" INTEGER REFERENCES "LLMConversation" (id) ON DELETE SET NULL,
	"llmConversationMessageId" INTEGER REFERENCES "LLMConversationMessage" (id) ON DELETE SET NULL,
	scope TEXT NOT NULL DEFAULT 'person' CHECK (scope IN ('conversation', 'person', 'organization')),
	kind TEXT,
	outline TEXT CHECK (outline IS NULL OR json_valid(outline)),
	"errorCode" TEXT,
	"retryOf" INTEGER REFERENCES import_new (id) ON DELETE SET NULL,
	"rowsIn" INTEGER CHECK ("rowsIn" >= 0),
	"rowsOut" INTEGER CHECK ("rowsOut" >= 0),
	"rowsRefused" INTEGER CHECK ("rowsRefused" >= 0),
	"fetchedAt" TEXT,
	"checkedAt" TEXT,
	"extractedAt" TEXT, -- from then on its pieces are found
	"processedAt" TEXT,
	"deliveredAt" TEXT,
	"failedAt" TEXT,
	-- The target of finished imports: NULL where there is none.
	"commercialState" TEXT CHECK ("commercialState" IN ('due', 'sending', 'done', 'failed')),
	"commercialAttempts" INTEGER NOT NULL DEFAULT 0,
	"commercialDueAt" TEXT,
	"commercialError" TEXT,
	CHECK ("processingStatus" <> 'failed' OR ("errorCode" IS NOT NULL AND "errorMessage" IS NOT NULL)),
	CHECK ("commercialState" NOT IN ('due', 'sending') OR "commercialDueAt" IS NOT NULL)
) STRICT;

-- A number is never given twice.
INSERT INTO sqlite_sequence (name, seq) SELECT 'import_new', seq FROM sqlite_sequence WHERE name = 'LLMAgentImport';

INSERT INTO import_new (id, "userId", "userCompanyId", "inputFileName", "inputFileUrl", "outputFormat", "outputFileUrl",
	"outputContent", "processingStatus", "errorCode", "errorMessage", "commercialImportId", "createdAt", "updatedAt",
	"inboxId", "fileIndex", size, mime, path, sha256, "llmConversationId", "llmConversationMessageId", "fetchedAt",
	"deliveredAt", "failedAt")
SELECT o.*, CASE WHEN o.state IN ('fetched', 'delivered') THEN o."updatedAt" END,
	CASE o.state WHEN 'delivered' THEN o."updatedAt" END, CASE o.state WHEN 'failed' THEN o."updatedAt" END
FROM (SELECT i.id, i."userId", i."userCompanyId", i."inputFileName", i."inputFileUrl", i."outputFormat",
	i."outputFileUrl", i."outputContent", CASE WHEN w.state IN ('accepted', 'claimed') THEN 'received'
	WHEN i."processingStatus" = 'completed' THEN 'delivered' WHEN i."processingStatus" = 'failed' THEN 'failed'
	ELSE 'fetched' END AS state,
	CASE WHEN i."processingStatus" = 'failed' AND coalesce(w.state, '') NOT IN ('accepted', 'claimed')
	THEN 'not_fetched' END,
	CASE WHEN i."processingStatus" = 'failed' AND coalesce(w.state, '') NOT IN ('accepted', 'claimed')
	THEN coalesce(i."errorMessage", 'it could not be fetched') END,
	i."commercialImportId", i."createdAt", i."updatedAt", i."inboxId", i."fileIndex", i.size, i.mime, i.path, i.sha256,
	w."llmConversationId", w.turn_id
	FROM "LLMAgentImport" i LEFT JOIN inbox w ON w.id = i."inboxId") o;

-- Those of messages that wait for their answer and were not looked at yet.
INSERT INTO import_new ("userId", "userCompanyId", "inputFileName", "inputFileUrl", "createdAt", "updatedAt", "inboxId",
	"fileIndex", size, mime, "llmConversationId")
SELECT w.profile_id, w.org_id, coalesce(json_extract(f.value, '$.name'), 'file'), json_extract(f.value, '$.url'),
	w.received_at, w.received_at, w.id, f.key, json_extract(f.value, '$.size'), json_extract(f.value, '$.mime'),
	w."llmConversationId"
FROM inbox w, json_each(w.files) f
WHERE w.state IN ('accepted', 'claimed') AND w."llmConversationId" IS NOT NULL AND w.kind = 'said' AND w.files <> '[]'
	AND NOT EXISTS (SELECT 1 FROM import_new n WHERE n."inboxId" = w.id AND n."fileIndex" = f.key);

DROP TABLE "LLMAgentImport";
ALTER TABLE import_new RENAME TO "LLMAgentImport";
CREATE INDEX idx_import_user ON "LLMAgentImport" ("userId") WHERE "userId" IS NOT NULL;
CREATE INDEX idx_import_company ON "LLMAgentImport" ("userCompanyId");
CREATE UNIQUE INDEX idx_import_file ON "LLMAgentImport" ("inboxId", "fileIndex") WHERE "inboxId" IS NOT NULL;
CREATE INDEX idx_import_conversation ON "LLMAgentImport" ("llmConversationId") WHERE "llmConversationId" IS NOT NULL;
CREATE INDEX idx_import_turn ON "LLMAgentImport" ("llmConversationMessageId")
	WHERE "llmConversationMessageId" IS NOT NULL;
CREATE INDEX idx_import_blob ON "LLMAgentImport" ("userCompanyId", sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX idx_import_open ON "LLMAgentImport" (id)
	WHERE "processingStatus" IN ('received', 'fetched', 'checked', 'extracted');
CREATE INDEX idx_import_retry ON "LLMAgentImport" ("retryOf") WHERE "retryOf" IS NOT NULL;
CREATE INDEX idx_import_created ON "LLMAgentImport" ("createdAt");
CREATE INDEX idx_import_commercial ON "LLMAgentImport" ("commercialDueAt")
	WHERE "commercialState" IN ('due', 'sending');

CREATE TRIGGER import_goes_on BEFORE UPDATE OF "processingStatus" ON "LLMAgentImport"
WHEN OLD."processingStatus" IN ('delivered', 'failed') AND NEW."processingStatus" <> OLD."processingStatus"
	OR instr('received fetched checked extracted processed delivered failed', NEW."processingStatus")
	< instr('received fetched checked extracted processed delivered failed', OLD."processingStatus")
BEGIN
	SELECT RAISE(ABORT, 'LLMAgentImport: a state does not go back');
END;

-- There while the settings name a target of finished imports: what ends then is due.
CREATE TABLE import_target (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	since TEXT NOT NULL
) STRICT;
CREATE TRIGGER import_is_due AFTER UPDATE OF "processingStatus" ON "LLMAgentImport"
WHEN NEW."processingStatus" IN ('processed', 'failed') AND OLD."processingStatus" NOT IN ('processed', 'failed')
	AND EXISTS (SELECT 1 FROM import_target)
BEGIN
	UPDATE "LLMAgentImport" SET "commercialState" = 'due', "commercialDueAt" = NEW."updatedAt" WHERE id = NEW.id;
END;

-- Kept content, one for each organisation that has it. bytes: of the content; stored: on the disk.
CREATE TABLE blobs (
	org_id TEXT NOT NULL REFERENCES organizations (id),
	sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
	bytes INTEGER NOT NULL CHECK (bytes >= 0),
	stored INTEGER NOT NULL CHECK (stored >= 0),
	created_at TEXT NOT NULL,
	PRIMARY KEY (org_id, sha256)
) STRICT, WITHOUT ROWID;

-- What was made of an import, or written by the model: delivered with the answer of its turn. key: of the tool's call, so
-- that a call that is made again after a crash finds what it made.
CREATE TABLE import_outputs (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	org_id TEXT NOT NULL REFERENCES organizations (id),
	profile_id TEXT REFERENCES user_profiles (id),
	import_id INTEGER REFERENCES "LLMAgentImport" (id) ON DELETE SET NULL,
	turn_id INTEGER REFERENCES "LLMConversationMessage" (id) ON DELETE SET NULL,
	key TEXT NOT NULL,
	name TEXT NOT NULL,
	format TEXT NOT NULL,
	mime TEXT NOT NULL,
	sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
	bytes INTEGER NOT NULL CHECK (bytes >= 0),
	report TEXT CHECK (report IS NULL OR json_valid(report)),
	created_at TEXT NOT NULL,
	UNIQUE (org_id, key)
) STRICT;
CREATE INDEX idx_output_turn ON import_outputs (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX idx_output_import ON import_outputs (import_id) WHERE import_id IS NOT NULL;
CREATE INDEX idx_output_profile ON import_outputs (profile_id) WHERE profile_id IS NOT NULL;
CREATE INDEX idx_output_old ON import_outputs (created_at) WHERE import_id IS NULL;
CREATE INDEX idx_output_blob ON import_outputs (org_id, sha256);

-- A reply that is a file: which one. Its text is then empty.
ALTER TABLE outbox ADD COLUMN output_id INTEGER REFERENCES import_outputs (id) ON DELETE SET NULL;
CREATE INDEX idx_outbox_output ON outbox (output_id) WHERE output_id IS NOT NULL;

-- Pieces of what files say, in the order of the file. The words of a piece stand in knowledge_words, folded (store/fold.c), under
-- the same number. A trigger may not touch them (trusted_schema is off): who takes a piece away takes its words first, and an
-- import with pieces is not deleted.
CREATE TABLE knowledge (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	import_id INTEGER NOT NULL REFERENCES "LLMAgentImport" (id),
	ord INTEGER NOT NULL,
	place TEXT NOT NULL,
	text TEXT NOT NULL,
	UNIQUE (import_id, ord)
) STRICT;
CREATE VIRTUAL TABLE knowledge_words USING fts5 (words, tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co M*'");
CREATE TRIGGER knowledge_is_still AFTER UPDATE OF id, import_id ON knowledge BEGIN
	SELECT RAISE(ABORT, 'knowledge: a piece stays where it is');
END;
