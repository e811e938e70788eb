-- What was said in a conversation before the turns that its model is still told word for word. The release before runs on
-- this schema, too: it tells the newest turns only.

-- One row for each try; the newest with a text counts. text NULL: the try failed, or something it was made of was edited
-- since. A row goes when something it was made of is taken back or erased. upto_turn_id: the last turn in it, which counts
-- with all before it. "llmTaskId": its run. told_turn_id: the turn whose answer said that there are summaries from now on.
CREATE TABLE conversation_summaries (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	conversation_id INTEGER NOT NULL REFERENCES "LLMConversation" (id) ON DELETE CASCADE,
	upto_turn_id INTEGER NOT NULL REFERENCES "LLMConversationMessage" (id) ON DELETE CASCADE,
	text TEXT CHECK (text <> ''),
	model TEXT,
	"llmTaskId" INTEGER NOT NULL REFERENCES "LLMTask" (id) ON DELETE CASCADE,
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	told_turn_id INTEGER REFERENCES "LLMConversationMessage" (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX idx_conversation_summaries ON conversation_summaries (conversation_id, upto_turn_id, id);
CREATE INDEX idx_conversation_summaries_upto ON conversation_summaries (upto_turn_id);
CREATE INDEX idx_conversation_summaries_task ON conversation_summaries ("llmTaskId");
CREATE INDEX idx_conversation_summaries_told ON conversation_summaries (told_turn_id) WHERE told_turn_id IS NOT NULL;
