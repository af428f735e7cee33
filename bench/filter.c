/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iptables(8) sets the hook rules: it supports NFQUEUE on every kernel that has it.
 */
#include "filter.h"

#include "bare_loop.h"
#include "bpf/lease_program.h"
#include "clock.h"
#include "io/lease_pins.h"
#include "kernel_tracker.h"
#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_WAIT_NS UINT64_C(10000000000)
#define READY_POLL_NS UINT64_C(5000000)

#define FAST_PATH_LEASES 65536

/* rules_of_path, for the kernel's tracker. */
static const char conntrack_rules[] =
	"iptables -w -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT && "
	"iptables -w -A FORWARD -m conntrack --ctstate NEW -p tcp --dport 5001:5003 -j ACCEPT && "
	"iptables -w -A FORWARD -m conntrack --ctstate NEW -p udp --dport 5004 -j ACCEPT && "
	"iptables -w -P FORWARD DROP";

static const char clear_rules[] = "iptables -w -P FORWARD ACCEPT; iptables -w -F FORWARD";

static const struct {
	const char *id;
	const char *title;
	const char *match;         /* of iptables(8): which packets are queued */
	const char *queue_options; /* of the NFQUEUE target; NULL = no queue */
	unsigned finwalld_queues;  /* 0 = not finwalld */
} kinds[FILTERS_LEN] = {
	[FILTER_NOTHING] = { "nothing", "no filter", "", NULL, 0 },
	[FILTER_CONNTRACK] = { "conntrack", "kernel conntrack", "", NULL, 0 },
	[FILTER_BARE] = { "bare", "bare NFQUEUE loop", "", "--queue-num 0", 0 },
	[FILTER_BARE_SYN] = { "bare-syn", "bare NFQUEUE loop for SYNs alone", "-p tcp --syn ",
	                      "--queue-num 0", 0 },
	[FILTER_FINWALL1] = { "finwalld-1", "finwalld, 1 queue", "", "--queue-num 0", 1 },
	[FILTER_FINWALL_FAST] = { "finwalld-fast", "finwalld, 1 queue, fast path", "",
	                          "--queue-num 0", 1 },
	[FILTER_FINWALL2] = { "finwalld-2", "finwalld, 2 queues", "", "--queue-balance 0:1", 2 },
};

const char *filter_title(enum filter_kind kind)
{
	return kinds[kind].title;
}

const char *filter_id(enum filter_kind kind)
{
	return kinds[kind].id;
}

static int start_bare(struct filter *f)
{
	int ready[2];
	char byte;
	int err = -EIO;

	if (pipe2(ready, O_CLOEXEC) != 0) {
		return -errno;
	}
	f->pid = netns_fork(f->net, NETNS_ROUTER);
	if (f->pid == 0) {
		bare_loop_run(0, ready[1]);
	}
	(void)close(ready[1]);
	if (f->pid > 0 && read(ready[0], &byte, 1) == 1) {
		err = 0;
	}
	(void)close(ready[0]);
	return err;
}

static int write_config(const struct filter *f, const char *path)
{
	FILE *file = fopen(path, "we");
	int len;

	if (file == NULL) {
		return -errno;
	}
	len = fprintf(
		file,
		"settings {\n	queue { num 0; count %u }\n	connections { prefault on }\n}\n%s",
		kinds[f->kind].finwalld_queues, rules_of_path);
	return fclose(file) == 0 && len > 0 ? 0 : -EIO;
}

/*
 * Waits until the daemon has logged that it filters, and that its memory is resident. An earlier
 * measurement would include page faults.
 */
static int await_ready(const struct filter *f, const char *log_path)
{
	uint64_t deadline_ns = clock_ns() + READY_WAIT_NS;
	char log[4096];

	while (clock_ns() < deadline_ns) {
		int fd = open(log_path, O_RDONLY | O_CLOEXEC);
		ssize_t got = fd < 0 ? -1 : read(fd, log, sizeof(log) - 1);

		(void)close(fd);
		log[got > 0 ? got : 0] = '\0';
		if (strstr(log, "finwalld: ready") != NULL && strstr(log, "prefaulted ") != NULL) {
			return 0;
		}
		if (waitpid(f->pid, NULL, WNOHANG) != 0) {
			break;
		}
		clock_sleep_ns(READY_POLL_NS);
	}
	fprintf(stderr, "finwall-bench: finwalld did not start in time:\n%s", log);
	return -EIO;
}

static int start_finwalld(struct filter *f, const char *finwalld)
{
	char config[96];
	char socket[96];
	char log[96];
	int err;

	snprintf(config, sizeof(config), "%s/finwall.conf", f->dir);
	snprintf(socket, sizeof(socket), "%s/finwall.sock", f->dir);
	snprintf(log, sizeof(log), "%s/log", f->dir);
	err = write_config(f, config);
	if (err != 0) {
		return err;
	}
	f->pid = netns_fork(f->net, NETNS_ROUTER);
	if (f->pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		(void)dup2(fd, STDERR_FILENO);
		execl(finwalld, finwalld, "-c", config, "-s", socket, "-S", "none", (char *)NULL);
		_exit(127);
	}
	return f->pid < 0 ? (int)f->pid : await_ready(f, log);
}

