/* POST /api/{user_id}/imports: the body goes to a file, is taken apart on another thread, and becomes a message with files. What
 * is acknowledged is durable first: files and folder are synced before the message is handed over, and stay until the
 * import's own row says that they were fetched. */
#include "api_room.h"
#include "chat_body.h"
#include "form.h"
#include "header.h"
#include "mem.h"
#include "text.h"
#include "work.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#define URL "upload:"

struct upload {
	char *boundary; /* of a form; NULL: the body is the file */
	char *name, *type, *prompt, *place;
	char key[CHAT_KEY_MAX + 1];
	bool keyed, arriving, async, stored;
	struct form form;
};

struct upload_work {
	struct platform *api; /* NULL: gone */
	uint64_t ticket;
	char *path, *boundary, *folder;
	struct form form;
	struct err err;
	struct upload_work *prev, *next;
};

struct upload_fetch {
	struct platform *api; /* NULL: gone */
	uint64_t ticket;
	struct fetched fetched;
	struct upload_fetch *prev, *next;
};

/* ---- what the head says ----------------------------------------------------------------------------------- */

static char *own_text(const char *text)
{
	return text && *text ? mem_text(text) : NULL;
}

/* Content-Type: a form with its boundary, or the file's own. curl's own default for --data says nothing about it. */
static const char *take_type(struct upload *upload, const char *type)
{
	size_t len = type ? strcspn(type, "; \t") : 0;

	if (len == 19 && strncasecmp(type, "multipart/form-data", len) == 0) {
		upload->boundary = header_param(type, "boundary");
		return upload->boundary ? NULL : "multipart/form-data needs a boundary";
	}
	if (len && len <= 255 &&
	    !(len == 33 && strncasecmp(type, "application/x-www-form-urlencoded", len) == 0))
		upload->type = mem_text_n(type, len);
	return NULL;
}

static void take_name(struct upload *upload, const struct web_request *request)
{
	const char *disposition = web_header(request, "content-disposition");
	const char *given = web_param(request, "import");
	char *named = NULL;

	if (given == NULL)
		given = web_query(request, "name");
	if (given == NULL && disposition)
		given = named = header_param(disposition, "filename");
	if (given)
		upload->name = header_file_name(given);
	free(named);
}

static const char *take_head(struct upload *upload, const struct web_request *request)
{
	const char *key = web_header(request, "idempotency-key"), *prefer = web_header(request, "prefer");
	const char *why = take_type(upload, web_header(request, "content-type"));

	if (why)
		return why;
	upload->keyed = key != NULL;
	if (key && (web_header_repeated(request, "idempotency-key") || !chat_body_key(key, upload->key)))
		return "Idempotency-Key must be one value of 1 to 255 printable ASCII characters";
	take_name(upload, request);
	upload->prompt = own_text(web_query(request, "prompt"));
	upload->place = own_text(web_query(request, "conversation_id"));
	upload->async = prefer && strcasestr(prefer, "respond-async") != NULL;
	return NULL;
}

/* ---- the body has come -------------------------------------------------------------------------------------- */

static void free_work(struct upload_work *work)
{
	if (work->path) {
		unlink(work->path);
		free(work->path);
	}
	form_finish(&work->form, true);
	free(work->boundary);
	free(work->folder);
	free(work);
}

/* On another thread. */
static void take_apart(void *data)
{
	struct upload_work *work = data;
	struct form_part *part;

	if (work->boundary) {
		if (form_split(work->path, work->boundary, work->folder, MESSAGE_FILES_MAX, &work->form,
			       &work->err))
			form_sync(work->folder, &work->err);
		return;
	}
	part = mem_zero(1, sizeof(*part));
	work->form = (struct form){ .parts = part, .count = 1 };
	part->path = work->path;
	work->path = NULL;
	if (form_digest(part->path, part->sha256, &work->err))
		form_sync(work->folder, &work->err);
}

static void apart(void *data);

static void arrived(void *owner, struct web_request *request)
{
	struct door *door = owner;
	struct platform *api = door->api;
	struct call *call, *next;
	struct upload_work *work;
	int64_t size;
	struct err err;

	HASH_ITER (hh, api->calls, call, next)
		if (call->step == CALL_UPLOAD && call->door == door && call->web_id == web_id(request))
			break;
	if (call == NULL)
		return;
	call->upload->arriving = false;
	api->arriving--;
	if (api->stopping) {
		call_fail_retry(call, API_SHUTTING_DOWN, API_RETRY_S);
		return;
	}
	if (web_file(request, &size, &err) == NULL) {
		log_error(&api->log, "an upload: %s", err.text);
		call_fail_retry(call, API_STORE_UNAVAILABLE, API_RETRY_S);
		return;
	}
	if (size == 0) {
		call_fail_why(call, API_CONTENT_EMPTY, "The body is empty: send a file");
		return;
	}
	work = mem_zero(1, sizeof(*work));
	work->api = api;
	work->ticket = call->ticket;
	work->path = web_take_file(request);
	work->boundary = mem_text(call->upload->boundary);
	work->folder = mem_text(api->upload_folder);
	DL_APPEND(api->upload_works, work);
	work_start(api->host->io, take_apart, apart, work);
}

