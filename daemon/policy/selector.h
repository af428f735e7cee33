/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of packets that rules can match: one row for each, used by parser, checker, compiler
 * and printer.
 */
#ifndef FINWALL_POLICY_SELECTOR_H
#define FINWALL_POLICY_SELECTOR_H

#include "tree.h"

#include <finwall/ruleset_layout.h>

struct suggest; /* suggest.h */

enum selector_kind {
	SEL_FIELD,    /* evaluated for each packet */
	SEL_IFACE,    /* likewise; an interface name */
	SEL_NFPROTO,  /* evaluated when rules are compiled */
	SEL_CT_STATE, /* likewise */
	SEL_CT_COUNT, /* not a field: becomes a statement */
	SEL_ACCOUNT,  /* what a connection has carried: 64 bits */
	SEL_TRACKING, /* can only be set */
	SEL_CONCAT,   /* several fields; family and proto are those of all together */
};

struct selector {
	const char *header; /* "tcp" */
	const char *name;   /* "dport" */
	bool stands_alone;  /* is written without its header */
	enum selector_kind kind;
	const struct dtype *type;
	uint8_t family; /* 4, 6, or 0 = both */
	uint8_t proto;  /* transport protocol it belongs to, 0 = any */
	uint8_t reach;  /* enum pkt_reach: what rules must be able to read of the packet */
	enum rs_field field;
	const struct load *load;   /* NULL = it is a field of the packet */
	const uint8_t *icmp_types; /* their number, and those that have it; NULL = all. Of
	                              SEL_ACCOUNT: enum rs_account_what, and RS_ACCOUNT_* */
};

/* A number that is computed for each packet: raw bits, numgen, jhash. */
struct load {
	enum rs_load_kind kind;
	uint8_t bits;
	uint16_t offset;
	uint32_t mod;
	uint32_t plus;
	uint32_t seed;
	const struct selector *field[RS_LOAD_FIELDS_MAX];
	uint8_t fields_len;
	bool has_seed;
};

/* A selector of kind SEL_CONCAT. */
struct concat {
	struct selector sel;                            /* first */
	const struct selector *part[RS_KEY_FIELDS_MAX]; /* sel.type->parts_len */
	const struct value
		*last; /* the last part is this value, which the checker types; or NULL */
	uint32_t last_number;
};

/* The last part, if it is a constant. */
extern const struct selector selector_constant;

static inline const struct selector *selector_part(const struct selector *concat, unsigned nr)
{
	return ((const struct concat *)concat)->part[nr];
}

/* The row of "tcp dport", or NULL. header NULL: of those that stand alone. */
const struct selector *selector_find(const char *header, const char *name);

/* Whether a field is the protocol of the transport header, for nft. */
bool selector_is_proto(const struct selector *sel);

/* Whether a field is one of the packet's connection, which a packet without one does not have. */
bool selector_is_ct(const struct selector *sel);

/* What rules read of connections for a field: RULE_USES_*. */
uint32_t selector_ct_uses(const struct selector *sel);

/* Considers the fields of a header. */
void selector_suggest(struct suggest *s, const char *header);

/* "tcp dport", "iif". */
void selector_print(struct text *t, const struct selector *sel);

#endif
