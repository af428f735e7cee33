/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of rules: statements in their chain, values against the fields that they are compared
 * with, statements against each other.
 */
#include <netinet/in.h>

#include "check.h"
#include "names.h"
#include "value.h"
#include "words.h"

/* verdicts */

/* The verdicts of a kind of chain, for an error message. */
static const char *verdicts_for(enum chain_kind kind)
{
	switch (kind) {
	case CHAIN_CLOSE_LATE:
		return "strict, remembered, pickup, lenient, verify or reject";
	case CHAIN_CLOSE_IDLE:
		return "forget, remember, reset or probe";
	default:
		return "accept, drop or reject";
	}
}

static bool verdict_fits(enum verdict verdict, enum chain_kind kind)
{
	if (kind == CHAIN_UNUSED || verdict_table[verdict].kind == kind) {
		return true;
	}
	return verdict == VERDICT_REJECT && kind == CHAIN_CLOSE_LATE;
}

static void check_verdict(struct config *c, struct loc loc, enum verdict verdict,
                          enum chain_kind kind)
{
	if (!verdict_fits(verdict, kind)) {
		config_error(c, loc, "\"%s\" is not a verdict of %s chain, expected %s",
		             verdict_table[verdict].word,
		             kind == CHAIN_CLOSE_LATE   ? "a late"
		             : kind == CHAIN_CLOSE_IDLE ? "an idle"
		                                        : "a filter",
		             verdicts_for(kind));
	}
}

/* Family and protocol that the matches of a rule so far require. */
struct demands {
	uint8_t family; /* of fields; 0 = any */
	uint8_t proto;
	/* What nft goes by at `reject`: the last match that names one decides. */
	uint8_t reject_family;
	uint8_t reject_proto;
};

/* True if both are given and differ. */
static bool is_other(uint8_t wanted, uint8_t demanded)
{
	return wanted != 0 && demanded != 0 && wanted != demanded;
}

static void check_reject(struct config *c, const struct chain *ch, const struct stmt *s,
                         const struct demands *demands)
{
	const struct reject *r = s->verdict.reject;

	if (r == NULL) {
		return;
	}
	if (ch->kind == CHAIN_CLOSE_LATE) {
		config_error(c, s->loc,
		             "reject in a late chain is always a reset, expected nothing after it");
	} else if (r->family != 0 && ch->table->family == (r->family == 4 ? TABLE_IP6 : TABLE_IP)) {
		config_error(c, s->loc,
		             "%s is not possible in a table of family %s, expected icmpx, "
		             "or a table of family inet or %s",
		             r->text, table_families[ch->table->family],
		             r->family == 4 ? "ip" : "ip6");
	} else if (is_other(r->proto, demands->reject_proto)) {
		config_error(c, s->loc,
		             "%s in a rule for another protocol, expected a rule for tcp, or "
		             "reject with icmpx",
		             r->text);
	} else if (is_other(r->family, demands->reject_family)) {
		config_error(c, s->loc,
		             "%s in a rule for another address family, expected reject with icmpx",
		             r->text);
	}
}

/* matches */

static void check_named_set(struct config *c, const struct table *t, struct match *m)
{
	const struct set *s = table_set(t, m->value->text);

	m->set = s;
	if (s == NULL) {
		config_error(c, m->value->loc,
		             "there is no set %.64s in table %.64s, expected one "
		             "that is defined in it%s",
		             m->value->text, t->name,
		             table_set_question(t, m->value->text, &c->arena));
	} else if (s->is_counted) {
		config_error(c, m->value->loc,
		             "set %.64s counts connections, expected one with elements to compare "
		             "with",
		             s->name);
	} else if (!dtype_is_equal(s->type, m->sel->type)) {
		config_error(c, m->value->loc, "set %.64s holds %s, expected one of type %s",
		             s->name, s->type->name, m->sel->type->name);
	}
}