void upload_run(struct call *call, struct web_request *request)
{
	struct platform *api = call->door->api;
	const char *why;

	call->upload = mem_zero(1, sizeof(*call->upload));
	call->stream = chat_wants_events(request);
	why = take_head(call->upload, request);
	if (why) {
		call_fail_why(call, API_VALIDATION_FAILED, why);
	} else if (api->arriving >= API_UPLOADS_MAX) {
		call_fail_retry(call, API_TOO_MANY_UPLOADS, API_RETRY_S);
	} else if (!call_count(call)) {
		call_fail_retry(call, API_TOO_MANY_REQUESTS, API_RETRY_S);
	} else {
		api->arriving++;
		call->upload->arriving = true;
		call->step = CALL_UPLOAD;
		web_receive(request, arrived, call->door);
	}
}

void upload_forget(struct call *call)
{
	struct upload *upload = call->upload;

	if (upload == NULL)
		return;
	if (upload->arriving)
		call->door->api->arriving--;
	/* While the commit is awaited it may still become a message: then upload_clean decides. */
	form_finish(&upload->form, !upload->stored && call->step != CALL_ACCEPT);
	free(upload->boundary);
	free(upload->name);
	free(upload->type);
	free(upload->prompt);
	free(upload->place);
	free(upload);
	call->upload = NULL;
}

/* ---- handed over --------------------------------------------------------------------------------------------- */

static const char *field(const struct upload *upload, const char *name, const char *otherwise)
{
	for (size_t i = 0; i < upload->form.count; i++)
		if (upload->form.parts[i].value && strcmp(upload->form.parts[i].name, name) == 0)
			return upload->form.parts[i].value;
	return otherwise;
}

static size_t list_files(const struct upload *upload, struct message_file files[MESSAGE_FILES_MAX],
			 char urls[MESSAGE_FILES_MAX][sizeof(URL) + CRYPTO_UUID_SIZE])
{
	size_t count = 0;

	for (size_t i = 0; i < upload->form.count && count < MESSAGE_FILES_MAX; i++) {
		const struct form_part *part = &upload->form.parts[i];

		if (part->path == NULL)
			continue;
		snprintf(urls[count], sizeof(urls[count]), URL "%s", strrchr(part->path, '/') + 1);
		files[count] = (struct message_file){
			.url = urls[count], .name = part->filename, .mime = part->type, .size = part->size
		};
		count++;
	}
	return count;
}

/* The same request again has the same one: words, place, names and contents. */
static void print_fingerprint(const struct upload *upload, const char *prompt, const char *place,
			      char out[CRYPTO_SHA256_HEX])
{
	struct buf all = { 0 };

	buf_format(&all, "%s\n%s\n", place ? place : "", prompt ? prompt : "");
	for (size_t i = 0; i < upload->form.count; i++)
		if (upload->form.parts[i].path)
			buf_format(&all, "%s\n%s\n", upload->form.parts[i].filename,
				   upload->form.parts[i].sha256);
	crypto_sha256_hex(all.data, all.len, out);
	buf_free(&all);
}

static void hand_over(struct call *call, int64_t conversation_id)
{
	struct platform_host *host = call->door->api->host;
	struct upload *upload = call->upload;
	struct message_file files[MESSAGE_FILES_MAX];
	char urls[MESSAGE_FILES_MAX][sizeof(URL) + CRYPTO_UUID_SIZE];
	char key[MESSAGE_KEY_MAX + 1], fingerprint[CRYPTO_SHA256_HEX];
	const char *prompt = field(upload, "prompt", upload->prompt);
	size_t count = list_files(upload, files, urls);

	chat_delivery_key(&call->caller, upload->keyed ? upload->key : NULL, key);
	print_fingerprint(upload, prompt, field(upload, "conversation_id", upload->place), fingerprint);
	call->step = CALL_ACCEPT;
	host->incoming(host, &(struct incoming){
				     .receipt = call->ticket,
				     .delivery_key = key,
				     .fingerprint = fingerprint,
				     .sender = call->caller.profile,
				     .sender_name = call->caller.name[0] ? call->caller.name : NULL,
				     .profile = call->caller.profile,
				     .conversation_id = conversation_id,
				     .text = prompt ? prompt : "",
				     .files = files,
				     .file_count = count,
				     .flags = INCOMING_ALONE | (conversation_id ? 0 : INCOMING_NEW),
			     });
}

