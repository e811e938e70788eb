/* Each reader with files as people have them: what is told of them is what the person sees in the program that made them. */
#include "charset.h"
#include "stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void reads(const char *name, const void *data, size_t len, const char *kind, const char *want)
{
	struct stage stage;

	stage_begin(&stage);
	stage_read(&stage, name, data, len);
	assert_string_equal(stage.kind, kind);
	assert_true(stage.good);
	assert_string_equal(buf_str(&stage.seen), want);
	stage_end(&stage);
}

static void fails(const char *name, const void *data, size_t len, const char *kind, const char *code)
{
	struct stage stage;

	stage_begin(&stage);
	stage_read(&stage, name, data, len);
	assert_string_equal(stage.kind, kind);
	assert_false(stage.good);
	assert_memory_equal(stage.err.text, code, strlen(code));
	assert_int_equal(stage.err.text[strlen(code)], ':');
	stage_end(&stage);
}

static void text_has_its_lines(void **state)
{
	(void)state;
	reads("a.txt", BYTES("One\r\ntwo\r\n\r\n  \n three\n"), "text",
	      "text|lines 1-2|One\ntwo\ntext|line 5| three\n");
	reads("a.txt", BYTES("no end"), "text", "text|line 1|no end\n");
	reads("a.txt", BYTES("\n\n\n"), "text", "");
}

static void text_of_any_character_set_is_readable(void **state)
{
	(void)state;
	reads("a.txt", BYTES("\xef\xbb\xbfna\xc3\xafve"), "text", "text|line 1|na\xc3\xafve\n");
	reads("a.txt", BYTES("\xff\xfeH\0i\0 \0\xe9\0"), "text", "text|line 1|Hi \xc3\xa9\n");
	reads("a.txt", BYTES("\xfe\xff\0H\0i\0 \0\xe9"), "text", "text|line 1|Hi \xc3\xa9\n");
	reads("a.txt", BYTES("H\0e\0l\0l\0o\0 \0y\0o\0u\0"), "text", "text|line 1|Hello you\n");
	reads("a.txt", BYTES("\xff\xfe\0\0H\0\0\0i\0\0\0"), "text", "text|line 1|Hi\n");
	reads("a.txt",
	      BYTES("Sch\xf6ne Gr\xfc\xdf"
		    "e aus K\xf6ln, wir w\xfcnschen alles Gute."),
	      "text",
	      "text|line 1|Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9f"
	      "e aus K\xc3\xb6ln, wir w\xc3\xbcnschen alles Gute.\n");
	reads("a.txt", BYTES("\033$B$3$l$OF|K\\8l$N%F%-%9%H$G$9!#J8;z%3!<%I$rD4$Y$^$9!#\033(B"), "text",
	      "text|line "
	      "1|"
	      "\u3053\u308c\u306f\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8\u3067\u3059\u3002\u6587"
	      "\u5b57\u30b3\u30fc\u30c9\u3092\u8abf\u3079\u307e\u3059\u3002\n");
	reads("a.log", BYTES("\033[32mgreen\033[0m and \033[1mbold\033[0m\n"), "text",
	      "text|line 1|\033[32mgreen\033[0m and \033[1mbold\033[0m\n");
	/* A character that is cut off at the end of the file. */
	reads("a.txt", BYTES("good\xf0\x9f\x98\x80 and more of it, then \xf0\x9f"), "text",
	      "text|line 1|good\xf0\x9f\x98\x80 and more of it, then \xef\xbf\xbd\xef\xbf\xbd\n");
}

static void one_foreign_word_late_in_a_large_file_is_read_as_it_was_written(void **state)
{
	static char text[300000];
	struct stage stage;
	const char *late = "Best\xe4tigung der \xdc"
			   "bergabe erfolgt";

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < sizeof(text); i += 50)
		text[i] = '\n';
	memcpy(text + 290001, late, strlen(late));
	stage_begin(&stage);
	stage_read(&stage, "log.txt", text, sizeof(text));
	assert_non_null(strstr(buf_str(&stage.seen), "Best\xc3\xa4tigung der \xc3\x9c"
						     "bergabe"));
	stage_end(&stage);
}

