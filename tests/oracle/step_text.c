/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps as lines of a script; step.h documents the notation.
 */
#include "step.h"
#include "sysctls.h"

#include <finwall/pkt.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char flag_letters[] = "FSRPAUEC";

static void print_hex(FILE *to, const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		fprintf(to, "%02x", p[i]);
	}
}

static void print_tcp(FILE *to, const struct step *s)
{
	const struct step_tcp *t = &s->u.tcp;

	fprintf(to, "tcp %c ", s->from == END_A ? '>' : '<');
	for (unsigned i = 0; i < 8; i++) {
		if (t->flags & 1u << i) {
			fputc(flag_letters[i], to);
		}
	}
	fprintf(to, "%s seq %u ack %u win %u len %u", t->flags == 0 ? "." : "", t->seq, t->ack,
	        t->win, t->payload_size);
	if (t->opts_size != 0) {
		fputs(" opt ", to);
		print_hex(to, t->opts, t->opts_size);
	}
	if (t->doff != 0) {
		fprintf(to, " doff %u", t->doff);
	}
	if (t->short_size != 0) {
		fprintf(to, " short %u", t->short_size);
	}
	if (t->csum_xor != 0) {
		fprintf(to, " xor %u", t->csum_xor);
	}
	if (t->ext != 0) {
		fprintf(to, " ext %u", t->ext);
	}
	if (t->reserved != 0) {
		fprintf(to, " res %u", t->reserved);
	}
}

void ends_print(FILE *to, const struct ends *e)
{
	char a[INET6_ADDRSTRLEN];
	char b[INET6_ADDRSTRLEN];
	int af = e->family == 6 ? AF_INET6 : AF_INET;

	inet_ntop(af, e->addr[0].bytes, a, sizeof(a));
	inet_ntop(af, e->addr[1].bytes, b, sizeof(b));
	fprintf(to, "flow %u %u %s %u %s %u\n", e->family, e->proto, a, e->port[0], b, e->port[1]);
}

void step_print(FILE *to, const struct step *s)
{
	switch ((enum step_kind)s->kind) {
	case STEP_TCP:
		print_tcp(to, s);
		break;
	case STEP_RAW:
		fprintf(to, "raw %c %u ", s->from == END_A ? '>' : '<', s->u.raw.size);
		print_hex(to, s->u.raw.head, s->u.raw.head_size);
		break;
	case STEP_SET:
		fprintf(to, "set %s %u", sysctls_table[s->u.set.setting_nr].name, s->u.set.value);
		break;
	case STEP_WAIT:
		fprintf(to, "wait %u", s->u.wait_ms);
		break;
	}
	if (s->cap_size != 0) {
		fprintf(to, " cap %u", s->cap_size);
	}
	if (s->drop != 0) {
		fputs(" drop", to);
	}
	fputc('\n', to);
}

/* The next word, or NULL at the end of the line or at a comment. */
static char *next_word(char **rest)
{
	char *word = strtok_r(NULL, " \t\n", rest);

	return word != NULL && word[0] != '#' ? word : NULL;
}

