/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the facts for the doctor from the system and the daemon. Changes nothing. A fact that needs
 * missing rights is unknown.
 */
#include "client.h"
#include "doctor/doctor.h"
#include "hook/apply.h"
#include "hook/plan.h"
#include "io/file.h"
#include "queued.h"
#include "run.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TOOL_TIMEOUT_MS 10000

/* Reads a number from a file in /proc; -1 if there is none. */
static int64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long long n = -1;

	if (f != NULL) {
		if (fscanf(f, "%lld", &n) != 1) {
			n = -1;
		}
		fclose(f);
	}
	return n;
}

/* Output of a program; NULL if it is missing, fails or takes too long. */
static char *output_of(const char *const argv[])
{
	struct run_result result;
	char *out = NULL;

	if (run_program(argv, NULL, TOOL_TIMEOUT_MS, &result) != 0) {
		return NULL;
	}
	if (result.exit_status == 0) {
		out = strdup(result.out);
	}
	run_result_fini(&result);
	return out;
}

static bool has_net_admin(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "CapEff: %llx", &caps) == 1) {
			break;
		}
	}
	if (f != NULL) {
		fclose(f);
	}
	return (caps >> CAP_NET_ADMIN & 1) != 0;
}

/* Test-loads the rules of hook up; changes nothing. */
static enum doctor_known test_nft_queue(bool has_rights)
{
	struct hook_plan plan = {
		.queue_count = 1,
		.hooked = { true, true, true },
	};
	struct hook_choice choice;

	if (!has_rights) {
		return DOCTOR_UNKNOWN;
	}
	return hook_choose(&plan, BACKEND_NFT, &choice) == 0 ? DOCTOR_YES : DOCTOR_NO;
}

/* Searches the list of the installed modules. */
static bool is_installed_module(const char *release, const char *file)
{
	char path[128];
	char *text;
	size_t size;
	bool found;

	snprintf(path, sizeof(path), "/lib/modules/%.80s/modules.dep", release);
	text = file_reader.read(file_reader.ctx, path, &size);
	found = text != NULL && memmem(text, size, file, strlen(file)) != NULL;
	free(text);
	return found;
}

/* Searches the kernel's build configuration. */
static enum doctor_known find_ct_glue(const char *release)
{
	static const char option[] = "CONFIG_NETFILTER_NETLINK_GLUE_CT=y";
	enum doctor_known known;
	char path[128];
	char *text;
	size_t size;

	snprintf(path, sizeof(path), "/boot/config-%.100s", release);
	text = file_reader.read(file_reader.ctx, path, &size);
	if (text == NULL) {
		static const char *const argv[] = { "zcat", "/proc/config.gz", NULL };

		text = output_of(argv);
		if (text == NULL) {
			return DOCTOR_UNKNOWN;
		}
		size = strlen(text);
	}
	known = memmem(text, size, option, strlen(option)) != NULL ? DOCTOR_YES : DOCTOR_NO;
	free(text);
	return known;
}

/*
 * Lists the rules of both kinds of iptables. If only the plain program names exist, their version
 * identifies the kind.
 */
static void gather_iptables(struct doctor_facts *f)
{
	static const char *const saves[IPTABLES_KINDS_LEN][FAMILIES_LEN] = {
		[IPTABLES_NFT] = { "iptables-nft-save", "ip6tables-nft-save" },
		[IPTABLES_LEGACY] = { "iptables-legacy-save", "ip6tables-legacy-save" },
	};
	static const char *const plain[FAMILIES_LEN] = { "iptables-save", "ip6tables-save" };

	for (unsigned family = 0; family < FAMILIES_LEN; family++) {
		const char *const show_version[] = { plain[family], "-V", NULL };
		const char *const print[] = { plain[family], NULL };
		char *version;
		unsigned kind;

		for (kind = 0; kind < IPTABLES_KINDS_LEN; kind++) {
			const char *const save[] = { saves[kind][family], NULL };

			f->iptables[kind][family] = output_of(save);
		}
		version = output_of(show_version);
		if (version != NULL) {
			kind = strstr(version, "nf_tables") != NULL ? IPTABLES_NFT
			                                            : IPTABLES_LEGACY;
			if (f->iptables[kind][family] == NULL) {
				f->iptables[kind][family] = output_of(print);
			}
			free(version);
		}
	}
}

static void gather_kernel(struct doctor_facts *f)
{
	static const char *const list[] = { "nft", "list", "ruleset", NULL };
	struct utsname name;

	if (uname(&name) == 0) {
		f->release = strdup(name.release);
		f->ct_glue = find_ct_glue(name.release);
		f->queue_can_load = is_installed_module(name.release, "/nfnetlink_queue.ko");
	}
	f->has_net_admin = has_net_admin();
	f->queue = access("/proc/net/netfilter/nfnetlink_queue", F_OK) == 0 ? DOCTOR_YES
	           : f->has_net_admin                                       ? DOCTOR_NO
	                                                                    : DOCTOR_UNKNOWN;
	f->nft_queue = test_nft_queue(f->has_net_admin);
	gather_iptables(f);
	f->nft = output_of(list);
	for (unsigned i = 0; i < DOCTOR_TIMERS_LEN; i++) {
		char path[128];

		snprintf(path, sizeof(path), "/proc/sys/net/netfilter/nf_conntrack_%s",
		         doctor_timers[i].sysctl);
		f->kernel_timeout_s[i] = read_number(path);
	}
	f->rmem_max = read_number("/proc/sys/net/core/rmem_max");
	f->forwards = read_number("/proc/sys/net/ipv4/ip_forward") > 0 ||
	              read_number("/proc/sys/net/ipv6/conf/all/forwarding") > 0;
}

