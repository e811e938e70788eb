/* The few pages that people see in a browser while they add the app. */
#ifndef USHER_SLACK_PAGE_H
#define USHER_SLACK_PAGE_H

#include "web.h"
#include <stddef.h>

struct slack_page {
	int status;
	const char *title;
	const char *const *lines;  /* paragraphs, ended by NULL */
	const char *button, *href; /* or NULL */
};

/* Answers with the page; all texts may hold anything and are escaped. Nothing on it comes from elsewhere. */
void slack_page_answer(struct web_request *request, const struct slack_page *page);

struct buf;
/* Appends text so that HTML reads it as text, also inside quotes. */
void slack_page_escape(struct buf *out, const char *text);

#endif
