/* Reading request heads more strictly than the packaged parser, which as Debian builds it takes bare LF,
 * spaces in names, folded lines and HTTP/0.9; what a head means (methods, keep-alive) is still that parser's
 * word. */
#include "head.h"
#include <http_parser.h>
#include <string.h>
#include <strings.h>

enum {
	EMPTY_LINES_MAX = 2,   /* old clients send CRLF behind a body */
	FIRST_LINE_EXTRA = 64, /* method, version and spaces around the target */
	LENGTH_DIGITS_MAX = 18,
};

static const struct web_fault bare_lf = { 400, "BAD_REQUEST", "a line ends without CR LF" };
static const struct web_fault empty = { 400, "BAD_REQUEST", "empty lines instead of a request" };
static const struct web_fault bad_line = { 400, "BAD_REQUEST", "malformed request line" };
static const struct web_fault bad_header = { 400, "BAD_REQUEST", "malformed header" };
static const struct web_fault bad_host = { 400, "BAD_REQUEST", "exactly one Host header is required" };
static const struct web_fault bad_length = { 400, "BAD_REQUEST", "malformed Content-Length" };
static const struct web_fault two_lengths = { 400, "BAD_REQUEST", "more than one Content-Length" };
static const struct web_fault both = { 400, "BAD_REQUEST", "Content-Length together with Transfer-Encoding" };
static const struct web_fault old_coding = { 400, "BAD_REQUEST", "Transfer-Encoding in HTTP/1.0" };
static const struct web_fault coding = { 501, "NOT_IMPLEMENTED",
					 "only the transfer coding chunked is known" };
static const struct web_fault method = { 501, "NOT_IMPLEMENTED", "unknown method" };
static const struct web_fault version = { 505, "VERSION_NOT_SUPPORTED",
					  "only HTTP/1.1 and HTTP/1.0 are served" };
static const struct web_fault long_target = { 414, "URI_TOO_LONG", "the request target is too long" };
static const struct web_fault long_head = { 431, "HEADERS_TOO_LARGE", "the headers are too large" };
static const struct web_fault many_headers = { 431, "HEADERS_TOO_LARGE", "too many headers" };
static const struct web_fault expectation = { 417, "EXPECTATION_FAILED", "unknown expectation" };
static const struct web_fault no_length = { 411, "LENGTH_REQUIRED", "Content-Length is required" };

static const struct web_fault *head_too_long(const struct head_scan *scan, size_t len)
{
	if (scan->lines == 0 && len - scan->start > WEB_TARGET_MAX + FIRST_LINE_EXTRA)
		return &long_target;
	return len >= WEB_HEAD_MAX ? &long_head : NULL;
}

const struct web_fault *head_scan(struct head_scan *scan, const char *text, size_t len, size_t *end_out)
{
	const char *lf;

	*end_out = 0;
	while ((lf = memchr(text + scan->at, '\n', len - scan->at)) != NULL) {
		uint32_t at = (uint32_t)(lf - text);

		if (at == 0 || text[at - 1] != '\r')
			return &bare_lf;
		if (at - 1 == scan->line && scan->lines > 0) {
			*end_out = at + 1;
			return NULL;
		}
		if (at - 1 == scan->line) {
			scan->start = at + 1;
			if (at + 1 > EMPTY_LINES_MAX * 2)
				return &empty;
		} else if (++scan->lines > WEB_HEADERS_MAX + 1) {
			return &many_headers;
		} else if (scan->lines == 1) {
			scan->first_len = at - scan->line;
		}
		scan->line = scan->at = at + 1;
	}
	scan->at = (uint32_t)len;
	return head_too_long(scan, len);
}

