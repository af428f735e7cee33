/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions for options of TCP and IPv4: whether one is there, and its fields. The names are
 * nft's, the numbers those of IANA's registries.
 */
#include "build.h"
#include "suggest.h"
#include "value.h"

#include <inttypes.h>
#include <string.h>

/* Bits of an option, from the byte of its number on. */
struct field {
	const char *name;
	uint16_t first_bit;
	uint8_t bits;
};

struct option {
	const char *header;
	const char *name;
	uint8_t number;
	struct field fields[6]; /* besides the number and the length; ends with a NULL name */
};

static const struct option options[] = {
	{ "tcp", "eol", 0, { { 0 } } },
	{ "tcp", "nop", 1, { { 0 } } },
	{ "tcp", "noop", 1, { { 0 } } },
	{ "tcp", "maxseg", 2, { { "size", 16, 16 } } },
	{ "tcp", "window", 3, { { "count", 16, 8 } } },
	{ "tcp", "sack-perm", 4, { { 0 } } },
	{ "tcp", "sack-permitted", 4, { { 0 } } },
	{ "tcp", "sack", 5, { { "left", 16, 32 }, { "right", 48, 32 } } },
	{ "tcp", "sack0", 5, { { "left", 16, 32 }, { "right", 48, 32 } } },
	{ "tcp", "sack1", 5, { { "left", 80, 32 }, { "right", 112, 32 } } },
	{ "tcp", "sack2", 5, { { "left", 144, 32 }, { "right", 176, 32 } } },
	{ "tcp", "sack3", 5, { { "left", 208, 32 }, { "right", 240, 32 } } },
	{ "tcp", "timestamp", 8, { { "tsval", 16, 32 }, { "tsecr", 48, 32 } } },
	{ "tcp", "md5sig", 19, { { 0 } } },
	{ "tcp", "mptcp", 30, { { "subtype", 16, 4 } } },
	{ "tcp", "fastopen", 34, { { 0 } } },
	{ "ip", "rr", 7, { { "ptr", 16, 8 }, { "addr", 24, 32 } } },
	{ "ip", "lsrr", 131, { { "ptr", 16, 8 }, { "addr", 24, 32 } } },
	{ "ip", "ssrr", 137, { { "ptr", 16, 8 }, { "addr", 24, 32 } } },
	{ "ip", "ra", 148, { { "value", 16, 16 } } },
};

#define OPTIONS_LEN (sizeof(options) / sizeof(options[0]))

static const struct dtype *type_of(uint8_t bits)
{
	return bits == 4    ? &dtype_number4
	       : bits == 8  ? &dtype_number8
	       : bits == 16 ? &dtype_number16
	                    : &dtype_number32;
}

/* A selector of the option that is named, or has the number. */
static struct selector *new_selector(struct parser *p, const char *header, const struct load *load)
{
	const bool is_tcp = strcmp(header, "tcp") == 0;
	struct arena *a = &p->config->arena;
	struct selector *sel = arena_alloc(a, sizeof(*sel));
	struct load *copy = arena_alloc(a, sizeof(*copy));

	*copy = *load;
	*sel = (struct selector){
		.header = header,
		.kind = SEL_FIELD,
		.family = is_tcp ? 0 : 4,
		.proto = is_tcp ? IPPROTO_NR_TCP : 0,
		.reach = is_tcp ? PKT_REACH_PROTO : PKT_REACH_IP,
		.field = RS_F_LOADED,
		.load = copy,
	};
	return sel;
}

static const struct option *find_option(const char *header, const char *name)
{
	for (size_t i = 0; i < OPTIONS_LEN; i++) {
		if (strcmp(options[i].header, header) == 0 && strcmp(options[i].name, name) == 0) {
			return &options[i];
		}
	}
	return NULL;
}

/* The option of a number, for its name: of several the first. */
static const struct option *find_number(const char *header, uint64_t number)
{
	for (size_t i = 0; i < OPTIONS_LEN; i++) {
		if (strcmp(options[i].header, header) == 0 && options[i].number == number) {
			return &options[i];
		}
	}
	return NULL;
}

static void refuse_name(struct parser *p, struct loc loc, const char *header, const char *name)
{
	struct suggest similar = { .text = name };

	for (size_t i = 0; i < OPTIONS_LEN; i++) {
		if (strcmp(options[i].header, header) == 0) {
			suggest_consider(&similar, options[i].name);
		}
	}
	config_error(p->config, loc, "%s has no option \"%.64s\", expected %s%s", header, name,
	             suggest_list(&similar, &p->config->arena),
	             suggest_question(&similar, &p->config->arena));
}

