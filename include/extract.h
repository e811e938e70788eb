/* What the daemon and its parser child (the program usher-parse, src/parse) say to each other. The child is started for one
 * file and ends with it. It gets three things and can reach nothing else: one line of JSON on its standard input (the
 * order), descriptor 3, open for reading (the file), and descriptor 4, open for writing (what it makes). It answers on
 * its standard output in lines of JSON. security.md 4.1, 4.4.
 *
 * Orders:
 *   {"do":"extract","name":NAME,"limits":LIMITS}
 *   {"do":"convert","name":NAME,"limits":LIMITS,"spec":SPEC}     SPEC: src/parse/spec.h
 * LIMITS: {"memory":BYTES,"cpu_s":SECONDS,"output":BYTES,"unpacked":BYTES,"entries":COUNT,"depth":COUNT}, each optional and
 * never above the EXTRACT_*_MAX below.
 *
 * Answers, each on one line:
 *   {"checked":{"kind":KIND,"mime":MIME}}          as soon as the type is known, by content
 *   {"progress":{"bytes":N,"rows":N,"pages":N}}    at most two a second
 *   {"done":OUTLINE}  or, of a convert, {"done":REPORT}       the last line; then exit status 0
 *   {"failed":{"code":CODE,"message":TEXT}}        the last line instead; exit status 1. CODE: below
 *
 * OUTLINE: {"kind","mime","title"?,"language"?,"pages"?,"text_bytes","chunks","head":TEXT (the first EXTRACT_HEAD_MAX bytes),
 *   "cut":BOOL (a limit ended it early: what was read holds), "warnings":[TEXT,...] (at most 20),
 *   "tables":[{"name","place","rows","columns":[{"name","type","filled","samples":[TEXT,...]}]}] (at most 50 tables of 200
 *   columns; rows without the header), "files":[{"name","kind","error"?}] (of an archive or a message, at most 1000)}
 * REPORT: {"rows_in","rows_out","rows_refused","rows_blank","bytes","mime","cut",
 *   "reasons":[{"column","reason","rows","examples":[{"row","value"}]}],"warnings":[TEXT,...] (at most 20: what was ambiguous and
 *   how it was read),"table":NAME,"columns":[{"name","from","type"}] (when the SPEC has columns)}:
 *   rows_in = rows_out + rows_refused + rows_blank, always. Refused rows that are kept ("refused":"keep") are written and count
 *   as refused. "reason" continues "the value ...": "is missing", "is not a number".
 * Descriptor 4 of an extract: lines {"place":PLACE,"text":TEXT}, each a chunk of at most EXTRACT_CHUNK_MAX bytes in the order
 *   of the file, ready to be searched and quoted; PLACE is what a person looks it up by: "page 3", "sheet Orders, rows
 *   2-20", "slide 4", "lines 10-31", "invoice.pdf, page 1" inside an archive. Of a convert: the output file itself. */
#ifndef USHER_EXTRACT_H
#define USHER_EXTRACT_H

enum extract_limits {
	EXTRACT_CHUNK_MAX = 1800,   /* bytes of UTF-8 */
	EXTRACT_PLACE_MAX = 400,    /* bytes */
	EXTRACT_HEAD_MAX = 3000,    /* bytes */
	EXTRACT_LINE_MAX = 1 << 20, /* bytes of one line of an answer */
	EXTRACT_MEMORY_MAX =
		512 << 20, /* bytes of address space beyond what the child has when it is locked */
	EXTRACT_CPU_S_MAX = 600,
	EXTRACT_UNPACKED_MAX = 1 << 30, /* bytes out of archives, all together */
	EXTRACT_OUTPUT_MAX = 1 << 30,	/* bytes of descriptor 4 */
	EXTRACT_ENTRIES_MAX = 10000,	/* of archives, all together */
	EXTRACT_DEPTH_MAX = 4,		/* archives in archives */
};

/* KIND: "text", "markdown", "html", "csv", "tsv", "json", "ndjson", "pdf", "docx", "xlsx", "pptx", "odt", "ods", "eml", "zip",
 * "image", "audio", "unknown".
 * CODE: "encrypted" (needs a password), "damaged" (not what it says it is, or cut off), "unsupported" (no reader for it),
 * "too_large" (a limit: of size, unpacked size, entries, depth, memory), "too_slow" (time), "empty", "spec" (the
 * order can't be done with this file; message says why and what there is), "sandbox" (the child can't lock itself in). A
 * child that dies without a last line: "crashed" to the caller. */

#endif