/* RFC 9110: the characters of methods and header names. */
static bool is_token(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t token_len(const char *text)
{
	size_t len = 0;

	while (is_token((unsigned char)text[len]))
		len++;
	return len;
}

/* The line ends with CR LF at text + len, so running over its end is not possible. */
static const struct web_fault *read_first_line(struct head *head, char *text, size_t len)
{
	size_t method_len = token_len(text), target_len = 0;
	char *target = text + method_len + 1;
	const char *proto;

	if (method_len == 0 || text[method_len] != ' ')
		return &bad_line;
	while (target[target_len] > 0x20 && target[target_len] < 0x7f)
		target_len++;
	proto = target + target_len + 1;
	if (target_len == 0 || target[target_len] != ' ')
		return &bad_line;
	if (target_len > WEB_TARGET_MAX)
		return &long_target;
	if (text + len - proto != 8 || strncmp(proto, "HTTP/", 5) != 0 || proto[6] != '.')
		return &bad_line;
	if (proto[5] != '1' || (proto[7] != '0' && proto[7] != '1'))
		return &version;
	head->one_one = proto[7] == '1';
	head->method = text;
	head->target = target;
	head->target_len = (uint32_t)target_len;
	return NULL;
}

static bool value_allowed(const char *value, const char *end)
{
	for (; value < end; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* A header [line, end); end points at CR. White space before the colon and folded lines are not tokens. */
static const struct web_fault *read_header(struct head *head, const char *line, const char *end)
{
	const char *value = line + token_len(line);

	if (value == line || *value != ':')
		return &bad_header;
	value++;
	if (!value_allowed(value, end))
		return &bad_header;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	head->lines[head->count++] =
		(struct head_line){ (uint16_t)(line - head->text), (uint16_t)(value - head->text) };
	return NULL;
}

static const struct web_fault *read_lines(struct head *head, size_t start, size_t end)
{
	char *line = head->text + start, *stop = head->text + end - 2; /* the empty line */
	char *cr = memchr(line, '\r', end - start);
	const struct web_fault *fault =
		cr[1] != '\n' ? &bad_line : read_first_line(head, line, (size_t)(cr - line));

	for (line = cr + 2; fault == NULL && line < stop; line = cr + 2) {
		cr = memchr(line, '\r', (size_t)(stop - line));
		if (head->count == WEB_HEADERS_MAX)
			return &many_headers;
		fault = cr[1] != '\n' ? &bad_header : read_header(head, line, cr);
	}
	return fault;
}

static int stop_at_headers(http_parser *parser)
{
	struct head *head = parser->data;

	head->keep_alive = head->one_one && http_should_keep_alive(parser);
	return 1; /* the body is not read here */
}

/* A second reader must see the same head; what it refuses is refused. */
static const struct web_fault *ask_parser(struct head *head, size_t start, size_t end)
{
	static const http_parser_settings settings = { .on_headers_complete = stop_at_headers };
	http_parser parser;

	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = head;
	http_parser_execute(&parser, &settings, head->text + start, end - start);
	switch (HTTP_PARSER_ERRNO(&parser)) {
	case HPE_OK:
		return NULL;
	case HPE_INVALID_METHOD:
		return &method;
	default:
		return &bad_line;
	}
}

/* Strings end where they are. Trailing white space does not belong to a value. */
static void terminate(struct head *head)
{
	head->target[-1] = head->target[head->target_len] = '\0';
	for (unsigned i = 0; i < head->count; i++) {
		char *name = head->text + head->lines[i].name, *value = head->text + head->lines[i].value;
		char *end = strchr(value, '\r');

		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		*end = '\0';
		name[token_len(name)] = '\0';
	}
}

static const struct web_fault *read_length(struct head *head)
{
	unsigned times;
	const char *text = head_find(head, "content-length", &times);
	size_t digits = text == NULL ? 0 : strspn(text, "0123456789");

	if (text == NULL)
		return NULL;
	if (times > 1)
		return &two_lengths;
	if (digits == 0 || digits > LENGTH_DIGITS_MAX || text[digits] != '\0')
		return &bad_length;
	head->has_length = true;
	for (size_t i = 0; i < digits; i++)
		head->length = head->length * 10 + (uint64_t)(text[i] - '0');
	return NULL;
}

static const struct web_fault *read_framing(struct head *head)
{
	unsigned times;
	const char *te = head_find(head, "transfer-encoding", &times);
	const struct web_fault *fault = read_length(head);

	if (fault != NULL)
		return fault;
	if (te == NULL && !head->has_length && !head->one_one && strcmp(head->method, "GET") != 0 &&
	    strcmp(head->method, "HEAD") != 0)
		return &no_length; /* its body would end where the connection does */
	if (te == NULL)
		return NULL;
	if (head->has_length)
		return &both;
	if (!head->one_one)
		return &old_coding;
	head->chunked = times == 1 && strcasecmp(te, "chunked") == 0;
	return head->chunked ? NULL : &coding;
}

static const struct web_fault *read_rules(struct head *head)
{
	unsigned hosts;
	const char *expect = head_find(head, "expect", NULL);
	const struct web_fault *fault = read_framing(head);

	head_find(head, "host", &hosts);
	if (fault != NULL)
		return fault;
	if (hosts > 1 || (hosts == 0 && head->one_one))
		return &bad_host;
	if (expect == NULL || !head->one_one)
		return NULL;
	head->continues = strcasecmp(expect, "100-continue") == 0;
	return head->continues ? NULL : &expectation;
}

const struct web_fault *head_read(struct head *head, char *text, size_t start, size_t end)
{
	const struct web_fault *fault, *second;

	*head = (struct head){ .text = text };
	fault = read_lines(head, start, end);
	if (fault != NULL)
		return fault;
	second = ask_parser(head, start, end);
	terminate(head);
	fault = read_rules(head);
	return fault != NULL ? fault : second;
}

const char *head_find(const struct head *head, const char *name, unsigned *times_out)
{
	const char *found = NULL;
	unsigned times = 0;

	for (unsigned i = 0; i < head->count; i++) {
		if (strcasecmp(head->text + head->lines[i].name, name) != 0)
			continue;
		if (times++ == 0)
			found = head->text + head->lines[i].value;
		if (times_out == NULL)
			break;
	}
	if (times_out != NULL)
		*times_out = times;
	return found;
}

bool head_lists(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list != NULL && *list != '\0') {
		size_t token = strcspn(list, ", \t");

		if (token == len && strncasecmp(list, word, len) == 0)
			return true;
		list += token;
		list += strspn(list, ", \t");
	}
	return false;
}
