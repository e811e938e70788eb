-- What servers of tools and their authorization servers granted us. The release before runs on this schema, too: it does not
-- know of them.

-- One row for each server of the settings and each issuer: registration and tokens, sealed with store.key.
CREATE TABLE mcp_grants (
	server TEXT NOT NULL,
	issuer TEXT NOT NULL,
	sealed TEXT NOT NULL,
	kept_at TEXT NOT NULL,
	PRIMARY KEY (server, issuer)
) STRICT, WITHOUT ROWID;
