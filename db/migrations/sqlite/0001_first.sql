-- The whole schema of a fresh database on SQLite. Table and column names of the documents usher was built from are
-- kept to the letter; docs/schema.md explains them. Never edited once released: later changes are further files.
--
-- Types: uuid and timestamps are TEXT (ISO 8601, UTC, milliseconds), booleans INTEGER 0 or 1, JSON is TEXT that is
-- checked, varchar(n) is TEXT with a length check, exact decimals are TEXT.

CREATE TABLE schema_version (
	version INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
	applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- ---- organisations and people --------------------------------------------------------------------------------

CREATE TABLE organizations (
	id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length(id) = 36),
	name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default');

-- An account with credentials. One that has no password carries '!', which is nobody's hash.
CREATE TABLE users (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	username TEXT NOT NULL UNIQUE CHECK (length(username) <= 50),
	email TEXT NOT NULL UNIQUE CHECK (length(email) <= 100),
	password_hash TEXT NOT NULL CHECK (length(password_hash) <= 255),
	first_name TEXT CHECK (length(first_name) <= 50),
	last_name TEXT CHECK (length(last_name) <= 50),
	created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	is_active INTEGER DEFAULT 1 CHECK (is_active IN (0, 1))
) STRICT;

-- A member of one organisation, with or without an account.
CREATE TABLE user_profiles (
	id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length(id) = 36),
	org_id TEXT NOT NULL REFERENCES organizations (id),
	user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
	display_name TEXT,
	email TEXT,
	language TEXT,
	role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'operator', 'owner')),
	status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX idx_user_profiles_org ON user_profiles (org_id);
CREATE UNIQUE INDEX idx_user_profiles_user ON user_profiles (user_id, org_id) WHERE user_id IS NOT NULL;

-- Who a platform's sender is to us.
CREATE TABLE platform_identities (
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	external_user_id TEXT NOT NULL,
	profile_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
	org_id TEXT NOT NULL REFERENCES organizations (id),
	display_name TEXT,
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (platform, installation, external_user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_platform_identities_profile ON platform_identities (profile_id);
CREATE INDEX idx_platform_identities_org ON platform_identities (org_id);

-- A stranger's request to be let in.
CREATE TABLE pairing_codes (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	code TEXT NOT NULL UNIQUE,
	org_id TEXT NOT NULL REFERENCES organizations (id),
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	external_user_id TEXT NOT NULL,
	display_name TEXT,
	state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'dropped', 'expired')),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	expires_at TEXT NOT NULL,
	approved_at TEXT,
	approved_by TEXT REFERENCES user_profiles (id) ON DELETE SET NULL,
	CHECK (state <> 'approved' OR approved_at IS NOT NULL)
) STRICT;
CREATE INDEX idx_pairing_codes_org ON pairing_codes (org_id);
CREATE INDEX idx_pairing_codes_approved_by ON pairing_codes (approved_by) WHERE approved_by IS NOT NULL;
CREATE INDEX idx_pairing_codes_pending ON pairing_codes (platform, installation, external_user_id) WHERE state = 'pending';

-- api_key holds the SHA-256 of the key in lower-case hex, never the key. key_id is its public part.
CREATE TABLE api_keys (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	key_name TEXT NOT NULL CHECK (length(key_name) <= 50),
	api_key TEXT NOT NULL UNIQUE CHECK (length(api_key) <= 100),
	is_active INTEGER DEFAULT 1 CHECK (is_active IN (0, 1)),
	created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	last_used_at TEXT,
	key_id TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(8)))),
	CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;
CREATE INDEX idx_api_keys_user ON api_keys (user_id);

-- ---- voice agents ----------------------------------------------------------------------------------------------

CREATE TABLE agents (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	name TEXT NOT NULL CHECK (length(name) <= 100),
	description TEXT,
	retell_agent_id TEXT NOT NULL UNIQUE CHECK (length(retell_agent_id) <= 100),
	voice_id TEXT NOT NULL CHECK (length(voice_id) <= 50),
	created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	is_active INTEGER DEFAULT 1 CHECK (is_active IN (0, 1)),
	CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES users (id)
) STRICT;
CREATE INDEX idx_agents_user ON agents (user_id);

