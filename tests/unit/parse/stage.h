/* Files in memory, read as the program reads them, and what came of it as text that tests compare. */
#ifndef USHER_TEST_PARSE_STAGE_H
#define USHER_TEST_PARSE_STAGE_H

#include "buf.h"
#include "parse_room.h"

struct stage;

struct recorder {
	struct sink sink;
	struct stage *stage;
	int told;
};

struct stage {
	struct parse parse;
	struct input input;
	struct buf
		seen; /* what the sink was told, a line each: "text|PLACE|TEXT", "table|NAME|PLACE", "columns|a|b",
			    "UNIT N|a|b", "file|NAME|KIND|ERROR", "title|T", "pages|N", "warn|W" */
	struct err err;
	bool good;
	int stop_after; /* the sink has enough after so many things; 0: never */
	const char *kind, *mime;
	json_t *outline;   /* of stage_extract */
	struct buf chunks; /* its descriptor 4 */
	struct recorder recorder;
};

/* Reads data with the reader of its type. End with stage_end. */
void stage_read(struct stage *stage, const char *name, const void *data, size_t len);
/* The sink that writes into seen. */
struct sink *stage_sink(struct stage *stage);
/* The same into chunks and an outline. */
void stage_extract(struct stage *stage, const char *name, const void *data, size_t len);
/* Limits, stop_after may be set before; kind and mime without reading. */
void stage_begin(struct stage *stage);
void stage_end(struct stage *stage);

/* A string literal as bytes. */
#define BYTES(text) text, sizeof(text) - 1

#endif
