/* A provider on a loop and an HTTP client that do what the test says, and what it told its host. */
#ifndef LLM_STAGE_H
#define LLM_STAGE_H

#include "buf.h"
#include "http.h"
#include "llm.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

struct llm_stage {
	const struct llm_ops *ops;
	struct loop *loop;
	struct http *http;
	struct settings *settings;
	struct llm *llm;
	struct buf parts;
	bool ended, cancel_in_part;
	enum llm_fault fault;
	enum llm_stop stop;
	struct err err;
	unsigned retry_ms;
	struct buf text, calls, raw;
	char request_id[64];
	int64_t input, output, cached, written, reasoning, cost, first_ms;
	int64_t skew;
	unsigned checked;
};

/* settings: name, value, ..., NULL; NULL: the least there may be. */
void llm_stage_open(struct llm_stage *w, const char *provider, const char *const *values);
void llm_stage_close(struct llm_stage *w);

/* Says hello to the model under ticket 9. */
void llm_stage_ask(struct llm_stage *w, double temperature, long max);

/* Makes room for the next reply. */
void llm_stage_forget(struct llm_stage *w);

/* The request was refused for the way it was written: it is made again, as the pipeline does. */
void llm_stage_anew(struct llm_stage *w, double temperature, long max);

/* Plays every FILE.sse or FILE.ndjson of tests/fixtures/PROVIDER/streams in pieces of every size and compares with
 * FILE.want.json; then with both sides of every single split for the files named. At least `least` files. */
void llm_stage_streams(const char *provider, size_t least);
void llm_stage_splits(const char *provider, const char *const *names);

/* The same files, each cut off behind every single byte: no half answer passes for a whole one, no call comes from one, and
 * no half character is shown. */
void llm_stage_cuts(const char *provider);

/* The whole file; fails the test when there is none. The caller frees. */
char *llm_stage_file(const char *path, size_t *len_out);

#endif
