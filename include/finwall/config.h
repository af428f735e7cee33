/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: text in, settings and compiled rules out, and canonical text back.
 * finwall.conf(5).
 *
 * No system call but for heap memory: files are read through a callback, so that the parser runs on
 * any text. A configuration with an error is refused as a whole.
 */
#ifndef FINWALL_CONFIG_H
#define FINWALL_CONFIG_H

#include <finwall/ruleset.h>
#include <finwall/tunables.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Verdict of packets that no daemon answers. */
enum fail_mode {
	FAIL_DROP,
	FAIL_ACCEPT,
};

/* Whether hook rules are removed when an administrator stops the daemon; a crash leaves them. */
enum hook_on_stop {
	ON_STOP_DOWN,
	ON_STOP_KEEP,
};

/* What happens when hook rules are missing, bypassed or not as configured. */
enum hook_watch_mode {
	HOOK_WATCH_RESTORE, /* finwall hook watch installs them again */
	HOOK_WATCH_REPORT,
	HOOK_WATCH_OFF,
};

/* The tool that loads the hook rules. */
enum hook_backend {
	BACKEND_AUTO, /* nft where its queue statement works, otherwise iptables */
	BACKEND_NFT,
	BACKEND_IPTABLES,
};

/* Whether the kernel accepts and tracks connections that are decided (finwall/engine.h, leases). */
enum fast_path_mode {
	FAST_PATH_AUTO, /* where the kernel and the backend can */
	FAST_PATH_ON,   /* the same, and backend auto is iptables */
	FAST_PATH_OFF,
};

/* When memory for connections is allocated. */
enum prefault {
	PREFAULT_AUTO, /* at the start, if it is a small part of the available memory */
	PREFAULT_OFF,  /* as it is used */
	PREFAULT_ON,   /* at the start */
};

/*
 * The default of `hook mark`. Four bits, not one: another rule that sets all bits of the mark does
 * not pass packets by finwall. The upper bits: Tailscale, mwan3, kube-proxy and Cilium use lower
 * ones, and Calico takes them from bit 16 on.
 */
#define HOOK_MARK_DEFAULT      0xa0000000u
#define HOOK_MARK_MASK_DEFAULT 0xf0000000u

enum replicate {
	REPLICATE_ASYNC,         /* a packet that opens a connection does not wait */
	REPLICATE_BEFORE_ACCEPT, /* it waits until the engine of the cluster has its connection */
};

/* Settings of the daemon; those of the engine are struct tunables. */
struct settings {
	uint32_t queue_num;
	uint32_t queue_count; /* 0 = auto: one per usable CPU */
	uint32_t queue_len;   /* packets the kernel may hold, per queue */
	uint32_t queue_rcvbuf_bytes;
	uint32_t queue_copy_bytes; /* 0 = full */
	uint32_t queue_spin_us;    /* 0 = off */
	uint32_t queue_latency;    /* 1: measure waiting times of packets */
	uint32_t on_absent;        /* enum fail_mode */
	uint32_t on_overload;      /* enum fail_mode */
	uint32_t loopback;         /* 1: queue packets on lo too */
	uint32_t backend;          /* enum hook_backend */
	uint32_t defragment;       /* 1: fragments are reassembled before they are queued */
	uint32_t compare_kernel;   /* 1: compare each packet's state with the kernel tracker's */
	uint32_t on_stop;          /* enum hook_on_stop */
	uint32_t hook_mark;        /* of packets that finwall sends; not 0, ... */
	uint32_t hook_mark_mask;   /* ... and the bits of it that are tested */
	uint32_t hook_watch;       /* enum hook_watch_mode */
	uint32_t admin_port; /* TCP port that stays reachable while no daemon runs; 0 = none */
	uint32_t fast_path;  /* enum fast_path_mode */
	uint32_t fast_path_grace_s; /* how long leases are valid without a daemon, on-absent drop */
	uint32_t fast_path_max;     /* leases */
	uint32_t connections_max;
	uint32_t remember_max;
	uint32_t state_interval_s;
	uint32_t prefault;           /* enum prefault */
	uint32_t accounting;         /* 1: count packets and bytes of each connection */
	uint32_t import_kernel;      /* 1: the first start imports the connections of the kernel's
	                                tracker */
	uint32_t metrics_port;       /* 0 = none */
	uint32_t metrics_interval_s; /* of metrics_file */
	const char *control_group;   /* who may read by the control socket; NULL = none */
	const char *metrics_socket;  /* NULL = none; lives as long as its configuration */
	const char *metrics_file;    /* likewise */
	/* of the rules: what the queue's messages have to carry */
	uint32_t needs_owner;          /* the user and group of a local packet */
	uint32_t needs_ct_status;      /* the status of the kernel tracker's entry */
	uint32_t needs_accounting;     /* what connections have carried */
	const char *state_file;        /* NULL = none; lives as long as its configuration */
	const char *queue_pin;         /* NULL = off, "on", or see cpulist.h; lives as long */
	uint32_t events_journal;       /* 1: lines about packets go to the journal, with fields */
	uint32_t events_syslog;        /* 1: likewise to syslog */
	uint32_t events_file_bytes;    /* a file of events becomes FILE.1 at this size */
	const char *events_packets;    /* NULL = none; lives as long as its configuration */
	const char *events_accounting; /* likewise */
	/* text lives as long as its configuration */
	const char *cluster_engine;          /* see text/server.h; NULL = no cluster */
	const char *cluster_group;           /* NULL = "default" */
	const char *cluster_node;            /* NULL = the host's name */
	const char *cluster_user;            /* of the engine; NULL = its default user */
	const char *cluster_password;        /* path of a file; NULL = none */
	uint32_t cluster_tls;                /* 1: the connection to the engine is encrypted */
	const char *cluster_tls_ca;          /* path; NULL = the system's authorities */
	const char *cluster_tls_certificate; /* likewise; NULL = none */
	const char *cluster_tls_key;         /* likewise */
	uint32_t cluster_interval_ms;        /* between two messages */
	uint32_t cluster_replicate;          /* enum replicate */
	uint32_t cluster_timeout_ms; /* REPLICATE_BEFORE_ACCEPT: how long a packet waits at most */
	uint32_t cluster_snapshot_s; /* between two lists of all connections */
	uint32_t cluster_sets;       /* 1: changes of sets by command are for all nodes */
};

