/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expectations of the grammar: see expected.h.
 */
#include "expected.h"

#include "suggest.h"
#include "value.h"

#include "parse.h"

#define NAMES_MAX   3  /* tokens that a message names */
#define COVERED_MAX 40 /* tokens of a place */

/*
 * Places in the grammar where many tokens are accepted, by tokens that show them. The message names
 * the place in their stead: alone, or behind other tokens.
 */
/* clang-format off */
static const struct place {
	int shown_by[3];
	const char *alone;
	const char *other;
	int covered[COVERED_MAX]; /* ends with END */
} places[] = {
	{ { TIMEOUT, EXPIRES, COMMENT },
	  "timeout or another option",
	  "an option like timeout",
	  { COMMENT, TIMEOUT, EXPIRES, COUNTER, LIMIT, '.', '|' } },
	{ { TIMEOUT, LIMIT, HEADER },
	  "timeout, counter, limit or ct count",
	  "timeout, counter, limit or ct count",
	  { TIMEOUT, COUNTER, LIMIT, HEADER, ALONE, ETHER, NUMGEN, JHASH, FIB, '@', '.',
	    '}', CT_DIRECTION } },
	{ { TABLE, SETTINGS_WORD, DEFINE },
	  "table, settings or define",
	  "table, settings or define",
	  { TABLE, SETTINGS_WORD, DEFINE, FLUSH, ADD, INSERT, DELETE_WORD, RULE_WORD } },
	{ { CHAIN, SET, MAP },
	  "chain, set or map",
	  "chain, set or map",
	  { CHAIN, SET, MAP, DEFINE, COMMENT, COUNTER, LIMIT, QUOTA, '}', HEADER } },
	{ { TYPE, FLAGS, ELEMENTS },
	  "type, flags or elements",
	  "type, flags or elements",
	  { TYPE, FLAGS, ELEMENTS, ELEMENTS_FILE, AUTO_MERGE, SIZE, TYPEOF, COMMENT,
	    TIMEOUT, GC_INTERVAL, COUNTER, LIMIT, '}' } },
	{ { LOG, LIMIT, COUNTER },
	  "a match, a statement or a verdict",
	  "the next statement",
	  { TYPE,   POLICY,      COMMENT,       COUNTER, LOG,     LIMIT,       ACCEPT,
	    DROP,   REJECT_WORD, JUMP,          GOTO,    RETURN,  CONTINUE,    ADD,
	    HEADER, ALONE,       CLOSE_VERDICT, ',',     '-',     '/',         '|',
	    '}',    UPDATE,      DELETE_WORD,   METER,   ETHER,   QUOTA,   FLOW,        NUMGEN,
	    JHASH,  FIB,         '@',           '^',     NOTRACK, CT_DIRECTION } },
	{ { SIZE, PRESENCE, EQ },
	  "exists, missing or the name of a field",
	  "exists, missing or the name of a field",
	  { WORD, SIZE, TYPE, PRESENCE, EQ, NE, LE, GE, '<', '>', '!' } },
	{ { NUMBER, EQ, '{' },
	  "a value, a set or an operator",
	  "a value, a set or an operator",
	  { NUMBER, ADDR, WORD, PRESENCE, ETHER, STRING, VARIABLE, HEADER,
	    EQ,     NE,   LE,   GE,       '<',   '>',    '!',      '&',
	    '@',    '{',  '(',  SET,      VMAP,  OVER,   '.',      TIME } },
	{ { ACCEPT, JUMP, NUMBER },
	  "a verdict or a value",
	  "a verdict or a value",
	  { NUMBER, ADDR, WORD, PRESENCE, ETHER, STRING, VARIABLE, HEADER, '(', ACCEPT,
	    DROP, REJECT_WORD, JUMP, GOTO, RETURN, CONTINUE, CLOSE_VERDICT, TIME } },
	{ { ACCEPT, DROP, CLOSE_VERDICT },
	  "accept, drop or a policy for late closes",
	  "a policy",
	  { ACCEPT, DROP, REJECT_WORD, CLOSE_VERDICT } },
	{ { NUMBER, ADDR, '{' },
	  "a value or { ... }",
	  "a value",
	  { NUMBER, ADDR, WORD, PRESENCE, ETHER, STRING, VARIABLE, HEADER, '{', '(', '@',
	    TIME } },
	{ { NUMBER, ADDR, VARIABLE },
	  "a value",
	  "a value",
	  { NUMBER, ADDR, WORD, PRESENCE, ETHER, STRING, VARIABLE, HEADER, ALONE, '(',
	    NUMGEN, JHASH, FIB, '@', TIME, CT_DIRECTION } },
	{ { WORD, '/', CLOSE_VERDICT },
	  "/second, /minute or /hour",
	  "/second, /minute or /hour",
	  { WORD, '/', CLOSE_VERDICT, HEADER, METER, MOD, OFFSET, SEED, OPTION, ALONE } },
	{ { WORD, HEADER, CLOSE_VERDICT },
	  "a name",
	  "a name",
	  { WORD, HEADER, CLOSE_VERDICT, METER, MOD, OFFSET, SEED, OPTION } },
	{ { TYPE, ALONE, '.' }, "type or oif", "type or oif", { TYPE, ALONE, '.' } },
	{ { RATE, WORD, RATE }, "rate or name", "rate or name", { RATE, WORD } },
	{ { WORD, METER, METER },
	  "a word",
	  "a word",
	  { WORD, METER, HEADER } },
	{ { WORD, ALONE, FLAGS },
	  "the name of a field",
	  "the name of a field",
	  { WORD, ALONE, FLAGS, TYPE, HEADER, OPTION, PACKETS, BYTES, TIMEOUT } },
	{ { HEADER, ALONE, ALONE },
	  "a field such as ip saddr",
	  "a field such as ip saddr",
	  { HEADER, ALONE, ETHER, NUMGEN, JHASH, FIB, '@', CT_DIRECTION } },
};
/* clang-format on */

