/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs another program. See run.h.
 *
 * One poll loop serves the three pipes, so that a program that writes before it has read all of its
 * input causes no deadlock. Output beyond a limit is read and discarded.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_SIZE_MAX ((size_t)16 << 20)

extern char **environ;

/* Output of a program; NUL-terminated once text is allocated. */
struct output {
	char *text;
	size_t used;
	size_t size;
};

enum pipe_nr {
	PIPE_IN,
	PIPE_OUT,
	PIPE_ERR,
	PIPES_LEN,
};

/* The ends of this process and of the child, -1 when closed. */
struct pipes {
	int ours[PIPES_LEN];
	int child[PIPES_LEN];
};

static int find_program(const char *name, char *path, size_t path_size);
static int pipes_open(struct pipes *p);
static void pipes_close(int fds[PIPES_LEN]);
static int spawn(const char *path, const char *const argv[], const struct pipes *p, pid_t *pid);
static int exchange(struct pipes *p, const char *input, int timeout_ms, struct output *out,
                    struct output *err);
static bool send_input(int fd, const char **input, size_t *left);
static int receive(int fd, struct output *output);
static int64_t now_ms(void);

int run_program(const char *const argv[], const char *input, int timeout_ms,
                struct run_result *result)
{
	struct output out = { 0 };
	struct output err = { 0 };
	struct pipes pipes;
	char path[4096];
	int status = 0;
	pid_t pid;
	int rc;

	rc = find_program(argv[0], path, sizeof(path));
	if (rc < 0) {
		return rc;
	}
	rc = pipes_open(&pipes);
	if (rc == 0) {
		rc = spawn(path, argv, &pipes, &pid);
	}
	pipes_close(pipes.child);
	if (rc < 0) {
		pipes_close(pipes.ours);
		return rc;
	}
	rc = exchange(&pipes, input != NULL ? input : "", timeout_ms, &out, &err);
	pipes_close(pipes.ours);
	if (rc < 0) {
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (rc < 0) {
		free(out.text);
		free(err.text);
		return rc;
	}
	result->exit_status =
		WIFSIGNALED(status) ? RUN_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
	result->out = out.text;
	result->err = err.text;
	return 0;
}

void run_result_fini(struct run_result *result)
{
	free(result->out);
	free(result->err);
	result->out = NULL;
	result->err = NULL;
}

static int find_program(const char *name, char *path, size_t path_size)
{
	const char *dirs[] = { getenv("PATH"), "/usr/local/sbin:/usr/sbin:/sbin" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		for (const char *dir = dirs[i]; dir != NULL && *dir != '\0';) {
			size_t size = strcspn(dir, ":");
			int need = snprintf(path, path_size, "%.*s/%s", (int)size, dir, name);

			/* an empty or relative entry is the working directory: unsafe for root */
			if (dir[0] == '/' && need > 0 && (size_t)need < path_size &&
			    access(path, X_OK) == 0) {
				return 0;
			}
			dir += size;
			dir += *dir == ':';
		}
	}
	return -ENOENT;
}

static int pipes_open(struct pipes *p)
{
	for (unsigned i = 0; i < PIPES_LEN; i++) {
		p->ours[i] = -1;
		p->child[i] = -1;
	}
	for (unsigned i = 0; i < PIPES_LEN; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0) {
			return -errno;
		}
		p->ours[i] = i == PIPE_IN ? fds[1] : fds[0];
		p->child[i] = i == PIPE_IN ? fds[0] : fds[1];
		if (fcntl(p->ours[i], F_SETFL, O_NONBLOCK) < 0) {
			return -errno;
		}
	}
	return 0;
}

static void pipes_close(int fds[PIPES_LEN])
{
	for (unsigned i = 0; i < PIPES_LEN; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
}

static int spawn(const char *path, const char *const argv[], const struct pipes *p, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	char **args = NULL;
	size_t argc = 0;
	int rc;

	while (argv[argc] != NULL) {
		argc++;
	}
	/* posix_spawn() wants char *const[]; it does not write to the strings */
	args = calloc(argc + 1, sizeof(*args));
	if (args == NULL) {
		return -ENOMEM;
	}
	memcpy(args, argv, argc * sizeof(*args));
	rc = posix_spawn_file_actions_init(&actions);
	if (rc != 0) {
		free(args);
		return -rc;
	}
	for (int i = 0; i < PIPES_LEN && rc == 0; i++) {
		rc = posix_spawn_file_actions_adddup2(&actions, p->child[i], i);
	}
	if (rc == 0) {
		rc = posix_spawn(pid, path, &actions, NULL, args, environ);
	}
	posix_spawn_file_actions_destroy(&actions);
	free(args);
	return -rc;
}

static int exchange(struct pipes *p, const char *input, int timeout_ms, struct output *out,
                    struct output *err)
{
	int64_t deadline = now_ms() + timeout_ms;
	size_t left = strlen(input);

	signal(SIGPIPE, SIG_IGN);
	while (p->ours[PIPE_OUT] >= 0 || p->ours[PIPE_ERR] >= 0) {
		struct pollfd polls[PIPES_LEN] = {
			{ .fd = p->ours[PIPE_IN], .events = POLLOUT },
			{ .fd = p->ours[PIPE_OUT], .events = POLLIN },
			{ .fd = p->ours[PIPE_ERR], .events = POLLIN },
		};
		int64_t rest = deadline - now_ms();

		if (rest <= 0) {
			return -ETIMEDOUT;
		}
		if (poll(polls, PIPES_LEN, (int)rest) < 0 && errno != EINTR) {
			return -errno;
		}
		for (unsigned i = 0; i < PIPES_LEN; i++) {
			struct output *output = i == PIPE_OUT ? out : err;
			int rc = 1;

			if (p->ours[i] < 0 || polls[i].revents == 0) {
				continue;
			}
			if (i == PIPE_IN) {
				rc = send_input(p->ours[i], &input, &left);
			} else {
				rc = receive(p->ours[i], output);
			}
			if (rc < 0) {
				return rc;
			}
			if (rc == 0) {
				close(p->ours[i]);
				p->ours[i] = -1;
			}
		}
	}
	return 0;
}

/* Returns false when all input is written, or the pipe is closed. */
static bool send_input(int fd, const char **input, size_t *left)
{
	ssize_t n = *left > 0 ? write(fd, *input, *left) : 0;

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	*input += n;
	*left -= (size_t)n;
	return *left > 0;
}

/* Returns 1 to go on, 0 at the end, or -ENOMEM. */
static int receive(int fd, struct output *output)
{
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	if (output->used + (size_t)n + 1 > output->size) {
		size_t size = output->size * 2 + sizeof(chunk) + 1;
		char *text = realloc(output->text, size);

		if (text == NULL) {
			return -ENOMEM;
		}
		output->text = text;
		output->size = size;
	}
	if (output->used + (size_t)n <= OUTPUT_SIZE_MAX) {
		memcpy(output->text + output->used, chunk, (size_t)n);
		output->used += (size_t)n;
	}
	output->text[output->used] = '\0';
	return n > 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