/* Checks the relation and the form of the right side. Returns false after a config_error(). */
static bool check_shape(struct config *c, struct loc loc, const struct match *m)
{
	const struct dtype *type = m->sel->type;
	const struct value *v = m->value;
	bool is_set = v->kind == VALUE_SET || v->kind == VALUE_NAME;

	if (m->mask != NULL && !type->is_bitmask && !type->takes_mask) {
		config_error(c, m->mask->loc, "%s %s takes no mask, expected a value",
		             m->sel->header, m->sel->name);
		return false;
	}
	switch (m->rel) {
	case REL_LT:
	case REL_GT:
	case REL_LE:
	case REL_GE:
		if (is_set || type->bits == 0 || dtype_is_wide(type) || type == &dtype_ct_state ||
		    v->kind == VALUE_RANGE || v->kind == VALUE_COMMAS) {
			config_error(c, v->loc,
			             "<, <=, > and >= are not valid here, expected a single number "
			             "to compare with");
			return false;
		}
		return true;
	case REL_NOT:
		if (!type->is_bitmask || is_set || m->mask != NULL) {
			config_error(c, loc, "\"!\" is not valid here, expected !=");
			return false;
		}
		return true;
	default:
		break;
	}
	if (v->kind == VALUE_COMMAS && !type->is_bitmask) {
		config_error(c, v->loc, "a list without braces, expected { a, b }");
		return false;
	}
	if (m->mask != NULL && dtype_is_wide(type) && (is_set || v->kind == VALUE_RANGE)) {
		config_error(c, v->loc, "a set or range after a mask, expected one value");
		return false;
	}
	return true;
}

/* True for an address or port of the connection, which the kernel may have translated. */
static bool is_of_tuple(const struct selector *sel)
{
	if (sel->kind == SEL_CONCAT) {
		for (unsigned i = 0; i < sel->type->parts_len; i++) {
			if (is_of_tuple(selector_part(sel, i))) {
				return true;
			}
		}
		return false;
	}
	return sel->kind == SEL_FIELD && sel->field >= RS_F_CT_ORIG_SADDR &&
	       sel->field <= RS_F_CT_REPLY_DST;
}

/* What the queue has to deliver for a field. */
static void note_needs(struct config *c, const struct selector *sel)
{
	struct settings *s = &c->settings;
	uint32_t uses = selector_ct_uses(sel);

	c->ct_uses |= uses;
	s->needs_accounting |= (uses & RULE_USES_CT_ACCOUNT) != 0;
	s->needs_owner |= sel->load != NULL &&
	                  (sel->load->kind == RS_LOAD_UID || sel->load->kind == RS_LOAD_GID);
	s->needs_ct_status |= sel->field == RS_F_CT_STATUS || is_of_tuple(sel);
}

/* Whether packets of a base chain have the interface that `fib` looks up for. */
static bool fib_has_interface(const struct chain *ch, const struct load *l)
{
	bool is_fib = l->kind == RS_LOAD_FIB_TYPE || l->kind == RS_LOAD_FIB_OIF;

	return !is_fib || ((ch->base != CHAIN_OUTPUT || (l->offset & RS_FIB_IIF) == 0) &&
	                   (ch->base != CHAIN_INPUT || (l->offset & RS_FIB_OIF) == 0));
}

/* Whether a field makes sense in this chain. Returns false after a config_error(). */
static bool check_selector(struct config *c, const struct chain *ch, struct loc loc,
                           const struct selector *sel)
{
	enum table_family f = ch->table->family;

	note_needs(c, sel);
	if (sel->family != 0 && f == (sel->family == 4 ? TABLE_IP6 : TABLE_IP)) {
		config_error(c, loc,
		             "%s %s in a table of family %s never matches, expected a "
		             "table of family inet or %s",
		             sel->header, sel->name, table_families[f],
		             sel->family == 4 ? "ip" : "ip6");
		return false;
	}
	if (sel->load != NULL && ch->is_base && !fib_has_interface(ch, sel->load)) {
		config_error(
			c, loc,
			"packets of this hook have no %s interface for fib, expected %s or none",
			ch->base == CHAIN_OUTPUT ? "incoming" : "outgoing",
			ch->base == CHAIN_OUTPUT ? "oif" : "iif");
		return false;
	}
	if (sel->kind == SEL_TRACKING) {
		config_error(c, loc,
		             "ct tracking cannot be compared, expected ct tracking set one-way or "
		             "liberal");
		return false;
	}
	if (selector_ct_uses(sel) != 0 && ch->kind != CHAIN_FILTER && ch->kind != CHAIN_UNUSED) {
		config_error(c, loc,
		             "%s %s is not available in late and idle chains, expected other "
		             "matches",
		             sel->header, sel->name);
		return false;
	}
	if (sel->kind == SEL_CT_STATE && ch->kind != CHAIN_FILTER && ch->kind != CHAIN_UNUSED) {
		config_error(c, loc,
		             "ct state is not available in late and idle chains, expected "
		             "other matches");
		return false;
	}
	return true;
}

