/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups of a ruleset by a field of the packet: maps, and numbers of connections. A field of 8
 * bits is the place in a table, others are searched in sorted intervals, interfaces by the patterns
 * that their name matches. The caller has seen to it that the packet has the field.
 */
#include "conncount.h"

#include "ruleset_code.h"

static uint32_t find32(const struct rs_map *m, uint32_t v);
static uint32_t find128(const struct rs_map *m, const union ip_addr *addr);

uint32_t ruleset_field(enum rs_field field, const struct pkt *p, enum flow_dir dir, uint32_t mark)
{
	switch (field) {
	case RS_F_SADDR:
		return load_be32(p->tuple.src.bytes);
	case RS_F_DADDR:
		return load_be32(p->tuple.dst.bytes);
	case RS_F_L4PROTO:
		return p->l4_proto;
	case RS_F_SPORT:
		return p->tuple.sport;
	case RS_F_DPORT:
		return p->tuple.dport;
	case RS_F_TCP_FLAGS:
		return p->tcp.flags;
	case RS_F_ICMP_TYPE:
		return p->icmp_type;
	case RS_F_ICMP_CODE:
		return p->icmp_code;
	case RS_F_TTL:
		return p->ttl;
	case RS_F_MARK:
		return mark;
	case RS_F_LENGTH:
		return p->frame->true_size;
	case RS_F_DIR:
		return dir;
	case RS_F_IIF:
		return p->frame->iif;
	case RS_F_OIF:
		return p->frame->oif;
	case RS_F_NONE:
		break;
	}
	return 0;
}

uint32_t ruleset_map_find(const struct ruleset *rs, const struct rs_map *m, enum rs_field field,
                          const struct pkt *p, enum flow_dir dir, uint32_t mark)
{
	uint32_t nr = RS_MAP_MISS;
	uint64_t patterns;

	switch ((enum rs_map_form)m->form) {
	case RS_MAP_TABLE:
		nr = m->nr[ruleset_field(field, p, dir, mark) & 0xff];
		break;
	case RS_MAP_32:
		nr = find32(m, ruleset_field(field, p, dir, mark) & m->mask);
		break;
	case RS_MAP_128:
		nr = find128(m, field == RS_F_SADDR ? &p->tuple.src : &p->tuple.dst);
		break;
	case RS_MAP_IFACE:
		patterns = ruleset_ifmask(rs, ruleset_field(field, p, dir, mark)) & m->patterns;
		nr = patterns != 0 ? m->nr[__builtin_ctzll(patterns)] : RS_MAP_MISS;
		break;
	}
	return nr != RS_MAP_MISS ? nr : m->other_nr;
}

bool ruleset_count_fits(const struct ruleset *rs, const struct rs_insn *i,
                        const struct rule_input *in, uint32_t mark)
{
	const struct rs_count_limit *limit = &rs->count[i->a];
	const struct rule_asking *asking = in->asking;
	struct conncount_key key = { .counter = limit->counter };
	enum rs_field field = (enum rs_field)i->with;
	uint32_t found;

	if (asking == NULL || asking->counts == NULL) {
		return false;
	}
	if (i->b == 128) {
		struct u128 addr = u128_from_ip6(field == RS_F_SADDR ? in->pkt->tuple.src.bytes
		                                                     : in->pkt->tuple.dst.bytes);

		key.hi = addr.hi;
		key.lo = addr.lo;
	} else {
		key.lo = ruleset_field(field, in->pkt, in->dir, mark);
	}
	if (asking->claim == NULL) {
		found = conncount_get(asking->counts, &key);
	} else {
		found = conncount_take(asking->counts, &key, limit->keys_max, asking->claim);
		if (found == 0) {
			return false; /* no room, as in a full set of the kernel's */
		}
	}
	return (found > limit->max) == i->negated;
}

/* The last interval that starts at or before v, if v is in it. */
static uint32_t find32(const struct rs_map *m, uint32_t v)
{
	const uint32_t *base = m->lo32;

	for (uint32_t len = m->len; len > 1; len -= len / 2) {
		base += base[len / 2] <= v ? len / 2 : 0;
	}
	if (m->len == 0 || *base > v || v > m->hi32[base - m->lo32]) {
		return RS_MAP_MISS;
	}
	return m->nr[base - m->lo32];
}

static uint32_t find128(const struct rs_map *m, const union ip_addr *addr)
{
	struct u128 v = u128_from_ip6(addr->bytes);
	const struct u128 *base = m->lo128;

	for (uint32_t len = m->len; len > 1; len -= len / 2) {
		base += u128_is_le(base[len / 2], v) ? len / 2 : 0;
	}
	if (m->len == 0 || !u128_is_le(*base, v) || !u128_is_le(v, m->hi128[base - m->lo128])) {
		return RS_MAP_MISS;
	}
	return m->nr[base - m->lo128];
}
