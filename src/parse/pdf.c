/* PDF: the text of each page. Nothing is drawn, so no font is loaded. */
#include "mem.h"
#include "parse_room.h"
#include "text.h"
#include <poppler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 50000, TITLE_MAX = 300 };

/* Paragraphs are told apart by blank lines; a page without any is one. */
static bool page_tell(struct sink *sink, const char *place, const char *text, size_t len)
{
	const char *at = text, *end = text + len, *gap;

	for (; at < end; at = gap + 2) {
		gap = memmem(at, (size_t)(end - at), "\n\n", 2);
		if (gap == NULL)
			gap = end;
		if (gap > at && !sink->text(sink, place, at, (size_t)(gap - at)))
			return false;
	}
	return true;
}

/* Whether a new piece of text begins at next: beside the one before at some distance, or on another line. */
static bool apart(const PopplerRectangle *last, const PopplerRectangle *next)
{
	double height = last->y2 - last->y1, gap = next->x1 - last->x2, down = next->y1 - last->y1;

	return height > 0 &&
	       (gap > height / 2 || gap < -4 * height || down > height / 2 || down < -height / 2);
}

/* Cells of a table stand beside each other and poppler puts nothing between them. Takes text; the caller frees with
 * g_free. */
static char *cells_apart(PopplerPage *page, char *text)
{
	PopplerRectangle *places = NULL;
	guint count = 0, at = 0;
	GString *out;

	if (!poppler_page_get_text_layout(page, &places, &count) || (glong)count != g_utf8_strlen(text, -1)) {
		g_free(places);
		return text;
	}
	out = g_string_sized_new(strlen(text) + 64);
	for (char *c = text, *next; *c; c = next, at++) {
		next = g_utf8_next_char(c);
		if (at > 0 && !g_ascii_isspace(c[-1]) && !g_ascii_isspace(*c) &&
		    apart(&places[at - 1], &places[at]))
			g_string_append_c(out, places[at].y1 - places[at - 1].y1 > 1 ? '\n' : ' ');
		g_string_append_len(out, c, next - c);
	}
	g_free(places);
	g_free(text);
	return g_string_free(out, FALSE);
}

/* Poppler leaves out the first or the last line of a page when it is written from right to left, unless it is asked from
 * right to left; which of other pages leaves out more. */
static char *page_text(PopplerPage *page)
{
	PopplerRectangle back = { 0, 0, 0, 0 };
	char *text = poppler_page_get_text(page), *other;

	poppler_page_get_size(page, &back.x1, &back.y2);
	other = poppler_page_get_selected_text(page, POPPLER_SELECTION_GLYPH, &back);
	if (text && (!other || strlen(other) <= strlen(text))) {
		g_free(other);
		return cells_apart(page, text);
	}
	g_free(text);
	return other;
}

/* Returns false when the sink has enough. */
static bool page_read(PopplerDocument *document, int number, struct sink *sink, bool *text_out)
{
	PopplerPage *page = poppler_document_get_page(document, number);
	char *raw = page ? page_text(page) : NULL, *text;
	char place[40];
	bool more = true;

	if (page == NULL) {
		snprintf(place, sizeof(place), "page %d is damaged", number + 1);
		sink->warn(sink, place);
		return true;
	}
	if (raw && *raw) {
		text = text_repair(raw, strlen(raw));
		*text_out = *text_out || !text_blank(text);
		snprintf(place, sizeof(place), "page %d", number + 1);
		more = page_tell(sink, place, text, strlen(text));
		free(text);
	}
	g_free(raw);
	g_object_unref(page);
	return more;
}

static void title_tell(PopplerDocument *document, struct sink *sink)
{
	char *raw = poppler_document_get_title(document), *whole, *line;

	if (raw && *raw) {
		whole = text_repair(raw, strlen(raw));
		line = text_one_line(whole);
		line[text_fit(line, strlen(line), TITLE_MAX)] = '\0';
		if (*line)
			sink->title(sink, line);
		free(line);
		free(whole);
	}
	g_free(raw);
}

static bool pages_read(struct parse *parse, PopplerDocument *document, struct sink *sink, struct err *err)
{
	int count = poppler_document_get_n_pages(document);
	bool text = false;

	if (count < 1)
		return parse_fail(err, "damaged", "The file has no pages.");
	if (count > PAGES_MAX)
		return parse_fail(err, "too_large", "The file has more than %d pages.", PAGES_MAX);
	sink->pages(sink, count);
	title_tell(document, sink);
	for (int i = 0; i < count; i++) {
		if (!page_read(document, i, sink, &text))
			return true;
		parse_progress(parse, -1, -1, i + 1);
	}
	if (!text)
		sink->warn(sink, "no page has text: the pages are pictures, which can't be read");
	return true;
}

static PopplerDocument *document_open(const char *data, size_t len, struct err *err)
{
	GBytes *bytes = g_bytes_new_static(data, len);
	GError *error = NULL;
	PopplerDocument *document = poppler_document_new_from_bytes(bytes, NULL, &error);

	g_bytes_unref(bytes);
	if (document)
		return document;
	if (error && g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
		parse_fail(err, "encrypted", "The file needs a password.");
	else
		parse_fail(err, "damaged", "The file is no readable PDF.");
	g_clear_error(&error);
	return NULL;
}

void pdf_stage(void)
{
	/* Poppler looks for its tables when the first document is made and forgets them with the last: this one stays. */
	static const char blank[] = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
				    "2 0 obj\n<< /Type /Pages /Count 0 /Kids [] >>\nendobj\n"
				    "trailer\n<< /Root 1 0 R /Size 3 >>\n%%EOF\n";
	static PopplerDocument *kept;
	struct err ignored;

	poppler_data_stage();
	if (kept == NULL)
		kept = document_open(blank, sizeof(blank) - 1, &ignored);
}

static bool pdf_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	const char *data = input_map(input);
	PopplerDocument *document;
	bool good;

	if (data == NULL)
		return parse_fail(err, "too_large", "The file is larger than the memory it may have.");
	document = document_open(data, (size_t)input->size, err);
	if (document == NULL)
		return false;
	good = pages_read(parse, document, sink, err);
	g_object_unref(document);
	return good;
}

const struct reader pdf_reader = { .kind = "pdf", .mime = "application/pdf", .read = pdf_read };
