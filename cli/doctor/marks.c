/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the marks in a rule. See marks.h.
 *
 * iptables-save writes "--mark V[/M]" and "--set-xmark V[/M]". nft writes "mark V", "mark & M ==
 * V", or "mark V/L" if M is a prefix of L bits, "mark set V" and "mark set mark & K | V", with
 * hexadecimal numbers but for L.
 */
#include "doctor/marks.h"

#include "text/num.h"

#include <stddef.h>
#include <string.h>

/* Bits of the mark: those of mask have the value. */
struct bits {
	uint32_t value;
	uint32_t mask;
};

/* Reads a number, and moves *at behind it and following spaces. */
static bool read_number(const char **at, uint32_t *out)
{
	uint64_t n;
	const char *end = scan_number(*at, *at + strlen(*at), UINT32_MAX, &n);

	if (end == NULL) {
		return false;
	}
	*at = end + strspn(end, " ");
	*out = (uint32_t)n;
	return true;
}

/* Moves *at behind the word, if it is there. */
static bool skip(const char **at, const char *word)
{
	size_t size = strlen(word);

	if (strncmp(*at, word, size) != 0) {
		return false;
	}
	*at += size;
	return true;
}

/* "V" or "V/M". */
static bool read_iptables(const char *at, struct bits *out)
{
	out->mask = UINT32_MAX;
	return read_number(&at, &out->value) &&
	       (*at != '/' || (at++, read_number(&at, &out->mask)));
}

/* "V", "V/L". */
static bool read_nft_prefix(const char *at, struct bits *out)
{
	uint32_t len = 32;

	if (!read_number(&at, &out->value)) {
		return false;
	}
	if (skip(&at, "/") && (!read_number(&at, &len) || len > 32)) {
		return false;
	}
	out->mask = len == 0 ? 0 : UINT32_MAX << (32 - len);
	return true;
}

/* "V", "V/L", "& M == V", and after "set": "V", "mark & K | V". */
static bool read_nft(const char *at, struct bits *out)
{
	uint32_t kept;

	out->mask = UINT32_MAX;
	if (skip(&at, "& ") || skip(&at, "and ")) {
		return read_number(&at, &out->mask) && skip(&at, "== ") &&
		       read_number(&at, &out->value);
	}
	if (!skip(&at, "meta mark ") && !skip(&at, "mark ")) {
		return read_nft_prefix(at, out);
	}
	out->value = 0;
	kept = UINT32_MAX;
	if ((skip(&at, "& ") || skip(&at, "and ")) && !read_number(&at, &kept)) {
		return false;
	}
	if ((skip(&at, "| ") || skip(&at, "or ")) && !read_number(&at, &out->value)) {
		return false;
	}
	out->mask = ~kept | out->value;
	return true;
}

static enum mark_use use_of_match(const struct bits *b, uint32_t mark, uint32_t mask)
{
	uint32_t both = b->mask & mask;

	return both != 0 && ((b->value ^ mark) & both) == 0 ? MARK_MATCHED : MARK_APART;
}

static enum mark_use use_of_change(const struct bits *b, uint32_t mark, uint32_t mask)
{
	uint32_t both = b->mask & mask;

	if (both == mask && ((b->value ^ mark) & mask) == 0) {
		return MARK_BYPASSES;
	}
	return both != 0 ? MARK_CHANGED : MARK_APART;
}

/* Ways to write a mark in a rule. A longer one comes before its beginning. */
static const struct {
	const char *words;
	bool (*read)(const char *at, struct bits *out);
	enum mark_use (*use)(const struct bits *b, uint32_t mark, uint32_t mask);
} ways[] = {
	{ "--set-xmark ", read_iptables, use_of_change },
	{ "! --mark ", NULL, NULL },
	{ "--mark ", read_iptables, use_of_match },
	{ "ct mark ", NULL, NULL },
	{ "mark set ", read_nft, use_of_change },
	{ "mark != ", NULL, NULL },
	{ "mark ", read_nft, use_of_match },
};

enum mark_use mark_use_of(const char *rule, uint32_t mark, uint32_t mask)
{
	enum mark_use worst = MARK_APART;

	for (const char *at = rule; *at != '\0'; at++) {
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			const char *value = at;
			enum mark_use use = MARK_APART;
			struct bits bits;

			if (!skip(&value, ways[i].words)) {
				continue;
			}
			if (ways[i].read != NULL && ways[i].read(value, &bits)) {
				use = ways[i].use(&bits, mark, mask);
			}
			worst = use > worst ? use : worst;
			at = value - 1;
			break;
		}
	}
	return worst;
}

bool mark_is_matched_by(const char *rule, uint32_t mark, uint32_t mask)
{
	const char *at = strstr(rule, "mark ");
	bool (*read)(const char *at, struct bits *out) = read_nft;
	struct bits bits;

	if (at == NULL) {
		return false;
	}
	if (strncmp(rule, "-A ", 3) == 0) {
		read = read_iptables;
	}
	for (; at != NULL; at = strstr(at, "mark ")) {
		at += strlen("mark ");
		if (read(at, &bits) && bits.value == mark && bits.mask == mask) {
			return true;
		}
	}
	return false;
}
