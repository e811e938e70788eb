-- The words behind the hashes of tool_pins, so that an operator can compare before approving. The release before runs on this
-- schema, too: it does not know of them.

-- definition: what a server said of a tool, as JSON; hash: its SHA-256 in lower-case hex.
CREATE TABLE tool_definitions (
	server TEXT NOT NULL,
	tool TEXT NOT NULL,
	hash TEXT NOT NULL CHECK (length(hash) = 64),
	definition TEXT NOT NULL,
	PRIMARY KEY (server, tool, hash),
	FOREIGN KEY (server, tool) REFERENCES tool_pins (server, tool) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
