/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of hook_seen, nft_rule and xt_table: which hooks are queued, and what other rules do before
 * that. Chains are given as text; messages and tables are made byte by byte.
 */
#include "wire/hook_seen.h"

#include "suite.h"
#include "wire/nft_rule.h"
#include "wire/xt_table.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netlink.h>
#include <string.h>

/* A rule as text: "CHAIN accept|drop|return|other|jump X|goto X|queue A B". */
struct text_chains {
	const char *const *rules;
	size_t rules_len;
};

static int text_each(void *ctx, const char *chain, kernel_rule_fn *fn, void *fn_ctx)
{
	static const char *const words[] = {
		[TARGET_NONE] = "other",    [TARGET_ACCEPT] = "accept", [TARGET_DROP] = "drop",
		[TARGET_RETURN] = "return", [TARGET_JUMP] = "jump",     [TARGET_GOTO] = "goto",
		[TARGET_QUEUE] = "queue",
	};
	const struct text_chains *t = ctx;

	for (size_t i = 0; i < t->rules_len; i++) {
		struct kernel_rule rule = { .target = TARGET_NONE };
		char in[64] = "";
		char word[64] = "";
		char arg[64] = "";
		unsigned last = 0;

		sscanf(t->rules[i], "%63s %63s %63s %u", in, word, arg, &last);
		if (strcmp(in, chain) != 0) {
			continue;
		}
		while (strcmp(words[rule.target], word) != 0) {
			rule.target++;
		}
		memcpy(rule.chain, arg, sizeof(arg));
		rule.queue_first = (uint32_t)strtoul(arg, NULL, 10);
		rule.queue_last = last;
		if (!fn(fn_ctx, &rule)) {
			break;
		}
	}
	return 0;
}

static struct seen_hook look(const char *const *rules, size_t rules_len)
{
	struct text_chains t = { rules, rules_len };
	const struct kernel_chains chains = { text_each, &t };
	const struct hook_place place = {
		.builtin = "INPUT", .chain = "FINWALL_INPUT", .queue_first = 4, .queue_last = 7
	};
	struct seen_hook h = { .is_queued = false };

	ck_assert_int_eq(hook_seen_read(&chains, &place, &h), 0);
	return h;
}

#define LOOK(...)                                                                                  \
	look((const char *const[]){ __VA_ARGS__ },                                                 \
	     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

START_TEST(a_jump_to_a_chain_that_queues_is_found)
{
	struct seen_hook h = LOOK("INPUT jump FINWALL_INPUT", "FINWALL_INPUT return",
	                          "FINWALL_INPUT queue 4 4", "FINWALL_INPUT queue 5 7");

	ck_assert(h.is_queued && !h.is_bypassed);
	ck_assert_uint_eq(h.queue_first, 4);
	ck_assert_uint_eq(h.queue_last, 7);
	/* the jump, or the chain's rules, are gone */
	ck_assert(!LOOK("FINWALL_INPUT queue 4 7").is_queued);
	ck_assert(!LOOK("INPUT jump FINWALL_INPUT", "FINWALL_INPUT accept").is_queued);
	ck_assert(!LOOK("INPUT jump FINWALL_FORWARD", "FINWALL_FORWARD queue 4 7").is_queued);
	/* a queue rule in the chain itself, of queue 0 too */
	h = LOOK("INPUT queue 7 9");
	ck_assert(h.is_queued && h.queue_first == 7 && h.queue_last == 9);
	/* the queue of another program */
	ck_assert(!LOOK("INPUT queue 8 9").is_queued);
}
END_TEST

#define OURS "INPUT jump FINWALL_INPUT", "FINWALL_INPUT queue 4 7"

START_TEST(rules_that_accept_before_the_jump_are_found)
{
	ck_assert(LOOK("INPUT accept", OURS).is_bypassed);
	ck_assert(LOOK("INPUT return", OURS).is_bypassed);
	ck_assert(LOOK("INPUT queue 0 0", OURS).is_bypassed);
	ck_assert(LOOK("INPUT goto X", OURS).is_bypassed);
	ck_assert(LOOK("INPUT jump X", "X jump Y", OURS, "Y goto Z", "Z accept").is_bypassed);
	ck_assert(LOOK("INPUT jump X", "X jump Y", "Y jump X", OURS, "Y accept").is_bypassed);
	/* after the jump, or without effect: blocked addresses, counting, loops */
	ck_assert(!LOOK(OURS, "INPUT accept").is_bypassed);
	ck_assert(!LOOK("INPUT drop", "INPUT other", OURS).is_bypassed);
	ck_assert(!LOOK("INPUT jump f2b", "f2b drop", "f2b return", OURS).is_bypassed);
	ck_assert(!LOOK("INPUT jump X", "X jump Y", "Y jump X", OURS).is_bypassed);
}
END_TEST

START_TEST(more_chains_than_are_searched_count_as_accepting)
{
	static char text[100][32];
	const char *rules[102];
	size_t len = 0;

	for (unsigned i = 0; i < 100; i++) {
		snprintf(text[i], sizeof(text[i]), "INPUT jump X%u", i);
		rules[len++] = text[i];
	}
	rules[len++] = "INPUT jump FINWALL_INPUT";
	rules[len++] = "FINWALL_INPUT queue 4 7";
	ck_assert(look(rules, len).is_bypassed);
	ck_assert(!look(rules + 50, len - 50).is_bypassed);
}
END_TEST

static const struct hook_wanted wanted_4_to_7 = {
	.hooked = { [HOOK_INPUT] = true, [HOOK_OUTPUT] = true },
	.has_family = { true, true },
	.queue_first = 4,
	.queue_last = 7,
};

static struct hook_seen good_hooks(void)
{
	const struct seen_hook good = {
		.is_queued = true, .is_enforced = true, .queue_first = 4, .queue_last = 7
	};
	struct hook_seen seen = { 0 };

	for (unsigned family = 0; family < SEEN_FAMILIES_LEN; family++) {
		seen.at[family][HOOK_INPUT] = good;
		seen.at[family][HOOK_OUTPUT] = good;
	}
	return seen;
}

static enum hook_fault check(const struct hook_seen *seen, const struct hook_wanted *wanted,
                             const char *part)
{
	char text[HOOK_FAULT_TEXT_SIZE];
	enum hook_fault fault = hook_seen_check(seen, wanted, text);

	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" has no \"%s\"", text, part);
	ck_assert_int_eq(text[0] == '\0', fault == HOOK_FAULT_NONE);
	return fault;
}