/* The number of queue numbers. */
#define QUEUES_MAX 65536u

/* The number of queues on a machine with so many CPUs: at least 1, up to the last number. */
static inline uint32_t settings_queues(const struct settings *s, long cpus)
{
	uint32_t len = s->queue_count;

	if (len == 0) {
		len = cpus < 1 ? 1 : (uint32_t)cpus;
	}
	return len < QUEUES_MAX - s->queue_num ? len : QUEUES_MAX - s->queue_num;
}

struct config; /* opaque: settings, tunables, and the rules as a tree */

/*
 * read: a whole file: returns malloc'd bytes and their number, or NULL with errno set. find: calls
 * fn for each file that a pattern of glob(7) names, sorted; returns false with errno set. NULL =
 * there are no directories.
 */
struct config_reader {
	void *ctx;
	char *(*read)(void *ctx, const char *path, size_t *size);
	bool (*find)(const char *pattern, void (*fn)(void *fn_ctx, const char *path), void *fn_ctx);
};

/*
 * Parses and checks the file at path and all that it includes. On success returns the configuration
 * and sets *errors to NULL. On failure returns NULL and sets *errors to malloc'd lines, each
 * "FILE:LINE:COL: what, what was expected", newline-terminated; the caller frees them.
 */
struct config *config_load(const char *path, const struct config_reader *reader, char **errors);

/* NULL is allowed. */
void config_free(struct config *c);

const struct settings *config_settings(const struct config *c);
const struct tunables *config_tunables(const struct config *c);

/*
 * What belongs to the kernel: base chains of other types, hooks and families, with all that they
 * reach, as text for nft(8) without the tables' beginning. Lives as long as the configuration.
 */
struct config_kernel {
	const char *text;          /* "" = none */
	const char *const *tables; /* "family name" */
	size_t tables_len;
	const char *const *sets; /* "family table name", of those that finwall has, too */
	size_t sets_len;
	/* "FILE:LINE: ...": chains of finwall's hooks that the kernel judges, and why */
	const char *const *given;
	size_t given_len;
	uint64_t hash; /* of the text; 0 = none */
	uint32_t own_chains;
	uint32_t kernel_chains;
};
void config_kernel(const struct config *c, struct config_kernel *out);

/* Compiles the rules. Returns NULL only when memory runs out. The caller frees with ruleset_free().
 */
struct ruleset *config_compile(const struct config *c);

/*
 * Likewise, but only lists of at least so many rules are searched by a look-up; UINT32_MAX = none.
 * For tests: it makes no difference but to the time.
 */
