/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of the language that builder, checker, compiler and printer share: families of tables,
 * verdicts, ways to reject, log levels.
 */
#ifndef FINWALL_POLICY_WORDS_H
#define FINWALL_POLICY_WORDS_H

#include "tree.h"

extern const char *const table_families[]; /* by enum table_family */

/* The verdict's word, and the chains that have it. */
struct verdict_info {
	const char *word;
	enum chain_kind kind; /* reject: of filter chains; late chains take it too */
	uint8_t code;         /* enum rule_code; in a filter chain for reject */
};
extern const struct verdict_info verdict_table[VERDICTS_LEN];

/* The rule_code of a verdict in a chain of this kind. */
enum rule_code verdict_code(enum verdict verdict, enum chain_kind kind);

/* What can follow `reject with`. */
struct reject {
	const char *text;
	enum reject_with with;
	uint8_t family; /* 4, 6, or 0 = both */
	uint8_t proto;  /* 0 = any */
};
extern const struct reject reject_table[];
extern const size_t reject_table_len;

/* What can follow `ct tracking set`, by RULE_TRACK_*. */
extern const struct symbol tracking_words[];

/* The timeouts of an object of `ct timeout`, in the order of nft; NULL for a protocol without any.
 */
const char *const *timeout_words(uint8_t l4_proto);

/* By enum log_option. */
extern const char *const log_options[];

/* What can follow `log flags`, in the order of nft. header "": a single word. */
struct log_flag {
	const char *header;
	const char *word;
};
#define LOG_FLAGS_LEN 5
extern const struct log_flag log_flags[LOG_FLAGS_LEN];

/* "emerg" ... "debug", by syslog's numbers; ends with NULL. */
extern const char *const log_levels[];
#define LOG_LEVEL_DEFAULT 4
#define LOG_LEVEL_AUDIT   8 /* of the kernel's audit log: logged as notice */

#endif