/* Reads an offload of the interface; cmd is an ETHTOOL_G... that returns a number. */
static enum doctor_known read_offload(int fd, const char *name, uint32_t cmd, uint32_t mask)
{
	struct ethtool_value value = { .cmd = cmd };
	struct ifreq ifr = { .ifr_data = (void *)&value };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) != 0) {
		return DOCTOR_UNKNOWN;
	}
	return (value.data & mask) != 0 ? DOCTOR_YES : DOCTOR_NO;
}

static void gather_ifaces(struct doctor_facts *f)
{
	const int64_t all = read_number("/proc/sys/net/ipv4/conf/all/rp_filter");
	struct if_nameindex *list = if_nameindex();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; list != NULL && list[i].if_index != 0; i++) {
		struct doctor_iface *iface = &f->ifaces[f->ifaces_len];
		char path[128];
		int64_t own;

		if (strcmp(list[i].if_name, "lo") == 0 || f->ifaces_len == DOCTOR_IFACES_MAX) {
			continue;
		}
		f->ifaces_len++;
		snprintf(iface->name, sizeof(iface->name), "%s", list[i].if_name);
		snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", iface->name);
		own = read_number(path);
		/* the kernel uses the larger of the two values */
		iface->rp_filter = (int)(own > all ? own : all);
		iface->gro = read_offload(fd, iface->name, ETHTOOL_GGRO, UINT32_MAX);
		iface->lro = read_offload(fd, iface->name, ETHTOOL_GFLAGS, ETH_FLAG_LRO);
	}
	if (list != NULL) {
		if_freenameindex(list);
	}
	if (fd >= 0) {
		close(fd);
	}
}

static void gather_config(struct doctor_facts *f, const char *path, char **error)
{
	struct config *c = config_load(path, &file_reader, error);
	struct ruleset *rules = c != NULL ? config_compile(c) : NULL;

	if (rules != NULL) {
		f->has_config = true;
		f->settings = *config_settings(c);
		f->tunables = *config_tunables(c);
		ruleset_hooks(rules, f->hooked);
	}
	ruleset_free(rules);
	config_free(c);
}

/* What the daemon would say to the file of nft: the hooks that it has chains for, or its first
 * error. */
static void gather_nft_file(struct doctor_facts *f)
{
	struct ruleset *rules = NULL;
	struct config *c = NULL;
	char *errors = NULL;

	f->has_nft_file = access(DOCTOR_NFT_FILE, R_OK) == 0;
	if (f->has_nft_file) {
		c = config_load(DOCTOR_NFT_FILE, &file_reader, &errors);
		rules = c != NULL ? config_compile(c) : NULL;
	}
	if (rules != NULL) {
		ruleset_hooks(rules, f->nft_file_hooked);
	} else if (errors != NULL) {
		snprintf(f->nft_file_error, sizeof(f->nft_file_error), "%.*s",
		         (int)strcspn(errors, "\n"), errors);
	}
	free(errors);
	ruleset_free(rules);
	config_free(c);
}

static uint64_t number_in(const json_t *object, const char *name)
{
	return (uint64_t)client_number(object, name);
}

/* Finds a counter in a list of objects with a name and a count. */
static uint64_t counter_in(const json_t *object, const char *list, const char *name)
{
	const json_t *counters = json_object_get(object, list);

	for (size_t i = 0; i < json_array_size(counters); i++) {
		const json_t *row = json_array_get(counters, i);

		if (strcmp(client_text(row, "name"), name) == 0) {
			return number_in(row, "count");
		}
	}
	return 0;
}

/* Reads the daemon's comparison with the kernel's tracker. */
static void gather_compare(struct doctor_facts *f, const json_t *compare)
{
	f->compares = json_is_true(json_object_get(compare, "on"));
	f->compared_same = counter_in(compare, "results", "same");
	f->compared_different = number_in(compare, "differences");
	f->compared_untold = counter_in(compare, "results", "untold");
}

static void gather_hooks(struct doctor_facts *f, const json_t *hooks)
{
	if (hooks != NULL) {
		snprintf(f->hook_fault, sizeof(f->hook_fault), "%s", client_text(hooks, "fault"));
		snprintf(f->hook_text, sizeof(f->hook_text), "%s", client_text(hooks, "text"));
	}
}