/* As nft prints names that mean the same. */
static const char *printed_name(const struct option *o)
{
	return strcmp(o->name, "sack0") == 0            ? "sack"
	       : strcmp(o->name, "noop") == 0           ? "nop"
	       : strcmp(o->name, "sack-permitted") == 0 ? "sack-perm"
	                                                : o->name;
}

const struct selector *build_option(struct parser *p, struct loc loc, const char *header,
                                    const char *name, const struct value *number)
{
	const bool is_tcp = strcmp(header, "tcp") == 0;
	struct load load = { .kind = is_tcp ? RS_LOAD_TCP_OPT_THERE : RS_LOAD_IP_OPT_THERE };
	struct text text = { .arena = &p->config->arena };
	const struct option *o;
	struct selector *sel;

	if (!is_tcp && strcmp(header, "ip") != 0) {
		config_error(p->config, loc,
		             "%s has no options here, expected tcp option or ip option", header);
		p->is_recovering = true; /* the rest is of no field that is known */
		return NULL;
	}
	o = name != NULL ? find_option(header, name) : find_number(header, number->number);
	if (o == NULL && name != NULL) {
		refuse_name(p, loc, header, name);
		p->is_recovering = true; /* the rest is of no field that is known */
		return NULL;
	}
	if (o == NULL && (!is_tcp || number->number > 255)) {
		config_error(p->config, loc, "%s has no option %" PRIu64 " here, expected %s",
		             header, number->number,
		             is_tcp ? "a number of 0 to 255" : "lsrr, ssrr, rr or ra");
		p->is_recovering = true; /* the rest is of no field that is known */
		return NULL;
	}
	load.seed = o != NULL ? o->number : (uint32_t)number->number;
	sel = new_selector(p, header, &load);
	if (o != NULL) {
		text_add(&text, "option %s", printed_name(o));
	} else {
		text_add(&text, "option %" PRIu64, number->number);
	}
	sel->name = text.at;
	sel->type = &dtype_presence;
	if (is_tcp) {
		/* as in the kernel, missing in packets of other protocols, too */
		sel->proto = 0;
		sel->reach = PKT_REACH_IP;
	}
	return sel;
}

const struct selector *build_option_field(struct parser *p, struct loc loc,
                                          const struct selector *option, const char *field)
{
	struct text text = { .arena = &p->config->arena };
	const char *first = "kind"; /* the number */
	struct suggest similar = { .text = field };
	const struct option *o;
	struct selector *sel;
	struct load load;

	if (option == NULL) {
		return NULL;
	}
	if (strcmp(option->header, "ip") == 0) {
		first = "type";
	}
	load = *option->load;
	load.kind = load.kind == RS_LOAD_TCP_OPT_THERE ? RS_LOAD_TCP_OPT : RS_LOAD_IP_OPT;
	load.bits = 8;
	o = find_option(option->header, option->name + strlen("option "));
	if (strcmp(field, "length") == 0) {
		load.offset = 8;
	} else if (strcmp(field, first) != 0) {
		const struct field *f = o != NULL ? o->fields : NULL;

		suggest_consider(&similar, first);
		suggest_consider(&similar, "length");
		while (f != NULL && f->name != NULL && strcmp(f->name, field) != 0) {
			suggest_consider(&similar, f->name);
			f++;
		}
		if (f == NULL || f->name == NULL) {
			config_error(p->config, loc, "%s %s has no field \"%.64s\", expected %s%s",
			             option->header, option->name, field,
			             suggest_list(&similar, &p->config->arena),
			             suggest_question(&similar, &p->config->arena));
			return NULL;
		}
		load.offset = f->first_bit;
		load.bits = f->bits;
	}
	sel = new_selector(p, option->header, &load);
	text_add(&text, "%s %s", option->name, field);
	sel->name = text.at;
	sel->type = type_of(load.bits);
	return sel;
}

struct stmt *build_presence(struct parser *p, struct loc loc, const struct selector *option,
                            enum relation rel, struct loc word_loc, const char *word)
{
	struct value *v = value_new(p->config, word_loc, VALUE_WORD);

	v->text = word;
	return build_match(p, loc, option, rel, NULL, v);
}