CREATE TABLE llm_configurations (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	agent_id INTEGER NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
	retell_llm_id TEXT NOT NULL UNIQUE CHECK (length(retell_llm_id) <= 100),
	model TEXT NOT NULL CHECK (length(model) <= 50),
	s2s_model TEXT CHECK (length(s2s_model) <= 50),
	temperature REAL DEFAULT 0,
	high_priority INTEGER DEFAULT 0 CHECK (high_priority IN (0, 1)),
	general_prompt TEXT,
	created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	CONSTRAINT fk_agent FOREIGN KEY (agent_id) REFERENCES agents (id)
) STRICT;
CREATE INDEX idx_llm_configurations_agent ON llm_configurations (agent_id);

CREATE TABLE phone_numbers (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	agent_id INTEGER NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
	phone_number TEXT NOT NULL UNIQUE CHECK (length(phone_number) <= 20),
	is_active INTEGER DEFAULT 1 CHECK (is_active IN (0, 1)),
	created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	CONSTRAINT fk_agent FOREIGN KEY (agent_id) REFERENCES agents (id)
) STRICT;
CREATE INDEX idx_phone_numbers_agent ON phone_numbers (agent_id);

CREATE TABLE calls (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	agent_id INTEGER NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
	retell_call_id TEXT NOT NULL UNIQUE CHECK (length(retell_call_id) <= 100),
	from_number TEXT NOT NULL CHECK (length(from_number) <= 20),
	to_number TEXT NOT NULL CHECK (length(to_number) <= 20),
	direction TEXT NOT NULL CHECK (length(direction) <= 20),
	status TEXT NOT NULL CHECK (length(status) <= 20),
	duration INTEGER,
	started_at TEXT,
	ended_at TEXT,
	created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	CONSTRAINT fk_agent FOREIGN KEY (agent_id) REFERENCES agents (id)
) STRICT;
CREATE INDEX idx_calls_agent ON calls (agent_id);

CREATE TABLE agent_tools (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	agent_id INTEGER NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
	tool_type TEXT NOT NULL CHECK (length(tool_type) <= 50),
	tool_config TEXT NOT NULL CHECK (json_valid(tool_config)),
	created_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	CONSTRAINT fk_agent FOREIGN KEY (agent_id) REFERENCES agents (id)
) STRICT;
CREATE INDEX idx_agent_tools_agent ON agent_tools (agent_id);

-- ---- how conversations are answered ------------------------------------------------------------------------------

CREATE TABLE "LLMSettings" (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	"companyId" TEXT NOT NULL REFERENCES organizations (id),
	name TEXT NOT NULL,
	provider TEXT,
	model TEXT,
	temperature REAL,
	"maxOutputTokens" INTEGER CHECK ("maxOutputTokens" > 0),
	"historyMessages" INTEGER CHECK ("historyMessages" >= 0),
	"systemPrompt" TEXT,
	tools TEXT CHECK (tools IS NULL OR json_valid(tools)),
	"createdAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"updatedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	UNIQUE ("companyId", name)
) STRICT;

CREATE TABLE "LLMAgentInstallation" (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	"companyId" TEXT NOT NULL REFERENCES organizations (id),
	platform TEXT NOT NULL,
	enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
	"createdAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"updatedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	name TEXT NOT NULL DEFAULT '',
	"llmSettingsId" INTEGER REFERENCES "LLMSettings" (id) ON DELETE SET NULL,
	UNIQUE (platform, name)
) STRICT;
CREATE INDEX idx_installation_company ON "LLMAgentInstallation" ("companyId");
CREATE INDEX idx_installation_settings ON "LLMAgentInstallation" ("llmSettingsId") WHERE "llmSettingsId" IS NOT NULL;

-- ---- conversations -----------------------------------------------------------------------------------------------

-- "sessionId" is the platform's key of the place, "conversationSource" the platform. "lastAt" is the time of the
-- last message; every next one gets a later time, even when the clock stands still or goes back.
CREATE TABLE "LLMConversation" (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	"userId" TEXT REFERENCES user_profiles (id),
	"userCompanyId" TEXT NOT NULL REFERENCES organizations (id),
	title TEXT,
	"entityType" TEXT,
	"sessionId" TEXT,
	"conversationSource" TEXT NOT NULL,
	"createdAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"updatedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	uuid TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length(uuid) = 36),
	state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'archived')),
	installation TEXT NOT NULL,
	"nextSeq" INTEGER NOT NULL DEFAULT 1,
	"lastAt" TEXT,
	"llmSettingsId" INTEGER REFERENCES "LLMSettings" (id) ON DELETE SET NULL
) STRICT;
CREATE UNIQUE INDEX idx_conversation_session ON "LLMConversation" ("conversationSource", installation, "sessionId")
	WHERE state = 'active' AND "sessionId" IS NOT NULL;
