/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of nf_tables. See nft_rule.h.
 *
 * A rule is a list of expressions. Its verdict is an "immediate" expression that writes to the
 * verdict register; "queue" has its numbers, or takes them from a "hash"; targets of iptables that
 * are no verdicts are "target" expressions with the struct of the kernel module.
 */
#include "nft_rule.h"

#include "attr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define GETRULE_TYPE ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETRULE)
#define NEWRULE_TYPE ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWRULE)

#define GETTABLE_TYPE ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE)
#define NEWTABLE_TYPE ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWTABLE)

/* Of libnftnl: a table's user data are parts of type, size and bytes. */
#define UDATA_TABLE_COMMENT 0

#define NAME_SIZE 32

/* A rule being read. */
struct rule_attrs {
	char table[KERNEL_CHAIN_SIZE];
	char chain[KERNEL_CHAIN_SIZE];
	uint32_t hash_modulus; /* of the last hash expression; 0 = none */
	uint32_t hash_offset;
	struct kernel_rule rule;
};

/* An expression being read. */
struct expr_attrs {
	char name[NAME_SIZE];
	struct cursor data;
	bool has_data;
};

static enum nft_result read_rule(struct cursor body, const struct nft_chain *chain,
                                 struct kernel_rule *out);

static size_t put_text(uint8_t *at, size_t left, uint16_t type, const char *text)
{
	struct nlattr nla = { .nla_type = type };
	const size_t text_size = strlen(text) + 1;
	const size_t size = NLA_HDRLEN + NLA_ALIGN(text_size);

	if (size > left) {
		return 0;
	}
	nla.nla_len = (uint16_t)(NLA_HDRLEN + text_size);
	memset(at, 0, size);
	memcpy(at, &nla, sizeof(nla));
	memcpy(at + NLA_HDRLEN, text, text_size);
	return size;
}

size_t nft_put_request(const struct nft_chain *chain, uint32_t seq,
                       uint8_t out[static NFT_REQUEST_SIZE])
{
	struct nlmsghdr nlh = {
		.nlmsg_type = GETRULE_TYPE,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = seq,
	};
	const struct nfgenmsg gen = { .nfgen_family = chain->family, .version = NFNETLINK_V0 };
	size_t size = sizeof(nlh) + sizeof(gen);
	size_t step;

	memcpy(out + sizeof(nlh), &gen, sizeof(gen));
	step = put_text(out + size, NFT_REQUEST_SIZE - size, NFTA_RULE_TABLE, chain->table);
	size += step;
	if (step == 0) {
		return 0;
	}
	step = put_text(out + size, NFT_REQUEST_SIZE - size, NFTA_RULE_CHAIN, chain->chain);
	size += step;
	if (step == 0) {
		return 0;
	}
	nlh.nlmsg_len = (uint32_t)size;
	memcpy(out, &nlh, sizeof(nlh));
	return size;
}

/* Reads the header of the next message; NFT_RULE if its body is to be read. */
static enum nft_result next_of_type(struct cursor *datagram, uint32_t seq, uint16_t type,
                                    struct nl_msg *m, int *error)
{
	if (cursor_left(datagram) == 0) {
		return NFT_END;
	}
	if (!nl_msg_next(datagram, m)) {
		return NFT_BAD;
	}
	if (m->seq != seq) {
		return NFT_OTHER;
	}
	if ((m->flags & NLM_F_DUMP_INTR) != 0) {
		return NFT_CHANGED;
	}
	if (m->type == NLMSG_DONE || m->type == NLMSG_ERROR) {
		*error = nl_msg_errno(m);
		return m->type == NLMSG_DONE && *error == 0 ? NFT_DONE : NFT_ERROR;
	}
	return m->type == type ? NFT_RULE : NFT_OTHER;
}

enum nft_result nft_rule_next(struct cursor *datagram, const struct nft_chain *chain, uint32_t seq,
                              struct kernel_rule *out, int *error)
{
	struct nl_msg m;
	enum nft_result result = next_of_type(datagram, seq, NEWRULE_TYPE, &m, error);

	return result == NFT_RULE ? read_rule(m.body, chain, out) : result;
}

size_t nft_put_tables_request(uint32_t seq, uint8_t out[static NFT_REQUEST_SIZE])
{
	const struct nlmsghdr nlh = {
		.nlmsg_len = sizeof(nlh) + sizeof(struct nfgenmsg),
		.nlmsg_type = GETTABLE_TYPE,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = seq,
	};
	const struct nfgenmsg gen = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };

	memcpy(out, &nlh, sizeof(nlh));
	memcpy(out + sizeof(nlh), &gen, sizeof(gen));
	return nlh.nlmsg_len;
}