START_TEST(differences_from_the_configuration_are_named)
{
	struct hook_wanted wanted = wanted_4_to_7;
	struct hook_seen seen = good_hooks();

	ck_assert_int_eq(check(&seen, &wanted, ""), HOOK_FAULT_NONE);
	seen.at[SEEN_IPV6][HOOK_OUTPUT].queue_last = 4;
	ck_assert_int_eq(check(&seen, &wanted, "4-4, the configuration 4-7"), HOOK_FAULT_QUEUES);
	seen.at[SEEN_IPV6][HOOK_INPUT].is_bypassed = true;
	ck_assert_int_eq(check(&seen, &wanted, "IPv6 input"), HOOK_FAULT_BYPASSED);
	seen.at[SEEN_IPV6][HOOK_OUTPUT].is_queued = false;
	ck_assert_int_eq(check(&seen, &wanted, "of IPv6 output"), HOOK_FAULT_MISSING);
	wanted.has_family[SEEN_IPV6] = false;
	ck_assert_int_eq(check(&seen, &wanted, ""), HOOK_FAULT_NONE);
	wanted.is_shadow = true;
	ck_assert_int_eq(check(&seen, &wanted, "enforce on"), HOOK_FAULT_MODE);
	seen.at[SEEN_IPV4][HOOK_INPUT].is_enforced = false;
	seen.at[SEEN_IPV4][HOOK_OUTPUT].is_enforced = false;
	ck_assert_int_eq(check(&seen, &wanted, ""), HOOK_FAULT_NONE);
	wanted.hooked[HOOK_FORWARD] = true;
	ck_assert_int_eq(check(&seen, &wanted, "IPv4 forward"), HOOK_FAULT_MISSING);
}
END_TEST

/* A message of nf_tables being made. */
struct msg {
	_Alignas(struct nlmsghdr) uint8_t bytes[1024];
	size_t size;
};

static size_t begin_attr(struct msg *m, uint16_t type)
{
	struct nlattr nla = { .nla_type = type };
	size_t at = m->size;

	memcpy(m->bytes + at, &nla, sizeof(nla));
	m->size += sizeof(nla);
	return at;
}

static void end_attr(struct msg *m, size_t at)
{
	uint16_t len = (uint16_t)(m->size - at);

	memcpy(m->bytes + at, &len, sizeof(len));
	while (m->size % 4 != 0) {
		m->bytes[m->size++] = 0;
	}
}

static void put_bytes(struct msg *m, uint16_t type, const void *value, size_t size)
{
	size_t at = begin_attr(m, type);

	memcpy(m->bytes + m->size, value, size);
	m->size += size;
	end_attr(m, at);
}