static bool read_number(char **rest, uint32_t max, uint32_t *out)
{
	char *word = next_word(rest);
	char *end;
	unsigned long v;

	if (word == NULL || word[0] < '0' || word[0] > '9') {
		return false;
	}
	v = strtoul(word, &end, 10);
	if (*end != '\0' || v > max) {
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool read_hex(char **rest, uint8_t *out, size_t max, size_t *size)
{
	char *word = next_word(rest);

	if (word == NULL || strlen(word) % 2 != 0 || strlen(word) / 2 > max) {
		return false;
	}
	*size = strlen(word) / 2;
	for (size_t i = 0; i < *size; i++) {
		unsigned byte;

		if (sscanf(word + 2 * i, "%2x", &byte) != 1) {
			return false;
		}
		out[i] = (uint8_t)byte;
	}
	return true;
}

static bool read_from(char **rest, struct step *out)
{
	char *word = next_word(rest);

	if (word == NULL || (strcmp(word, ">") != 0 && strcmp(word, "<") != 0)) {
		return false;
	}
	out->from = word[0] == '>' ? END_A : END_B;
	return true;
}

static bool read_flags(char **rest, uint8_t *out)
{
	char *word = next_word(rest);

	if (word == NULL) {
		return false;
	}
	*out = 0;
	for (; *word != '\0' && *word != '.'; word++) {
		const char *at = strchr(flag_letters, *word);

		if (at == NULL) {
			return false;
		}
		*out |= (uint8_t)(1u << (at - flag_letters));
	}
	return true;
}

/* Parses one "name value" of a segment. */
static bool read_field(const char *name, char **rest, struct step *s)
{
	struct step_tcp *t = &s->u.tcp;
	uint32_t v = 0;
	size_t size;

	if (strcmp(name, "drop") == 0) {
		s->drop = 1;
		return true;
	}
	if (strcmp(name, "opt") == 0) {
		bool ok = read_hex(rest, t->opts, STEP_OPTS_MAX, &size) && size % 4 == 0;

		t->opts_size = ok ? (uint8_t)size : 0;
		return ok;
	}
	if (!read_number(rest, UINT32_MAX, &v)) {
		return false;
	}
	if (strcmp(name, "seq") == 0) {
		t->seq = v;
	} else if (strcmp(name, "ack") == 0) {
		t->ack = v;
	} else if (strcmp(name, "win") == 0) {
		t->win = (uint16_t)v;
	} else if (strcmp(name, "len") == 0) {
		t->payload_size = v;
	} else if (strcmp(name, "doff") == 0) {
		t->doff = (uint8_t)v;
	} else if (strcmp(name, "short") == 0) {
		t->short_size = (uint16_t)v;
	} else if (strcmp(name, "xor") == 0) {
		t->csum_xor = (uint16_t)v;
	} else if (strcmp(name, "ext") == 0) {
		t->ext = (uint8_t)v;
	} else if (strcmp(name, "res") == 0) {
		t->reserved = (uint8_t)v;
	} else if (strcmp(name, "cap") == 0) {
		s->cap_size = v;
	} else {
		return false;
	}
	return true;
}

static bool parse_tcp(char **rest, struct step *out)
{
	char *word;

	out->kind = STEP_TCP;
	if (!read_from(rest, out) || !read_flags(rest, &out->u.tcp.flags)) {
		return false;
	}
	while ((word = next_word(rest)) != NULL) {
		if (!read_field(word, rest, out)) {
			return false;
		}
	}
	return out->u.tcp.payload_size <= STEP_PACKET_MAX - 200 && out->u.tcp.ext < 10;
}

static bool parse_raw(char **rest, struct step *out)
{
	size_t size;
	char *word;

	out->kind = STEP_RAW;
	if (!read_from(rest, out) || !read_number(rest, STEP_PACKET_MAX, &out->u.raw.size) ||
	    !read_hex(rest, out->u.raw.head, STEP_HEAD_MAX, &size) || size > out->u.raw.size) {
		return false;
	}
	out->u.raw.head_size = (uint16_t)size;
	while ((word = next_word(rest)) != NULL) {
		if (strcmp(word, "drop") == 0) {
			out->drop = 1;
		} else if (strcmp(word, "cap") != 0 ||
		           !read_number(rest, STEP_PACKET_MAX, &out->cap_size)) {
			return false;
		}
	}
	return true;
}

static bool parse_set(char **rest, struct step *out)
{
	char *word = next_word(rest);

	out->kind = STEP_SET;
	if (word == NULL) {
		return false;
	}
	out->u.set.setting_nr = (uint32_t)sysctls_find(word);
	return out->u.set.setting_nr < sysctls_len &&
	       read_number(rest, UINT32_MAX, &out->u.set.value);
}

int step_parse(char *line, struct step *out)
{
	char *rest = NULL;
	char *word = strtok_r(line, " \t\n", &rest);
	bool ok = false;

	memset(out, 0, sizeof(*out));
	if (word == NULL) {
		return -EINVAL;
	}
	if (strcmp(word, "tcp") == 0) {
		ok = parse_tcp(&rest, out);
	} else if (strcmp(word, "raw") == 0) {
		ok = parse_raw(&rest, out);
	} else if (strcmp(word, "set") == 0) {
		ok = parse_set(&rest, out);
	} else if (strcmp(word, "wait") == 0) {
		out->kind = STEP_WAIT;
		ok = read_number(&rest, 60000, &out->u.wait_ms);
	}
	return ok ? 0 : -EINVAL;
}

int ends_parse(char *line, struct ends *out)
{
	char a[64];
	char b[64];
	unsigned family;
	unsigned proto;
	int af;

	memset(out, 0, sizeof(*out));
	if (sscanf(line, "flow %u %u %63s %hu %63s %hu", &family, &proto, a, &out->port[0], b,
	           &out->port[1]) != 6 ||
	    (family != 4 && family != 6) || proto > 255) {
		return -EINVAL;
	}
	af = family == 6 ? AF_INET6 : AF_INET;
	out->family = (uint8_t)family;
	out->proto = (uint8_t)proto;
	return inet_pton(af, a, out->addr[0].bytes) == 1 &&
	                       inet_pton(af, b, out->addr[1].bytes) == 1
	               ? 0
	               : -EINVAL;
}