static bool has_token(const int *in, int len, int token)
{
	for (int i = 0; i < len && in[i] != END; i++) {
		if (in[i] == token) {
			return true;
		}
	}
	return false;
}

static bool is_expected(const struct expected *all, int len, int token)
{
	for (int i = 0; i < len; i++) {
		if (all[i].token == token) {
			return true;
		}
	}
	return false;
}

static const struct place *find_place(const struct expected *all, int len)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const int *by = places[i].shown_by;

		if (is_expected(all, len, by[0]) && is_expected(all, len, by[1]) &&
		    is_expected(all, len, by[2])) {
			return &places[i];
		}
	}
	return NULL;
}

/* "; did you mean x?": a word of the grammar that is accepted here. */
static const char *meant_text(struct parser *p, const char *found, const struct expected *all,
                              int len)
{
	struct suggest similar = { .text = found };
	bool is_close = p->chain != NULL && p->chain->is_base &&
	                (p->chain->base == CHAIN_LATE || p->chain->base == CHAIN_IDLE);
	const char *word;
	int token;

	for (size_t nr = 0; (word = scan_keyword(nr, &token)) != NULL; nr++) {
		if (is_expected(all, len, token) && (token != CLOSE_VERDICT || is_close)) {
			suggest_consider(&similar, word);
		}
	}
	return suggest_question(&similar, &p->config->arena);
}

const char *expected_text(struct parser *p, const char *found, struct expected *all, int len)
{
	struct text t = { .arena = &p->config->arena };
	const char *names[NAMES_MAX];
	const struct place *place;
	int names_len = 0;
	int kept = 0;

	for (int i = 0; i < len; i++) {
		if (all[i].token != NL && all[i].token != INNER_NL && all[i].token != END) {
			all[kept++] = all[i];
		}
	}
	len = kept != 0 ? kept : len;
	place = find_place(all, len);
	for (int i = 0; i < len && names_len < NAMES_MAX - (place != NULL ? 1 : 0); i++) {
		if (place == NULL || !has_token(place->covered, COVERED_MAX, all[i].token)) {
			names[names_len++] = all[i].name;
		}
	}
	if (place != NULL) {
		names[names_len] = names_len == 0 ? place->alone : place->other;
		names_len++;
	}
	for (int i = 0; i < names_len; i++) {
		text_add(&t, i == 0 ? "%s" : i + 1 < names_len ? ", %s" : " or %s", names[i]);
	}
	text_add(&t, "%s%s", t.size == 0 ? "nothing more" : "", meant_text(p, found, all, len));
	return t.at;
}
