/* OpenDocument: see odf.h. */
#include "odf.h"
#include "package.h"
#include <stdlib.h>
#include <string.h>

enum { BLANKS_MAX = 200 };

struct manifest_sax {
	struct sax sax;
	bool encrypted;
};

static void manifest_start(struct sax *sax, const char *name)
{
	if (strcmp(name, "encryption-data") != 0)
		return;
	((struct manifest_sax *)sax)->encrypted = true;
	sax_stop(sax);
}

bool odf_blank(struct sax *sax, const char *name)
{
	const char *count;
	long blanks;

	if (strcmp(name, "tab") == 0) {
		sax->text(sax, "\t", 1);
	} else if (strcmp(name, "line-break") == 0) {
		sax->text(sax, "\n", 1);
	} else if (strcmp(name, "s") == 0) {
		count = sax_attribute(sax, "c");
		blanks = count ? strtol(count, NULL, 10) : 1;
		for (long i = 0; i < blanks && i < BLANKS_MAX; i++)
			sax->text(sax, " ", 1);
	} else {
		return false;
	}
	return true;
}

static bool content_read(struct sax *sax, bool styles, struct parse *parse, zip_t *zip, struct sink *sink,
			 struct err *err)
{
	struct err ignored;
	struct manifest_sax manifest = { .sax.start = manifest_start };

	if (package_has(zip, "META-INF/manifest.xml") &&
	    !sax_read(&manifest.sax, parse, zip, "META-INF/manifest.xml", err))
		return false;
	if (manifest.encrypted)
		return parse_fail(err, "encrypted", "The file needs a password.");
	package_title(parse, zip, "meta.xml", sink);
	/* Styles are what the text looks like: it is read without them if need be. */
	if (styles && package_has(zip, "styles.xml") && !sax_read(sax, parse, zip, "styles.xml", &ignored) &&
	    parse->spent) {
		*err = ignored;
		return false;
	}
	return sax_read(sax, parse, zip, "content.xml", err);
}

bool odf_read(struct sax *sax, bool styles, struct parse *parse, const struct input *input, struct sink *sink,
	      struct err *err)
{
	zip_t *zip = zip_input_open(input, err);
	bool good;

	if (zip == NULL)
		return false;
	good = content_read(sax, styles, parse, zip, sink, err);
	zip_discard(zip);
	return good;
}
