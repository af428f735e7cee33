/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden files of the configuration language. A case is a pair of files.
 *
 *   golden good X.conf X.out   X.conf parses and prints as X.out, and X.out prints as itself
 *   golden bad X.conf X.err    X.conf is refused with exactly the lines of X.err
 *   golden kernel X.conf X.out the kernel's part of X.conf is X.out
 *   golden parses X.conf       X.conf parses and compiles, and its print parses to the same
 *   golden page PAGE           the manual page has an entry for each of core's settings
 *
 * With GOLDEN_UPDATE in the environment the expected file is written instead of compared.
 */
#include <finwall/config.h>

#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(void *ctx, const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *bytes = NULL;
	size_t bytes_size = 0;
	FILE *out;
	int c;

	(void)ctx;
	if (f == NULL) {
		return NULL;
	}
	out = open_memstream(&bytes, &bytes_size);
	while ((c = getc(f)) != EOF) {
		putc(c, out);
	}
	*size = (size_t)ftell(out);
	fclose(out);
	fclose(f);
	return bytes;
}

/* Reads the text in ctx for the path "print", and files for all other paths. */
static char *read_text(void *ctx, const char *path, size_t *size)
{
	if (strcmp(path, "print") != 0) {
		return read_file(NULL, path, size);
	}
	*size = strlen(ctx);
	return strdup(ctx);
}

static int compare(const char *path, const char *found)
{
	size_t size;
	char *wanted = read_file(NULL, path, &size);
	int failed;

	if (getenv("GOLDEN_UPDATE") != NULL) {
		FILE *f = fopen(path, "wb");

		failed = f == NULL || fputs(found, f) < 0 || fclose(f) != 0;
		free(wanted);
		return failed;
	}
	failed = wanted == NULL || strlen(found) != size || memcmp(wanted, found, size) != 0;
	if (failed) {
		printf("--- the output differs from %s; it is\n%s", path, found);
	}
	free(wanted);
	return failed;
}

/* Parses text and prints the result. Returns NULL after reporting an error. */
static char *reprint(char *text)
{
	struct config_reader reader = { .ctx = text, .read = read_text };
	char *errors;
	struct config *c = config_load("print", &reader, &errors);
	char *out;

	if (c == NULL) {
		printf("--- the canonical text is refused\n%s--- it is\n%s", errors, text);
		free(errors);
		return NULL;
	}
	out = config_print(c, PRINT_PLAIN, NULL, 0);
	config_free(c);
	return out;
}

static int check_good(const struct config *c, const char *expected)
{
	char *text = config_print(c, PRINT_PLAIN, NULL, 0);
	char *again = reprint(text);
	struct ruleset *rs = config_compile(c);
	int failed = rs == NULL || again == NULL;

	if (!failed && strcmp(text, again) != 0) {
		printf("--- printed first\n%s--- printed again\n%s", text, again);
		failed = 1;
	}
	if (expected != NULL && compare(expected, text) != 0) {
		failed = 1;
	}
	ruleset_free(rs);
	free(text);
	free(again);
	return failed;
}

static int check_kernel(const struct config *c, const char *expected)
{
	struct config_kernel part;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int failed;

	config_kernel(c, &part);
	fprintf(out, "chains: %u judged here, %u of the kernel\n", part.own_chains,
	        part.kernel_chains);
	for (size_t i = 0; i < part.tables_len; i++) {
		fprintf(out, "table %s\n", part.tables[i]);
	}
	fputs(part.text, out);
	fclose(out);
	failed = compare(expected, text);
	free(text);
	return failed;
}

static int check_page(const char *path)
{
	size_t size;
	char *page = read_file(NULL, path, &size);
	int failed = page == NULL;

	for (size_t i = 0; i < tunables_table_len && page != NULL; i++) {
		char entry[100];

		snprintf(entry, sizeof(entry), "\n.It Cm %s ", tunables_table[i].name);
		if (memmem(page, size, entry, strlen(entry)) == NULL) {
			printf("%s has no entry for %s\n", path, tunables_table[i].name);
			failed = 1;
		}
	}
	free(page);
	return failed;
}

int main(int argc, char **argv)
{
	struct config_reader reader = { NULL, read_file, file_reader.find };
	const char *expected = argc > 3 ? argv[3] : NULL;
	char *errors;
	struct config *c;
	int failed;

	if (argc < 3) {
		fputs("usage: golden good|bad|kernel|parses|page FILE [EXPECTED]\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "page") == 0) {
		return check_page(argv[2]);
	}
	c = config_load(argv[2], &reader, &errors);
	if (strcmp(argv[1], "bad") == 0) {
		failed = errors == NULL || expected == NULL || compare(expected, errors) != 0;
	} else if (c == NULL) {
		fputs(errors, stdout);
		failed = 1;
	} else if (strcmp(argv[1], "kernel") == 0) {
		failed = expected == NULL || check_kernel(c, expected) != 0;
	} else {
		failed = check_good(c, expected);
	}
	free(errors);
	config_free(c);
	return failed;
}
