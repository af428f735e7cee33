/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall doctor: facts about this machine, and findings from them.
 *
 * doctor_gather() reads the system. doctor_check() is pure: facts in, findings out.
 */
#ifndef FINWALL_CLI_DOCTOR_H
#define FINWALL_CLI_DOCTOR_H

#include "hook/found.h"

#include <finwall/config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_known {
	DOCTOR_UNKNOWN,
	DOCTOR_NO,
	DOCTOR_YES,
};

/* The two implementations of iptables. */
enum iptables_kind {
	IPTABLES_NFT, /* its tables are nftables tables */
	IPTABLES_LEGACY,
	IPTABLES_KINDS_LEN,
};

#define DOCTOR_IFACES_MAX 64
#define DOCTOR_QUEUED_MAX 3
#define DOCTOR_TIMERS_LEN 4

struct doctor_iface {
	char name[16];
	int rp_filter; /* 0 off, 1 strict, 2 loose, -1 unknown */
	enum doctor_known gro;
	enum doctor_known lro;
};

/* A timeout that the kernel's tracker has too. */
struct doctor_timer {
	const char *sysctl;  /* after net.netfilter.nf_conntrack_ */
	const char *setting; /* in the configuration */
	size_t offset;       /* in struct tunables */
};
extern const struct doctor_timer doctor_timers[DOCTOR_TIMERS_LEN];

/* Texts are malloc'd; NULL = unknown. */
struct doctor_facts {
	char *release;               /* of the kernel, "6.1.0-18-amd64" */
	bool has_net_admin;          /* this process */
	enum doctor_known queue;     /* nfnetlink_queue is loaded */
	bool queue_can_load;         /* or it is a module that the kernel loads when it is used */
	enum doctor_known nft_queue; /* nft's queue statement works */
	enum doctor_known ct_glue;   /* NFQA_CT: the kernel can attach its tracker's entry */
	/* output of iptables-save and ip6tables-save; neither kind lists the rules of the other */
	char *iptables[IPTABLES_KINDS_LEN][FAMILIES_LEN];
	char *nft; /* output of nft list ruleset */
	/* the file from which nft loads the rules when the machine starts */
	bool has_nft_file;
	bool nft_file_hooked[HOOKS_LEN]; /* the hooks for which it has chains, if it loads */
	char nft_file_error[128];        /* why it does not; "" = it does */
	struct settings settings;
	struct tunables tunables;
	bool has_config;
	bool hooked[HOOKS_LEN]; /* the configuration has a chain for this hook */
	int64_t kernel_timeout_s[DOCTOR_TIMERS_LEN]; /* -1 = no tracker is loaded */
	int64_t rmem_max;                            /* -1 = unknown */
	bool forwards;                               /* IPv4 or IPv6 forwarding is on */
	struct doctor_iface ifaces[DOCTOR_IFACES_MAX];
	size_t ifaces_len;

	bool daemon_answers;
	bool daemon_is_closed;  /* no permission to use its socket */
	char hook_fault[16];    /* as the daemon sees the hook rules: "none", ...; "" = unknown */
	char hook_text[160];    /* of the fault */
	char other_setting[48]; /* the first that differs from the daemon's; "" = none */
	bool has_fast_path;     /* the daemon reports about the kernel fast path */
	char fast_path_why[80]; /* why there is none; "" = there is one */
	uint64_t fast_path_leased; /* connections now */
	uint64_t fast_path_max;
	/* the first reasons why packets go to the queue nevertheless; "" = none */
	char fast_path_queued[DOCTOR_QUEUED_MAX][512];
	bool has_cluster; /* the rest of the group is of interest */
	bool cluster_is_connected;
	char cluster_engine[112];
	char cluster_problem[80];
	uint64_t cluster_nodes; /* others that are alive */
	uint64_t cluster_duplicates;
	uint64_t cluster_invalid; /* messages and records of others */
	uint64_t cluster_full;    /* entries of others for which there was no space */
	uint64_t queues_len;
	uint64_t queue_dropped; /* sum of all queues, as the next three */
	uint64_t queue_user_dropped;
	uint64_t verdicts_lost;
	uint64_t raw_lost;
	bool compares; /* compare-kernel is on in the running daemon */
	uint64_t compared_same;
	uint64_t compared_different;
	uint64_t compared_untold; /* without the kernel's state */
};

/* Debian, Fedora and others load the rules of nft from it. */
#define DOCTOR_NFT_FILE "/etc/nftables.conf"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_NOTE,
	DOCTOR_WARNING,
	DOCTOR_PROBLEM,
	DOCTOR_LEVELS_LEN,
};

struct doctor_finding {
	enum doctor_level level;
	const char *check; /* one word */
	char what[200];
	char remedy[200]; /* "" if nothing has to be done */
};

/* What is looked for at the interfaces. The other checks have fewer than 48 findings. */
#define DOCTOR_IFACE_CHECKS_LEN 4
#define DOCTOR_FINDINGS_MAX     (DOCTOR_IFACE_CHECKS_LEN + 48)

struct doctor_report {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t len;
};

/* Reads the facts; what cannot be read is unknown. config_path: NULL for the running daemon's file,
 * or without a daemon the default. *error: why it does not load, malloc'd, or NULL. */
void doctor_gather(struct doctor_facts *f, const char *config_path, const char *socket_path,
                   char **error);
void doctor_facts_fini(struct doctor_facts *f);

void doctor_check(const struct doctor_facts *f, struct doctor_report *out);

/* The parts of doctor_check(). Each adds its findings to *out. */
void doctor_check_kernel(const struct doctor_facts *f, struct doctor_report *out);
void doctor_check_rules(const struct doctor_facts *f, struct doctor_report *out);
void doctor_check_net(const struct doctor_facts *f, struct doctor_report *out);
void doctor_check_daemon(const struct doctor_facts *f, struct doctor_report *out);

/*
 * Reports timeouts that are shorter in the kernel's tracker than in finwall. If the kernel
 * translates addresses, it needs the entry of a connection as long as finwall remembers it.
 */
/*
 * True if the kernel's entries last longer than finwall passes late closes, by the settings. With
 * late-close pickup, lenient or reject, late closes have no limit in time.
 */
bool doctor_translation_fits(const struct doctor_facts *f);

void doctor_check_timers(const struct doctor_facts *f, enum doctor_level level, bool translates,
                         struct doctor_report *out);

/* Adds a finding. Long texts are cut. remedy may be "". */
struct doctor_finding *doctor_add(struct doctor_report *out, enum doctor_level level,
                                  const char *check, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