/* All connections are in zone 0. */
static void check_zone(struct config *c, const struct match *m)
{
	if (m->value->kind != VALUE_NUMBER || m->value->number != 0) {
		config_error(
			c, m->value->loc,
			"finwall has one zone, expected ct zone 0, or a mark that a prerouting "
			"chain sets for each zone");
	}
}

static void check_match(struct config *c, struct chain *ch, struct stmt *s)
{
	struct match *m = &s->match;
	struct probe p = { c, m->sel->type, NULL };

	if (!check_selector(c, ch, s->loc, m->sel) || !check_shape(c, s->loc, m)) {
		return;
	}
	if (m->sel->kind == SEL_ACCOUNT &&
	    (m->value->kind == VALUE_SET || m->value->kind == VALUE_NAME)) {
		config_error(c, m->value->loc,
		             "a set of %s, expected one number or range, or a rule for each",
		             m->sel->name);
		return;
	}
	if (m->sel->field == RS_F_CT_ZONE && m->sel->kind == SEL_FIELD) {
		check_zone(c, m);
	}
	check_mask(c, m->sel->type, m->mask);
	check_no_opts(c, m->value);
	if (m->value->kind == VALUE_NAME) {
		check_named_set(c, ch->table, m);
	} else if (m->sel->kind == SEL_CONCAT) {
		unsigned errors_len = c->errors_len;

		value_each(m->value, check_element, &p);
		m->keyed = c->errors_len == errors_len ? check_tuples(c, m->sel->type, m->value)
		                                       : NULL;
	} else if (m->sel->type->is_bitmask && m->value->kind == VALUE_COMMAS) {
		check_element(&p, m->value);
	} else {
		value_each(m->value, check_element, &p);
	}
}

/* maps and connection counts */

/* Checks the verdicts of a map that is used in this chain. */
static void check_verdicts(struct config *c, const struct chain *ch, const struct map *m)
{
	for (size_t i = 0; i < m->verdicts.len; i++) {
		const struct stmt *s = ((struct stmt **)m->verdicts.items)[i];

		if (s->kind != STMT_VERDICT) {
			continue;
		}
		if (s->verdict.verdict == VERDICT_REJECT && ch->kind == CHAIN_FILTER) {
			config_error(c, s->loc,
			             "reject cannot be a verdict of a map, expected a jump to a "
			             "chain that rejects");
		} else {
			check_verdict(c, s->loc, s->verdict.verdict, ch->kind);
		}
	}
}

