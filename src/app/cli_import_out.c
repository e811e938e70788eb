/* usher import --out DIR: the files of an answer are written to disk. What they are called was thought up by a model: a name
 * never leads out of the folder, is never hidden and takes no other file's place. */
#include "cli.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 200, SILENT_SECONDS = 60, SAME_MAX = 100 };

/* A name for here: one line, no folders, not hidden. The caller frees. */
static char *safe_name(const char *name)
{
	char *line = text_one_line(name ? name : ""), *safe = text_file_name(line, NAME_BYTES_MAX);
	size_t dots = strspn(safe, ".");

	free(line);
	memset(safe, '_', dots);
	if (*safe)
		return safe;
	free(safe);
	return mem_text("file");
}

/* The path of a link, whatever host is before it. */
static const char *link_path(const char *link)
{
	const char *at = link;

	for (const char *next = link; next && (next = strstr(next, "/files/")) != NULL; next++)
		at = next;
	return strncmp(at, "/files/", 7) == 0 ? at : NULL;
}

static bool fetch(const struct cli *cli, const char *link, FILE *file, const char **why_out)
{
	const char *path = link ? link_path(link) : NULL;
	char *url = mem_format("http://localhost%s", path ? path : "");
	CURL *curl = curl_easy_init();
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, file);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_SECONDS);
	code = path ? curl_easy_perform(curl) : CURLE_URL_MALFORMAT;
	curl_easy_cleanup(curl);
	free(url);
	*why_out = path ? curl_easy_strerror(code) : "it has no link";
	return code == CURLE_OK;
}

/* "a.json" and, of the same answer again, "a (2).json". The caller frees. */
static char *numbered(const char *name, unsigned number)
{
	const char *dot = strrchr(name, '.');
	int stem = dot && dot != name ? (int)(dot - name) : (int)strlen(name);

	return number == 1 ? mem_text(name) : mem_format("%.*s (%u)%s", stem, name, number, name + stem);
}

/* Gives it its name; one that this answer has taken already gets a number. */
static char *put(const struct cli *cli, int dir, const char *made, const char *name, json_t *taken,
		 const char **why_out)
{
	char *as = NULL;

	for (unsigned number = 1; number <= SAME_MAX; number++) {
		free(as);
		as = numbered(name, number);
		if (json_object_get(taken, as) == NULL)
			break;
	}
	if ((cli->force ? renameat(dir, made, dir, as) : linkat(dir, made, dir, as, 0)) == 0) {
		json_object_set_new(taken, as, json_true());
		return as;
	}
	*why_out = errno == EEXIST ? "it is there already; --force writes over it" : strerror(errno);
	free(as);
	return NULL;
}

static bool write_file(const struct cli *cli, int dir, const json_t *one, json_t *taken)
{
	char *name = safe_name(json_text(one, "name")), *as = NULL;
	char *made = mem_format(".usher-%ld.part", (long)getpid());
	int fd = openat(dir, made, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	const char *why = strerror(errno);
	bool got = file && fetch(cli, json_text(one, "link"), file, &why);

	if (file && (fflush(file) != 0 || fsync(fd) != 0) && got) {
		why = strerror(errno);
		got = false;
	}
	if (file)
		fclose(file);
	if (got)
		as = put(cli, dir, made, name, taken, &why);
	if (fd >= 0)
		unlinkat(dir, made, 0); /* it has its name, or is not wanted */
	fputs(as ? "written: " : "usher: ", cli->json || as == NULL ? stderr : stdout);
	cli_put(cli->json || as == NULL ? stderr : stdout, as ? as : name);
	fprintf(cli->json || as == NULL ? stderr : stdout, "%s%s\n",
		as ? "" : " is not written: ", as ? "" : why);
	got = as != NULL;
	free(as);
	free(name);
	free(made);
	return got;
}

int cli_write_files(const struct cli *cli, const json_t *files)
{
	int dir, status = CLI_OK;
	json_t *taken, *one;
	size_t i;

	if (mkdir(cli->out, 0777) != 0 && errno != EEXIST) {
		fprintf(stderr, "usher: %s can't be made: %s\n", cli->out, strerror(errno));
		return CLI_FAILED;
	}
	dir = open(cli->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		fprintf(stderr, "usher: %s can't be opened: %s\n", cli->out, strerror(errno));
		return CLI_FAILED;
	}
	taken = json_object();
	json_array_foreach (files, i, one)
		if (!write_file(cli, dir, one, taken))
			status = CLI_FAILED;
	json_decref(taken);
	close(dir);
	return status;
}