static void on_place(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = call_claim(owner, ticket, CALL_RESOLVE);
	json_t *found;
	int64_t id;

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE && err->kind != ERR_GONE) {
		call_fail_store(call, err);
		return;
	}
	found = err->kind == ERR_NONE ? json_read(json, strlen(json), NULL) : NULL;
	id = json_int(found, "conversation_id", 0);
	json_decref(found);
	if (id > 0)
		hand_over(call, id);
	else
		call_fail(call, API_CONVERSATION_NOT_FOUND);
}

/* The names of files: what was given, what the form says, or "file". */
static size_t name_files(struct upload *upload)
{
	size_t count = 0;

	for (size_t i = 0; i < upload->form.count; i++) {
		struct form_part *part = &upload->form.parts[i];

		if (part->path == NULL)
			continue;
		count++;
		if (part->filename == NULL)
			part->filename = mem_text(upload->name ? upload->name : "file");
		if (part->type == NULL)
			part->type = mem_text(upload->type);
		if (part->type)
			part->type[strcspn(part->type, "; \t")] = '\0';
	}
	return count;
}

static void accept_files(struct call *call)
{
	const char *prompt = field(call->upload, "prompt", call->upload->prompt);
	const char *place = field(call->upload, "conversation_id", call->upload->place);
	struct platform *api = call->door->api;

	if (name_files(call->upload) == 0) {
		call_fail_why(call, API_CONTENT_EMPTY, "The form has no file: curl -F file=@NAME");
	} else if (prompt && strlen(prompt) > MESSAGE_TEXT_MAX) {
		call_fail(call, API_MESSAGE_TOO_LONG);
	} else if (prompt && !text_valid(prompt, strlen(prompt))) {
		call_fail_why(call, API_VALIDATION_FAILED, "prompt must be UTF-8");
	} else if (place == NULL || *place == '\0') {
		hand_over(call, 0);
	} else if (!crypto_uuid_valid(place) &&
		   (strspn(place, "0123456789") != strlen(place) || strlen(place) > 18)) {
		call_fail_why(call, API_VALIDATION_FAILED,
			      "conversation_id must be a positive integer or a UUID");
	} else {
		call->step = CALL_RESOLVE;
		store_report(api->store, "conversation", (const char *const[]){ place, call->caller.profile },
			     2, on_place, api, call->ticket);
	}
}

static void apart(void *data)
{
	struct upload_work *work = data;
	struct platform *api = work->api;
	struct call *call = api ? call_claim(api, work->ticket, CALL_UPLOAD) : NULL;

	if (api)
		DL_DELETE(api->upload_works, work);
	if (call == NULL) {
		free_work(work);
		return;
	}
	if (work->err.kind == ERR_REFUSED) {
		call_fail_why(call, API_VALIDATION_FAILED, work->err.text);
	} else if (work->err.kind != ERR_NONE) {
		log_error(&api->log, "an upload: %s", work->err.text);
		call_fail_retry(call, API_STORE_UNAVAILABLE, API_RETRY_S);
	} else {
		struct stat file;

		call->upload->form = work->form;
		work->form = (struct form){ 0 };
		for (size_t i = 0; i < call->upload->form.count; i++)
			if (call->upload->form.parts[i].path &&
			    stat(call->upload->form.parts[i].path, &file) == 0)
				call->upload->form.parts[i].size = file.st_size;
		accept_files(call);
	}
	free_work(work);
}

/* ---- stored ------------------------------------------------------------------------------------------------------ */

static void on_ids(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct platform *api = owner;
	struct call *call = call_claim(api, ticket, CALL_STORE);
	json_t *rows, *ids;
	struct buf answer = { 0 };
	size_t i;
	json_t *row;

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		/* It is stored: who brings it once more without a key has it twice. */
		call_add_location(call);
		call_fail_store(call, err);
		return;
	}
	rows = json_read(json, strlen(json), NULL);
	ids = json_array();
	json_array_foreach (rows, i, row)
		json_array_append(ids, json_object_get(row, "import_id"));
	call->import_ids = json_write(ids);
	json_decref(ids);
	json_decref(rows);
	if (call->upload->async) {
		call_add_location(call);
		answer_print_state(&answer, call, NULL);
		call_answer(call, 202, &answer);
		buf_free(&answer);
		return;
	}
	watch_join(call); /* before the question: its end may come first */
	watch_look(call);
}