static void check_lookup(struct config *c, const struct chain *ch, const struct stmt *s)
{
	const struct lookup *l = &s->lookup;
	const struct dtype *type = l->sel->type;
	const struct dtype *data = s->kind == STMT_VMAP         ? NULL
	                           : s->kind == STMT_OBJECT_MAP ? l->objects
	                                                        : &dtype_mark;

	if (!check_selector(c, ch, s->loc, l->sel)) {
		return;
	}
	if (l->mask != NULL && (dtype_is_wide(type) || (!type->is_bitmask && !type->takes_mask))) {
		config_error(c, l->mask->loc, "%s %s takes no mask, expected a map", l->sel->header,
		             l->sel->name);
		return;
	}
	check_mask(c, type, l->mask);
	if (!dtype_is_equal(l->map->head.type, type)) {
		config_error(c, l->name->loc, "the keys of map %.64s are %s, expected %s",
		             l->map->head.name, l->map->head.type->name, type->name);
	}
	if (l->map->data != data) {
		config_error(c, l->name->loc, "map %.64s holds %ss, expected one of %ss",
		             l->map->head.name,
		             l->map->data != NULL ? l->map->data->name : "verdict",
		             data != NULL ? data->name : "verdict");
	} else if (s->kind == STMT_OBJECT_MAP &&
	           (l->sel->kind == SEL_CT_STATE || l->sel->kind == SEL_NFPROTO)) {
		config_error(c, s->loc, "%s %s cannot choose an object, expected a rule for each",
		             l->sel->header, l->sel->name);
	} else if (data == NULL) {
		l->map->is_of_close |= ch->kind == CHAIN_CLOSE_LATE || ch->kind == CHAIN_CLOSE_IDLE;
		check_verdicts(c, ch, l->map);
	}
}

static void check_count_set(struct config *c, const struct chain *ch, struct stmt *s)
{
	const struct value *name = s->count.set_name;
	const struct set *set = table_set(ch->table, name->text);

	s->count.set = set;
	if (set == NULL) {
		config_error(c, name->loc,
		             "there is no set %.64s in table %.64s, expected one that is defined "
		             "in it%s",
		             name->text, ch->table->name,
		             table_set_question(ch->table, name->text, &c->arena));
	} else if (!set->is_dynamic) {
		config_error(c, name->loc,
		             "set %.64s is not dynamic, expected one with flags dynamic",
		             name->text);
	} else if (set->type != s->count.key->type) {
		config_error(c, name->loc, "set %.64s holds %s, expected one of type %s", set->name,
		             set->type->name, s->count.key->type->name);
	}
}

static void check_count(struct config *c, const struct chain *ch, struct stmt *s)
{
	const struct selector *key = s->count.key;

	if (ch->kind != CHAIN_FILTER && ch->kind != CHAIN_UNUSED) {
		config_error(c, s->loc,
		             "ct count is not supported in late and idle chains, expected it in a "
		             "filter chain");
		return;
	}
	if (key == NULL || !check_selector(c, ch, s->loc, key)) {
		return;
	}
	if (key->kind != SEL_FIELD || key->type->is_bitmask || key->type == &dtype_ether ||
	    selector_is_ct(key)) {
		config_error(c, s->loc,
		             "connections cannot be counted by %s %s, expected an address, port or "
		             "mark",
		             key->header, key->name);
		return;
	}
	check_count_set(c, ch, s);
}

/* rules */

static void check_demands(struct config *c, const struct stmt *s, const struct selector *sel,
                          struct demands *d)
{
	uint8_t proto = sel->proto;

	if ((sel->family != 0 && d->family != 0 && sel->family != d->family) ||
	    (proto != 0 && d->proto != 0 && proto != d->proto)) {
		config_error(c, s->loc,
		             "%s %s never matches together with the matches before it, expected "
		             "matches of one protocol",
		             sel->header, sel->name);
	}
	if (sel->family != 0) {
		d->family = d->reject_family = sel->family;
	}
	if (proto != 0) {
		d->proto = d->reject_proto = proto;
	}
}

/*
 * True if nft draws conclusions from `ip protocol NR`: it does so only for protocols whose headers
 * it knows, but for every number after `meta l4proto`.
 */
static bool nft_concludes(const struct selector *sel, uint32_t nr)
{
	static const uint8_t known[] = { IPPROTO_ICMP, IPPROTO_IGMP, IPPROTO_TCP,    IPPROTO_UDP,
		                         IPPROTO_DCCP, IPPROTO_ESP,  IPPROTO_AH,     IPPROTO_ICMPV6,
		                         IPPROTO_COMP, IPPROTO_SCTP, IPPROTO_UDPLITE };

	return strcmp(sel->header, "meta") == 0 || memchr(known, (int)nr, sizeof(known)) != NULL;
}