static void csv_is_cut_by_its_own_delimiter(void **state)
{
	(void)state;
	reads("dir/a.csv", BYTES("name;amount\nA;1,5\n\n\"B;b\";2,5\n"), "csv",
	      "table|a.csv|\nrow 1|name|amount\nrow 2|A|1,5\nrow 3\nrow 4|B;b|2,5\n");
	reads("a.tsv", BYTES("x\ty\r\n1\t\"two\r\nlines\"\r\n"), "tsv",
	      "table|a.tsv|\nrow 1|x|y\nrow 2|1|two\nlines\n");
	reads("a.csv", BYTES("sep=|\nx|y\n1|2\n"), "csv", "table|a.csv|\nrow 1|x|y\nrow 2|1|2\n");
	reads("a.csv", BYTES("one\ntwo\n"), "csv", "table|a.csv|\nrow 1|one\nrow 2|two\n");
	reads("a.csv", BYTES("a,b\n\"say \"\"hi\"\"\",\n"), "csv",
	      "table|a.csv|\nrow 1|a|b\nrow 2|say \"hi\"|\n");
	reads("a.csv", BYTES("a,b\n1,\"open\n2,3\n"), "csv",
	      "table|a.csv|\nrow 1|a|b\nwarn|The last field has a quotation mark that is not closed: rows "
	      "may be "
	      "missing.\nrow 2|1|open\n2,3\n\n");
}

static void tables_are_known_without_a_name_for_them(void **state)
{
	struct stage stage;

	(void)state;
	stage_begin(&stage);
	stage_read(&stage, "export", BYTES("id;name\n1;a\n2;b\n3;c\n"));
	assert_string_equal(stage.kind, "csv");
	stage_end(&stage);
	stage_begin(&stage);
	stage_read(&stage, "letter", BYTES("Dear Ann, thank you.\nI came, I saw, I left.\nYours, Bob\n"));
	assert_string_equal(stage.kind, "text");
	stage_end(&stage);
}

static void json_arrays_of_objects_are_tables(void **state)
{
	(void)state;
	reads("a.json", BYTES("[{\"id\":1,\"who\":{\"name\":\"A\"}},{\"id\":2.50,\"ok\":true,\"who\":null}]"),
	      "json", "table|a.json|\ncolumns|id|who.name|ok|who\nrecord 1|#1|A||\nrecord 2|#2.50||?true|\n");
	reads("a.json",
	      BYTES("{\"v\":3,\"data\":{\"rows\":[{\"l\":[1,2],\"o\":[{\"x\":1},{\"x\":2}]}]},\"end\":"
		    "\"e\"}"),
	      "json",
	      "text|v|v: 3\ntable|data.rows|data.rows\ncolumns|l|o.1.x|o.2.x\nrecord 1|1, 2|#1|#2\n"
	      "text|end|end: e\n");
	reads("a.json", BYTES("[[\"n\",\"m\"],[1,2]]"), "json",
	      "table|a.json|\nrecord 1|n|m\nrecord 2|#1|#2\n");
	reads("a.json", BYTES("{\"a\":[],\"b\":{},\"c\":[1,[2]],\"d\":\"\"}"), "json",
	      "text|c|c[0]: 1\ntext|c|c[1][0]: 2\n");
	reads("a.json", BYTES("[{},{\"a\":1},5]"), "json",
	      "table|a.json|\ncolumns|a|value\nrecord 1||\nrecord 2|#1|\nrecord 3||#5\n");
}

static void json_that_is_broken_is_told_with_the_place(void **state)
{
	(void)state;
	fails("a.json", BYTES("{\"a\":[1,2"), "json", "damaged");
	fails("a.json", BYTES("{\"a\":1,}"), "json", "damaged");
}

static void json_that_is_nested_without_end_is_refused(void **state)
{
	char text[4000];

	(void)state;
	memset(text, '[', sizeof(text));
	memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
	fails("a.json", text, sizeof(text), "json", "too_large");
}

