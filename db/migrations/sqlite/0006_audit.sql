-- The record of interactions proves itself: each row carries the hash of the one before. docs/audit.md tells the rules.
-- Only additions: the release before runs on this schema, too; what it writes is not part of the chain, and the check says so.

-- seq counts from 1 in each organisation; NULL: written before there was a chain. content_hash covers content_salt, input
-- and output, hash all other columns that never change, content_hash and the hash before. Where the content was emptied,
-- erased_by is the seq of the row that says by whom and why.
ALTER TABLE ai_agent_interactions ADD COLUMN seq INTEGER CHECK (seq > 0);
ALTER TABLE ai_agent_interactions ADD COLUMN content_salt TEXT;
ALTER TABLE ai_agent_interactions ADD COLUMN content_hash TEXT CHECK (length(content_hash) = 64);
ALTER TABLE ai_agent_interactions ADD COLUMN hash TEXT CHECK (length(hash) = 64);
ALTER TABLE ai_agent_interactions ADD COLUMN erased_by INTEGER;
CREATE UNIQUE INDEX idx_ai_agent_interactions_seq ON ai_agent_interactions (org_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX idx_ai_agent_interactions_unchained ON ai_agent_interactions (org_id, created_at) WHERE seq IS NULL;

-- The end of each organisation's chain, moved in the transaction that adds a row. unchained: how many rows were there
-- before. pruned_seq, pruned_hash: the last row that retention dropped; emptied_seq: how far it has emptied contents.
CREATE TABLE audit_heads (
	org_id TEXT NOT NULL PRIMARY KEY REFERENCES organizations (id),
	seq INTEGER NOT NULL DEFAULT 0 CHECK (seq >= 0),
	hash TEXT NOT NULL DEFAULT '0000000000000000000000000000000000000000000000000000000000000000' CHECK (length(hash) = 64),
	unchained INTEGER NOT NULL DEFAULT 0 CHECK (unchained >= 0),
	pruned_seq INTEGER NOT NULL DEFAULT 0 CHECK (pruned_seq BETWEEN 0 AND seq),
	pruned_hash TEXT NOT NULL DEFAULT '0000000000000000000000000000000000000000000000000000000000000000' CHECK (length(pruned_hash) = 64),
	emptied_seq INTEGER NOT NULL DEFAULT 0 CHECK (emptied_seq >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO audit_heads (org_id, unchained) SELECT org_id, count(*) FROM ai_agent_interactions GROUP BY org_id;
