/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function in a child process. See isolate.h. The text and the end of the child come through a
 * pipe.
 */
#include "isolate.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A longer text is cut. */
#define TEXT_SIZE_MAX ((size_t)1 << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/* Returns the size of the address space, 0 when it is unknown. */
static size_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	if (f == NULL) {
		return 0;
	}
	if (fscanf(f, "%zu", &pages) != 1) {
		pages = 0;
	}
	(void)fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_memory(size_t bytes)
{
	size_t now = HAS_SANITIZER ? 0 : address_space();
	struct rlimit limit = { .rlim_cur = now + bytes, .rlim_max = now + bytes };

	if (now > 0) {
		(void)setrlimit(RLIMIT_AS, &limit);
	}
}

/* If memory runs out the kernel ends this process, and not the daemon. */
static void be_first_for_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "1000", 4);
		(void)close(fd);
	}
}

static void reset_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGPIPE };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)signal(signals[i], SIG_DFL);
	}
}

static void write_text(int fd, const char *text)
{
	size_t left = text == NULL ? 0 : strlen(text);

	while (left > 0) {
		ssize_t done = write(fd, text, left);

		if (done < 0 && errno != EINTR) {
			return;
		}
		text += done > 0 ? done : 0;
		left -= done > 0 ? (size_t)done : 0;
	}
}

static _Noreturn void child_main(isolate_fn *fn, void *ctx, const struct isolate_limits *limits,
                                 int fd)
{
	char *text = NULL;
	int status;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "finwall-check", 0, 0, 0);
	reset_signals();
	be_first_for_oom_killer();
	limit_memory(limits->memory_bytes);
	status = fn(ctx, &text);
	write_text(fd, text);
	_exit(status);
}

/* Reads the text until the child ends. Returns 0, -ETIMEDOUT or -ENOMEM. */
static int read_text(int fd, struct mono deadline, char **text)
{
	size_t used = 0;
	size_t size = 4096;
	char *buf = malloc(size);

	while (buf != NULL) {
		int64_t left_ns = mono_diff(deadline, clock_now());
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		char cut[4096];
		ssize_t got;

		if (left_ns <= 0) {
			free(buf);
			return -ETIMEDOUT;
		}
		if (poll(&ready, 1, (int)(left_ns / NSEC_PER_MSEC) + 1) != 1) {
			continue;
		}
		if (used + 1 == size && size < TEXT_SIZE_MAX) {
			char *more = realloc(buf, size * 2);

			if (more == NULL) {
				break;
			}
			buf = more;
			size *= 2;
		}
		got = used + 1 < size ? read(fd, buf + used, size - used - 1)
		                      : read(fd, cut, sizeof(cut));
		if (got == 0) {
			buf[used] = '\0';
			*text = buf;
			return 0;
		}
		used += got > 0 && used + 1 < size ? (size_t)got : 0;
	}
	free(buf);
	return -ENOMEM;
}

static void wait_for(pid_t pid, struct isolate_result *out)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	out->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	out->by_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int isolate_run(isolate_fn *fn, void *ctx, const struct isolate_limits *limits,
                struct isolate_result *out)
{
	struct mono deadline = mono_add(clock_now(), sec_to_ns(limits->time_s));
	int ends[2];
	pid_t pid;
	int err;

	*out = (struct isolate_result){ .status = -1 };
	if (pipe2(ends, O_CLOEXEC) != 0) {
		return -errno;
	}
	pid = fork();
	if (pid == 0) {
		child_main(fn, ctx, limits, ends[1]);
	}
	err = pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (err == 0) {
		err = read_text(ends[0], deadline, &out->text);
		if (err != 0) {
			(void)kill(pid, SIGKILL);
		}
		wait_for(pid, out);
	}
	(void)close(ends[0]);
	if (err == -ETIMEDOUT) {
		out->is_late = true;
		out->text = strdup("");
		err = out->text == NULL ? -ENOMEM : 0;
	}
	return err;
}