/* Values that are longer than what is read at once come out whole. */
static void long_values_of_json_are_whole(void **state)
{
	const size_t len = 700000;
	char *text = malloc(len + 20);
	struct stage stage;
	size_t row;

	(void)state;
	memcpy(text, "[{\"a\":\"", 7);
	memset(text + 7, 'x', len);
	memcpy(text + 7 + len, "\",\"b\":17}]", 11);
	stage_begin(&stage);
	stage_read(&stage, "a.json", text, len + 7 + 11);
	assert_true(stage.good);
	row = (size_t)(strstr(buf_str(&stage.seen), "record 1|") - buf_str(&stage.seen));
	assert_int_equal(stage.seen.len - row, strlen("record 1|") + len + strlen("|#17\n"));
	stage_end(&stage);
	free(text);
}

static void lines_of_json_are_records_and_a_bad_one_is_named(void **state)
{
	(void)state;
	reads("a.ndjson", BYTES("{\"a\":1}\n\nnope\n{\"b\":\"x\",\"a\":null}\n"), "ndjson",
	      "table|a.ndjson|\ncolumns|a|b\nline 1|#1|\nwarn|Line 3 is not valid JSON and was left "
	      "out.\nline 4||x\n");
	reads("a.log", BYTES("{\"a\":1}\n{\"a\":2}\n"), "ndjson",
	      "table|a.log|\ncolumns|a\nline 1|#1\nline 2|#2\n");
	fails("a.jsonl", BYTES("{nope\n{nope\n"), "ndjson", "damaged");
}

static void markdown_stands_at_its_headings(void **state)
{
	(void)state;
	reads("a.md",
	      BYTES("# Top\n\nHello *you* &amp; me.\n\n## Prices\n\n- one\n- "
		    "two\n\n|Item|Price|\n|---|---|\n|Pen|1|\n"),
	      "markdown",
	      "title|Top\ntext|Top|Top\ntext|Top|Hello you & me.\ntext|Prices|Prices\ntext|Prices|- one\n"
	      "text|Prices|- two\ntable|Prices|Prices\ncolumns|Item|Price\nrow 2|Pen|1\n");
}

static void the_name_decides_between_markdown_and_json(void **state)
{
	(void)state;
	reads("a.md", BYTES("[1, 2]\n"), "markdown", "text||[1, 2]\n");
	reads("a", BYTES("[1, 2]\n"), "json", "text||[0]: 1\ntext||[1]: 2\n");
}

static void html_is_read_as_it_is_seen(void **state)
{
	(void)state;
	reads("a.html",
	      BYTES("<html><head><title>T  t</title><script>var x = "
		    "'<p>no</p>';</script><style>p{}</style></head><body>"
		    "<h1>Top</h1><p>One\n  two<br>three &amp; four</p><div>five<!-- no "
		    "--></div><ul><li>a<li>b</ul>"),
	      "html",
	      "title|T t\ntext|Top|Top\ntext|Top|One two\ntext|Top|three & four\ntext|Top|five\ntext|Top|- "
	      "a\n"
	      "text|Top|- b\n");
	reads("a.html",
	      BYTES("<!DOCTYPE html><table><tr><th>N</th><th>Q</th></tr><tr><td>A</td><td>1</td></tr>"
		    "<tr><td colspan=2>w</td></tr></table>"),
	      "html", "table|a.html|\ncolumns|N|Q\nrow 2|A|1\nrow 3|w|\n");
	reads("a.html", BYTES("<html><table><tr><td>only<table><tr><td>x<td>y</table></td></tr></table>"),
	      "html", "text||only\ntable|a.html|\nrow 1|x|y\n");
	reads("a.html", BYTES("<html><meta charset=\"iso-8859-2\"><p>za\xbf\xf3\xb3\xe6"), "html",
	      "text||za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87\n");
	/* No file and no entity of its own is ever looked for. */
	reads("a.html",
	      BYTES("<!DOCTYPE html [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><html><p>&x;</p><iframe "
		    "src=x>no</iframe>"),
	      "html", "text||]>\ntext||&x;\n");
}

