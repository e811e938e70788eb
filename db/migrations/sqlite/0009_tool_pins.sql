-- What servers said of their tools when these were first seen, or approved since. The release before runs on this schema,
-- too: it does not know of them.

-- hash: of what is approved; found: of what the server says now, when that is something else (SHA-256 in lower-case hex).
-- Such a tool is not offered until the operator approves it.
CREATE TABLE tool_pins (
	server TEXT NOT NULL,
	tool TEXT NOT NULL,
	hash TEXT NOT NULL CHECK (length(hash) = 64),
	found TEXT CHECK (length(found) = 64 AND found <> hash),
	first_at TEXT NOT NULL,
	changed_at TEXT,
	approved_at TEXT,
	PRIMARY KEY (server, tool),
	CHECK (found IS NULL OR changed_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
