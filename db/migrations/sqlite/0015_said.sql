-- What every answer asks about what was said before is answered by indexes that hold next to nothing. The release before runs
-- on this schema, too.

-- Messages that may hold an address; the class stands in src/core/foreign.c, too.
CREATE INDEX idx_message_address ON "LLMConversationMessage" ("llmConversationId", id)
WHERE "userPrompt" GLOB '*.[0-9A-Za-z_&\-]*' OR instr("userPrompt", '://') > 0;

-- Messages that came with files.
CREATE INDEX idx_inbox_files ON inbox (turn_id) WHERE files <> '[]';