static void pictures_are_measured_and_not_decoded(void **state)
{
	unsigned char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0";

	(void)state;
	reads("a.png", png, sizeof(png) - 1, "image", "");
	png[17] = 5; /* 327,936 pixels wide */
	fails("a.png", png, sizeof(png) - 1, "image", "too_large");
	png[17] = png[18] = 0;
	fails("a.png", png, sizeof(png) - 1, "image", "damaged");
	reads("a.jpg",
	      BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08\0\x10\0\x20\3\1\x22\0"),
	      "image", "");
	fails("a.jpg", BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"), "image", "damaged");
	reads("a.gif", BYTES("GIF89a\x10\0\x10\0\0\0\0"), "image", "");
	reads("a.webp", BYTES("RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0\0\0\0\0"), "image",
	      "");
}

static void what_nobody_can_read_says_so(void **state)
{
	unsigned char noise[400];

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (unsigned char)(i * 37 + i / 7);
	fails("a.bin", noise, sizeof(noise), "unknown", "unsupported");
	fails("a.txt", BYTES(""), "unknown", "empty");
	fails("a.mp3", BYTES("ID3\3\0\0\0\0\0\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xfb\x90\x44\0\0\0\0"),
	      "audio", "unsupported");
	fails("a.docx",
	      BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0\0\0\0\0E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a"
		    "\0c\0k\0a\0g\0e\0"),
	      "unknown", "encrypted");
}

static void a_reader_stops_when_the_sink_has_enough(void **state)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "a.txt", "one\n\ntwo\n\nthree" },
		{ "a.csv", "a,b\n1,2\n3,4\n" },
		{ "a.json", "[{\"a\":1},{\"a\":2}]" },
		{ "a.json", "{\"a\":1,\"b\":2}" },
		{ "a.ndjson", "{\"a\":1}\n{\"a\":2}\n" },
		{ "a.md", "# a\n\nb\n\n|x|y|\n|---|---|\n|1|2|\n" },
		{ "a.html", "<html><p>a<p>b<table><tr><td>a<td>b<tr><td>c<td>d</table>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		for (int stop = 1; stop < 4; stop++) {
			struct stage stage;
			int lines = 0;

			stage_begin(&stage);
			stage.stop_after = stop;
			stage_read(&stage, files[i].name, files[i].text, strlen(files[i].text));
			assert_true(stage.good);
			for (size_t k = 0; k < stage.seen.len; k++)
				lines += stage.seen.data[k] == '\n' &&
					 strncmp(stage.seen.data, "title", 5) != 0;
			assert_true(lines <= stop || strstr(stage.seen.data, "title") != NULL);
			stage_end(&stage);
		}
}