static bool log_has(const char *path, const char *text)
{
	char log[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, log, sizeof(log) - 1);

	(void)close(fd);
	log[got > 0 ? got : 0] = '\0';
	return strstr(log, text) != NULL;
}

/* Pins the program where the daemon finds it, and puts the match in front of the queue. */
static int start_fast_path(const struct filter *f)
{
	char why[LEASE_WHY_SIZE] = "";
	struct lease_program *p;
	char command[256];
	char dir[96];
	char log[96];
	int err;

	snprintf(dir, sizeof(dir), "%s/" LEASE_DIR_NAME, f->dir);
	snprintf(log, sizeof(log), "%s/log", f->dir);
	if (mkdir(dir, 0755) != 0 || mount("bpf", dir, "bpf", 0, NULL) != 0) {
		fprintf(stderr, "finwall-bench: %s: %s\n", dir, strerror(errno));
		return -EIO;
	}
	err = lease_program_load(FAST_PATH_LEASES, &p, why);
	if (err != 0) {
		fprintf(stderr, "finwall-bench: kernel fast path: %s\n", why);
		return err;
	}
	err = lease_program_pin(p, dir);
	lease_program_free(p);
	snprintf(command, sizeof(command),
	         "iptables -w -A FORWARD -m bpf --object-pinned %s/forward -j ACCEPT", dir);
	if (err != 0 || netns_run(f->net, NETNS_ROUTER, command) != 0) {
		return -EIO;
	}
	for (unsigned i = 0; i < READY_WAIT_NS / READY_POLL_NS; i++) {
		if (log_has(log, "the kernel fast path is used")) {
			return 0;
		}
		clock_sleep_ns(READY_POLL_NS);
	}
	return -EIO;
}

int filter_queue(const struct netns *net, const char *match, const char *options)
{
	char command[128];

	snprintf(command, sizeof(command), "iptables -w -A FORWARD %s-j NFQUEUE %s", match,
	         options);
	return netns_run(net, NETNS_ROUTER, command) == 0 ? 0 : -EIO;
}

void filter_clear(const struct netns *net)
{
	(void)netns_run(net, NETNS_ROUTER, clear_rules);
}

int filter_start(struct filter *f, const struct netns *net, enum filter_kind kind,
                 const char *finwalld)
{
	int err = 0;

	*f = (struct filter){ .net = net, .kind = kind };
	err = kernel_tracker_clear(net);
	if (err != 0) {
		fprintf(stderr, "finwall-bench: cannot delete the kernel's connections: %s\n",
		        strerror(-err));
		return err;
	}
	snprintf(f->dir, sizeof(f->dir), "/tmp/finwall-bench.XXXXXX");
	if (mkdtemp(f->dir) == NULL) {
		f->dir[0] = '\0';
		return -errno;
	}
	if (kinds[kind].queue_options != NULL && kinds[kind].finwalld_queues == 0) {
		err = start_bare(f);
	}
	if (kinds[kind].finwalld_queues > 0) {
		err = start_finwalld(f, finwalld);
	}
	if (err == 0 && kind == FILTER_FINWALL_FAST) {
		err = start_fast_path(f);
	}
	if (kind == FILTER_CONNTRACK && netns_run(net, NETNS_ROUTER, conntrack_rules) != 0) {
		err = -EIO;
	}
	if (err == 0 && kinds[kind].queue_options != NULL) {
		err = filter_queue(net, kinds[kind].match, kinds[kind].queue_options);
	}
	if (err != 0) {
		fprintf(stderr, "finwall-bench: cannot start the filter: %s\n", filter_title(kind));
	}
	return err;
}

static void remove_dir(const char *dir)
{
	static const char *const files[] = { "finwall.conf", "finwall.sock", "log" };
	char path[96];

	snprintf(path, sizeof(path), "%s/" LEASE_DIR_NAME, dir);
	if (access(path, F_OK) == 0) {
		lease_pins_remove(path);
		(void)umount2(path, MNT_DETACH);
		(void)rmdir(path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

void filter_stop(struct filter *f)
{
	if (f->net != NULL) {
		filter_clear(f->net);
	}
	if (f->pid > 0) {
		(void)kill(f->pid, kinds[f->kind].finwalld_queues > 0 ? SIGTERM : SIGKILL);
		(void)waitpid(f->pid, NULL, 0);
		f->pid = 0;
	}
	if (f->dir[0] != '\0') {
		remove_dir(f->dir);
	}
}

int filter_cpu(const struct filter *f, struct filter_cpu *out)
{
	unsigned long user;
	unsigned long kernel;
	struct timespec ts;
	clockid_t clock;
	char path[32];
	FILE *stat;
	int fields;

	if (f->pid == 0 || clock_getcpuclockid(f->pid, &clock) != 0 ||
	    clock_gettime(clock, &ts) != 0) {
		return -ESRCH;
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)f->pid);
	stat = fopen(path, "re");
	if (stat == NULL) {
		return -errno;
	}
	/* The second field is the name in parentheses; neither program has a blank in it. */
	fields = fscanf(stat, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
	                &kernel);
	fclose(stat);
	if (fields != 2) {
		return -EIO;
	}
	out->total_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	out->user_share = user + kernel == 0 ? 0 : (double)user / (double)(user + kernel);
	return 0;
}
