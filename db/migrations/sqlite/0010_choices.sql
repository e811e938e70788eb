-- What the reader of a reply is offered to press. The release before leaves it out: what stands there can be typed, too.

-- choices: a JSON array of {"label", "command"}; with the last part of an answer.
ALTER TABLE outbox ADD COLUMN choices TEXT CHECK (choices IS NULL OR json_valid(choices));
