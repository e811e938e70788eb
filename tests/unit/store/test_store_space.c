/* A file system that is really full, and has space again: a small one of our own, where the system lets us
 * mount it. */
#include "asking.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static char folder[] = "/tmp/usher-space-XXXXXX";
static bool mounted;

static bool say_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool said = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return said;
}

/* Root of a name space of our own, for those who are not root. */
static bool become_root(unsigned uid, unsigned gid)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!say_to("/proc/self/setgroups", "deny") || !say_to("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return say_to("/proc/self/gid_map", map);
}

/* In a mount namespace of this process alone: gone when it ends. */
static bool mount_small(void)
{
	unsigned uid = getuid(), gid = getgid();

	if (mkdtemp(folder) == NULL)
		return false;
	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
		return false;
	return (uid == 0 || become_root(uid, gid)) &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", folder, "tmpfs", 0, "size=4m") == 0;
}

static void fill(const char *path)
{
	static const char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

struct watch {
	struct asking *asking;
	int rounds;
};

static void look_again(void *data)
{
	struct watch *watch = data;

	if (!store_gauges(watch->asking->store).full || ++watch->rounds > 400)
		io_stop(watch->asking->io);
}

/* Nobody has to restart anything once there is space again. */
static void recovers_by_itself(void **state)
{
	struct asking *a;
	struct watch watch = { 0 };
	struct loop_timer *timer;
	struct incoming in;
	char *filling, key[16];
	int64_t stored = 0;

	(void)state;
	if (!mounted) {
		print_message("no file system may be mounted here: not tested\n");
		skip();
	}
	setenv("TMPDIR", folder, 1);
	filling = mem_format("%s/filling", folder);
	watch.asking = a = asking_create();
	asking_know(a, "ann");
	fill(filling);
	for (int i = 0; i < 4000 && a->err.kind == ERR_NONE; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		in = says("ann", "room", key, "may it be stored?");
		ask_accept(a, &in, true);
		stored += a->err.kind == ERR_NONE;
	}
	assert_int_equal(a->err.kind, ERR_FULL);
	assert_true(store_gauges(a->store).full);
	assert_false(store_gauges(a->store).failed);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), stored);

	unlink(filling);
	timer = loop_timer_create(io_loop(a->io), look_again, &watch);
	loop_timer_start(timer, 10, 25);
	io_run(a->io);
	loop_timer_destroy(timer);
	assert_false(store_gauges(a->store).full);
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_NEW);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), stored + 1);
	assert_string_equal(asking_text(a, "PRAGMA integrity_check"), "ok");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM cursors"), 0);
	asking_destroy(a);
	free(filling);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recovers_by_itself) };
	int failed;

	mounted = mount_small(); /* before there are threads */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (mounted)
		umount2(folder, MNT_DETACH);
	rmdir(folder);
	return failed;
}