/* A repetition has brought its files once more: they are not needed. */
void upload_stored(struct call *call)
{
	struct platform *api = call->door->api;

	call->step = CALL_STORE;
	store_report(api->store, "message_imports", (const char *const[]){ call->uuid }, 1, on_ids, api,
		     call->ticket);
}

void upload_mark(struct call *call, bool stored)
{
	if (call->upload == NULL)
		return;
	call->upload->stored = stored;
	if (!stored)
		form_finish(&call->upload->form, true);
}

/* ---- fetched by the core ------------------------------------------------------------------------------------------- */

static void tell_fetched(void *data)
{
	struct upload_fetch *fetch = data;
	struct platform *api = fetch->api;

	if (api) {
		DL_DELETE(api->fetches, fetch);
		api->host->fetched(api->host, fetch->ticket, &fetch->fetched);
	}
	free(fetch);
}

/* A second name for the same file: the first stays until the import's row says that it was kept. */
static struct fetched take_file(const struct platform *api, const struct message_file *file, const char *path,
				int64_t max)
{
	const char *id = strncmp(file->url, URL, sizeof(URL) - 1) == 0 ? file->url + sizeof(URL) - 1 : "";
	char *from;
	struct stat found;
	struct fetched fetched = { .how = FETCHED, .mime = NULL };

	if (!crypto_uuid_valid(id) || api->upload_folder == NULL)
		return (struct fetched){ .how = FETCHED_REFUSED,
					 .why = "it is not a file that was uploaded here" };
	from = mem_format("%s/%s", api->upload_folder, id);
	if (stat(from, &found) != 0)
		fetched = (struct fetched){ .how = FETCHED_REFUSED, .why = "it is not here any more" };
	else if (found.st_size > max)
		fetched = (struct fetched){ .how = FETCHED_REFUSED, .why = "it is too large" };
	else if (link(from, path) != 0)
		fetched = (struct fetched){ .how = FETCHED_NOT, .why = "it can't be taken in at the moment" };
	else
		fetched.size = found.st_size;
	free(from);
	return fetched;
}

void upload_fetch(struct platform *api, const struct message_file *file, const char *path, int64_t max,
		  uint64_t ticket)
{
	struct upload_fetch *fetch = mem_zero(1, sizeof(*fetch));

	fetch->api = api;
	fetch->ticket = ticket;
	fetch->fetched = take_file(api, file, path, max);
	DL_APPEND(api->fetches, fetch);
	loop_post(api->host->loop, tell_fetched, fetch);
}

/* ---- cleaning -------------------------------------------------------------------------------------------------------- */

static bool waited_for(const json_t *rows, const char *name)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row) {
		const char *url = json_string_value(json_object_get(row, "url"));

		if (url && strcmp(url + sizeof(URL) - 1, name) == 0)
			return true;
	}
	return false;
}

/* Something is on its way that has no row yet. */
static bool under_way(const struct platform *api)
{
	const struct call *call;

	if (api->arriving > 0 || api->upload_works)
		return true;
	for (call = api->calls; call; call = call->hh.next)
		if (call->upload &&
		    (call->step == CALL_UPLOAD || call->step == CALL_RESOLVE || call->step == CALL_ACCEPT))
			return true;
	return false;
}

/* What was kept, or deleted, does not lie here in the clear for longer than it must. ticket: nothing was on its way when the
 * store was asked. */
static void on_waiting(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct platform *api = owner;
	json_t *rows = err->kind == ERR_NONE ? json_read(json, strlen(json), NULL) : NULL;
	DIR *dir = rows ? opendir(api->upload_folder) : NULL;
	bool calm = ticket && !under_way(api);
	time_t before = time(NULL) - (calm ? API_UPLOAD_CALM_S : API_UPLOAD_AGE_S);
	struct dirent *entry;
	struct stat found;

	while (dir && (entry = readdir(dir)) != NULL)
		if (crypto_uuid_valid(entry->d_name) &&
		    fstatat(dirfd(dir), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
		    found.st_mtime < before && !waited_for(rows, entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	json_decref(rows);
}

void upload_clean(void *data)
{
	struct platform *api = data;

	store_report(api->store, "uploads_waiting", NULL, 0, on_waiting, api, !under_way(api));
	loop_timer_start(api->upload_sweep, API_UPLOAD_SWEEP_MS, 0);
}

void uploads_free(struct platform *api)
{
	struct upload_work *work;
	struct upload_fetch *fetch;

	DL_FOREACH (api->upload_works, work)
		work->api = NULL;
	DL_FOREACH (api->fetches, fetch)
		fetch->api = NULL;
}