static void read_comment(struct cursor data, struct nft_table_seen *t)
{
	while (cursor_left(&data) >= 2) {
		const uint8_t type = data.at[0];
		const size_t size = data.at[1];

		data.at += 2;
		if (size > cursor_left(&data)) {
			return;
		}
		if (type == UDATA_TABLE_COMMENT && size < sizeof(t->comment)) {
			memcpy(t->comment, data.at, size);
			t->comment[size] = '\0';
		}
		data.at += size;
	}
}

static bool take_table(unsigned type, struct cursor value, void *arg)
{
	struct nft_table_seen *t = arg;

	switch (type) {
	case NFTA_TABLE_NAME:
		return attr_text(value, t->name, sizeof(t->name));
	case NFTA_TABLE_USERDATA:
		read_comment(value, t);
		return true;
	default:
		return true;
	}
}

enum nft_result nft_table_next(struct cursor *datagram, uint32_t seq, struct nft_table_seen *out,
                               int *error)
{
	struct nl_msg m;
	enum nft_result result = next_of_type(datagram, seq, NEWTABLE_TYPE, &m, error);
	struct nfgenmsg gen;

	if (result != NFT_RULE) {
		return result;
	}
	if (cursor_left(&m.body) < sizeof(gen)) {
		return NFT_BAD;
	}
	memcpy(&gen, m.body.at, sizeof(gen));
	m.body.at += sizeof(gen);
	*out = (struct nft_table_seen){ .family = gen.nfgen_family };
	return attr_each(m.body, take_table, out) ? NFT_RULE : NFT_BAD;
}

const char *nft_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_ARP:
		return "arp";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	default:
		return "";
	}
}

struct verdict_attrs {
	uint32_t code;
	bool has_code;
	char chain[KERNEL_CHAIN_SIZE];
};

static bool take_verdict(unsigned type, struct cursor value, void *arg)
{
	struct verdict_attrs *v = arg;

	switch (type) {
	case NFTA_VERDICT_CODE:
		v->has_code = true;
		return attr_be32(value, &v->code);
	case NFTA_VERDICT_CHAIN:
		return attr_text(value, v->chain, sizeof(v->chain));
	default:
		return true;
	}
}

static bool take_data(unsigned type, struct cursor value, void *arg)
{
	return type != NFTA_DATA_VERDICT || attr_each(value, take_verdict, arg);
}

static bool take_immediate(unsigned type, struct cursor value, void *arg)
{
	return type != NFTA_IMMEDIATE_DATA || attr_each(value, take_data, arg);
}

static bool read_immediate(struct cursor data, struct kernel_rule *rule)
{
	struct verdict_attrs v = { .has_code = false };

	if (!attr_each(data, take_immediate, &v)) {
		return false;
	}
	if (!v.has_code) {
		return true; /* another register */
	}
	switch ((int32_t)v.code) {
	case NF_ACCEPT:
		rule->target = TARGET_ACCEPT;
		break;
	case NF_DROP:
		rule->target = TARGET_DROP;
		break;
	case NFT_JUMP:
	case NFT_GOTO:
		rule->target = (int32_t)v.code == NFT_JUMP ? TARGET_JUMP : TARGET_GOTO;
		memcpy(rule->chain, v.chain, sizeof(rule->chain));
		break;
	case NFT_RETURN:
		rule->target = TARGET_RETURN;
		break;
	default:
		break;
	}
	return true;
}

static bool take_hash(unsigned type, struct cursor value, void *arg)
{
	struct rule_attrs *r = arg;

	switch (type) {
	case NFTA_HASH_MODULUS:
		return attr_be32(value, &r->hash_modulus);
	case NFTA_HASH_OFFSET:
		return attr_be32(value, &r->hash_offset);
	default:
		return true;
	}
}

struct queue_attrs {
	uint16_t first;
	uint16_t len;
	bool is_of_register;
};

static bool take_queue(unsigned type, struct cursor value, void *arg)
{
	struct queue_attrs *q = arg;

	switch (type) {
	case NFTA_QUEUE_NUM:
		return attr_be16(value, &q->first);
	case NFTA_QUEUE_TOTAL:
		return attr_be16(value, &q->len);
	case NFTA_QUEUE_SREG_QNUM:
		q->is_of_register = true;
		return true;
	default:
		return true;
	}
}

