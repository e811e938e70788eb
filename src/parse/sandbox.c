/* The sandbox: resource limits, Landlock without a single rule, a list of allowed system calls. Each of them alone would
 * do against files and network; a fault in one must not be enough. */
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	DESCRIPTORS_MAX = 24, /* memfds of archives in archives, and what libraries double of them */
	CPU_GRACE_S = 2,
};

/* ---- resource limits ------------------------------------------------------------------------------------------ */

static bool memory_in_use(rlim_t *total_out, rlim_t *data_out)
{
	unsigned long long numbers[6]; /* pages: total, resident, shared, text, lib, data */
	rlim_t page = (rlim_t)sysconf(_SC_PAGESIZE);
	char line[200], *at = line;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return false;
	line[len] = '\0';
	for (size_t i = 0; i < 6; i++) {
		char *end;

		numbers[i] = strtoull(at, &end, 10);
		if (end == at)
			return false;
		at = end;
	}
	*total_out = numbers[0] * page;
	*data_out = numbers[5] * page;
	return true;
}

static bool limit(int what, rlim_t soft, rlim_t hard)
{
	return setrlimit((__rlimit_resource_t)what, &(struct rlimit){ soft, hard }) == 0;
}

static bool limits_set(const struct sandbox_limits *limits)
{
	rlim_t total, data, memory = (rlim_t)limits->memory, cpu = (rlim_t)limits->cpu_s;

	if (!memory_in_use(&total, &data))
		return false;
	signal(SIGXFSZ, SIG_IGN); /* writing too much is an error of write */
	return limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_NPROC, 0, 0) &&
	       limit(RLIMIT_NOFILE, DESCRIPTORS_MAX, DESCRIPTORS_MAX) &&
	       limit(RLIMIT_FSIZE, (rlim_t)limits->file_size, (rlim_t)limits->file_size) &&
	       limit(RLIMIT_CPU, cpu, cpu + CPU_GRACE_S) &&
	       limit(RLIMIT_AS, total + memory, total + memory) &&
	       limit(RLIMIT_DATA, data + memory, data + memory);
}

/* ---- Landlock: our own structure, as headers are older than kernels ------------------------------------------------ */

struct landlock_wish {
	uint64_t fs, net, scoped;
};

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif

static bool landlock_lock(struct err *err)
{
	static const unsigned rights[] = { 0, 13, 14, 15, 15, 16 }; /* of files, by version */
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u /* asks for the version */);
	struct landlock_wish wish = { 0 };
	size_t size = sizeof(wish.fs);
	long rules;
	bool good;

	if (version < 1)
		return err_set(err, ERR_REFUSED,
			       "this kernel has no Landlock, or it is off (lsm= of its command line)");
	wish.fs = (UINT64_C(1) << rights[version < 5 ? version : 5]) - 1;
	if (version >= 4) {
		wish.net = 3; /* bind and connect of TCP */
		size += sizeof(wish.net);
	}
	if (version >= 6) {
		wish.scoped = 3; /* abstract sockets and signals */
		size += sizeof(wish.scoped);
	}
	rules = syscall(SYS_landlock_create_ruleset, &wish, size, 0);
	if (rules < 0)
		return err_set(err, ERR_REFUSED, "Landlock: %s", strerror(errno));
	good = syscall(SYS_landlock_restrict_self, (int)rules, 0) == 0;
	if (!good)
		err_set(err, ERR_REFUSED, "Landlock: %s", strerror(errno));
	close((int)rules);
	return good;
}

/* ---- system calls ---------------------------------------------------------------------------------------------- */

static const int ALLOWED[] = {
	SCMP_SYS(read),		 SCMP_SYS(pread64),	 SCMP_SYS(readv),	   SCMP_SYS(write),
	SCMP_SYS(pwrite64),	 SCMP_SYS(writev),	 SCMP_SYS(lseek),	   SCMP_SYS(close),
	SCMP_SYS(fstat),	 SCMP_SYS(ftruncate),	 SCMP_SYS(memfd_create),   SCMP_SYS(brk),
	SCMP_SYS(munmap),	 SCMP_SYS(mremap),	 SCMP_SYS(madvise),	   SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn),	 SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),	   SCMP_SYS(getrandom),
	SCMP_SYS(getpid),	 SCMP_SYS(gettid),	 SCMP_SYS(sched_yield),	   SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),		 SCMP_SYS(exit_group),
};

/* What libraries try out of habit and do without. None of it is ever granted. */
static const struct {
	int call, error;
} HABITS[] = {
	{ SCMP_SYS(open), EACCES },	 { SCMP_SYS(openat), EACCES },
	{ SCMP_SYS(openat2), EACCES },	 { SCMP_SYS(stat), EACCES },
	{ SCMP_SYS(lstat), EACCES },	 { SCMP_SYS(newfstatat), EACCES },
	{ SCMP_SYS(statx), EACCES },	 { SCMP_SYS(access), EACCES },
	{ SCMP_SYS(faccessat), EACCES }, { SCMP_SYS(faccessat2), EACCES },
	{ SCMP_SYS(readlink), EACCES },	 { SCMP_SYS(readlinkat), EACCES },
	{ SCMP_SYS(getcwd), EACCES },	 { SCMP_SYS(ioctl), ENOTTY },
	{ SCMP_SYS(sysinfo), ENOSYS },	 { SCMP_SYS(prlimit64), EPERM },
	{ SCMP_SYS(getrlimit), EPERM },	 { SCMP_SYS(sched_getaffinity), EPERM },
	{ SCMP_SYS(uname), EPERM },
};

static int filter_fill(scmp_filter_ctx filter)
{
	const int commands[] = { F_GETFD, F_SETFD, F_GETFL, F_ADD_SEALS };
	int bad = 0;

	for (size_t i = 0; i < sizeof(ALLOWED) / sizeof(ALLOWED[0]); i++)
		bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, ALLOWED[i], 0);
	for (size_t i = 0; i < sizeof(HABITS) / sizeof(HABITS[0]); i++)
		bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)HABITS[i].error), HABITS[i].call, 0);
	/* No memory that can be run. */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
					SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
	/* abort() of a library that has no memory: to itself and with no other signal. */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()), SCMP_A2(SCMP_CMP_EQ, SIGABRT));
	return bad;
}

static bool calls_lock(struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int bad;

	if (filter == NULL)
		return err_set(err, ERR_REFUSED, "seccomp: no memory");
	bad = filter_fill(filter);
	if (bad == 0)
		bad = seccomp_load(filter);
	seccomp_release(filter);
	return bad == 0 || err_set(err, ERR_REFUSED, "seccomp: %s", strerror(bad < 0 ? -bad : EINVAL));
}

bool sandbox_enter(const struct sandbox_limits *limits, unsigned keep, struct err *err)
{
	if (close_range(keep, ~0u, 0) != 0)
		return err_set(err, ERR_REFUSED, "closing descriptors: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, ERR_REFUSED, "giving up privileges: %s", strerror(errno));
	if (!limits_set(limits))
		return err_set(err, ERR_REFUSED, "setting limits: %s", strerror(errno));
	return landlock_lock(err) && calls_lock(err);
}
