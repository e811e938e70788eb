/* usher-parse: one order, one file, one answer, locked in before the first byte of the file is read (include/extract.h). */
#include "charset.h"
#include "convert.h"
#include "extract_sink.h"
#include "order.h"
#include "sandbox.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_IN = 3,
	FILE_OUT = 4,
	KEEP = 5,	     /* descriptors */
	ORDER_MAX = 1 << 20, /* bytes */
	BAD_ORDER = 2,	     /* exit status: used in a way that is wrong */
};

/* ---- ends that are not ours to choose ---------------------------------------------------------------------------- */

static void last_words(const char *line)
{
	(void)!write(STDOUT_FILENO, line, strlen(line));
	_exit(1);
}

static void too_slow(int signal)
{
	(void)signal;
	last_words("{\"failed\":{\"code\":\"too_slow\",\"message\":\"Reading the file takes too long.\"}}\n");
}

/* What aborted() asks for: half of the memory that is allowed. */
static size_t much_memory;

/* Libraries without memory abort: it is told when not even half of it is free, as what grows doubles. What else aborts dies
 * as it would. */
static void aborted(int number)
{
	/* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): a system call and nothing else on Linux */
	void *probe = mmap(NULL, much_memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)number;
	if (probe == MAP_FAILED)
		last_words("{\"failed\":{\"code\":\"too_large\",\"message\":"
			   "\"Reading the file takes more memory than is allowed.\"}}\n");
	signal(SIGABRT, SIG_DFL);
}

/* ---- the order ----------------------------------------------------------------------------------------------------- */

/* The line without its end; the caller frees. NULL: none that is whole. */
static char *line_read(size_t *len_out)
{
	char *line = malloc(ORDER_MAX);
	size_t len = 0;

	while (line != NULL && len < ORDER_MAX) {
		ssize_t n = read(STDIN_FILENO, line + len, ORDER_MAX - len);
		char *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		end = memchr(line + len, '\n', (size_t)n);
		len += (size_t)n;
		if (end != NULL && (size_t)(end - line) + 1 == len) {
			*len_out = len - 1;
			return line;
		}
		if (end != NULL)
			break;
	}
	free(line);
	return NULL;
}

static bool extract(struct parse *parse, const struct input *input, const struct order *order,
		    struct err *err)
{
	const char *kind, *mime;
	const struct reader *reader = parse_type(input, &kind, &mime);
	struct extract *extract = extract_open(parse, FILE_OUT);
	bool good = true;

	(void)order;
	answer_checked(parse, kind, mime);
	if (reader != NULL || input->size == 0 || !kind_without_text(kind))
		good = parse_file(parse, reader, mime, input, extract_sink(extract), err);
	if (good) {
		json_t *done = extract_done(extract, kind, mime);

		answer_done(parse, done);
		json_decref(done);
	}
	extract_close(extract);
	return good;
}

static bool convert(struct parse *parse, const struct input *input, const struct order *order,
		    struct err *err)
{
	const char *kind, *mime;
	const struct reader *reader;
	struct spec spec;
	json_t *report = NULL;
	bool good = spec_read(&spec, order->spec, err);

	if (good) {
		reader = parse_type(input, &kind, &mime);
		answer_checked(parse, kind, mime);
		good = convert_file(parse, reader, mime, input, &spec, FILE_OUT, &report, err);
	}
	if (good)
		answer_done(parse, report);
	json_decref(report);
	spec_free(&spec);
	return good;
}

/* What can be asked for. */
static const struct {
	const char *what;
	bool spec; /* it needs one */
	bool (*run)(struct parse *parse, const struct input *input, const struct order *order,
		    struct err *err);
} ORDERS[] = {
	{ "extract", false, extract },
	{ "convert", true, convert },
};

/* The place in ORDERS; -1 and err: there is none, or it came with the wrong things. */
static int order_find(const struct order *order, struct err *err)
{
	for (size_t i = 0; i < sizeof(ORDERS) / sizeof(ORDERS[0]); i++)
		if (strcmp(ORDERS[i].what, order->what) == 0) {
			if (ORDERS[i].spec == (order->spec != NULL))
				return (int)i;
			err_set(err, ERR_REFUSED, "\"%s\" %s a spec", order->what,
				ORDERS[i].spec ? "needs" : "takes no");
			return -1;
		}
	err_set(err, ERR_REFUSED, "\"%s\" is not known", order->what);
	return -1;
}

/* Everything that libraries read from files, and the lock behind it. */
static bool lock_in(const struct limits *limits, struct err *err)
{
	const int64_t most = limits->output > limits->unpacked ? limits->output : limits->unpacked;
	const struct sandbox_limits own = { limits->memory, limits->cpu_s, most };

	if (!type_stage(err))
		return false;
	charset_stage();
	extract_stage();
	readers_stage();
	convert_stage();
	signal(SIGXCPU, too_slow);
	much_memory = (size_t)limits->memory / 2;
	signal(SIGABRT, aborted);
	signal(SIGPIPE, SIG_IGN);
	return sandbox_enter(&own, KEEP, err);
}

int main(void)
{
	struct parse parse = { .answers = STDOUT_FILENO };
	struct input input = { .fd = FILE_IN };
	struct order order = { 0 };
	struct err err = { 0 };
	struct stat file;
	size_t len;
	char *line = line_read(&len);
	int which;

	if (line == NULL || !order_read(&order, line, len, &err) || (which = order_find(&order, &err)) < 0) {
		fprintf(stderr, "usher-parse: %s\n",
			line ? err.text : "an order is one line on standard input");
		order_free(&order);
		free(line);
		return BAD_ORDER;
	}
	if (fstat(FILE_IN, &file) != 0 || !S_ISREG(file.st_mode)) {
		fprintf(stderr, "usher-parse: descriptor 3 must be a file\n");
		return BAD_ORDER;
	}
	parse.limits = order.limits;
	input.size = file.st_size;
	input.name = order.name;
	if (!lock_in(&order.limits, &err)) {
		struct err own = { 0 };

		parse_fail(&own, "sandbox", "%s", err.text);
		answer_failed(&parse, &own);
		_exit(1);
	}
	if (!ORDERS[which].run(&parse, &input, &order, &err)) {
		answer_failed(&parse, &err);
		_exit(1);
	}
	_exit(0); /* nothing is left to be done that could fail */
}
