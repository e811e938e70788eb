/* JSON for fuzz targets: a sample of what the other side sends, with edits that the input asks for. Bytes alone find no
 * valid event in the time there is. */
#ifndef JSON_EDITS_H
#define JSON_EDITS_H

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { EDITS_MARK = 0x20, EDITS_MAX = 24, EDITS_DEPTH = 8 };

/* Samples are JSON with ' for ". words: names and values that mean something to the decoder. */
struct edits {
	const char *const *samples, *const *words;
	size_t sample_count, word_count;
	const uint8_t *at, *end;
};

static inline uint8_t edits_byte(struct edits *edits)
{
	return edits->at < edits->end ? *edits->at++ : 0;
}

static inline const char *edits_word(struct edits *edits)
{
	return edits->words[edits_byte(edits) % edits->word_count];
}

static inline json_t *edits_value(struct edits *edits)
{
	static const json_int_t numbers[] = { 0,	 1,	    -1,	       64,	  4096,
					      INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, -1001234567890 };
	uint8_t what = edits_byte(edits);
	size_t left = (size_t)(edits->end - edits->at), len = what / 8 < left ? what / 8 : left;
	json_t *text;

	switch (what % 8) {
	case 0:
		return json_integer(numbers[edits_byte(edits) % (sizeof(numbers) / sizeof(*numbers))]);
	case 1:
		return json_integer(edits_byte(edits));
	case 2:
		return json_boolean(what & 8);
	case 3:
		return what & 8 ? json_object() : json_array();
	case 4:
		return json_null();
	case 5:
		text = json_stringn((const char *)edits->at, len);
		edits->at += len;
		return text ? text : json_string("");
	default:
		return json_string(edits_word(edits));
	}
}

/* One member is put in, replaced, doubled or taken out, somewhere. */
static inline void edits_make(struct edits *edits, json_t *node)
{
	for (int depth = 0; depth < EDITS_DEPTH; depth++) {
		uint8_t how = edits_byte(edits);
		void *member = json_object_iter(node);
		json_t *child;
		const char *key;

		if (json_is_array(node) && json_array_size(node) > 0)
			child = json_array_get(node, how % json_array_size(node));
		else if (json_is_array(node))
			child = NULL;
		else {
			for (size_t i = json_object_size(node) ? how % json_object_size(node) : 0; i > 0; i--)
				member = json_object_iter_next(node, member);
			child = json_object_iter_value(member);
		}
		if ((json_is_object(child) || json_is_array(child)) && how < 192) {
			node = child;
			continue;
		}
		if (json_is_array(node)) {
			json_array_append_new(node,
					      how & 1 && child ? json_deep_copy(child) : edits_value(edits));
			return;
		}
		key = member ? json_object_iter_key(member) : NULL;
		if (key == NULL || how % 4 == 0)
			json_object_set_new(node, edits_word(edits),
					    how & 4 && child ? json_deep_copy(child) : edits_value(edits));
		else if (how % 4 == 1)
			json_object_del(node, key);
		else
			json_object_set_new(node, key, edits_value(edits));
		return;
	}
}

/* The text of the edited sample; NULL when the input wants to be taken as it is. The caller frees. */
static inline char *json_edits(struct edits *edits)
{
	char *sample, *text;
	json_t *root;
	size_t size;

	if (edits->at == edits->end || *edits->at >= EDITS_MARK)
		return NULL;
	sample = strdup(edits->samples[edits_byte(edits) % edits->sample_count]);
	for (char *c = sample; *c; c++)
		if (*c == '\'')
			*c = '"';
	root = json_loads(sample, 0, NULL);
	free(sample);
	if (root == NULL)
		abort(); /* a sample is mistyped */
	for (int i = 0; i < EDITS_MAX && edits->at < edits->end; i++)
		edits_make(edits, root);
	size = json_dumpb(root, NULL, 0, JSON_COMPACT);
	text = malloc(size + 1);
	text[json_dumpb(root, text, size, JSON_COMPACT)] = '\0';
	json_decref(root);
	return text;
}

#endif