CREATE INDEX idx_conversation_user ON "LLMConversation" ("userId", id) WHERE "userId" IS NOT NULL;
CREATE INDEX idx_conversation_company ON "LLMConversation" ("userCompanyId");
CREATE INDEX idx_conversation_settings ON "LLMConversation" ("llmSettingsId") WHERE "llmSettingsId" IS NOT NULL;

-- One AI run.
CREATE TABLE "LLMTask" (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed', 'interrupted')),
	"llmSettingsId" INTEGER REFERENCES "LLMSettings" (id) ON DELETE SET NULL,
	"llmRawPrompt" TEXT,
	-- JSON, but not checked: it repeats the whole history and we wrote it ourselves.
	"llmStructuredPrompt" TEXT CHECK ("llmStructuredPrompt" IS NULL OR json_valid("llmStructuredPrompt")),
	"llmRawOutput" TEXT,
	"llmStructuredOutput" TEXT CHECK ("llmStructuredOutput" IS NULL OR json_valid("llmStructuredOutput")),
	"totalInputTokens" INTEGER,
	"totalOutputTokens" INTEGER,
	"totalTokens" INTEGER,
	"errorMessage" TEXT,
	"llmConversationId" INTEGER NOT NULL REFERENCES "LLMConversation" (id) ON DELETE CASCADE,
	"startedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"finishedAt" TEXT,
	"latencyMs" INTEGER,
	"firstTokenMs" INTEGER,
	"costMicros" INTEGER,
	model TEXT,
	provider TEXT,
	CHECK ((status = 'running') = ("finishedAt" IS NULL))
) STRICT;
CREATE INDEX idx_task_settings ON "LLMTask" ("llmSettingsId") WHERE "llmSettingsId" IS NOT NULL;

-- A turn: what was said (one or more merged messages) and the answer. "externalMessageId" is the delivery key of the
-- first message, "traceId" its uuid. uuid names what was said, "answerUuid" what was answered.
CREATE TABLE "LLMConversationMessage" (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	"llmConversationId" INTEGER NOT NULL REFERENCES "LLMConversation" (id) ON DELETE CASCADE,
	"externalMessageId" TEXT,
	"parentMessageId" INTEGER REFERENCES "LLMConversationMessage" (id) ON DELETE SET NULL,
	"userPrompt" TEXT NOT NULL CHECK ("userPrompt" <> ''),
	"structuredUserPrompt" TEXT CHECK ("structuredUserPrompt" IS NULL OR json_valid("structuredUserPrompt")),
	"llmParsedOutput" TEXT CHECK ("llmParsedOutput" <> ''),
	"llmTaskId" INTEGER REFERENCES "LLMTask" (id) ON DELETE SET NULL,
	"entityType" TEXT,
	"entityId" TEXT,
	language TEXT,
	uuid TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length(uuid) = 36),
	"answerUuid" TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length("answerUuid") = 36),
	"userId" TEXT REFERENCES user_profiles (id),
	"promptAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"answeredAt" TEXT,
	"traceId" TEXT,
	failed INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)), -- "llmParsedOutput" is a notice, not an answer
	CHECK ("llmParsedOutput" IS NULL OR "answeredAt" IS NOT NULL),
	CHECK ("answeredAt" > "promptAt")
) STRICT;
CREATE INDEX idx_message_conversation ON "LLMConversationMessage" ("llmConversationId", id);
CREATE INDEX idx_message_parent ON "LLMConversationMessage" ("parentMessageId") WHERE "parentMessageId" IS NOT NULL;
CREATE INDEX idx_message_task ON "LLMConversationMessage" ("llmTaskId") WHERE "llmTaskId" IS NOT NULL;
CREATE INDEX idx_message_user ON "LLMConversationMessage" ("userId") WHERE "userId" IS NOT NULL;

-- The journal of a run: each model reply that asks for tools, each call before it is made, each result.
CREATE TABLE "LLMTaskStep" (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	"llmTaskId" INTEGER NOT NULL REFERENCES "LLMTask" (id) ON DELETE CASCADE,
	n INTEGER NOT NULL CHECK (n BETWEEN 0 AND 4000),
	kind TEXT NOT NULL CHECK (kind IN ('reply', 'intent', 'result')),
	round INTEGER NOT NULL,
	"callId" TEXT,
	tool TEXT,
	failed INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
	payload TEXT NOT NULL CHECK (json_valid(payload)),
	"createdAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	uuid TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length(uuid) = 36),
	UNIQUE ("llmTaskId", n),
	CHECK (kind = 'reply' OR ("callId" IS NOT NULL AND tool IS NOT NULL))
) STRICT;