/* Compares the hook rules of the file with those that the daemon needs. */
static void gather_difference(struct doctor_facts *f, const char *config_path,
                              const char *socket_path)
{
	struct hook_wish in_file;
	struct hook_wish in_force;
	const char *difference;
	char *errors = NULL;

	if (f->has_config && hook_wish_of_daemon(socket_path, &in_force) == 0 &&
	    hook_wish_of_file(config_path, &in_file, &errors) == 0) {
		difference = hook_wish_difference(&in_force, &in_file);
		snprintf(f->other_setting, sizeof(f->other_setting), "%s",
		         difference != NULL ? difference : "");
	}
	free(errors);
}

static void gather_fast_path(struct doctor_facts *f, const json_t *fp)
{
	if (fp == NULL) {
		return;
	}
	f->has_fast_path = true;
	snprintf(f->fast_path_why, sizeof(f->fast_path_why), "%s", client_text(fp, "why"));
	f->fast_path_leased = (uint64_t)client_number(fp, "leased");
	f->fast_path_max = (uint64_t)client_number(fp, "leased_max");
}

/* Those of reasons that the rules give; the others pass by themselves. */
static void gather_queued(struct doctor_facts *f, const char *socket_path)
{
	json_t *counted = queued_read(socket_path);
	const json_t *row;
	size_t len = 0;
	size_t i;

	json_array_foreach(json_object_get(counted, "queued"), i, row)
	{
		if (len < DOCTOR_QUEUED_MAX && json_object_get(row, "direction") != NULL) {
			queued_text(row, f->fast_path_queued[len++]);
		}
	}
	json_decref(counted);
}

/* An older daemon has no such method: its reply has no "on". */
static void gather_cluster(struct doctor_facts *f, const json_t *o)
{
	const json_t *nodes = json_object_get(o, "nodes");

	f->has_cluster = json_is_true(json_object_get(o, "on"));
	if (!f->has_cluster) {
		return;
	}
	f->cluster_is_connected = json_is_true(json_object_get(o, "connected"));
	(void)snprintf(f->cluster_engine, sizeof(f->cluster_engine), "%s",
	               client_text(o, "engine"));
	(void)snprintf(f->cluster_problem, sizeof(f->cluster_problem), "%s",
	               client_text(o, "problem"));
	f->cluster_duplicates = number_in(o, "duplicates");
	for (size_t i = 0; i < json_array_size(nodes); i++) {
		const json_t *n = json_array_get(nodes, i);

		f->cluster_nodes += json_is_true(json_object_get(n, "alive"));
		f->cluster_invalid += number_in(n, "invalid") + number_in(n, "refused");
		f->cluster_full += number_in(json_object_get(n, "outcomes"), "full");
	}
}

static void gather_daemon(struct doctor_facts *f, const char *socket_path)
{
	struct client *c = client_open(socket_path);
	struct ctl_reply reply;

	if (c == NULL) {
		f->daemon_is_closed = errno == EACCES || errno == EPERM;
		return;
	}
	if (client_call(c, "GetStats", NULL, CTL_LAST) == 0 && client_reply(c, &reply) == 0) {
		const json_t *queues = json_object_get(reply.parameters, "queues");

		f->daemon_answers = true;
		gather_fast_path(f, json_object_get(reply.parameters, "fast_path"));
		f->queues_len = json_array_size(queues);
		for (size_t i = 0; i < f->queues_len; i++) {
			const json_t *queue = json_array_get(queues, i);

			f->queue_dropped += number_in(queue, "dropped");
			f->queue_user_dropped += number_in(queue, "user_dropped");
			f->verdicts_lost += counter_in(queue, "counters", "verdicts-lost");
			f->raw_lost += counter_in(queue, "counters", "raw-lost");
		}
		gather_hooks(f, json_object_get(reply.parameters, "hooks"));
		gather_compare(f, json_object_get(reply.parameters, "compare"));
		ctl_reply_fini(&reply);
	}
	if (f->daemon_answers && client_call(c, "GetCluster", NULL, CTL_LAST) == 0 &&
	    client_reply(c, &reply) == 0) {
		gather_cluster(f, reply.parameters);
		ctl_reply_fini(&reply);
	}
	client_close(c);
	if (f->has_fast_path && f->fast_path_why[0] == '\0') {
		gather_queued(f, socket_path);
	}
}

void doctor_gather(struct doctor_facts *f, const char *config_path, const char *socket_path,
                   char **error)
{
	char *in_force = config_path == NULL ? hook_config_of_daemon(socket_path) : NULL;

	if (config_path == NULL) {
		config_path = in_force != NULL ? in_force : FINWALL_CONFIG_PATH;
	}
	memset(f, 0, sizeof(*f));
	gather_kernel(f);
	gather_ifaces(f);
	gather_config(f, config_path, error);
	gather_nft_file(f);
	gather_daemon(f, socket_path);
	gather_difference(f, config_path, socket_path);
	free(in_force);
}

void doctor_facts_fini(struct doctor_facts *f)
{
	free(f->release);
	for (unsigned kind = 0; kind < IPTABLES_KINDS_LEN; kind++) {
		for (unsigned family = 0; family < FAMILIES_LEN; family++) {
			free(f->iptables[kind][family]);
		}
	}
	free(f->nft);
}