static void set_queue(struct kernel_rule *rule, uint32_t first, uint32_t len)
{
	rule->target = TARGET_QUEUE;
	rule->queue_first = first;
	rule->queue_last = first + (len > 0 ? len - 1 : 0);
}

static bool read_queue(struct cursor data, struct rule_attrs *r)
{
	struct queue_attrs q = { .len = 1 };

	if (!attr_each(data, take_queue, &q)) {
		return false;
	}
	if (q.is_of_register) {
		set_queue(&r->rule, r->hash_offset, r->hash_modulus);
	} else {
		set_queue(&r->rule, q.first, q.len);
	}
	return true;
}

struct target_attrs {
	char name[NAME_SIZE];
	uint32_t revision;
	struct cursor info;
};

static bool take_target(unsigned type, struct cursor value, void *arg)
{
	struct target_attrs *t = arg;

	switch (type) {
	case NFTA_TARGET_NAME:
		return attr_text(value, t->name, sizeof(t->name));
	case NFTA_TARGET_REV:
		return attr_be32(value, &t->revision);
	case NFTA_TARGET_INFO:
		t->info = value;
		return true;
	default:
		return true;
	}
}

/* Targets of iptables that end the evaluation: NFQUEUE, whose struct begins with the numbers. */
static bool read_target(struct cursor data, struct kernel_rule *rule)
{
	struct target_attrs t = { .revision = 0 };
	uint16_t numbers[2] = { 0, 1 };
	size_t size;

	if (!attr_each(data, take_target, &t)) {
		return false;
	}
	if (strcmp(t.name, "REJECT") == 0) {
		rule->target = TARGET_DROP;
	}
	if (strcmp(t.name, "NFQUEUE") != 0) {
		return true;
	}
	size = t.revision == 0 ? sizeof(numbers[0]) : sizeof(numbers);
	if (cursor_left(&t.info) < size) {
		return false;
	}
	memcpy(numbers, t.info.at, size); /* in host order */
	set_queue(rule, numbers[0], numbers[1]);
	return true;
}

static bool take_expr(unsigned type, struct cursor value, void *arg)
{
	struct expr_attrs *e = arg;

	switch (type) {
	case NFTA_EXPR_NAME:
		return attr_text(value, e->name, sizeof(e->name));
	case NFTA_EXPR_DATA:
		e->data = value;
		e->has_data = true;
		return true;
	default:
		return true;
	}
}

static bool take_list_elem(unsigned type, struct cursor value, void *arg)
{
	struct rule_attrs *r = arg;
	struct expr_attrs e = { .has_data = false };

	if (type != NFTA_LIST_ELEM) {
		return true;
	}
	if (!attr_each(value, take_expr, &e)) {
		return false;
	}
	if (strcmp(e.name, "immediate") == 0) {
		return read_immediate(e.data, &r->rule);
	}
	if (strcmp(e.name, "hash") == 0) {
		return attr_each(e.data, take_hash, r);
	}
	if (strcmp(e.name, "queue") == 0) {
		return read_queue(e.data, r);
	}
	if (strcmp(e.name, "target") == 0) {
		return read_target(e.data, &r->rule);
	}
	if (strcmp(e.name, "reject") == 0) {
		r->rule.target = TARGET_DROP;
	}
	return true;
}

static bool take_rule(unsigned type, struct cursor value, void *arg)
{
	struct rule_attrs *r = arg;

	switch (type) {
	case NFTA_RULE_TABLE:
		return attr_text(value, r->table, sizeof(r->table));
	case NFTA_RULE_CHAIN:
		return attr_text(value, r->chain, sizeof(r->chain));
	case NFTA_RULE_EXPRESSIONS:
		return attr_each(value, take_list_elem, r);
	default:
		return true;
	}
}

static enum nft_result read_rule(struct cursor body, const struct nft_chain *chain,
                                 struct kernel_rule *out)
{
	struct rule_attrs r = { .hash_modulus = 0 };
	struct nfgenmsg gen;

	if (cursor_left(&body) < sizeof(gen)) {
		return NFT_BAD;
	}
	memcpy(&gen, body.at, sizeof(gen));
	body.at += sizeof(gen);
	if (!attr_each(body, take_rule, &r)) {
		return NFT_BAD;
	}
	/* Kernels before 4.6 do not filter by table and chain. */
	if (gen.nfgen_family != chain->family || strcmp(r.table, chain->table) != 0 ||
	    strcmp(r.chain, chain->chain) != 0) {
		return NFT_OTHER;
	}
	*out = r.rule;
	return NFT_RULE;
}