/* Thai letters of an undeclared set were taken for those of others; other sets' are not to be taken for them. */
static void thai_is_found_by_how_it_is_written(void **state)
{
	static const char thai[] =
		"\312\307\321\312\264\325\244\303\321\272 "
		"\302\324\271\264\325\265\351\315\271\303\321\272\312\331\350\273\303\320\340\267\310\344\267"
		"\302 \307\321\271\271\325\351\315\322\241\322\310\264\325\301\322\241";
	static const char *const others[] = {
		/* windows-1251 */ "\321\372\345\370\374 \346\345 \345\371\270 \375\362\350\365 "
				   "\354\377\343\352\350\365 \364\360\340\355\366\363\347\361\352\350\365 "
				   "\341\363\353\356\352, \344\340 \342\373\357\345\351 \367\340\376",
		/* koi8-r */
		"\363\337\305\333\330 \326\305 \305\335\243 \334\324\311\310 \315\321\307\313\311\310 "
		"\306\322\301\316\303\325\332\323\313\311\310 \302\325\314\317\313, \304\301 "
		"\327\331\320\305\312 \336\301\300",
		/* iso8859-7 */
		"\316\345\363\352\345\360\334\346\371 \364\347\355 \370\365\367\357\366\350\374\361\341 "
		"\342\344\345\353\365\343\354\337\341 \352\341\351 \364\341 \353\357\351\360\334",
		/* windows-1255 */
		"\343\342 \361\367\370\357 \371\350 \341\351\355 \356\340\345\353\346\341 "
		"\345\354\364\372\362 \356\366\340 \347\341\370\344",
		/* windows-1256 */
		"\344\325 \315\337\355\343 \341\345 \323\321 \336\307\330\332 \346\320\346 \324\303\344 "
		"\332\331\355\343 \343\337\312\346\310 \332\341\354 \313\346\310 \303\316\326\321",
		/* iso8859-6 */
		"\346\325 \315\343\352\345 \344\347 \323\321 \342\307\327\331 \350\320\350 \324\303\346 "
		"\331\330\352\345 \345\343\312\350\310 \331\344\351 \313\350\310 \303\316\326\321",
		/* gb18030 */
		"\316\322\304\334\315\314\317\302\262\243\301\247\266\370\262\273\311\313\311\355\314\345\243"
		"\254\275\361\314\354\314\354\306\370\272\334\272\303",
		/* big5 */
		"\247\332\257\340\247]"
		"\244U\254\301\274\376\246\323\244\243\266\313\250\255\305\351\241A\244\265\244\321\244\321"
		"\256\360\253\334\246n",
		/* euc-kr */
		"\305\260\275\272\300\307 \260\355\300\257\301\266\260\307\300\272 "
		"\300\324\274\372\263\242\270\256 \270\270\263\252\276\337 \307\317\260\355 "
		"\306\257\272\260\307\321 \261\342\274\372\300\272 \307\312\277\344\304\241 \276\312\264\331",
		/* shift_jis */
		"\202\242\202\353\202\315\202\311\202\331\202\326\202\306\202\277\202\350\202\312\202\351\202"
		"\360\201A\215\241\223\372\202\315\223V\213C\202\252\202\242\202\242",
		/* euc-jp */
		"\244\244\244\355\244\317\244\313\244\333\244\330\244\310\244\301\244\352\244\314\244\353\244"
		"\362\241\242\272\243\306\374\244\317\305\267\265\244\244\254\244\244\244\244",
		/* windows-1252 */
		"Voix ambigu\353 d\222un c\234ur qui au z\351phyr pr\351f\350re les jattes de kiwis",
		/* windows-1250 */
		"P\370\355li\232 \236lu\235ou\350k\375 k\371\362 \372p\354l \357\341belsk\351 \363dy",
		/* windows-1254 */ "Pijamal\375 hasta ya\360\375z \376of\366re \347abucak g\374vendi",
	};
	size_t mark, len;
	const char *name;
	char *text = parse_utf8(thai, sizeof(thai) - 1, NULL, &len, &name);

	(void)state;
	assert_string_equal(text, "สวัสดีครับ ยินดีต้อนรับสู่ประเทศไทย วันนี้อากาศดีมาก");
	assert_string_equal(name, "windows-874");
	free(text);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_string_not_equal(charset_guess(others[i], strlen(others[i]), NULL, &mark),
					"windows-874");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thai_is_found_by_how_it_is_written),
		cmocka_unit_test(text_has_its_lines),
		cmocka_unit_test(text_of_any_character_set_is_readable),
		cmocka_unit_test(one_foreign_word_late_in_a_large_file_is_read_as_it_was_written),
		cmocka_unit_test(csv_is_cut_by_its_own_delimiter),
		cmocka_unit_test(tables_are_known_without_a_name_for_them),
		cmocka_unit_test(json_arrays_of_objects_are_tables),
		cmocka_unit_test(json_that_is_broken_is_told_with_the_place),
		cmocka_unit_test(json_that_is_nested_without_end_is_refused),
		cmocka_unit_test(long_values_of_json_are_whole),
		cmocka_unit_test(lines_of_json_are_records_and_a_bad_one_is_named),
		cmocka_unit_test(markdown_stands_at_its_headings),
		cmocka_unit_test(the_name_decides_between_markdown_and_json),
		cmocka_unit_test(html_is_read_as_it_is_seen),
		cmocka_unit_test(pictures_are_measured_and_not_decoded),
		cmocka_unit_test(what_nobody_can_read_says_so),
		cmocka_unit_test(a_reader_stops_when_the_sink_has_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
