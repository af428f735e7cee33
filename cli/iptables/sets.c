/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets that converted rules need. See sets.h.
 */
#include "iptables/sets.h"

#include "text/addr.h"

#include <stdlib.h>
#include <string.h>

static bool is_same_text(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool is_taken(const struct convert_table *t, const char *name)
{
	for (size_t i = 0; i < t->sets_len; i++) {
		if (strcmp(t->sets[i].new_name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* A valid name that no other set has. */
static char *new_name(const struct convert_table *t, const char *name)
{
	const bool has_letter = !(*name >= '0' && *name <= '9');
	char *plain = convert_text("%s%s", has_letter ? "" : "s", name);
	char *fresh;

	for (char *c = plain; c != NULL && *c != '\0'; c++) {
		if (*c != '-' || c == plain) {
			*c = convert_name_char(*c);
		}
	}
	fresh = plain != NULL ? strdup(plain) : NULL;
	for (unsigned nr = 2;
	     fresh != NULL && (is_taken(t, fresh) || !convert_name_is_valid(fresh)); nr++) {
		free(fresh);
		fresh = convert_text("%s_%u", plain, nr);
	}
	free(plain);
	return fresh;
}

const struct convert_set *convert_set_add(struct convert_table *t, const struct convert_set *set)
{
	struct convert_set *s;

	for (size_t i = 0; i < t->sets_len; i++) {
		s = &t->sets[i];
		if (strcmp(s->name, set->name) == 0) {
			return strcmp(s->type, set->type) == 0 && s->seconds == set->seconds &&
			                       s->is_dynamic == set->is_dynamic &&
			                       is_same_text(s->list, set->list)
			               ? s
			               : NULL;
		}
	}
	if (!convert_grow((void **)&t->sets, t->sets_len, &t->sets_size, sizeof(*t->sets))) {
		return NULL;
	}
	s = &t->sets[t->sets_len];
	*s = *set;
	s->name = strdup(set->name);
	s->type = strdup(set->type);
	s->list = set->list != NULL ? strdup(set->list) : NULL;
	s->elements = set->elements != NULL ? strdup(set->elements) : NULL;
	s->new_name = new_name(t, set->name);
	if (s->name == NULL || s->type == NULL || s->new_name == NULL) {
		return NULL;
	}
	t->sets_len++;
	return s;
}

/* "flags dynamic,timeout" */
static void write_flags(const struct convert_set *s, FILE *f)
{
	const char *const names[] = { "dynamic", "interval", "timeout" };
	const bool has[] = { s->is_dynamic ||
		                     (s->is_added_to && s->seconds == 0 && !s->has_timeouts),
		             s->has_intervals, s->seconds != 0 || s->has_timeouts };
	const char *before = "\t\tflags ";

	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		if (has[i]) {
			fprintf(f, "%s%s", before, names[i]);
			before = ",";
		}
	}
	fputs(*before == ',' ? "\n" : "", f);
}

void convert_sets_write(const struct convert_table *t, FILE *f)
{
	for (size_t i = 0; i < t->sets_len; i++) {
		const struct convert_set *s = &t->sets[i];

		fprintf(f, "\tset %s {\n\t\ttype %s\n", s->new_name, s->type);
		if (s->size != 0) {
			fprintf(f, "\t\tsize %u\n", s->size);
		} else if (s->is_dynamic || s->is_added_to) {
			fputs("\t\tsize 65535\n", f);
		}
		write_flags(s, f);
		if (s->seconds != 0) {
			fprintf(f, "\t\ttimeout %us\n", s->seconds);
		}
		if (s->elements != NULL && *s->elements != '\0') {
			fprintf(f, "\t\telements = { %s }\n", s->elements);
		}
		fputs("\t}\n", f);
	}
}

void convert_sets_of_list(const struct convert_table *t, const char *list, size_t list_size,
                          const char *statement, const char *field, FILE *f)
{
	for (size_t i = 0; i < t->sets_len; i++) {
		const struct convert_set *s = &t->sets[i];

		if (s->list != NULL && !s->is_dynamic && strlen(s->list) == list_size &&
		    memcmp(s->list, list, list_size) == 0) {
			fprintf(f, "%s @%s { %s } ", statement, s->new_name, field);
		}
	}
}

void convert_sets_fini(struct convert_table *t)
{
	for (size_t i = 0; i < t->sets_len; i++) {
		free(t->sets[i].name);
		free(t->sets[i].new_name);
		free(t->sets[i].type);
		free(t->sets[i].list);
		free(t->sets[i].elements);
	}
	free(t->sets);
}

const char *convert_mask_text(unsigned version, unsigned bits, char *out)
{
	uint8_t mask[16] = { 0 };

	for (unsigned i = 0; i < bits; i++) {
		mask[i / 8] |= (uint8_t)(0x80u >> i % 8);
	}
	return ip_text(version, mask, out);
}