static void put_be16(struct msg *m, uint16_t type, uint16_t value)
{
	uint8_t b[2];

	store_be16(b, value);
	put_bytes(m, type, b, sizeof(b));
}

static void put_be32(struct msg *m, uint16_t type, uint32_t value)
{
	uint8_t b[4];

	store_be32(b, value);
	put_bytes(m, type, b, sizeof(b));
}

static void put_text(struct msg *m, uint16_t type, const char *text)
{
	put_bytes(m, type, text, strlen(text) + 1);
}

/* Expressions of a rule; each ends what begin_expr() began. */
struct expr {
	size_t elem;
	size_t data;
};

static struct expr begin_expr(struct msg *m, const char *name)
{
	struct expr e = { .elem = begin_attr(m, NFTA_LIST_ELEM | NLA_F_NESTED) };

	put_text(m, NFTA_EXPR_NAME, name);
	e.data = begin_attr(m, NFTA_EXPR_DATA | NLA_F_NESTED);
	return e;
}

static void end_expr(struct msg *m, struct expr e)
{
	end_attr(m, e.data);
	end_attr(m, e.elem);
}

static void put_verdict(struct msg *m, int32_t code, const char *chain)
{
	struct expr e = begin_expr(m, "immediate");
	size_t data;
	size_t verdict;

	put_be32(m, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = begin_attr(m, NFTA_IMMEDIATE_DATA | NLA_F_NESTED);
	verdict = begin_attr(m, NFTA_DATA_VERDICT | NLA_F_NESTED);
	put_be32(m, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain != NULL) {
		put_text(m, NFTA_VERDICT_CHAIN, chain);
	}
	end_attr(m, verdict);
	end_attr(m, data);
	end_expr(m, e);
}

static void put_nfqueue(struct msg *m, uint16_t first, uint16_t len)
{
	const uint16_t info[4] = { first, len, 1, 0 };
	struct expr e = begin_expr(m, "target");

	put_text(m, NFTA_TARGET_NAME, "NFQUEUE");
	put_be32(m, NFTA_TARGET_REV, 3);
	put_bytes(m, NFTA_TARGET_INFO, info, sizeof(info));
	end_expr(m, e);
}

static void put_queue(struct msg *m, uint16_t first, uint16_t len)
{
	struct expr e = begin_expr(m, "queue");

	put_be16(m, NFTA_QUEUE_NUM, first);
	put_be16(m, NFTA_QUEUE_TOTAL, len);
	end_expr(m, e);
}

/* As nft's "queue to symhash mod N offset M". */
static void put_symhash(struct msg *m, uint32_t modulus, uint32_t offset)
{
	struct expr e = begin_expr(m, "hash");

	put_be32(m, NFTA_HASH_DREG, NFT_REG32_00);
	put_be32(m, NFTA_HASH_MODULUS, modulus);
	put_be32(m, NFTA_HASH_OFFSET, offset);
	end_expr(m, e);
	e = begin_expr(m, "queue");
	put_be32(m, NFTA_QUEUE_SREG_QNUM, NFT_REG32_00);
	end_expr(m, e);
}

static const struct nft_chain ip_input = { NFPROTO_IPV4, "filter", "INPUT" };

#define SEQ 7

static size_t begin_rule(struct msg *m, const char *table, const char *chain)
{
	const struct nfgenmsg gen = { .nfgen_family = NFPROTO_IPV4 };

	m->size = sizeof(struct nlmsghdr);
	memcpy(m->bytes + m->size, &gen, sizeof(gen));
	m->size += sizeof(gen);
	put_text(m, NFTA_RULE_TABLE, table);
	put_text(m, NFTA_RULE_CHAIN, chain);
	return begin_attr(m, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
}

static enum nft_result read_rule(struct msg *m, size_t list, struct kernel_rule *out)
{
	struct nlmsghdr nlh = { .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE,
		                .nlmsg_seq = SEQ };
	struct cursor datagram;
	int error;

	end_attr(m, list);
	nlh.nlmsg_len = (uint32_t)m->size;
	memcpy(m->bytes, &nlh, sizeof(nlh));
	datagram = (struct cursor){ m->bytes, m->bytes + m->size };
	return nft_rule_next(&datagram, &ip_input, SEQ, out, &error);
}

START_TEST(rules_of_nf_tables_are_read)
{
	static const struct {
		int32_t code;
		enum kernel_target target;
	} rows[] = {
		{ NF_ACCEPT, TARGET_ACCEPT },  { NF_DROP, TARGET_DROP },
		{ NFT_RETURN, TARGET_RETURN }, { NFT_JUMP, TARGET_JUMP },
		{ NFT_GOTO, TARGET_GOTO },     { NFT_CONTINUE, TARGET_NONE },
	};
	struct kernel_rule rule;
	struct msg m;
	size_t list;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		list = begin_rule(&m, "filter", "INPUT");
		put_verdict(&m, rows[i].code, rows[i].code < -1 ? "X" : NULL);
		ck_assert_int_eq(read_rule(&m, list, &rule), NFT_RULE);
		ck_assert_int_eq(rule.target, rows[i].target);
		ck_assert(rule.target != TARGET_JUMP || strcmp(rule.chain, "X") == 0);
	}
	list = begin_rule(&m, "filter", "INPUT");
	put_nfqueue(&m, 4, 3);
	ck_assert_int_eq(read_rule(&m, list, &rule), NFT_RULE);
	ck_assert(rule.target == TARGET_QUEUE && rule.queue_first == 4 && rule.queue_last == 6);
	list = begin_rule(&m, "filter", "INPUT");
	put_queue(&m, 4, 2);
	ck_assert_int_eq(read_rule(&m, list, &rule), NFT_RULE);
	ck_assert(rule.target == TARGET_QUEUE && rule.queue_first == 4 && rule.queue_last == 5);
	list = begin_rule(&m, "filter", "INPUT");
	put_symhash(&m, 8, 100);
	ck_assert_int_eq(read_rule(&m, list, &rule), NFT_RULE);
	ck_assert(rule.target == TARGET_QUEUE && rule.queue_first == 100 && rule.queue_last == 107);
	/* a rule of another chain, from a kernel that does not filter */
	list = begin_rule(&m, "filter", "OUTPUT");
	ck_assert_int_eq(read_rule(&m, list, &rule), NFT_OTHER);
}
END_TEST

/* No byte beyond a message is read, and a wrong size is refused. */
START_TEST(truncated_messages_are_refused)
{
	struct kernel_rule rule;
	struct msg m;
	size_t list = begin_rule(&m, "filter", "INPUT");

	put_nfqueue(&m, 4, 3);
	put_symhash(&m, 8, 100);
	put_verdict(&m, NFT_JUMP, "X");
	ck_assert_int_eq(read_rule(&m, list, &rule), NFT_RULE);
	for (size_t size = 0; size < m.size; size++) {
		uint8_t *copy = malloc(size + 1);
		struct cursor datagram = { copy, copy + size };
		uint32_t len = (uint32_t)size;
		enum nft_result result;
		int error;

		memcpy(copy, m.bytes, size);
		if (size >= sizeof(len)) {
			memcpy(copy, &len, sizeof(len));
		}
		result = nft_rule_next(&datagram, &ip_input, SEQ, &rule, &error);
		ck_assert(result == (size == 0 ? NFT_END : NFT_BAD) || result == NFT_OTHER ||
		          result == NFT_RULE);
		free(copy);
	}
}
END_TEST

/* Makes the message of a table with these user data. Returns how it is read when it is cut to size.
 */
static enum nft_result read_table(struct msg *m, const void *udata, size_t udata_size, size_t size,
                                  struct nft_table_seen *out)
{
	const struct nfgenmsg gen = { .nfgen_family = NFPROTO_INET };
	struct nlmsghdr nlh = { .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE,
		                .nlmsg_seq = SEQ };
	struct cursor datagram;
	int error;

	m->size = sizeof(nlh);
	memcpy(m->bytes + m->size, &gen, sizeof(gen));
	m->size += sizeof(gen);
	put_text(m, NFTA_TABLE_NAME, "filter");
	put_be32(m, NFTA_TABLE_FLAGS, 0);
	put_bytes(m, NFTA_TABLE_USERDATA, udata, udata_size);
	m->size = size < m->size ? size : m->size;
	nlh.nlmsg_len = (uint32_t)m->size;
	memcpy(m->bytes, &nlh, sizeof(nlh));
	datagram = (struct cursor){ m->bytes, m->bytes + m->size };
	return nft_table_next(&datagram, SEQ, out, &error);
}

/* A table's user data are parts of type, size and bytes; type 0 is the comment. */
START_TEST(tables_of_nf_tables_are_read)
{
	static const char udata[] = "\x07\x02??\x00\x06mine\0";
	struct nft_table_seen table;
	struct msg m;

	ck_assert_int_eq(read_table(&m, udata, sizeof(udata), SIZE_MAX, &table), NFT_RULE);
	ck_assert_str_eq(nft_family_name(table.family), "inet");
	ck_assert_str_eq(table.name, "filter");
	ck_assert_str_eq(table.comment, "mine");
	/* a part that goes beyond the data is left out */
	ck_assert_int_eq(read_table(&m, "\x00\x09mine", 6, SIZE_MAX, &table), NFT_RULE);
	ck_assert_str_eq(table.comment, "");
	for (size_t size = sizeof(struct nlmsghdr); size < m.size; size++) {
		enum nft_result result = read_table(&m, udata, sizeof(udata), size, &table);

		ck_assert(result == NFT_BAD || result == NFT_RULE);
	}
	ck_assert_str_eq(nft_family_name(255), "");
}
END_TEST

/* A table of iptables-legacy being made. */
struct table_bytes {
	_Alignas(8) uint8_t bytes[4096];
	size_t size;
};

static size_t put_entry(struct table_bytes *t, const char *target, uint8_t revision,
                        const void *data, size_t data_size, uint8_t flags)
{
	struct ipt_entry e = { .ip = { .flags = flags }, .target_offset = sizeof(e) };
	struct xt_entry_target head = { .u.user = { .revision = revision } };
	size_t at = t->size;

	e.next_offset = (uint16_t)((sizeof(e) + sizeof(head) + data_size + 7) & ~7u);
	snprintf(head.u.user.name, sizeof(head.u.user.name), "%s", target);
	memcpy(t->bytes + at, &e, sizeof(e));
	memcpy(t->bytes + at + sizeof(e), &head, sizeof(head));
	memcpy(t->bytes + at + sizeof(e) + sizeof(head), data, data_size);
	t->size += e.next_offset;
	return at;
}

static size_t put_standard(struct table_bytes *t, int32_t verdict)
{
	return put_entry(t, XT_STANDARD_TARGET, 0, &verdict, sizeof(verdict), 0);
}

static void put_chain(struct table_bytes *t, const char *name)
{
	char text[XT_FUNCTION_MAXNAMELEN] = "";

	snprintf(text, sizeof(text), "%s", name);
	put_entry(t, XT_ERROR_TARGET, 0, text, sizeof(text), 0);
}

START_TEST(tables_of_iptables_legacy_are_read)
{
	static const uint16_t queues[4] = { 4, 4, 0, 0 };
	static struct table_bytes t;
	struct xt_table table = { .entries = t.bytes };
	const struct kernel_chains chains = { xt_table_each, &table };
	const struct hook_place place = { .builtin = "INPUT", .chain = "FINWALL_INPUT" };
	struct seen_hook h = { .is_queued = false };
	size_t jump;
	int32_t to;

	t.size = 0;
	put_standard(&t, -NF_DROP - 1);
	jump = put_standard(&t, 0);
	table.underflow[NF_INET_LOCAL_IN] = (uint32_t)put_standard(&t, -NF_ACCEPT - 1);
	put_chain(&t, "OTHER");
	put_standard(&t, XT_RETURN);
	put_chain(&t, "FINWALL_INPUT");
	to = (int32_t)t.size;
	put_standard(&t, XT_RETURN);
	put_entry(&t, "NFQUEUE", 3, queues, sizeof(queues), 0);
	put_standard(&t, XT_RETURN);
	put_chain(&t, "ERROR");
	table.size = t.size;
	memcpy(t.bytes + jump + sizeof(struct ipt_entry) + sizeof(struct xt_entry_target), &to,
	       sizeof(to));
	ck_assert_int_eq(hook_seen_read(&chains, &place, &h), 0);
	ck_assert(h.is_queued && !h.is_bypassed && h.queue_first == 4 && h.queue_last == 7);
	/* a table that is cut anywhere is refused, or has other rules; nothing beyond is read */
	for (size_t size = 0; size < t.size; size++) {
		uint8_t *copy = malloc(size + 1);
		int err;

		memcpy(copy, t.bytes, size);
		table.entries = copy;
		table.size = size;
		err = hook_seen_read(&chains, &place, &h);
		ck_assert(err == 0 || err == -EBADMSG);
		free(copy);
	}
}
END_TEST

SUITE_MAIN("hook_seen", a_jump_to_a_chain_that_queues_is_found,
           rules_that_accept_before_the_jump_are_found,
           more_chains_than_are_searched_count_as_accepting,
           differences_from_the_configuration_are_named, rules_of_nf_tables_are_read,
           truncated_messages_are_refused, tables_of_nf_tables_are_read,
           tables_of_iptables_legacy_are_read)
