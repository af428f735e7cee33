/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions for numbers that are no field of the packet: raw bits, numgen, jhash and fib.
 * Each is a selector of its own.
 */
#include "build.h"

#include <inttypes.h>
#include <string.h>

static struct selector *load_selector(struct parser *p, const char *header, unsigned bits,
                                      const struct load *load)
{
	struct arena *a = &p->config->arena;
	struct selector *sel = arena_alloc(a, sizeof(*sel));
	struct dtype *type = arena_alloc(a, sizeof(*type));
	struct load *copy = arena_alloc(a, sizeof(*copy));

	*copy = *load;
	*type = (struct dtype){
		.name = "integer",
		.want = "a number",
		.bits = bits,
		.takes_numbers = true,
		.takes_mask = true,
		.prints_hex = load->kind == RS_LOAD_NH || load->kind == RS_LOAD_TH,
	};
	*sel = (struct selector){
		.header = header,
		.name = "number",
		.kind = SEL_FIELD,
		.type = type,
		.field = RS_F_LOADED,
		.load = copy,
	};
	return sel;
}

const struct selector *build_raw(struct parser *p, struct loc loc, const char *base,
                                 const struct value *offset, const struct value *bits)
{
	struct load l = { .kind = RS_LOAD_NH };
	struct selector *sel;

	if (strcmp(base, "th") == 0) {
		l.kind = RS_LOAD_TH;
	} else if (strcmp(base, "nh") != 0) {
		config_error(p->config, loc,
		             "raw payload of \"%.64s\" is not known here, expected nh "
		             "or th",
		             base);
		return NULL;
	}
	if (offset->number > 2047 || bits->number == 0 || bits->number > 32) {
		config_error(
			p->config, offset->loc,
			"raw payload is out of range, expected an offset of 0 to 2047 and 1 to 32 "
			"bits");
		return NULL;
	}
	l.offset = (uint16_t)offset->number;
	l.bits = (uint8_t)bits->number;
	sel = load_selector(p, "raw", l.bits, &l);
	sel->reach = l.kind == RS_LOAD_TH ? PKT_REACH_PROTO : PKT_REACH_IP;
	return sel;
}

/* What numgen and jhash have in common. Returns false after an error. */
static bool set_range(struct parser *p, struct load *l, const struct value *mod,
                      const struct value *plus)
{
	l->plus = plus != NULL ? (uint32_t)plus->number : 0;
	l->mod = (uint32_t)mod->number;
	if (mod->number == 0 || mod->number > UINT32_MAX ||
	    (plus != NULL && plus->number > UINT32_MAX - mod->number)) {
		config_error(
			p->config, mod->loc,
			"mod or offset is out of range, expected mod 1 or more, and a sum of 32 "
			"bits");
		return false;
	}
	return true;
}

const struct selector *build_numgen(struct parser *p, struct loc loc, const char *how,
                                    const struct value *mod, const struct value *plus)
{
	struct load l = { .kind = strcmp(how, "inc") == 0 ? RS_LOAD_INC : RS_LOAD_RANDOM };

	if (l.kind == RS_LOAD_RANDOM && strcmp(how, "random") != 0) {
		config_error(p->config, loc, "numgen cannot make \"%.64s\", expected inc or random",
		             how);
		return NULL;
	}
	return set_range(p, &l, mod, plus) ? load_selector(p, "numgen", 32, &l) : NULL;
}

void build_hash_field(struct parser *p, struct loc loc, struct hash_fields *f,
                      const struct selector *sel)
{
	if (f->len == HASH_FIELDS_MAX) {
		config_error(p->config, loc, "too many fields for jhash, expected at most %d",
		             HASH_FIELDS_MAX);
		return;
	}
	f->at[f->len++] = sel;
}

const struct selector *build_hash(struct parser *p, struct loc loc, const struct hash_fields *f,
                                  const struct value *mod, const struct value *seed,
                                  const struct value *plus)
{
	struct load l = { .kind = RS_LOAD_HASH, .fields_len = (uint8_t)f->len };
	struct selector *sel;

	for (uint32_t i = 0; i < f->len; i++) {
		const struct selector *field = f->at[i];

		if (field == NULL) {
			return NULL;
		}
		if (field->kind != SEL_FIELD || field->load != NULL || field->type->is_bitmask) {
			config_error(
				p->config, loc,
				"jhash of %s %s is not supported, expected addresses and ports",
				field->header, field->name);
			return NULL;
		}
		l.field[i] = field;
	}
	if (!set_range(p, &l, mod, plus)) {
		return NULL;
	}
	l.has_seed = seed != NULL;
	l.seed = seed != NULL ? (uint32_t)seed->number : 0;
	sel = load_selector(p, "jhash", 32, &l);
	for (uint32_t i = 0; i < f->len; i++) {
		sel->family = f->at[i]->family != 0 ? f->at[i]->family : sel->family;
		sel->proto = f->at[i]->proto != 0 ? f->at[i]->proto : sel->proto;
		sel->reach = f->at[i]->reach > sel->reach ? f->at[i]->reach : sel->reach;
	}
	return sel;
}

uint32_t build_fib_flag(struct parser *p, struct loc loc, const char *word)
{
	static const struct symbol flags[] = { { "saddr", RS_FIB_SADDR }, { "daddr", RS_FIB_DADDR },
		                               { "mark", RS_FIB_MARK },   { "iif", RS_FIB_IIF },
		                               { "oif", RS_FIB_OIF },     { NULL, 0 } };
	const struct symbol *s = symbol_find(flags, word, strlen(word));

	if (s == NULL) {
		config_error(p->config, loc,
		             "fib cannot look up by \"%.64s\", expected saddr, daddr, mark, iif or "
		             "oif",
		             word);
		return 0;
	}
	return s->value;
}

const struct selector *build_fib(struct parser *p, struct loc loc, uint32_t flags, const char *what)
{
	const bool is_type = strcmp(what, "type") == 0;
	const struct load l = { .kind = is_type ? RS_LOAD_FIB_TYPE : RS_LOAD_FIB_OIF,
		                .offset = (uint16_t)flags };
	struct selector *sel;

	if (((flags & RS_FIB_SADDR) != 0) == ((flags & RS_FIB_DADDR) != 0)) {
		config_error(p->config, loc, "fib looks up one address, expected saddr or daddr");
		return NULL;
	}
	if ((flags & RS_FIB_IIF) != 0 && (flags & RS_FIB_OIF) != 0) {
		config_error(p->config, loc, "fib looks up for one interface, expected iif or oif");
		return NULL;
	}
	if (!is_type && strcmp(what, "oif") != 0) {
		config_error(p->config, loc, "fib gives no \"%.64s\" here, expected type or oif",
		             what);
		return NULL;
	}
	if (!is_type && (flags & RS_FIB_IIF) == 0) {
		config_error(p->config, loc,
		             "the kernel looks up oif in these hooks only for the incoming "
		             "interface, expected fib saddr . iif oif");
		return NULL;
	}
	sel = load_selector(p, "fib", 8, &l);
	sel->name = what;
	sel->type = is_type ? &dtype_fib_type : &dtype_fib_oif;
	sel->reach = PKT_REACH_IP;
	return sel;
}
