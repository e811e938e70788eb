-- What a platform's plugin has to know again after a restart. The release before runs on this schema, too.

-- A text of the plugin's own under a name of its choice; goes when its installation is removed.
CREATE TABLE plugin_texts (
	platform TEXT NOT NULL,
	installation TEXT NOT NULL,
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
	text TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) <= 4096),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (platform, installation, name)
) STRICT, WITHOUT ROWID;
