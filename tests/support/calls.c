/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts the system calls of one thread of a running process, as strace(1) would.
 *
 *	calls PID THREAD CALLS
 *
 * Traces the thread of that name for CALLS calls, prints "NAME TIMES" for each system call, and
 * detaches. Exits with 77 when tracing is not permitted.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_NUMBERS 1024

static unsigned long times[CALL_NUMBERS];

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "calls: %s: %s\n", what, strerror(errno));
	exit(errno == EPERM || errno == EIO || errno == ENOSYS ? 77 : 1);
}

/* Returns the ID of a process's thread by its name, or 0. */
static pid_t find_thread(const char *process, const char *name)
{
	char path[300];
	char comm[32];
	struct dirent *entry;
	pid_t found = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%s/task", process);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", process, entry->d_name);
		f = fopen(path, "r");
		if (f != NULL && fgets(comm, sizeof(comm), f) != NULL) {
			comm[strcspn(comm, "\n")] = '\0';
			found = strcmp(comm, name) == 0 ? atoi(entry->d_name) : found;
		}
		if (f != NULL) {
			fclose(f);
		}
	}
	if (tasks != NULL) {
		closedir(tasks);
	}
	return found;
}

/* Resumes the thread until its next entry to or return from a call; false when it has ended. */
static bool next_stop(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SYSCALL, tid, 0, 0) != 0 || waitpid(tid, &status, __WALL) != tid) {
		give_up("following");
	}
	return WIFSTOPPED(status);
}

static void count_call(pid_t tid, unsigned long *counted)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0) {
		give_up("reading");
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr < CALL_NUMBERS) {
		times[info.entry.nr]++;
		++*counted;
	}
}

static void print(void)
{
	for (unsigned nr = 0; nr < CALL_NUMBERS; nr++) {
		if (times[nr] == 0) {
			continue;
		}
		switch (nr) {
		case SYS_recvmmsg:
			printf("recvmmsg %lu\n", times[nr]);
			break;
		case SYS_sendto:
			printf("sendto %lu\n", times[nr]);
			break;
		default:
			printf("call-%u %lu\n", nr, times[nr]);
			break;
		}
	}
}

int main(int argc, char **argv)
{
	unsigned long counted = 0;
	unsigned long wanted;
	int status;
	pid_t tid;

	if (argc != 4) {
		fputs("usage: calls PID THREAD CALLS\n", stderr);
		return 2;
	}
	tid = find_thread(argv[1], argv[2]);
	wanted = strtoul(argv[3], NULL, 10);
	errno = ESRCH;
	if (tid == 0 || ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, 0, 0) != 0 || waitpid(tid, &status, __WALL) != tid) {
		give_up("attaching");
	}
	while (counted < wanted && next_stop(tid)) {
		count_call(tid, &counted);
	}
	(void)ptrace(PTRACE_DETACH, tid, 0, 0);
	print();
	return counted >= wanted ? 0 : 1;
}
