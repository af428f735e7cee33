/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hook rules as the kernel has them: which hooks are queued, to which queues, and whether other
 * rules accept packets before that.
 *
 * Knows no netlink and no sockets: a reader lists the rules of a chain, in order. A rule is reduced
 * to what it does with a packet that it matches; its matches are ignored.
 */
#ifndef FINWALL_WIRE_HOOK_SEEN_H
#define FINWALL_WIRE_HOOK_SEEN_H

#include <finwall/frame.h>

#include <stdbool.h>
#include <stdint.h>

#define KERNEL_CHAIN_SIZE 64

enum kernel_target {
	TARGET_NONE, /* the evaluation continues */
	TARGET_ACCEPT,
	TARGET_DROP,
	TARGET_RETURN,
	TARGET_JUMP,
	TARGET_GOTO,
	TARGET_QUEUE,
};

/* A rule of the kernel's. */
struct kernel_rule {
	enum kernel_target target;
	char chain[KERNEL_CHAIN_SIZE]; /* of a jump or goto */
	uint32_t queue_first;          /* of TARGET_QUEUE */
	uint32_t queue_last;
};

/* Gets each rule of a chain. Returns false to stop. */
typedef bool kernel_rule_fn(void *ctx, const struct kernel_rule *rule);

/* Lists the rules of a chain; none if there is no such chain. Returns 0/-errno. */
struct kernel_chains {
	int (*each)(void *ctx, const char *chain, kernel_rule_fn *fn, void *fn_ctx);
	void *ctx;
};

/* Address families, as in iptables and ip6tables. */
enum seen_family {
	SEEN_IPV4,
	SEEN_IPV6,
	SEEN_FAMILIES_LEN,
};

/* One hook of one family. */
struct seen_hook {
	bool is_queued;
	bool is_bypassed; /* another rule can accept packets before they are queued */
	bool is_shadow;   /* in iptables' table mangle: the hook rules of shadow mode */
	bool is_enforced; /* elsewhere */
	uint32_t queue_first;
	uint32_t queue_last;
};

struct hook_seen {
	struct seen_hook at[SEEN_FAMILIES_LEN][HOOKS_LEN];
};

/* Where to look. */
struct hook_place {
	const char *builtin; /* the chain of the hook; NULL: the rules of chain are the hook's */
	const char *chain;   /* our chain, which builtin jumps to */
	bool is_shadow;
	/* A queue rule directly in builtin counts if it uses one of these queues. */
	uint32_t queue_first;
	uint32_t queue_last;
};

/* What the running configuration needs. */
struct hook_wanted {
	bool hooked[HOOKS_LEN];
	bool has_family[SEEN_FAMILIES_LEN];
	bool is_shadow; /* enforce off */
	uint32_t queue_first;
	uint32_t queue_last;
};

/* What is wrong with the hook rules, the worst first. */
enum hook_fault {
	HOOK_FAULT_NONE,
	HOOK_FAULT_MISSING,  /* packets of a hook are not queued */
	HOOK_FAULT_BYPASSED, /* some are not */
	HOOK_FAULT_MODE,     /* rules of shadow mode while enforcing, or the reverse */
	HOOK_FAULT_QUEUES,   /* other queues than the daemon's */
	HOOK_FAULT_KERNEL,   /* the kernel's part of the configuration is not in the kernel */
	HOOK_FAULT_TAKEN,  /* nor can it be: others have a table of such a name */
	HOOK_FAULT_UNKNOWN,  /* the rules cannot be read */
	HOOK_FAULTS_LEN,
};

#define HOOK_FAULT_TEXT_SIZE 160

/* "none", "missing", ... */
const char *hook_fault_name(enum hook_fault fault);

/* Compares; writes what is wrong to text, "" for HOOK_FAULT_NONE. */
enum hook_fault hook_seen_check(const struct hook_seen *seen, const struct hook_wanted *wanted,
                                char text[HOOK_FAULT_TEXT_SIZE]);

/* Adds what the chains of a place do to *out. Returns 0/-errno. */
int hook_seen_read(const struct kernel_chains *chains, const struct hook_place *place,
                   struct seen_hook *out);

#endif
