/* Where links in an answer may lead. Whoever can put words before the model can make it write an address that carries
 * away what it has read; chats fetch addresses to show a preview, without anybody pressing them. So an answer made of what
 * others wrote shows addresses of hosts that nobody named as code, which no platform follows. Pure; any thread. */
#ifndef USHER_LINKS_H
#define USHER_LINKS_H

#include <stdbool.h>
#include <stddef.h>

struct links;

enum { LINKS_HOSTS_MAX = 256 /* that are known; later ones are left out, and shown as code */ };

struct links *links_create(void);
void links_destroy(struct links *links); /* takes NULL */

/* This host and all below it are known ("example.org"; "https://example.org/x" stands for its host). */
void links_allow(struct links *links, const char *host);

/* The hosts of addresses in what a person wrote are known, exactly these. What is quoted ("> ") was written by others. */
void links_said(struct links *links, const char *text, size_t len);

/* Whether lines of it are quoted. */
bool links_quotes(const char *text, size_t len);

/* The Markdown with links and images to hosts that are not known as code ("host/path"), and so whatever a platform could
 * take for an address in plain text. The text itself when there is nothing to change. The caller frees. */
char *links_guard(const struct links *links, const char *markdown, size_t len);

/* The same of an answer that still grows, without its end as far as that can still become something else. What a later call
 * returns for a longer text begins with it, or else this one is to be kept. The caller frees. */
char *links_growing(const struct links *links, const char *markdown, size_t len);

#endif