CREATE TABLE "LLMAgentImport" (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	"userId" TEXT REFERENCES user_profiles (id),
	"userCompanyId" TEXT NOT NULL REFERENCES organizations (id),
	"inputFileName" TEXT NOT NULL,
	"inputFileUrl" TEXT,
	"outputFormat" TEXT,
	"outputFileUrl" TEXT,
	"outputContent" TEXT,
	"processingStatus" TEXT NOT NULL DEFAULT 'pending'
		CHECK ("processingStatus" IN ('pending', 'processing', 'completed', 'failed')),
	"errorMessage" TEXT,
	"commercialImportId" TEXT,
	"createdAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"updatedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX idx_import_user ON "LLMAgentImport" ("userId") WHERE "userId" IS NOT NULL;
CREATE INDEX idx_import_company ON "LLMAgentImport" ("userCompanyId");

-- ---- the record of every request to a model ------------------------------------------------------------------------

-- cost_usd is exact decimal text, cost_micros the same in millionths; both are NULL where the price is not known.
CREATE TABLE ai_agent_interactions (
	id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length(id) = 36),
	org_id TEXT NOT NULL REFERENCES organizations (id),
	user_id TEXT REFERENCES user_profiles (id),
	agent_name TEXT NOT NULL,
	interaction_type TEXT NOT NULL,
	input TEXT,
	output TEXT,
	model_used TEXT,
	tokens_used INTEGER DEFAULT 0,
	cost_usd TEXT DEFAULT '0.00' CHECK (cost_usd NOT GLOB '*[^0-9.]*'),
	latency_ms INTEGER DEFAULT 0,
	success INTEGER NOT NULL DEFAULT 1 CHECK (success IN (0, 1)),
	error_message TEXT,
	metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	"llmTaskId" INTEGER REFERENCES "LLMTask" (id) ON DELETE SET NULL,
	provider TEXT,
	platform TEXT,
	input_tokens INTEGER,
	output_tokens INTEGER,
	cached_tokens INTEGER,
	cost_micros INTEGER,
	first_token_ms INTEGER,
	request_id TEXT,
	estimated INTEGER NOT NULL DEFAULT 0 CHECK (estimated IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX ai_agent_interactions_pkey ON ai_agent_interactions (id);
CREATE INDEX idx_ai_agent_interactions_org_date ON ai_agent_interactions (org_id, created_at DESC);
CREATE INDEX idx_ai_agent_interactions_user ON ai_agent_interactions (user_id);
CREATE INDEX idx_ai_agent_interactions_agent ON ai_agent_interactions (agent_name);
CREATE INDEX idx_ai_agent_interactions_type ON ai_agent_interactions (interaction_type);
CREATE INDEX idx_ai_agent_interactions_success ON ai_agent_interactions (success) WHERE (success = false);
CREATE INDEX idx_ai_agent_interactions_task ON ai_agent_interactions ("llmTaskId") WHERE "llmTaskId" IS NOT NULL;

-- ---- messages in and out -------------------------------------------------------------------------------------------

-- Every message accepted, until it has reached one visible end.
CREATE TABLE inbox (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
	org_id TEXT NOT NULL REFERENCES organizations (id),
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	delivery_key TEXT NOT NULL,
	semantic_key TEXT,
	fingerprint TEXT,
	sender TEXT NOT NULL,
	sender_name TEXT,
	profile_id TEXT REFERENCES user_profiles (id),
	conversation_key TEXT,
	"llmConversationId" INTEGER REFERENCES "LLMConversation" (id),
	seq INTEGER,
	body TEXT NOT NULL,
	reply_to TEXT,
	files TEXT NOT NULL DEFAULT '[]' CHECK (files = '[]' OR json_valid(files)),
	flags INTEGER NOT NULL DEFAULT 0,
	state TEXT NOT NULL DEFAULT 'accepted' CHECK (state IN ('accepted', 'claimed', 'answered', 'ignored', 'refused', 'failed', 'quarantined')),
	reason TEXT,
	attempts INTEGER NOT NULL DEFAULT 0,
	turn_id INTEGER REFERENCES "LLMConversationMessage" (id),
	sent_at TEXT,
	received_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	finished_at TEXT,
	dropped_at TEXT,
	UNIQUE (platform, installation, delivery_key),
	CHECK ((state IN ('accepted', 'claimed')) = (finished_at IS NULL)),
	CHECK (state NOT IN ('ignored', 'refused', 'failed', 'quarantined') OR reason IS NOT NULL),
	CHECK (state NOT IN ('claimed', 'answered') OR turn_id IS NOT NULL),
	CHECK (dropped_at IS NULL OR state = 'quarantined')
) STRICT;
CREATE UNIQUE INDEX idx_inbox_semantic ON inbox (platform, installation, semantic_key) WHERE semantic_key IS NOT NULL;
CREATE INDEX idx_inbox_waiting ON inbox ("llmConversationId", state, seq) WHERE state IN ('accepted', 'claimed');
CREATE INDEX idx_inbox_turn ON inbox (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX idx_inbox_quarantined ON inbox (id) WHERE state = 'quarantined' AND dropped_at IS NULL;

CREATE TRIGGER inbox_end_is_final BEFORE UPDATE OF state ON inbox
WHEN OLD.state NOT IN ('accepted', 'claimed') AND NEW.state <> OLD.state
	AND NOT (OLD.state = 'quarantined' AND NEW.state = 'accepted')
BEGIN
	SELECT RAISE(ABORT, 'inbox: a message that has ended keeps its state');
END;

CREATE TRIGGER inbox_nothing_lost BEFORE DELETE ON inbox
WHEN OLD.state IN ('accepted', 'claimed')
BEGIN
	SELECT RAISE(ABORT, 'inbox: a message that has not ended is not deleted');
END;

-- Every reply on its way, and what became of it.
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
	org_id TEXT NOT NULL REFERENCES organizations (id),
	"llmConversationId" INTEGER REFERENCES "LLMConversation" (id),
	turn_id INTEGER REFERENCES "LLMConversationMessage" (id),
	inbox_id INTEGER REFERENCES inbox (id),
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	reply_to TEXT NOT NULL,
	ord INTEGER NOT NULL DEFAULT 0,
	body TEXT NOT NULL,
	state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'unknown', 'rejected', 'expired', 'cancelled')),
	reason TEXT,
	attempts INTEGER NOT NULL DEFAULT 0,
	next_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	expires_at TEXT NOT NULL,
	remote_id TEXT,
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	sent_at TEXT,
	CHECK (state <> 'sent' OR sent_at IS NOT NULL),
	CHECK (state NOT IN ('unknown', 'rejected', 'expired', 'cancelled') OR reason IS NOT NULL)
) STRICT;
CREATE INDEX idx_outbox_due ON outbox (next_at) WHERE state IN ('pending', 'sending');
CREATE INDEX idx_outbox_conversation ON outbox ("llmConversationId", id);
CREATE INDEX idx_outbox_turn ON outbox (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX idx_outbox_inbox ON outbox (inbox_id) WHERE inbox_id IS NOT NULL;
CREATE INDEX idx_outbox_dead ON outbox (id) WHERE state IN ('unknown', 'rejected', 'expired');

CREATE TRIGGER outbox_sent_is_final BEFORE UPDATE OF state ON outbox
WHEN OLD.state IN ('sent', 'cancelled') AND NEW.state <> OLD.state
BEGIN
	SELECT RAISE(ABORT, 'outbox: a reply that was sent or cancelled keeps its state');
END;

-- How far a platform's stream of events was taken in; moved in the transaction that stores the event.
CREATE TABLE cursors (
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	scope TEXT NOT NULL,
	position TEXT NOT NULL,
	epoch INTEGER NOT NULL DEFAULT 0,
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (platform, installation, scope)
) STRICT, WITHOUT ROWID;

-- Leases on things only one daemon may do; the epoch fences whoever held it before.
CREATE TABLE owners (
	resource TEXT NOT NULL PRIMARY KEY,
	epoch INTEGER NOT NULL DEFAULT 0,
	holder TEXT NOT NULL,
	lease_until TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- ---- money ---------------------------------------------------------------------------------------------------------

CREATE TABLE budgets (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	org_id TEXT NOT NULL REFERENCES organizations (id),
	scope TEXT NOT NULL CHECK (scope IN ('organization', 'profile', 'model')),
	subject TEXT NOT NULL DEFAULT '',
	period TEXT NOT NULL CHECK (period IN ('day', 'month')),
	limit_micros INTEGER NOT NULL CHECK (limit_micros >= 0),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	UNIQUE (org_id, scope, subject, period)
) STRICT;

-- Money set aside before a model is asked, settled when its price is known.
CREATE TABLE reservations (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	budget_id INTEGER NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
	turn_id INTEGER REFERENCES "LLMConversationMessage" (id) ON DELETE SET NULL,
	micros INTEGER NOT NULL CHECK (micros >= 0),
	state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'settled', 'released')),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	settled_at TEXT,
	CHECK ((state = 'held') = (settled_at IS NULL))
) STRICT;
CREATE INDEX idx_reservations_budget ON reservations (budget_id, created_at);
CREATE INDEX idx_reservations_turn ON reservations (turn_id) WHERE turn_id IS NOT NULL;

