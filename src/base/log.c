/* Log lines with context, without secrets. */
#include "log.h"
#include "buf.h"
#include "clock.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_LEAST = 6, LINE_MAX_BYTES = 4000 };

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static enum log_level least_level = LOG_INFO;
static bool as_json;

static struct hidden {
	char *value;
	unsigned users;
	struct hidden *next;
} * hidden; /* each once, the longest first: one may begin with another; guarded by the mutex */
static pthread_mutex_t hidden_lock = PTHREAD_MUTEX_INITIALIZER;

void log_setup(enum log_level least, bool json)
{
	least_level = least;
	as_json = json;
}

bool log_level_parse(const char *name, enum log_level *level_out)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (strcmp(level_names[i], name) == 0) {
			*level_out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* Where this value stands in the list, or the end of it. */
static struct hidden **find_hidden(const char *secret)
{
	struct hidden **at = &hidden;

	while (*at && strcmp((*at)->value, secret) != 0)
		at = &(*at)->next;
	return at;
}

void log_hide(const char *secret)
{
	struct hidden **at;

	if (secret == NULL || strlen(secret) < SECRET_LEAST)
		return;
	pthread_mutex_lock(&hidden_lock);
	at = find_hidden(secret);
	if (*at == NULL) {
		struct hidden *entry = mem_alloc(sizeof(*entry));

		for (at = &hidden; *at && strlen((*at)->value) > strlen(secret);)
			at = &(*at)->next;
		*entry = (struct hidden){ .value = mem_text(secret), .next = *at };
		*at = entry;
	}
	(*at)->users++;
	pthread_mutex_unlock(&hidden_lock);
}

void log_unhide(const char *secret)
{
	struct hidden **at, *entry;

	if (secret == NULL)
		return;
	pthread_mutex_lock(&hidden_lock);
	at = find_hidden(secret);
	entry = *at;
	if (entry && --entry->users == 0) {
		*at = entry->next;
		explicit_bzero(entry->value, strlen(entry->value));
		free(entry->value);
		free(entry);
	}
	pthread_mutex_unlock(&hidden_lock);
}

/* One pass: the mark itself may contain the secret ("secret" is what people write for servers without keys).
 */
static char *without(char *line, const char *secret)
{
	char *at = strstr(line, secret), *rest = line;
	struct buf clean = { 0 };

	if (at == NULL)
		return line;
	for (; at; at = strstr(rest, secret)) {
		buf_add(&clean, rest, (size_t)(at - rest));
		buf_text(&clean, "[secret]");
		rest = at + strlen(secret);
	}
	buf_text(&clean, rest);
	free(line);
	return buf_take(&clean);
}

/* Searched by value, so that a secret is caught whatever sentence it got into (security.md R79). */
static char *without_secrets(char *line)
{
	pthread_mutex_lock(&hidden_lock);
	for (const struct hidden *entry = hidden; entry; entry = entry->next)
		line = without(line, entry->value);
	pthread_mutex_unlock(&hidden_lock);
	return line;
}

char *log_clean(const char *text)
{
	return without_secrets(mem_text(text));
}

static void add_names(const struct log *log, struct buf *out)
{
	if (log == NULL)
		return;
	add_names(log->parent, out);
	if (log->name)
		buf_format(out, "%s%s", out->len ? " " : "", log->name);
}

static const char *find_trace(const struct log *log)
{
	while (log && log->trace == NULL)
		log = log->parent;
	return log ? log->trace : NULL;
}

static void print_json(enum log_level level, const char *where, const char *trace, const char *message)
{
	char now[CLOCK_TEXT_SIZE], *visible = text_visible(message, "\n\t");
	struct buf line = { 0 };

	buf_format(&line, "{\"time\":\"%s\",\"level\":\"%s\"", clock_text(clock_wall_ms(), now),
		   level_names[level]);
	if (*where) {
		buf_text(&line, ",\"where\":");
		json_quote(&line, where, strlen(where));
	}
	if (trace) {
		buf_text(&line, ",\"trace\":");
		json_quote(&line, trace, strlen(trace));
	}
	buf_text(&line, ",\"message\":");
	json_quote(&line, visible, strlen(visible));
	buf_text(&line, "}\n");
	(void)!write(STDERR_FILENO, line.data, line.len);
	buf_free(&line);
	free(visible);
}

static void print_text(enum log_level level, const char *where, const char *trace, const char *message)
{
	char now[CLOCK_TEXT_SIZE], *visible = text_visible(message, "");
	struct buf line = { 0 };

	clock_text(clock_wall_ms(), now);
	buf_format(&line, "%.8s %-5s ", now + 11, level_names[level]);
	if (*where)
		buf_format(&line, "%s: ", where);
	buf_text(&line, visible);
	if (trace)
		buf_format(&line, " [%s]", trace);
	buf_text(&line, "\n");
	(void)!write(STDERR_FILENO, line.data, line.len);
	buf_free(&line);
	free(visible);
}

__attribute__((format(printf, 3, 0))) static void print(enum log_level level, const struct log *log,
							const char *fmt, va_list args)
{
	struct buf where = { 0 };
	char *raw = NULL, *clean, *line;

	if (level < least_level)
		return;
	if (vasprintf(&raw, fmt, args) < 0)
		return;
	clean = log_clean(raw); /* before it is cut: half a secret would not be found */
	line = text_repair(clean, text_fit(clean, strlen(clean), LINE_MAX_BYTES));
	free(clean);
	free(raw);
	add_names(log, &where);
	(as_json ? print_json : print_text)(level, buf_str(&where), find_trace(log), line);
	buf_free(&where);
	free(line);
}

void log_debug(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_DEBUG, log, fmt, args);
	va_end(args);
}

void log_info(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_INFO, log, fmt, args);
	va_end(args);
}

void log_warn(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_WARN, log, fmt, args);
	va_end(args);
}

void log_error(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_ERROR, log, fmt, args);
	va_end(args);
}
