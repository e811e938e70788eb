/* The sandbox from the inside: what a file that takes over its reader would try. Each attempt runs in a child of its own
 * that has locked itself in. */
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	KEEP = 5,
	DONE = 0,      /* the attempt was refused, or the thing that must work did */
	POSSIBLE = 40, /* the attempt succeeded */
	OPEN = 41,     /* the sandbox could not be entered */
	MEMORY = 64 << 20,
	FILE_SIZE = 1 << 20,
};

/* Runs attempt behind the lock; the status of wait. */
static int inside(int (*attempt)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		const struct sandbox_limits limits = { MEMORY, 1, FILE_SIZE };
		struct err err = { 0 };
		int fd = open("/dev/zero", O_RDONLY);

		/* 3 and 4 stay; 9 is what the daemon might have left open. */
		dup2(fd, 3);
		dup2(memfd_create("out", 0), 4);
		dup2(fd, 9);
		if (!sandbox_enter(&limits, KEEP, &err)) {
			(void)!write(STDERR_FILENO, err.text, strlen(err.text));
			_exit(OPEN);
		}
		_exit(attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void refused(const char *what, int (*attempt)(void))
{
	int status = inside(attempt);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != DONE)
		fail_msg("%s: status %x", what, (unsigned)status);
}

static void killed(const char *what, int (*attempt)(void))
{
	int status = inside(attempt);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s: status %x", what, (unsigned)status);
}

#define TRY(name, expression)                                                                                \
	static int name(void)                                                                                \
	{                                                                                                    \
		return (expression) < 0 ? DONE : POSSIBLE;                                                   \
	}

TRY(try_open, open("/etc/passwd", O_RDONLY))
TRY(try_create, open("/tmp/usher-parse-test", O_WRONLY | O_CREAT, 0600))
TRY(try_proc, open("/proc/self/mem", O_RDWR))
TRY(try_openat2, syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0))
TRY(try_stat, access("/etc/passwd", R_OK))
TRY(try_readlink, readlink("/proc/self/exe", (char[100]){ 0 }, 100))
TRY(try_fstat_path, syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &(struct stat){ 0 }, 0))
TRY(try_left_open, read(9, (char[1]){ 0 }, 1))
TRY(try_ioctl, syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x"))
TRY(try_limits, setrlimit(RLIMIT_CORE, &(struct rlimit){ 1, 1 }))

static void files_are_out_of_reach(void **state)
{
	(void)state;
	refused("open", try_open);
	refused("create", try_create);
	refused("/proc", try_proc);
	refused("openat2", try_openat2);
	refused("access", try_stat);
	refused("readlink", try_readlink);
	refused("stat", try_fstat_path);
	refused("a descriptor left open", try_left_open);
	refused("pushing keys into the terminal", try_ioctl);
	refused("raising a limit", try_limits);
}

TRY(try_unlink, unlink("/tmp/usher-parse-test"))
TRY(try_rename, rename("/tmp/a", "/tmp/b"))
TRY(try_mkdir, mkdir("/tmp/usher-parse-test", 0700))
TRY(try_chmod, chmod("/tmp", 0777))
TRY(try_socket, socket(AF_INET, SOCK_STREAM, 0))
TRY(try_unix, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(try_connect,
    connect(3, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, sizeof(struct sockaddr_in)))
TRY(try_send, sendto(3, "x", 1, 0, NULL, 0))
TRY(try_exec, execve("/bin/true", (char *[]){ NULL }, (char *[]){ NULL }))
TRY(try_fork, (int)syscall(SYS_fork))
TRY(try_vfork, (int)syscall(SYS_vfork))
TRY(try_clone, (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
TRY(try_clone3, (int)syscall(SYS_clone3, NULL, 0))
TRY(try_ptrace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(try_attach, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL))
TRY(try_read_other, process_vm_readv(1, NULL, 0, NULL, 0, 0))
TRY(try_kill, kill(1, 0))
TRY(try_kill_self, kill(getpid(), SIGTERM))
TRY(try_tgkill, (int)syscall(SYS_tgkill, 1, 1, SIGABRT))
TRY(try_tgkill_term, (int)syscall(SYS_tgkill, getpid(), gettid(), SIGTERM))
TRY(try_pidfd, (int)syscall(SYS_pidfd_open, 1, 0))
TRY(try_prctl, prctl(PR_SET_DUMPABLE, 1))
TRY(try_uring, (int)syscall(SYS_io_uring_setup, 1, &(struct io_uring_params){ 0 }))
TRY(try_bpf, (int)syscall(SYS_bpf, 0, NULL, 0))
TRY(try_keys, (int)syscall(SYS_keyctl, 0, 0))
TRY(try_mount, (int)syscall(SYS_mount, "", "/tmp", "tmpfs", 0, NULL))
TRY(try_unshare, (int)syscall(SYS_unshare, 0))
TRY(try_dup, dup(0))
TRY(try_lock, fcntl(4, F_SETOWN, 1))
TRY(try_run,
    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0)
TRY(try_make_run,
    mprotect((void *)((uintptr_t)try_run & ~(uintptr_t)4095), 4096, PROT_READ | PROT_WRITE | PROT_EXEC))

static void whatever_else_is_tried_ends_it(void **state)
{
	(void)state;
	killed("unlink", try_unlink);
	killed("rename", try_rename);
	killed("mkdir", try_mkdir);
	killed("chmod", try_chmod);
	killed("socket", try_socket);
	killed("unix socket", try_unix);
	killed("connect", try_connect);
	killed("sendto", try_send);
	killed("execve", try_exec);
	killed("fork", try_fork);
	killed("vfork", try_vfork);
	killed("clone", try_clone);
	killed("clone3", try_clone3);
	killed("ptrace", try_ptrace);
	killed("attach", try_attach);
	killed("process_vm_readv", try_read_other);
	killed("kill", try_kill);
	killed("kill of itself", try_kill_self);
	killed("tgkill of another", try_tgkill);
	killed("tgkill with another signal", try_tgkill_term);
	killed("pidfd_open", try_pidfd);
	killed("prctl", try_prctl);
	killed("io_uring_setup", try_uring);
	killed("bpf", try_bpf);
	killed("keyctl", try_keys);
	killed("mount", try_mount);
	killed("unshare", try_unshare);
	killed("dup", try_dup);
	killed("F_SETOWN", try_lock);
	killed("memory that runs", try_run);
	killed("memory made to run", try_make_run);
}

static int work(void)
{
	int fd = memfd_create("inner", MFD_CLOEXEC);
	char *data;

	if (fd < 0 || ftruncate(fd, 4096) != 0 || pwrite(fd, "abc", 3, 0) != 3)
		return 1;
	data = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED || memcmp(data, "abc", 3) != 0 || munmap(data, 4096) != 0 || close(fd) != 0)
		return 2;
	if (read(3, (char[8]){ 0 }, 8) != 8 || write(4, "made", 4) != 4)
		return 3;
	/* As much as glibc takes in pieces, so that it moves its break, maps and gives back. */
	for (size_t size = 16; size < (8 << 20); size *= 3) {
		char *some = malloc(size), *more;

		if (some == NULL)
			return 4;
		memset(some, 1, size);
		more = realloc(some, size * 2);
		if (more == NULL)
			return 5;
		free(more);
	}
	return DONE;
}

static int too_much_memory(void)
{
	return mmap(NULL, MEMORY + (16 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
				       MAP_FAILED &&
			       errno == ENOMEM
		       ? DONE
		       : POSSIBLE;
}

static int too_large_file(void)
{
	static char piece[1 << 16];
	size_t sum = 0;
	ssize_t n;

	while ((n = write(4, piece, sizeof(piece))) > 0 && sum <= FILE_SIZE)
		sum += (size_t)n;
	return n < 0 && errno == EFBIG && sum == FILE_SIZE ? DONE : POSSIBLE;
}

static int many_descriptors(void)
{
	int count = 0;

	while (count < 100 && memfd_create("x", 0) >= 0)
		count++;
	return count >= 8 && count < 30 ? DONE : POSSIBLE;
}

static int forever(void)
{
	for (volatile unsigned i = 0;; i++)
		;
	return POSSIBLE;
}

static int aborting(void)
{
	abort();
}

static void what_reading_needs_works_within_limits(void **state)
{
	int status;

	(void)state;
	refused("work", work);
	refused("memory", too_much_memory);
	refused("file size", too_large_file);
	refused("descriptors", many_descriptors);
	status = inside(forever);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
	status = inside(aborting);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_out_of_reach),
		cmocka_unit_test(whatever_else_is_tried_ends_it),
		cmocka_unit_test(what_reading_needs_works_within_limits),
	};

	/* Valgrind makes system calls of its own, which the lock would end. */
	if (getenv("USHER_VALGRIND") != NULL)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
