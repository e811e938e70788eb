/* One run of the parser on a table of one row. */
#include "parser_try.h"
#include "buf.h"
#include "clock.h"
#include "json.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRY_MS = 20000, ANSWER_MAX = 65536 };

static const char table[] = "name,amount\nEva Example,3\n";
static const char order[] =
	"{\"do\":\"extract\",\"name\":\"a.csv\",\"limits\":{\"memory\":268435456,\"cpu_s\":10,"
	"\"output\":1048576,\"unpacked\":1048576}}\n";

/* In the child: descriptors 0 to 4 as the parser takes them, none of them in the way of another. */
static void become(const char *program, int in, int out, int file, int chunks)
{
	char *const argv[] = { (char *)(uintptr_t)program, NULL };
	char *const env[] = { (char[]){ "LANG=C.UTF-8" }, (char[]){ "PATH=/usr/bin:/bin" }, NULL };
	const int from[] = { in, out, file, chunks }, to[] = { 0, 1, 3, 4 };
	int high[4];

	for (int i = 0; i < 4; i++)
		high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < 4; i++)
		dup2(high[i], to[i]);
	execve(program, argv, env);
	_exit(127);
}

static void read_answer(int fd, struct buf *answer)
{
	uint64_t end = clock_mono_ms() + TRY_MS, now;
	char piece[4096];

	while ((now = clock_mono_ms()) < end && answer->len < ANSWER_MAX) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t n = poll(&wait, 1, (int)(end - now)) == 1 ? read(fd, piece, sizeof(piece)) : -1;

		if (n <= 0)
			return;
		buf_add(answer, piece, (size_t)n);
	}
}

/* Its last line tells: {"done":...} or {"failed":{"code","message"}}. */
static bool judge(const struct buf *answer, const char *program, int status, struct err *err)
{
	const char *text = buf_str(answer);
	size_t len = answer->len && text[answer->len - 1] == '\n' ? answer->len - 1 : answer->len;
	const char *line = text + len;
	json_t *said;
	const json_t *failed;
	bool done;

	while (line > text && line[-1] != '\n')
		line--;
	said = json_read(line, (size_t)(text + len - line), NULL);
	failed = json_object_get(said, "failed");
	done = json_object_get(said, "done") != NULL;
	if (!done && failed)
		err_set(err, ERR_REFUSED, "%s can't read files here: %s%s", program,
			json_text(failed, "message") ? json_text(failed, "message") : "it does not say why",
			json_text(failed, "code") && strcmp(json_text(failed, "code"), "sandbox") == 0
				? " It needs Landlock and seccomp (Linux 5.13 or later)."
				: "");
	else if (!done)
		err_set(err, ERR_REFUSED, "%s broke off (%s %d)", program,
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	json_decref(said);
	return done;
}

static bool run(const char *program, int file, int chunks, struct err *err)
{
	int in[2], out[2], status = 0;
	struct buf answer = { 0 };
	bool works;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) != 0)
		return err_set(err, ERR_AGAIN, "no pipe can be made: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return err_set(err, ERR_AGAIN, "no pipe can be made: %s", strerror(errno));
	}
	(void)!write(in[1], order, sizeof(order) - 1); /* fits the pipe */
	pid = fork();
	if (pid == 0)
		become(program, in[0], out[1], file, chunks);
	close(in[0]);
	close(in[1]);
	close(out[1]);
	if (pid > 0)
		read_answer(out[0], &answer);
	close(out[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	works = judge(&answer, program, status, err);
	buf_free(&answer);
	return works;
}

bool parser_try(const char *program, struct err *err)
{
	int file, chunks;
	bool works = false;

	if (access(program, X_OK) != 0)
		return err_set(
			err, ERR_REFUSED,
			"%s can't be run: %s; without it no file is read. Install it beside usher, or name "
			"it in imports.parser",
			program, strerror(errno));
	file = memfd_create("table", MFD_CLOEXEC);
	chunks = memfd_create("chunks", MFD_CLOEXEC);
	if (file >= 0 && chunks >= 0 && write(file, table, sizeof(table) - 1) == sizeof(table) - 1 &&
	    lseek(file, 0, SEEK_SET) == 0)
		works = run(program, file, chunks, err);
	else
		err_set(err, ERR_AGAIN, "no file can be made: %s", strerror(errno));
	if (file >= 0)
		close(file);
	if (chunks >= 0)
		close(chunks);
	return works;
}
