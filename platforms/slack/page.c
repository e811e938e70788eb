/* Draws the pages: own style only, and a policy that lets the browser load nothing else. */
#include "page.h"
#include "buf.h"
#include "crypto.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum { NONCE_BYTES = 16 };

static const char style[] =
	"body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;"
	"color:#1d1c1d;background:#fff}"
	"h1{font-size:1.6rem}"
	"a.button{display:inline-block;padding:.7rem 1.4rem;border-radius:.4rem;background:#4a154b;"
	"color:#fff;text-decoration:none;font-weight:600}"
	"a.button:focus-visible{outline:3px solid #1264a3;outline-offset:2px}"
	"@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#1a1d21}}";

void slack_page_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buf_text(out, "&amp;");
			break;
		case '<':
			buf_text(out, "&lt;");
			break;
		case '>':
			buf_text(out, "&gt;");
			break;
		case '"':
			buf_text(out, "&quot;");
			break;
		case '\'':
			buf_text(out, "&#39;");
			break;
		default:
			buf_add(out, text, 1);
		}
	}
}

static void draw(struct buf *out, const struct slack_page *page, const char *nonce)
{
	buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		      "<meta name=\"robots\" content=\"noindex,nofollow\"><title>");
	slack_page_escape(out, page->title);
	buf_format(out, "</title><style nonce=\"%s\">%s</style></head><body><main><h1>", nonce, style);
	slack_page_escape(out, page->title);
	buf_text(out, "</h1>");
	for (size_t i = 0; page->lines && page->lines[i]; i++) {
		buf_text(out, "<p>");
		slack_page_escape(out, page->lines[i]);
		buf_text(out, "</p>");
	}
	if (page->button) {
		buf_text(out, "<p><a class=\"button\" href=\"");
		slack_page_escape(out, page->href);
		buf_text(out, "\">");
		slack_page_escape(out, page->button);
		buf_text(out, "</a></p>");
	}
	buf_text(out, "</main></body></html>\n");
}

void slack_page_answer(struct web_request *request, const struct slack_page *page)
{
	uint8_t random[NONCE_BYTES];
	char nonce[2 * NONCE_BYTES + 1];
	struct buf out = { 0 };
	char *policy;

	crypto_random(random, sizeof(random));
	crypto_hex(random, sizeof(random), nonce);
	policy = mem_format("default-src 'none'; style-src 'nonce-%s'; base-uri 'none'; form-action 'none'; "
			    "frame-ancestors 'none'",
			    nonce);
	draw(&out, page, nonce);
	web_add_header(request, "content-security-policy", policy);
	web_add_header(request, "referrer-policy", "no-referrer");
	web_add_header(request, "cross-origin-opener-policy", "same-origin");
	web_add_header(request, "x-frame-options", "DENY");
	web_add_header(request, "x-robots-tag", "noindex, nofollow");
	web_add_header(request, "cache-control", "no-store");
	web_answer(request, page->status, "text/html; charset=utf-8", buf_str(&out), out.len);
	buf_free(&out);
	free(policy);
}
