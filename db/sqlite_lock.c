/* One daemon for one database: the lock beside the file, and who holds SQLite's own. */
#include "mem.h"
#include "sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* The holder wrote its number into the file; only a lock that is held makes the number true. */
static bool fault_held(const struct db *db, int fd, struct err *err)
{
	char text[24] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	long pid = len > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return err_set(err, ERR_REFUSED,
			       "database %s is in use by another usher, process %ld: stop it first, or give "
			       "this one "
			       "another store.url",
			       db->path, pid);
	return err_set(
		err, ERR_REFUSED,
		"database %s is in use by another usher: stop it first, or give this one another store.url",
		db->path);
}

/* Whoever wrote its number is gone. */
static bool holder_is_dead(int fd)
{
	char text[24] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	long pid = len > 0 ? strtol(text, NULL, 10) : 0;

	return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* A child that a killed daemon was just starting holds its lock until it has become its own program: a moment. */
static bool lock_now(int fd)
{
	const struct timespec moment = { .tv_nsec = 20L * 1000 * 1000 };
	bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;

	for (int i = 0; i < 100 && !locked && errno == EWOULDBLOCK; i++) {
		if (!holder_is_dead(fd)) {
			errno = EWOULDBLOCK;
			break;
		}
		nanosleep(&moment, NULL);
		locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
	}
	return locked;
}

static bool take(const struct db *db, int fd, const char *path, struct err *err)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	bool named;

	if (!lock_now(fd)) {
		if (errno == EWOULDBLOCK)
			return fault_held(db, fd, err);
		return err_set(err, ERR_FATAL, "can't lock %s: %s", path, strerror(errno));
	}
	/* The number only helps people: on a full disk the lock itself still holds. */
	named = ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
	(void)named;
	return true;
}

bool sqlite_lock(struct db *db, struct err *err)
{
	char *path = mem_format("%s.lock", db->path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool taken;

	if (fd < 0)
		taken = err_set(err, ERR_FATAL,
				"can't make the lock file %s: %s: check who may write its folder", path,
				strerror(errno));
	else
		taken = take(db, fd, path, err);
	if (taken)
		db->lock = fd;
	else if (fd >= 0)
		close(fd);
	free(path);
	return taken;
}

/* The lock file stays: removing it would let two daemons lock two files of one name. */
void sqlite_unlock(struct db *db)
{
	if (db->lock >= 0)
		close(db->lock);
	db->lock = -1;
}

/* One line of /proc/locks: "1: POSIX  ADVISORY  WRITE 1234 08:01:5678 120 120". */
static long line_holder(char *line, const char *file)
{
	enum { KIND = 1, PID = 4, FILE_ID = 5, WORDS };
	char *words[WORDS], *rest = NULL;
	size_t count = 0;
	long pid;

	for (char *word = strtok_r(line, " ", &rest); word && count < WORDS;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	if (count < WORDS || strcmp(words[KIND], "POSIX") != 0 || strcmp(words[FILE_ID], file) != 0)
		return 0;
	pid = strtol(words[PID], NULL, 10);
	return pid == (long)getpid() ? 0 : pid;
}

/* /proc/locks instead of F_GETLK: opening and closing the file would drop
 * SQLite's own locks in this process. */
long sqlite_lock_holder(const char *path)
{
	char *names[] = { mem_format("%s-shm", path), mem_text(path) };
	FILE *locks = fopen("/proc/locks", "re");
	char line[256];
	long holder = 0;

	for (size_t i = 0; locks != NULL && holder == 0 && i < 2; i++) {
		struct stat file;
		char id[64];

		rewind(locks);
		if (stat(names[i], &file) != 0)
			continue;
		snprintf(id, sizeof(id), "%02x:%02x:%ju", major(file.st_dev), minor(file.st_dev),
			 (uintmax_t)file.st_ino);
		while (holder == 0 && fgets(line, sizeof(line), locks) != NULL)
			holder = line_holder(line, id);
	}
	if (locks != NULL)
		fclose(locks);
	free(names[0]);
	free(names[1]);
	return holder;
}