static void note_element(const struct match *m, const struct value *v, struct demands *d)
{
	uint32_t nr;

	if (value_is_list(v)) {
		for (const struct value *e = v->list.first; e != NULL; e = e->next) {
			note_element(m, e, d);
		}
		return;
	}
	if (v->kind != VALUE_NUMBER && v->kind != VALUE_WORD) {
		return;
	}
	nr = value_number(m->sel->type, v);
	if (m->sel->type == &dtype_nfproto) {
		d->reject_family = nr == NFPROTO_NR_IPV6 ? 6 : 4;
	} else if (nft_concludes(m->sel, nr)) {
		d->reject_proto = (uint8_t)nr;
	}
}

/* `meta l4proto udp`, `ip6 nexthdr { udp, tcp }`, `meta nfproto ipv6` and the like. */
static void note_value(const struct match *m, struct demands *d)
{
	bool is_equal = m->rel == REL_EQ || m->rel == REL_IMPLICIT;

	if ((selector_is_proto(m->sel) || m->sel->type == &dtype_nfproto) && is_equal &&
	    m->mask == NULL) {
		note_element(m, m->value, d);
	}
}

/* A match with a set of families or protocols, before a field that belongs to one of them. */
struct several {
	bool families;
	bool protos;
};

/*
 * After such a set nft leaves out the test that a field implies: `meta l4proto { udp, tcp } tcp
 * dport 22` reads the port of UDP packets too. That is refused, as it is hardly meant.
 */
static void check_several(struct config *c, const struct stmt *s, struct several *several)
{
	const struct match *m = &s->match;
	const struct selector *sel = m->sel;
	bool is_set = m->value->kind == VALUE_SET && value_only(m->value) == m->value;
	bool is_equal = m->rel == REL_IMPLICIT || m->rel == REL_EQ;

	if (sel->type == &dtype_nfproto && is_equal) {
		several->families = is_set;
	} else if (selector_is_proto(sel) && is_equal) {
		several->protos = is_set;
	}
	if ((sel->family != 0 && several->families) || (sel->proto != 0 && several->protos)) {
		config_error(c, s->loc,
		             "%s %s after a set of %s, where nft does not test %s, expected %s",
		             sel->header, sel->name, several->families ? "families" : "protocols",
		             several->families ? "the family" : "the protocol",
		             several->families ? "a rule for each" : "th, or a rule for each");
	}
}

static bool stmt_ends_rule(const struct stmt *s)
{
	switch (s->kind) {
	case STMT_VERDICT:
	case STMT_JUMP:
	case STMT_GOTO:
	case STMT_RETURN:
	case STMT_CONTINUE:
		return true;
	default:
		return false;
	}
}

/* The object that a statement names; NULL without a name. */
static const struct shared *check_object(struct config *c, const struct chain *ch,
                                         const struct stmt *s, enum shared_kind kind,
                                         const char *name)
{
	const struct shared *o = name != NULL ? table_object(ch->table, kind, name) : NULL;

	if (name != NULL && o == NULL) {
		config_error(
			c, s->loc,
			"there is no %s %.64s in table %.64s, expected one that is defined in it",
			kind == OBJECT_LIMIT      ? "limit"
			: kind == OBJECT_QUOTA    ? "quota"
			: kind == OBJECT_TIMEOUTS ? "ct timeout"
						  : "counter",
			name, ch->table->name);
	} else if (o != NULL && kind == OBJECT_LIMIT && o->limit.rate == 0) {
		config_error(c, o->loc, "limit %.64s has no rate, expected one like rate 10/second",
		             name);
	}
	if (o != NULL && kind == OBJECT_QUOTA && o->quota.bytes == 0) {
		config_error(c, o->loc,
		             "quota %.64s has no bytes, expected some like over 100 mbytes", name);
	}
	return o;
}

