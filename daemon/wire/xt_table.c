/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of iptables-legacy. See xt_table.h.
 *
 * A table is one array of entries of different sizes. The chain of a hook ends with its policy. A
 * chain of users begins after an entry with the target ERROR and the chain's name, and ends with a
 * return; a jump is the offset of its first rule.
 */
#include "xt_table.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>
#include <string.h>

/* One entry; texts point into the table. */
struct entry {
	size_t at;
	size_t next;
	bool is_goto;
	const uint8_t *target;
	size_t target_size;
	char target_name[XT_EXTENSION_MAXNAMELEN];
	uint8_t target_revision;
};

/* Returns false when the entry at this offset is malformed. */
static bool read_entry(const struct xt_table *t, size_t at, struct entry *out)
{
	const size_t entry_size = t->is_ip6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	struct xt_entry_target target;
	uint16_t target_offset;
	uint16_t next_offset;

	if (at > t->size || t->size - at < entry_size) {
		return false;
	}
	if (t->is_ip6) {
		struct ip6t_entry e;

		memcpy(&e, t->entries + at, sizeof(e));
		target_offset = e.target_offset;
		next_offset = e.next_offset;
		out->is_goto = (e.ipv6.flags & IP6T_F_GOTO) != 0;
	} else {
		struct ipt_entry e;

		memcpy(&e, t->entries + at, sizeof(e));
		target_offset = e.target_offset;
		next_offset = e.next_offset;
		out->is_goto = (e.ip.flags & IPT_F_GOTO) != 0;
	}
	if (target_offset < entry_size || next_offset > t->size - at ||
	    next_offset < target_offset + sizeof(target)) {
		return false;
	}
	memcpy(&target, t->entries + at + target_offset, sizeof(target));
	out->at = at;
	out->next = at + next_offset;
	out->target = t->entries + at + target_offset + sizeof(target);
	out->target_size = next_offset - target_offset - sizeof(target);
	memcpy(out->target_name, target.u.user.name, sizeof(out->target_name));
	out->target_name[sizeof(out->target_name) - 1] = '\0';
	out->target_revision = target.u.user.revision;
	return true;
}

/* The name of the chain that begins after this entry; false if none does. */
static bool chain_begins(const struct entry *e, char name[KERNEL_CHAIN_SIZE])
{
	if (strcmp(e->target_name, XT_ERROR_TARGET) != 0 || e->target_size == 0) {
		return false;
	}
	snprintf(name, KERNEL_CHAIN_SIZE, "%.*s",
	         (int)strnlen((const char *)e->target, e->target_size), e->target);
	return true;
}

/* Finds the first rule of a chain of users. Returns false if there is none, or -EBADMSG in *err. */
static bool find_chain(const struct xt_table *t, const char *chain, size_t *at, int *err)
{
	char name[KERNEL_CHAIN_SIZE];
	struct entry e;

	for (size_t i = 0; i < t->size; i = e.next) {
		if (!read_entry(t, i, &e)) {
			*err = -EBADMSG;
			return false;
		}
		if (chain_begins(&e, name) && strcmp(name, chain) == 0) {
			*at = e.next;
			return true;
		}
	}
	return false;
}

/* The name of the chain whose first rule is at this offset. */
static bool name_chain(const struct xt_table *t, size_t at, char name[KERNEL_CHAIN_SIZE])
{
	struct entry e;

	for (size_t i = 0; i < at && read_entry(t, i, &e); i = e.next) {
		if (e.next == at) {
			return chain_begins(&e, name);
		}
	}
	return false;
}

/* The verdict of a standard target: an offset, or a negative number. */
static bool read_verdict(const struct xt_table *t, const struct entry *e, struct kernel_rule *out)
{
	int32_t verdict;

	if (e->target_size < sizeof(verdict)) {
		return false;
	}
	memcpy(&verdict, e->target, sizeof(verdict));
	if (verdict >= 0) {
		/* a rule without a target jumps to the next entry */
		if ((size_t)verdict == e->next) {
			return true;
		}
		out->target = e->is_goto ? TARGET_GOTO : TARGET_JUMP;
		return name_chain(t, (size_t)verdict, out->chain);
	}
	if (verdict == XT_RETURN) {
		out->target = TARGET_RETURN;
	} else if (verdict == -NF_ACCEPT - 1) {
		out->target = TARGET_ACCEPT;
	} else if (verdict == -NF_DROP - 1) {
		out->target = TARGET_DROP;
	} else if (verdict == -NF_QUEUE - 1) {
		out->target = TARGET_QUEUE;
	}
	return true;
}

static bool read_rule(const struct xt_table *t, const struct entry *e, struct kernel_rule *out)
{
	uint16_t numbers[2] = { 0, 1 };
	size_t size;

	*out = (struct kernel_rule){ .target = TARGET_NONE };
	if (strcmp(e->target_name, XT_STANDARD_TARGET) == 0) {
		return read_verdict(t, e, out);
	}
	if (strcmp(e->target_name, "REJECT") == 0) {
		out->target = TARGET_DROP;
	}
	if (strcmp(e->target_name, "NFQUEUE") != 0) {
		return true;
	}
	size = e->target_revision == 0 ? sizeof(numbers[0]) : sizeof(numbers);
	if (e->target_size < size) {
		return false;
	}
	memcpy(numbers, e->target, size);
	out->target = TARGET_QUEUE;
	out->queue_first = numbers[0];
	out->queue_last = numbers[0] + (numbers[1] > 0 ? numbers[1] - 1u : 0);
	return true;
}

/* Where the chain's rules are: [*at, *end). Returns false when there is no such chain. */
static bool find_rules(const struct xt_table *t, const char *chain, size_t *at, size_t *end,
                       int *err)
{
	static const struct {
		const char *name;
		unsigned hook;
	} builtin[] = {
		{ "INPUT", NF_INET_LOCAL_IN },
		{ "FORWARD", NF_INET_FORWARD },
		{ "OUTPUT", NF_INET_LOCAL_OUT },
	};

	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
		if (strcmp(builtin[i].name, chain) == 0) {
			*at = t->hook_entry[builtin[i].hook];
			*end = t->underflow[builtin[i].hook];
			return true;
		}
	}
	*end = t->size;
	return find_chain(t, chain, at, err);
}

int xt_table_each(void *ctx, const char *chain, kernel_rule_fn *fn, void *fn_ctx)
{
	const struct xt_table *t = ctx;
	char name[KERNEL_CHAIN_SIZE];
	struct kernel_rule rule;
	struct entry e;
	int err = 0;
	size_t end;
	size_t at;

	if (!find_rules(t, chain, &at, &end, &err)) {
		return err;
	}
	while (at < end) {
		if (!read_entry(t, at, &e)) {
			return -EBADMSG;
		}
		if (chain_begins(&e, name)) {
			break;
		}
		if (!read_rule(t, &e, &rule)) {
			return -EBADMSG;
		}
		if (!fn(fn_ctx, &rule)) {
			break;
		}
		at = e.next;
	}
	return 0;
}
