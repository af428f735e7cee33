/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall doctor: facts about this machine, and what they mean for finwall.
 *
 * doctor_gather() asks the system; doctor_check() is pure: facts in, findings out.
 */
#ifndef FINWALL_CLI_DOCTOR_H
#define FINWALL_CLI_DOCTOR_H

#include "hook/text.h"

#include <finwall/config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_known {
	DOCTOR_UNKNOWN,
	DOCTOR_NO,
	DOCTOR_YES,
};

/* The two programs that both call themselves iptables. */
enum iptables_kind {
	IPTABLES_NFT, /* its tables are nft's too */
	IPTABLES_LEGACY,
	IPTABLES_KINDS_LEN,
};

#define DOCTOR_IFACES_MAX 64
#define DOCTOR_TIMERS_LEN 4

struct doctor_iface {
	char name[16];
	int rp_filter; /* 0 off, 1 strict, 2 loose, -1 unknown */
	enum doctor_known gro;
	enum doctor_known lro;
};

/* A timeout that the kernel's tracker has as well. */
struct doctor_timer {
	const char *sysctl;  /* behind net.netfilter.nf_conntrack_ */
	const char *setting; /* as in the settings */
	size_t offset;       /* in struct tunables */
};
extern const struct doctor_timer doctor_timers[DOCTOR_TIMERS_LEN];

/* Texts are malloc'd; NULL = not known. */
struct doctor_facts {
	char *release;               /* of the kernel, "6.1.0-18-amd64" */
	bool has_net_admin;          /* this process */
	enum doctor_known queue;     /* nfnetlink_queue is there */
	enum doctor_known nft_queue; /* nft's queue statement works */
	enum doctor_known ct_glue;   /* NFQA_CT: the kernel can send its own entry along */
	/* what iptables-save and ip6tables-save print, of both kinds: they do not see each other's
	 */
	char *iptables[IPTABLES_KINDS_LEN][FAMILIES_LEN];
	char *nft; /* what nft list ruleset prints */
	struct settings settings;
	struct tunables tunables;
	bool has_config;
	bool hooked[HOOKS_LEN];                      /* the configuration has such a chain */
	int64_t kernel_timeout_s[DOCTOR_TIMERS_LEN]; /* -1 = the kernel has no tracker loaded */
	int64_t rmem_max;                            /* -1 = unknown */
	struct doctor_iface ifaces[DOCTOR_IFACES_MAX];
	size_t ifaces_len;

	bool daemon_answers;
	uint64_t queues_len;
	uint64_t queue_dropped; /* all queues together, as are the others */
	uint64_t queue_user_dropped;
	uint64_t verdicts_lost;
	uint64_t reject_loops;
	bool compares; /* hook compare-kernel, of the running daemon */
	uint64_t compared_same;
	uint64_t compared_different;
	uint64_t compared_untold; /* the kernel's state did not come along */
};

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
	char remedy[200]; /* "" where nothing has to be done */
};

/* Three of each interface, and room for all else. */
#define DOCTOR_FINDINGS_MAX (3 * DOCTOR_IFACES_MAX + 48)

struct doctor_report {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t len;
};

/* Asks the system; what cannot be learned stays unknown. error: why the configuration at
 * config_path was not taken, malloc'd, or NULL. */
void doctor_gather(struct doctor_facts *f, const char *config_path, const char *socket_path,
                   char **error);
void doctor_facts_fini(struct doctor_facts *f);

void doctor_check(const struct doctor_facts *f, struct doctor_report *out);

/* The parts of doctor_check(). */
void doctor_check_kernel(const struct doctor_facts *f, struct doctor_report *out);
void doctor_check_rules(const struct doctor_facts *f, struct doctor_report *out);
void doctor_check_net(const struct doctor_facts *f, struct doctor_report *out);
void doctor_check_daemon(const struct doctor_facts *f, struct doctor_report *out);

/* Adds a finding; what is written into it may be cut. remedy may be "". */
struct doctor_finding *doctor_say(struct doctor_report *out, enum doctor_level level,
                                  const char *check, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* What rule texts hold, line by line. */
struct doctor_seen {
	unsigned
		invalid_drops; /* rules that drop INVALID packets where finwall cannot prevent it */
	unsigned nat_rules;
	unsigned foreign_marks;         /* rules that set bits compare-kernel needs */
	bool drops_rest[HOOKS_LEN];     /* a base chain behind ours has policy drop */
	char where[64];                 /* the first of invalid_drops */
	char where_rest[HOOKS_LEN][64]; /* and of those */
};
void doctor_read_iptables(const char *text, struct doctor_seen *out);
void doctor_read_nft(const char *text, bool with_iptables_tables, struct doctor_seen *out);

#endif