/* A statement about the packet's connection. */
static void check_sets_ct(struct config *c, const struct chain *ch, const struct stmt *s)
{
	c->ct_uses |= RULE_USES_CT;
	if (ch->kind != CHAIN_FILTER && ch->kind != CHAIN_UNUSED) {
		config_error(
			c, s->loc,
			"a statement about the connection in a late or idle chain, expected it "
			"in one of type filter");
	}
}

static void check_stmt(struct config *c, struct chain *ch, struct stmt *s, struct demands *demands,
                       struct several *several)
{
	switch (s->kind) {
	case STMT_MATCH:
		check_match(c, ch, s);
		check_several(c, s, several);
		check_demands(c, s, s->match.sel, demands);
		note_value(&s->match, demands);
		break;
	case STMT_MARK_MAP:
		if (s->to_ct) {
			check_sets_ct(c, ch, s);
		}
		/* fall through */
	case STMT_VMAP:
	case STMT_OBJECT_MAP:
		check_lookup(c, ch, s);
		check_demands(c, s, s->lookup.sel, demands);
		break;
	case STMT_COUNT:
		check_count(c, ch, s);
		if (s->count.key != NULL) {
			check_demands(c, s, s->count.key, demands);
		}
		break;
	case STMT_COUNTER:
		s->counter.object = check_object(c, ch, s, OBJECT_COUNTER, s->counter.name);
		break;
	case STMT_QUOTA:
		s->quota.object = check_object(c, ch, s, OBJECT_QUOTA, s->quota.name);
		break;
	case STMT_LIMIT:
		s->limit.object = check_object(c, ch, s, OBJECT_LIMIT, s->limit.name);
		break;
	case STMT_TIMEOUTS:
		s->counter.object = check_object(c, ch, s, OBJECT_TIMEOUTS, s->counter.name);
		check_sets_ct(c, ch, s);
		break;
	case STMT_TRACKING:
		check_sets_ct(c, ch, s);
		break;
	case STMT_MARK:
	case STMT_MARK_LOAD:
		if (s->to_ct || (s->kind == STMT_MARK && s->mark.from_ct)) {
			check_sets_ct(c, ch, s);
		}
		break;
	case STMT_CHANGE:
		check_change(c, ch, s);
		check_demands(c, s, s->change.key, demands);
		break;
	case STMT_NOTRACK:
		if (ch->kind != CHAIN_FILTER && ch->kind != CHAIN_UNUSED) {
			config_error(c, s->loc,
			             "notrack in a chain of type close, expected it in one of type "
			             "filter");
		}
		break;
	case STMT_VERDICT:
		check_verdict(c, s->loc, s->verdict.verdict, ch->kind);
		check_reject(c, ch, s, demands);
		break;
	default:
		break;
	}
}

void check_rules(struct config *c, struct chain *ch)
{
	if (ch->is_base && ch->has_policy) {
		if (ch->policy == VERDICT_REJECT && ch->kind == CHAIN_FILTER) {
			config_error(c, ch->policy_loc,
			             "reject cannot be a policy, expected accept or "
			             "drop");
		} else {
			check_verdict(c, ch->policy_loc, ch->policy, ch->kind);
		}
	}
	for (struct rule *r = ch->rules; r != NULL; r = r->next) {
		struct demands demands = { 0, 0, 0, 0 };
		struct several several = { false, false };
		unsigned counters_len = 0;

		r->nr = c->rules_len++;
		r->chain = ch;
		*(struct rule **)vec_add(&c->arena, &c->rules, sizeof(r)) = r;
		for (struct stmt *s = r->stmts; s != NULL; s = s->next) {
			s->nr = c->stmts_len++;
			check_stmt(c, ch, s, &demands, &several);
			if (s->kind == STMT_COUNTER && s->counter.name == NULL &&
			    counters_len++ != 0) {
				config_error(c, s->loc, "a second counter, expected one in a rule");
			}
			if (stmt_ends_rule(s) && s->next != NULL) {
				config_error(c, s->next->loc,
				             "a statement after a verdict is never reached, "
				             "expected the end of the "
				             "rule");
				break;
			}
		}
	}
}
