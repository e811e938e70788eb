/* The tools as they are described to models. */
#include "filetools_room.h"

/* A schema is read as it is nested. */
// clang-format off
#define OBJECT(PROPERTIES, REQUIRED) \
	"{\"type\":\"object\",\"properties\":{" PROPERTIES "},\"required\":[" REQUIRED "]}"
#define TEXT(NAME, WHAT) "\"" NAME "\":{\"type\":\"string\",\"description\":\"" WHAT "\"}"
#define INTEGER(NAME, LEAST, WHAT) \
	"\"" NAME "\":{\"type\":\"integer\",\"minimum\":" LEAST ",\"description\":\"" WHAT "\"}"
#define BOOLEAN(NAME) "\"" NAME "\":{\"type\":\"boolean\"}"
#define ONE_OF(NAME, VALUES, WHAT) \
	"\"" NAME "\":{\"type\":\"string\",\"enum\":[" VALUES "],\"description\":\"" WHAT "\"}"
#define FILE_ARGUMENT TEXT("file", "Its number (import_id) or its name; of several with a name, the newest")

#define COLUMN_PROPERTIES \
	TEXT("name", "The name it gets") "," \
	TEXT("from", "The column of the source, by name or number from 1; left out: the one of the same name") "," \
	ONE_OF("type", "\"text\",\"number\",\"integer\",\"date\",\"datetime\",\"boolean\"", \
	       "text when left out; numbers and dates are read as the file writes them") "," \
	BOOLEAN("required") "," \
	BOOLEAN("unique") "," \
	TEXT("min", "Smallest number, or earliest date as YYYY-MM-DD") "," \
	TEXT("max", "Largest number, or latest date") "," \
	"\"one_of\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}," \
	INTEGER("max_length", "1", "Characters") "," \
	TEXT("default", "For empty cells")

#define COLUMNS(WHAT) \
	"\"columns\":{\"type\":\"array\",\"description\":\"" WHAT "\"," \
	"\"items\":" OBJECT(COLUMN_PROPERTIES, "\"name\"") "}"

#define LIST_PARAMETERS \
	OBJECT(TEXT("query", "Words that name or type must hold; none: all files") "," \
	       INTEGER("limit", "1", "How many at most, up to 50"), \
	       "")

#define SEARCH_PARAMETERS \
	OBJECT(TEXT("query", "Words to look for") "," \
	       TEXT("file", "Only in this one: its number (import_id) or name") "," \
	       INTEGER("limit", "1", "How many quotes at most, up to 20"), \
	       "\"query\"")

#define READ_PARAMETERS \
	OBJECT(FILE_ARGUMENT "," \
	       INTEGER("from", "0", "The piece to begin with; 0 is the first"), \
	       "\"file\"")

#define CONVERT_PARAMETERS \
	OBJECT(FILE_ARGUMENT "," \
	       ONE_OF("format", "\"csv\",\"tsv\",\"json\",\"ndjson\",\"xlsx\",\"markdown\",\"text\",\"none\"", \
		      "none: no file, only the report") "," \
	       TEXT("table", "Name or number from 1 of the table, where there are several; else the largest") "," \
	       TEXT("name", "Of the new file; usually left out") "," \
	       COLUMNS("Those of the new file, in order; left out: all as they are") "," \
	       ONE_OF("refused", "\"leave_out\",\"keep\"", "What becomes of rows that break a rule"), \
	       "\"file\",\"format\"")

#define WRITE_PARAMETERS \
	OBJECT(TEXT("name", "Of the file, like summary.md") "," \
	       ONE_OF("format", "\"csv\",\"json\",\"md\",\"txt\",\"xlsx\"", "Of the file") "," \
	       TEXT("content", "All of it"), \
	       "\"name\",\"format\",\"content\"")

#define SHARE_PARAMETERS \
	OBJECT(FILE_ARGUMENT "," \
	       ONE_OF("scope", "\"conversation\",\"person\",\"organization\"", "Who finds it"), \
	       "\"file\",\"scope\"")
// clang-format on

const struct file_kind file_kinds[FILE_TOOLS] = {
	{ .name = "list_files",
	  .description = "Lists files that were sent, newest first: their numbers, names, sizes and how "
			 "far they were read. People see their own, those of this conversation and "
			 "those shared with the organization; operators see all of it.",
	  .parameters = LIST_PARAMETERS,
	  .class = TOOL_READ,
	  .foreign = true,
	  .failed = "Listing files failed",
	  .run = file_list },
	{ .name = "search_files",
	  .description = "Searches what files say, and their names. Gives quotes with file and place, "
			 "the best first. Use it to answer questions about files; name file and place "
			 "of what you use. Nothing found: try other words, in the language of the "
			 "files.",
	  .parameters = SEARCH_PARAMETERS,
	  .class = TOOL_READ,
	  .foreign = true,
	  .failed = "Searching failed",
	  .run = file_search },
	{ .name = "read_file",
	  .description = "Reads a file piece by piece: what it is, its tables and columns, and its text "
			 "from a piece on. next is where to go on, null at the end. To find something "
			 "in a long file, use search_files; to work on all rows of a table, use "
			 "convert_table.",
	  .parameters = READ_PARAMETERS,
	  .class = TOOL_READ,
	  .foreign = true,
	  .failed = "Reading the file failed",
	  .run = file_read },
	{ .name = "convert_table",
	  .description = "Makes a new file of all rows of a table (CSV, Excel, JSON and others), with "
			 "columns chosen, renamed, typed and checked; the person gets it with your "
			 "answer. You do not see the rows: say which columns, and get a report of rows "
			 "in, out and refused with reasons and examples. format none makes no file: use "
			 "it to find out which rows are wrong.",
	  .parameters = CONVERT_PARAMETERS,
	  .class = TOOL_KEYED,
	  .foreign = true,
	  .makes = true,
	  .failed = "Converting failed",
	  .run = file_convert },
	{ .name = "write_file",
	  .description = "Makes a file of text that you write; the person gets it with your answer. For "
			 "csv and xlsx, content is a JSON array of objects, one for each row. To change "
			 "a file that was sent, use convert_table: it leaves nothing out and invents "
			 "nothing.",
	  .parameters = WRITE_PARAMETERS,
	  .class = TOOL_KEYED,
	  .makes = true,
	  .failed = "Writing the file failed",
	  .run = file_write },
	{ .name = "share_file",
	  .description = "Says who else may find a file: conversation (those in its conversation only), "
			 "person (also whoever sent it, everywhere), organization (everybody; operators "
			 "only). For files of the person who speaks; operators also for others'.",
	  .parameters = SHARE_PARAMETERS,
	  .class = TOOL_CONFIRM,
	  .failed = "Sharing failed",
	  .run = file_share },
	{ .name = "delete_file",
	  .description =
		  "Deletes a file for good, with all that is known from it. What was said about it in "
		  "conversations stays: say so. For files of the person who speaks; operators also others'.",
	  .parameters = OBJECT(FILE_ARGUMENT, "\"file\""),
	  .class = TOOL_CONFIRM,
	  .failed = "Deleting the file failed",
	  .run = file_delete },
};
