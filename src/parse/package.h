/* Office files are archives of parts: the parts, and in OOXML what belongs to which. */
#ifndef USHER_PACKAGE_H
#define USHER_PACKAGE_H

#include "parse_room.h"

/* Takes bytes from what may be unpacked, all together; false: "too_large". */
bool package_take(struct parse *parse, int64_t bytes, struct err *err);

/* Whether there is such a part. */
bool package_has(zip_t *zip, const char *name);

/* Opens a part; NULL: err says "damaged", or "encrypted". End with zip_fclose. */
zip_file_t *package_entry(zip_t *zip, const char *name, struct err *err);

/* What a part of an OOXML file refers to. */
struct relation {
	char *id, *type; /* type: the last word of the address, "worksheet" */
	char *target;	 /* name of a part; NULL for what lies outside */
};

struct relations {
	struct relation *all;
	size_t count;
};

/* Those of the part ("": of the file itself); none is fine. relations is for relations_free either way. */
bool relations_read(struct relations *relations, struct parse *parse, zip_t *zip, const char *part,
		    struct err *err);
/* The target of the first one of that id or type; NULL: none inside the file. */
const char *relations_by_id(const struct relations *relations, const char *id);
const char *relations_by_type(const struct relations *relations, const char *type);
void relations_free(struct relations *relations);

/* The main part of an OOXML file; the caller frees. NULL: "damaged". */
char *package_main(struct parse *parse, zip_t *zip, struct err *err);

/* Tells the sink the title that a part of metadata names ("docProps/core.xml", "meta.xml"), if there is one. */
void package_title(struct parse *parse, zip_t *zip, const char *part, struct sink *sink);

#endif
