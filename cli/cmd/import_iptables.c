/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall import-iptables: reads rules of iptables, writes a configuration. What it writes it has
 * loaded itself before.
 */
#include "cli.h"
#include "io/file.h"
#include "iptables/convert.h"

#include <finwall/config.h>

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OPT_PARTIAL = 256,
};

/* '-' first: files come in between options, as -4 and -6 are about those behind them */
static const char short_options[] = "-46o:";
static const struct option options[] = {
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ "output", required_argument, NULL, 'o' },
	{ "partial", no_argument, NULL, OPT_PARTIAL },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_import_iptables(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_import_iptables = {
	.name = "import-iptables",
	.args = "[-o FILE] [--partial] [[-4|-6] FILE...]",
	.summary = "turn rules of iptables and ip6tables into a configuration",
	.details =
		"FILE  what iptables-save or ip6tables-save printed, or a script that calls\n"
		"      iptables; \"-\" and none at all: the standard input\n"
		"\n"
		"-4, -6             the files behind it are of iptables, of ip6tables; otherwise\n"
		"                   the text tells, and the name (v6 or ip6 in it)\n"
		"-o, --output FILE  write there, not to the standard output\n"
		"--partial          write even if some lines cannot be expressed, and leave these\n"
		"                   as comments\n",
	.run = run_import_iptables,
};

/* All of the standard input, malloc'd. */
static char *read_stdin(size_t *size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, size);
	char buf[4096];
	size_t n;

	if (f == NULL) {
		return NULL;
	}
	while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0) {
		fwrite(buf, 1, n, f);
	}
	if (fclose(f) != 0 || ferror(stdin)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool convert_file(struct convert *im, const char *path, enum convert_family family)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	size_t size = 0;
	char *text = is_stdin ? read_stdin(&size) : file_reader.read(file_reader.ctx, path, &size);

	if (text == NULL) {
		cli_refuse(&cmd_import_iptables, "%s: %s", path, strerror(errno));
		return false;
	}
	convert_read(im, is_stdin ? "standard-input" : path, text, size, family);
	free(text);
	return true;
}

static char *read_copy(void *ctx, const char *path, size_t *size)
{
	(void)path;
	*size = strlen(ctx);
	return strdup(ctx);
}

/* What finwalld would say of it. */
static bool loads(char *text)
{
	const struct config_reader reader = { .ctx = text, .read = read_copy };
	char *errors = NULL;
	struct config *c = config_load("imported", &reader, &errors);

	if (c == NULL) {
		fputs(errors != NULL ? errors : "out of memory\n", stderr);
	}
	free(errors);
	config_free(c);
	return c != NULL;
}

static bool write_out(const char *path, const char *text)
{
	FILE *f = path != NULL ? fopen(path, "we") : stdout;
	bool is_written;

	if (f == NULL) {
		cli_refuse(&cmd_import_iptables, "%s: %s", path, strerror(errno));
		return false;
	}
	is_written = fputs(text, f) != EOF;
	if (f != stdout) {
		is_written = fclose(f) == 0 && is_written;
	}
	if (!is_written) {
		cli_refuse(&cmd_import_iptables, "%s: %s", path != NULL ? path : "standard output",
		           strerror(errno));
	}
	return is_written;
}

static enum cli_exit finish(struct convert *im, const char *out_path, bool is_partial)
{
	char *text = convert_write(im);
	enum cli_exit code = CLI_OK;

	if (text == NULL) {
		return cli_refuse(&cmd_import_iptables, "%s", strerror(ENOMEM));
	}
	if (!im->table[CONVERT_IP].is_given && !im->table[CONVERT_IP6].is_given) {
		code = cli_refuse(&cmd_import_iptables, "no filter rules in what was read");
	} else if (im->problems > 0 && !is_partial) {
		code = cli_refuse(&cmd_import_iptables,
		                  "%u line(s) cannot be expressed; --partial leaves them out",
		                  im->problems);
	} else if (!loads(text)) {
		code = cli_refuse(&cmd_import_iptables, "finwall does not load what came of it");
	} else if (!write_out(out_path, text)) {
		code = CLI_REFUSED;
	}
	free(text);
	return code;
}

static enum cli_exit run_import_iptables(const struct cli *cli, int argc, char **argv)
{
	enum convert_family family = CONVERT_ANY;
	const char *out_path = NULL;
	bool is_partial = false;
	enum cli_exit code = CLI_OK;
	unsigned files = 0;
	struct convert im;
	int opt;

	(void)cli;
	convert_init(&im, stderr);
	while (code == CLI_OK &&
	       (opt = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
		switch (opt) {
		case '4':
			family = CONVERT_IP;
			break;
		case '6':
			family = CONVERT_IP6;
			break;
		case 'o':
			out_path = optarg;
			break;
		case OPT_PARTIAL:
			is_partial = true;
			break;
		case 1:
			files++;
			code = convert_file(&im, optarg, family) ? CLI_OK : CLI_REFUSED;
			break;
		default:
			code = cli_usage(&cmd_import_iptables, "option not understood");
		}
	}
	for (; code == CLI_OK && optind < argc; optind++, files++) {
		code = convert_file(&im, argv[optind], family) ? CLI_OK : CLI_REFUSED;
	}
	if (code == CLI_OK && files == 0) {
		code = convert_file(&im, "-", family) ? CLI_OK : CLI_REFUSED;
	}
	if (code == CLI_OK) {
		code = finish(&im, out_path, is_partial);
	}
	convert_fini(&im);
	return code;
}