-- ---- the to-do list ------------------------------------------------------------------------------------------------

-- call_key is the tool call that made the row: the same call again finds it instead of making another.
CREATE TABLE tasks (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	org_id TEXT NOT NULL REFERENCES organizations (id),
	user_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
	title TEXT NOT NULL CHECK (title <> ''),
	description TEXT,
	completed INTEGER NOT NULL DEFAULT 0 CHECK (completed IN (0, 1)),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	call_key TEXT UNIQUE
) STRICT;
CREATE INDEX idx_tasks_user ON tasks (user_id, completed);
CREATE INDEX idx_tasks_org ON tasks (org_id);

-- What each tool call on the list answered, so that the same call again answers the same and changes nothing.
CREATE TABLE task_calls (
	call_key TEXT NOT NULL PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
	result TEXT NOT NULL CHECK (json_valid(result)),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX idx_task_calls_user ON task_calls (user_id);
CREATE INDEX idx_task_calls_created ON task_calls (created_at);

-- ---- conversations and messages, one row per role --------------------------------------------------------------------

CREATE VIEW conversation AS
SELECT id, uuid, "userId" AS user_id, "userCompanyId" AS org_id, title, state, "conversationSource" AS platform,
	installation, "createdAt" AS created_at, "updatedAt" AS updated_at
FROM "LLMConversation";

-- id: the turn's number times 4096 plus the place within the turn, so ids rise with time in a conversation.
CREATE VIEW message AS
SELECT m.id * 4096 AS id, m.uuid AS uuid, m."llmConversationId" AS conversation_id, c.uuid AS conversation_uuid,
	c."userId" AS user_id, c."userCompanyId" AS org_id, m.id AS turn_id, 'user' AS role, m."userPrompt" AS content,
	m."promptAt" AS "timestamp", m."promptAt" AS created_at, NULL AS tool_calls, NULL AS tool_responses
FROM "LLMConversationMessage" m JOIN "LLMConversation" c ON c.id = m."llmConversationId"
UNION ALL
SELECT m.id * 4096 + 1 + s.n, s.uuid, m."llmConversationId", c.uuid, c."userId", c."userCompanyId", m.id,
	CASE s.kind WHEN 'reply' THEN 'assistant' ELSE 'tool' END,
	CASE s.kind WHEN 'reply' THEN coalesce(nullif(json_extract(s.payload, '$.text'), ''), '(asks for tools)')
		ELSE s.payload END,
	s."createdAt", s."createdAt",
	CASE s.kind WHEN 'reply' THEN coalesce(json_extract(s.payload, '$.tool_calls'), '[]') END,
	CASE s.kind WHEN 'result' THEN
		'[{"call_id":' || json_quote(s."callId") || ',"name":' || json_quote(s.tool) || ',"result":' || s.payload || '}]' END
FROM "LLMConversationMessage" m JOIN "LLMConversation" c ON c.id = m."llmConversationId"
JOIN "LLMTaskStep" s ON s."llmTaskId" = m."llmTaskId"
WHERE s.kind IN ('reply', 'result')
UNION ALL
SELECT m.id * 4096 + 4095, m."answerUuid", m."llmConversationId", c.uuid, c."userId", c."userCompanyId", m.id,
	'assistant', m."llmParsedOutput", m."answeredAt", m."answeredAt", NULL, NULL
FROM "LLMConversationMessage" m JOIN "LLMConversation" c ON c.id = m."llmConversationId"
WHERE m."llmParsedOutput" IS NOT NULL;
