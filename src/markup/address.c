#include "address.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unictype.h>
#include <unistr.h>

/* One character; 0 bytes at the end. Text is valid UTF-8. */
static size_t read_char(const char *text, size_t len, ucs4_t *out)
{
	int size = len ? u8_mbtouc(out, (const uint8_t *)text, len) : 0;

	return size > 0 ? (size_t)size : 0;
}

static bool is_space(ucs4_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') ||
	       uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Z);
}

static bool is_hidden(ucs4_t c)
{
	if (c < 0x80)
		return (c < ' ' && (c < '\t' || c > '\r')) || c == 0x7f;
	return uc_is_property(c, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT) ||
	       (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf) && c != 0x85);
}

size_t address_hidden(const char *text, size_t len)
{
	ucs4_t c;
	size_t size = read_char(text, len, &c);

	return size && is_hidden(c) ? size : 0;
}

/* Full stops of other scripts that browsers and IDNA take for one. */
static bool is_dot(ucs4_t c)
{
	return c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61 || c == 0x2024;
}

static bool is_label(ucs4_t c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		       c == '-' || c == '_';
	return !is_dot(c) && !is_space(c) && !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_P);
}

/* Ends a word: neither part of a host nor of a path that matters. What follows such a sign is judged on its own. */
static bool is_border(ucs4_t c)
{
	if (c < 0x80)
		return is_space(c) || (c && strchr("<>()[]{}\"'`|,;*\\^", (int)c));
	return is_space(c) || (!is_dot(c) && uc_is_general_category_withtable(c, UC_CATEGORY_MASK_P));
}

/* A dot between labels whose right one could be the last of a host: it has two characters and no digit in front. The full
 * stop of Chinese and Japanese text ends sentences, unless Latin letters stand around it. */
static bool is_host_dot(const char *text, size_t len, size_t at, size_t size, ucs4_t before)
{
	ucs4_t first = 0, second = 0;
	size_t n = read_char(text + at + size, len - at - size, &first);

	if (n == 0 || !is_label(before) || !is_label(first) || (first >= '0' && first <= '9'))
		return false;
	if (size > 1 && (before >= 0x80 || first >= 0x80))
		return false;
	return read_char(text + at + size + n, len - at - size - n, &second) && is_label(second);
}

/* "10.1.2.3" */
static bool is_numbers(const char *text, size_t len)
{
	unsigned dots = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.')
			dots++;
		else if (text[i] < '0' || text[i] > '9')
			break;
	}
	return dots == 3;
}

static bool might_be(const char *text, size_t len)
{
	ucs4_t c, before = ' ';

	if (memmem(text, len, "://", 3))
		return true;
	for (size_t at = 0, size; at < len; at += size, before = c) {
		size = read_char(text + at, len - at, &c);
		if (size == 0)
			break;
		if (is_dot(c) && is_host_dot(text, len, at, size, before))
			return true;
		if (c >= '0' && c <= '9' && !is_label(before) && !is_dot(before) &&
		    is_numbers(text + at, len - at))
			return true;
	}
	return false;
}

static void trim(const char *text, size_t *from, size_t *size)
{
	while (*size && strchr("._~-:/?#@!$&=+%", text[*from])) {
		++*from;
		--*size;
	}
	while (*size && strchr(".:!?~_-#@=&", text[*from + *size - 1]))
		--*size;
}

bool address_next(const char *text, size_t len, size_t *at, size_t *from_out, size_t *size_out)
{
	while (*at < len) {
		ucs4_t c;
		size_t size, from = *at, end = *at;

		while (end < len && (size = read_char(text + end, len - end, &c)) > 0 && !is_border(c))
			end += size;
		*at = end;
		if (end < len)
			*at += size ? size : 1;
		*from_out = from;
		*size_out = end - from;
		if (*size_out == 0 || !might_be(text + from, *size_out))
			continue;
		trim(text, from_out, size_out);
		if (*size_out)
			return true;
	}
	return false;
}

/* Only the plainest: what else may stand before an "@" is nobody's address. */
static const char *behind_at(const char *address)
{
	size_t local = strspn(address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");

	return local && address[local] == '@' ? address + local + 1 : NULL;
}

static bool read_mail(const char *address, char host_out[ADDRESS_HOST_SIZE])
{
	const char *host = behind_at(address);
	struct url url;
	char *whole;
	bool good;

	if (host == NULL || strpbrk(host, ":/?#[]"))
		return false;
	whole = mem_format("https://%s", host);
	good = url_read(whole, &url);
	free(whole);
	if (good)
		memcpy(host_out, url.host, sizeof(url.host));
	return good;
}

static bool read_bare(const char *address, char host_out[ADDRESS_HOST_SIZE])
{
	char *whole = mem_format("https://%s", address);
	struct url url;
	bool good = url_read(whole, &url);

	free(whole);
	if (good)
		memcpy(host_out, url.host, sizeof(url.host));
	return good || read_mail(address, host_out);
}

static bool read_text(const char *address, bool bare, char host_out[ADDRESS_HOST_SIZE])
{
	struct url url;

	for (const char *c = address; *c; c++)
		if ((unsigned char)*c >= 0x80)
			return false;
	if (strncasecmp(address, "mailto:", 7) == 0)
		return read_mail(address + 7, host_out);
	if (strncasecmp(address, "http://", 7) == 0 || strncasecmp(address, "https://", 8) == 0) {
		if (!url_read(address, &url))
			return false;
		memcpy(host_out, url.host, sizeof(url.host));
		return true;
	}
	return bare && strstr(address, "://") == NULL && read_bare(address, host_out);
}

bool address_host(const char *address, size_t len, bool bare, char host_out[ADDRESS_HOST_SIZE])
{
	char *text = mem_text_n(address, len);
	bool good = strlen(text) == len && read_text(text, bare, host_out);

	free(text);
	return good;
}
