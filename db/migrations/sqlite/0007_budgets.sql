-- Budgets for more than before, and what has been spent. Nothing wrote to these tables until now, so that they are made
-- anew; budgets made by hand are taken along. The release before runs on this schema, too: it does not know of them.

CREATE TABLE budgets_new (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	org_id TEXT NOT NULL REFERENCES organizations (id),
	scope TEXT NOT NULL CHECK (scope IN ('organization', 'installation', 'channel', 'profile', 'model')),
	subject TEXT NOT NULL DEFAULT '' CHECK ((subject = '') = (scope = 'organization')),
	period TEXT NOT NULL CHECK (period IN ('day', 'month')),
	limit_micros INTEGER NOT NULL CHECK (limit_micros >= 0),
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	UNIQUE (org_id, scope, subject, period)
) STRICT;
INSERT INTO budgets_new (id, org_id, scope, subject, period, limit_micros, created_at, updated_at)
	SELECT id, org_id, scope, subject, period, limit_micros, created_at, updated_at FROM budgets
	WHERE (subject = '') = (scope = 'organization');
DROP TABLE reservations;
DROP TABLE budgets;
ALTER TABLE budgets_new RENAME TO budgets;

-- Money set aside for one request to a model, before it is sent; id is that request's. lapsed: what it cost was never
-- told, and all of it counts as spent.
CREATE TABLE reservations (
	id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
	org_id TEXT NOT NULL REFERENCES organizations (id),
	turn_id INTEGER REFERENCES "LLMConversationMessage" (id) ON DELETE SET NULL,
	installation TEXT NOT NULL,
	channel TEXT,
	profile_id TEXT,
	model TEXT NOT NULL,
	micros INTEGER NOT NULL CHECK (micros >= 0),
	cost_micros INTEGER CHECK (cost_micros >= 0),
	state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'settled', 'released', 'lapsed')),
	created_at TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	ended_at TEXT,
	CHECK ((state = 'held') = (ended_at IS NULL)),
	CHECK ((state = 'settled') = (cost_micros IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_reservations_held ON reservations (expires_at) WHERE state = 'held';
CREATE INDEX idx_reservations_turn ON reservations (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX idx_reservations_created ON reservations (created_at);

-- What a day ("2026-01-31") or month ("2026-01") has cost so far, in UTC, by each thing that can have a budget. held: set
-- aside and not yet settled. Kept apart from the record of requests, so that the sum is one row and outlives them.
CREATE TABLE spending (
	org_id TEXT NOT NULL REFERENCES organizations (id),
	scope TEXT NOT NULL CHECK (scope IN ('organization', 'installation', 'channel', 'profile', 'model')),
	subject TEXT NOT NULL,
	begins TEXT NOT NULL CHECK (length(begins) IN (7, 10)),
	spent INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, scope, subject, begins)
) STRICT, WITHOUT ROWID;

-- Who was refused by which budget, for the operator.
CREATE TABLE budget_refusals (
	org_id TEXT NOT NULL REFERENCES organizations (id),
	profile_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
	scope TEXT NOT NULL,
	subject TEXT NOT NULL,
	begins TEXT NOT NULL CHECK (length(begins) IN (7, 10)),
	why TEXT NOT NULL,
	count INTEGER NOT NULL DEFAULT 1,
	first_at TEXT NOT NULL,
	last_at TEXT NOT NULL,
	PRIMARY KEY (org_id, profile_id, scope, subject, begins)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_budget_refusals_last ON budget_refusals (last_at);
CREATE INDEX idx_budget_refusals_profile ON budget_refusals (profile_id);

-- How much somebody has said lately, where people's messages are limited.
CREATE TABLE message_rates (
	profile_id TEXT NOT NULL PRIMARY KEY REFERENCES user_profiles (id) ON DELETE CASCADE,
	minute_at TEXT NOT NULL,
	minute_count INTEGER NOT NULL,
	day TEXT NOT NULL CHECK (length(day) = 10),
	day_count INTEGER NOT NULL,
	told_at TEXT
) STRICT, WITHOUT ROWID;

-- This month so far, so that a budget made today knows of it. Channels are counted from the first budget on.
INSERT INTO spending (org_id, scope, subject, begins, spent)
SELECT org_id, scope, subject, begins, sum(micros) FROM (
	SELECT a.org_id, s.scope, substr(a.created_at, 1, p.width) AS begins, a.cost_micros AS micros,
		CASE s.scope WHEN 'organization' THEN '' WHEN 'profile' THEN a.user_id
			WHEN 'installation' THEN c."conversationSource" || '/' || c.installation
			ELSE coalesce(a.provider, '') || '/' || coalesce(a.model_used, '') END AS subject
	FROM ai_agent_interactions a
	LEFT JOIN "LLMTask" t ON t.id = a."llmTaskId" LEFT JOIN "LLMConversation" c ON c.id = t."llmConversationId"
	CROSS JOIN (SELECT 'organization' AS scope UNION ALL SELECT 'installation' UNION ALL SELECT 'profile'
		UNION ALL SELECT 'model') s
	CROSS JOIN (SELECT 7 AS width UNION ALL SELECT 10) p
	WHERE a.cost_micros > 0 AND a.created_at >= strftime('%Y-%m', 'now')
) WHERE subject IS NOT NULL GROUP BY org_id, scope, subject, begins;
