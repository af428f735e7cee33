/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instructions have the same effect on all packets of a connection in one direction, and what
 * the others are called. See ruleset_is_constant().
 */
#include "ruleset_code.h"

/* Fields that all packets of a connection have in common in one direction. */
#define CONSTANT_FIELDS                                                                            \
	(1u << RS_F_SADDR | 1u << RS_F_DADDR | 1u << RS_F_L4PROTO | 1u << RS_F_SPORT |             \
	 1u << RS_F_DPORT | 1u << RS_F_DIR | 1u << RS_F_IIF)

static bool field_is_constant(uint8_t field)
{
	return field < RS_F_HEADER && (CONSTANT_FIELDS >> field & 1) != 0;
}

static bool fold_is_constant(const struct rs_fold *f)
{
	for (uint32_t i = 0; i < f->fields_len; i++) {
		if (!field_is_constant(f->field[i].field)) {
			return false;
		}
	}
	return true;
}

bool ruleset_fold_reads(const struct rs_fold *f, enum rs_field field)
{
	for (uint32_t i = 0; i < f->fields_len; i++) {
		if (f->field[i].field == field) {
			return true;
		}
	}
	return false;
}

/*
 * A key that is not in the set, or has expired, is not in it until a command changes the set, which
 * makes all leases stale. An element with a limit may fit the next packet.
 */
static bool key_is_constant(const struct ruleset *rs, const struct rs_key *k)
{
	const struct rs_table *t;

	for (uint32_t i = 0; i < k->fields_len; i++) {
		if (k->field[i].field != RS_F_NONE && !field_is_constant(k->field[i].field)) {
			return false;
		}
	}
	t = &rs_keyed_of(rs->keyed[k->keyed])->table;
	for (uint32_t i = 1; i < t->kits_len; i++) {
		if (t->kit[i].has_limit != 0) {
			return false;
		}
	}
	return k->is_changed == 0;
}

bool ruleset_key_reads(const struct rs_key *k, enum rs_field field)
{
	for (uint32_t i = 0; i < k->fields_len; i++) {
		if (k->field[i].field == field) {
			return true;
		}
	}
	return false;
}

bool ruleset_insn_is_constant(const struct ruleset *rs, const struct rs_insn *i)
{
	if (i->op < RS_LIMIT) {
		return field_is_constant(i->op & 0xf);
	}
	switch (i->op) {
	case RS_VMAP:
		return field_is_constant(i->with);
	case RS_FOLD:
		return fold_is_constant(&rs->fold[i->a]);
	case RS_KEY:
	case RS_KEY_VMAP:
		return key_is_constant(rs, &rs->key[i->a]);
	case RS_JUMP:
	case RS_GOTO:
	case RS_RETURN:
	case RS_VERDICT:
	case RS_SKIP:
	case RS_BASE:
		return true;
	default:
		return false;
	}
}

static const char *field_name(uint8_t field)
{
	switch (field) {
	case RS_F_MARK:
		return "mark";
	case RS_F_OIF:
		return "out-interface";
	case RS_F_ETHER_SADDR:
	case RS_F_HAS_ETHER:
		return "ether";
	case RS_F_CT_STATUS:
	case RS_F_CT_MARK:
	case RS_F_CT_ORIG_SADDR:
	case RS_F_CT_ORIG_DADDR:
	case RS_F_CT_REPLY_SADDR:
	case RS_F_CT_REPLY_DADDR:
	case RS_F_CT_ORIG_SRC:
	case RS_F_CT_ORIG_DST:
	case RS_F_CT_REPLY_SRC:
	case RS_F_CT_REPLY_DST:
	case RS_F_CT_EXPIRATION:
		return "ct";
	default:
		return "packet";
	}
}

static const char *load_name(enum rs_load_kind kind)
{
	switch (kind) {
	case RS_LOAD_INC:
	case RS_LOAD_RANDOM:
		return "numgen";
	case RS_LOAD_UID:
	case RS_LOAD_GID:
		return "socket";
	case RS_LOAD_TIME:
	case RS_LOAD_DAY:
	case RS_LOAD_HOUR:
		return "time";
	case RS_LOAD_LINK:
		return "interface";
	case RS_LOAD_FIB_TYPE:
	case RS_LOAD_FIB_OIF:
		return "fib";
	default:
		return "packet";
	}
}

const char *ruleset_obstacle_name(const struct ruleset *rs, const struct rs_insn *i)
{
	if (i->op == RS_KEY || i->op == RS_KEY_VMAP) {
		return "set";
	}
	if (ruleset_insn_is_constant(rs, i)) {
		return "many-rules";
	}
	if (i->op < RS_LIMIT) {
		return field_name((i->op & 0xf) != RS_F_HEADER ? (i->op & 0xf) : i->with);
	}
	switch ((enum rs_op)i->op) {
	case RS_VMAP:
		return field_name(i->with);
	case RS_LOAD:
		return load_name((enum rs_load_kind)rs->load[i->a].kind);
	case RS_LIMIT:
		return "limit";
	case RS_COUNT:
		return "counter";
	case RS_LOG:
		return "log";
	case RS_MARK:
	case RS_MARK_MAP:
	case RS_MARK_LOADED:
	case RS_KEY_MARK_MAP:
		return "mark";
	case RS_MARKS:
		return rs->mark_change[i->a].to_ct != 0 ? "ct" : "mark";
	case RS_QUOTA:
		return "quota";
	case RS_CT_COUNT:
		return "ct-count";
	case RS_CT_ACCOUNT:
	case RS_TIMEOUTS:
	case RS_TRACKING:
		return "ct";
	case RS_KEY_CHANGE:
		return "set";
	default:
		return "packet";
	}
}
