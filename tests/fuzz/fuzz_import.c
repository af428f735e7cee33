/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as rules of iptables: errors are reported, and the parser accepts or refuses the
 * converted rules as it does any text.
 */
#include <finwall/config.h>

#include "fuzz.h"
#include "iptables/convert.h"

#include <stdlib.h>
#include <string.h>

static char *read_text(void *ctx, const char *path, size_t *size)
{
	(void)path;
	*size = strlen(ctx);
	return strdup(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_reader reader = { .read = read_text };
	struct config *c;
	struct convert cv;
	char *messages = NULL;
	char *errors = NULL;
	char *copy = malloc(size + 1);
	char *text;
	size_t messages_size;
	FILE *out = open_memstream(&messages, &messages_size);

	FUZZ_REQUIRE(copy != NULL && out != NULL);
	memcpy(copy, data, size);
	convert_init(&cv, out);
	convert_read_ipsets(&cv, copy, size);
	convert_read(&cv, "input", copy, size, CONVERT_ANY);
	free(copy);
	text = convert_write(&cv);
	FUZZ_REQUIRE(text != NULL);
	fclose(out);
	/* every problem is reported */
	FUZZ_REQUIRE(cv.problems == 0 || messages_size > 0);
	convert_fini(&cv);
	reader.ctx = text;
	c = config_load("output", &reader, &errors);
	FUZZ_REQUIRE((c == NULL) == (errors != NULL));
	config_free(c);
	free(errors);
	free(text);
	free(messages);
	return 0;
}
