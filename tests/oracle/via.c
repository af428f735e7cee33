/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configures, starts and stops the daemon, and reads its verdicts.
 */
#include "via.h"

#include "kern.h"
#include "lockstep.h"
#include "verdict_log.h"

#include <finwall/mono.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_GROUP   2
#define QUEUE_NUM   77 /* and the next one: two workers, any packet to either */
#define QUEUES_LEN  2
#define ANSWER_MS   2000
#define START_NS    (10 * NSEC_PER_SEC)
#define QUEUES_FILE "/proc/net/netfilter/nfnetlink_queue"

struct via {
	char dir[32];
	char config_path[64];
	char socket_path[64];
	pid_t pid;
	struct mnl_socket *log;
};

/* Both families. iptables, because not every nft has the queue statement. */
static const char queue_rules[] = "iptables -w -A FORWARD -j NFQUEUE --queue-balance 77:78 &&"
				  "ip6tables -w -A FORWARD -j NFQUEUE --queue-balance 77:78";

static const char answer_rules[] = "table inet answer {\n"
				   "chain log_mark {\n"
				   "type filter hook postrouting priority mangle; policy accept;\n"
				   "meta mark 1 log prefix \"N0\" group 2 snaplen 0\n"
				   "meta mark 2 log prefix \"E0\" group 2 snaplen 0\n"
				   "meta mark 3 log prefix \"R0\" group 2 snaplen 0\n"
				   "meta mark 4 log prefix \"I0\" group 2 snaplen 0\n"
				   "meta mark 5 log prefix \"U0\" group 2 snaplen 0\n"
				   "meta mark 6 log prefix \"L0\" group 2 snaplen 0\n"
				   "}\n"
				   "}\n";

static const char table_text[] = "table inet oracle {\n"
				 "chain forward {\n"
				 "type filter hook forward priority filter; policy accept;\n"
				 "ct state new meta mark set 1 accept\n"
				 "ct state established meta mark set 2 accept\n"
				 "ct state related meta mark set 3 accept\n"
				 "ct state invalid meta mark set 4 accept\n"
				 "ct state untracked meta mark set 5 accept\n"
				 "ct state late meta mark set 6 accept\n"
				 "}\n"
				 "}\n";

static void put_tunable(FILE *to, const struct tunables *tun, const struct tunable *row)
{
	long long value = tunable_get(tun, row);

	fprintf(to, "%s { %s ", row->block, row->name);
	switch (row->kind) {
	case TUNABLE_DURATION:
		fprintf(to, "%llds", value);
		break;
	case TUNABLE_SWITCH:
		fputs(value != 0 ? "on" : "off", to);
		break;
	case TUNABLE_COUNT:
		fprintf(to, "%lld", value);
		break;
	case TUNABLE_CHOICE:
		fputs(row->choices[value], to);
		break;
	case TUNABLE_PATH:
	case TUNABLE_NAME:
	case TUNABLE_CPUS:
	case TUNABLE_MICROSECONDS:
	case TUNABLE_MILLISECONDS:
	case TUNABLE_SERVERS:
	case TUNABLE_MARK:
		break;
	}
	fputs("; }\n", to);
}

static int write_config(const struct via *v, const struct tunables *tun)
{
	FILE *f = fopen(v->config_path, "w");

	if (f == NULL) {
		return -errno;
	}
	fprintf(f, "settings {\nqueue { num %d; count %d; copy full; }\n", QUEUE_NUM, QUEUES_LEN);
	for (size_t i = 0; i < tunables_table_len; i++) {
		put_tunable(f, tun, &tunables_table[i]);
	}
	fprintf(f, "}\n%s", table_text);
	return fclose(f) == 0 ? 0 : -errno;
}

static bool is_bound(void)
{
	FILE *f = fopen(QUEUES_FILE, "r");
	int found = 0;
	char line[128];
	int queue;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%d", &queue) == 1 && queue >= QUEUE_NUM) {
			found++;
		}
	}
	if (f != NULL) {
		fclose(f);
	}
	return found == QUEUES_LEN;
}

/* Starts the daemon and waits until its queues are bound. */
static bool start(struct via *v, const char *finwalld)
{
	struct mono until = mono_add(lockstep_now(), START_NS);

	v->pid = fork();
	if (v->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl(finwalld, finwalld, "-c", v->config_path, "-s", v->socket_path, "-S", "none",
		      (char *)NULL);
		_exit(127);
	}
	while (v->pid > 0 && !mono_is_due(until, lockstep_now())) {
		if (is_bound()) {
			return true;
		}
		if (waitpid(v->pid, NULL, WNOHANG) == v->pid) {
			v->pid = 0;
			return false;
		}
		lockstep_sleep_until(mono_add(lockstep_now(), 10 * NSEC_PER_MSEC));
	}
	return false;
}

static const char *prepare(struct via *v)
{
	if (system(queue_rules) != 0) {
		return "iptables cannot queue";
	}
	v->log = verdict_log_open(LOG_GROUP);
	if (v->log == NULL || kern_load_rules(answer_rules) != 0) {
		return "nft cannot load rules that log by mark";
	}
	snprintf(v->dir, sizeof(v->dir), "/tmp/oracle.XXXXXX");
	if (mkdtemp(v->dir) == NULL) {
		v->dir[0] = '\0';
		return "cannot create a temporary directory";
	}
	snprintf(v->config_path, sizeof(v->config_path), "%s/finwall.conf", v->dir);
	snprintf(v->socket_path, sizeof(v->socket_path), "%s/finwall.sock", v->dir);
	return NULL;
}

struct via *via_new(const char *finwalld, const struct tunables *tun, const char **why,
                    const char **skip)
{
	struct via *v = calloc(1, sizeof(*v));

	*why = NULL;
	*skip = "out of memory";
	if (v == NULL) {
		return NULL;
	}
	*skip = prepare(v);
	if (*skip == NULL && (write_config(v, tun) != 0 || !start(v, finwalld))) {
		*why = "finwalld does not bind its queues";
	}
	if (*skip != NULL || *why != NULL) {
		via_free(v);
		return NULL;
	}
	return v;
}

void via_free(struct via *v)
{
	if (v == NULL) {
		return;
	}
	if (v->pid > 0) {
		kill(v->pid, SIGTERM);
		waitpid(v->pid, NULL, 0);
	}
	if (v->log != NULL) {
		mnl_socket_close(v->log);
	}
	if (v->dir[0] != '\0') {
		unlink(v->config_path);
		unlink(v->socket_path);
		rmdir(v->dir);
	}
	free(v);
}

int via_read(struct via *v, struct sighting *out)
{
	return verdict_log_read(v->log, ANSWER_MS, out);
}