struct ruleset *config_compile_folding(const struct config *c, uint32_t rules_least);

/*
 * Lets sets that rules fill keep their elements: those of old that are the same in both, with all
 * properties. To be called before c is compiled. Both share the elements, or c gets a copy, so that
 * old can come back as it was. Returns false when memory runs out.
 */
bool config_adopt(struct config *c, const struct config *old, bool is_copy, struct mono now);

/* Adds the elements of the text to shared sets. To be called when nothing can fail any more. */
void config_adopt_listed(const struct config *c, struct mono now);

/*
 * Begins the time of sets whose elements expire. To be called once rules are evaluated, with the
 * same clock; until then no element expires.
 */
void config_start(const struct config *c, struct mono now);

/* Frees a compiled ruleset; NULL is allowed. No thread may still use it. */
void ruleset_free(struct ruleset *rs);

/* Where a rule is. All pointers live as long as the configuration. */
struct rule_place {
	const char *file;
	uint32_t line;
	const char *family; /* of its table: "inet" */
	const char *table;
	const char *chain;
};

/* The place of a rule, by struct rule_result. Returns false for a number without a rule. */
bool config_rule_place(const struct config *c, uint32_t rule_nr, struct rule_place *out);

/* The place of a chain, by struct rule_step, without file and line. Likewise. */
bool config_chain_place(const struct config *c, uint32_t chain_nr, struct rule_place *out);

/* The place of the base chain of this family (4, 6 or 0), and of its policy, if it is written.
 * Returns false when the configuration has no such chain. */
bool config_base_place(const struct config *c, enum base_chain base, uint8_t family,
                       struct rule_place *out);

/* The rule's canonical text, without its comment, as malloc'd text; NULL when memory runs out. */
char *config_rule_text(const struct config *c, uint32_t rule_nr);

/* "accept", "reject", "remembered", "forget" ...: the word of the language for a result. */
const char *rule_code_word(uint8_t code);

/* "icmp port-unreachable" ...: what the language has after `reject with`, for this family. */
const char *reject_with_text(uint8_t with, uint8_t family);

/* A rule with a counter. */
struct config_counter {
	const char *family; /* of the table */
	const char *table;
	const char *chain;
	unsigned position;   /* in the chain, from 1 */
	const char *comment; /* or NULL */
	const char *text;    /* the rule; NULL if it has a comment */
	uint64_t packets;
	uint64_t bytes;
};
typedef void config_counter_fn(void *ctx, const struct config_counter *c);

/* Calls fn for each rule with a counter, in the order of the text. ctr: as in config_print().
 * Returns false when memory ran out before the last one. */
bool config_each_counter(const struct config *c, const struct ruleset_counters *const *ctr,
                         size_t ctr_len, config_counter_fn *fn, void *ctx);

/* Counters and quotas that rules share by their name. */
enum config_object_kind {
	CONFIG_COUNTERS,
	CONFIG_QUOTAS,
};
struct config_object {
	const char *family; /* of the table */
	const char *table;
	const char *name;
	const char *comment; /* or NULL */
	uint64_t packets;    /* of a counter */
	uint64_t bytes;      /* counted, or used of the quota */
	uint64_t limit;      /* of a quota, and when it matches */
	bool is_over;
	uint32_t nr; /* of ruleset_counter_negate(), or of ruleset_quota_reset() */
};
typedef void config_object_fn(void *ctx, const struct config_object *o);

/* The compiled rules, and the counters as in config_print(). */
struct config_object_state {
	const struct ruleset *rules;
	const struct ruleset_counters *const *ctr;
	size_t ctr_len;
};

/* Calls fn for each object of a kind, in the order of the text. */
void config_each_object(const struct config *c, enum config_object_kind kind,
                        const struct config_object_state *state, config_object_fn *fn, void *ctx);

/* What the canonical text contains. */
enum config_print {
	PRINT_PLAIN,
	PRINT_COUNTERS, /* `counter packets N bytes N` in each rule, from ctr */
	PRINT_SETTINGS, /* no rules; all settings, with those at their defaults */
};

/*
 * The canonical text: parsing it gives the same configuration. ctr[0..ctr_len): the counters of the
 * workers, of the ruleset that config_compile() made of c; for PRINT_COUNTERS only. Returns
 * malloc'd text, or NULL when memory runs out.
 */
char *config_print(const struct config *c, enum config_print how,
                   const struct ruleset_counters *const *ctr, size_t ctr_len);

#endif
