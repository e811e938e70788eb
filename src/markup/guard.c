/* How much work a text would make, reckoned before it is parsed: md4c 0.4 takes quadratic time where one paragraph has
 * very many lines and brackets (it walks over the lines for each bracket), strikes, or long bare addresses, and where
 * very many lists are nested in one line. No answer that somebody would read comes near. */
#include "tree.h"
#include <string.h>

enum { NESTED_MAX = 64 };

/* What one run of lines without a blank one holds. */
struct run {
	size_t lines, brackets, strikes, addresses, word, longest;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Marks of quotes and lists at the beginning of a line. */
static size_t nested(const char *line, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		if (strchr(">-+*.)", line[i]) && line[i])
			count++;
		else if (!is_blank(line[i]) && (line[i] < '0' || line[i] > '9'))
			break;
	}
	return count;
}

/* A line of nothing but "-", "*" or "_" is a rule or text, and lists in it cost nothing. */
static bool is_rule(const char *line, size_t len)
{
	char mark = '\0';

	for (size_t i = 0; i < len; i++) {
		if (is_blank(line[i]))
			continue;
		if (strchr("-*_", line[i]) == NULL || line[i] == '\0' || (mark && line[i] != mark))
			return false;
		mark = line[i];
	}
	return mark != '\0';
}

static size_t times(size_t a, size_t b)
{
	size_t product;

	return __builtin_mul_overflow(a, b, &product) ? GUARD_WORK_MAX + 1 : product;
}

static size_t plus(size_t a, size_t b)
{
	size_t sum;

	return __builtin_add_overflow(a, b, &sum) ? GUARD_WORK_MAX + 1 : sum;
}

static size_t cost(const struct run *run)
{
	size_t cost = times(run->lines, run->brackets);

	cost = plus(cost, times(run->strikes, run->strikes) / 4);
	cost = plus(cost, times(run->addresses, run->longest));
	return plus(cost, times(run->addresses, run->addresses));
}

static void count_line(struct run *run, const char *line, size_t len)
{
	run->lines++;
	run->word = 0;
	for (size_t i = 0; i < len; i++) {
		run->brackets += line[i] == '[';
		run->strikes += line[i] == '~';
		run->addresses += line[i] == ':' && i + 2 < len && line[i + 1] == '/' && line[i + 2] == '/';
		run->word = is_blank(line[i]) ? 0 : run->word + 1;
		if (run->word > run->longest)
			run->longest = run->word;
	}
}

/* Where the line ends: at a line feed or carriage return, or at the end. */
static size_t line_size(const char *line, size_t len)
{
	size_t size = 0;

	while (size < len && line[size] != '\n' && line[size] != '\r')
		size++;
	return size;
}

static bool is_empty(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_blank(line[i]))
			return false;
	return true;
}

size_t guard_work(const char *text, size_t len)
{
	struct run run = { 0 };
	size_t work = 0;

	for (size_t at = 0; at < len;) {
		const char *line = text + at;
		size_t size = line_size(line, len - at), marks = nested(line, size);

		at += size + 1;
		if (at < len && line[size] == '\r' && text[at] == '\n')
			at++;
		if (marks > NESTED_MAX && !is_rule(line, size))
			work = plus(work, times(marks, len));
		if (is_empty(line, size)) {
			work = plus(work, cost(&run));
			run = (struct run){ 0 };
		} else {
			count_line(&run, line, size);
		}
	}
	return plus(work, cost(&run));
}
