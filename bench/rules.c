/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations go through the daemon's own parser and compiler.
 */
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char rules_of_engine[] =
	"table inet finwall {\n"
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy drop;\n"
	"		ct state established,related accept\n"
	"		ct state new tcp dport 80 accept\n"
	"		drop\n"
	"	}\n"
	"}\n";

const char rules_of_path[] = "table inet finwall {\n"
			     "	chain forward {\n"
			     "		type filter hook forward priority filter; policy drop;\n"
			     "		ct state established,related accept\n"
			     "		ct state new tcp dport 5001-5003 accept\n"
			     "		ct state new udp dport 5004 accept\n"
			     "	}\n"
			     "}\n";

/* A reader whose only file is the text that ctx points to. */
static char *read_text(void *ctx, const char *path, size_t *size)
{
	const char *text = ctx;

	(void)path;
	*size = strlen(text);
	return strdup(text);
}

struct ruleset *rules_load(const struct config_reader *reader)
{
	char *errors = NULL;
	struct config *c = config_load("rules", reader, &errors);
	struct ruleset *rs;

	if (c == NULL) {
		fprintf(stderr, "finwall-bench: %s", errors == NULL ? "no memory\n" : errors);
		free(errors);
		return NULL;
	}
	rs = config_compile(c);
	config_start(c, (struct mono){ 1 });
	config_free(c);
	return rs;
}

struct ruleset *rules_new(const char *text)
{
	char *copy = strdup(text); /* the reader's context is not const */
	const struct config_reader reader = { .ctx = copy, .read = read_text };
	struct ruleset *rs = copy == NULL ? NULL : rules_load(&reader);

	free(copy);
	return rs;
}
