/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall import-iptables: converts rules of iptables to a configuration. Writes only what loads.
 */
#include "cmd/cmd.h"
#include "io/file.h"
#include "iptables/convert.h"
#include "screen.h"

#include <finwall/config.h>

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OPT_PARTIAL = 256,
	OPT_FORCE,
};

/* '-' first: options and files are read in order, as -4 and -6 apply to the files after them */
static const char short_options[] = "-46o:";
static const struct option options[] = {
	{ "ipv4", no_argument, NULL, '4' },         { "ipv6", no_argument, NULL, '6' },
	{ "output", required_argument, NULL, 'o' }, { "partial", no_argument, NULL, OPT_PARTIAL },
	{ "force", no_argument, NULL, OPT_FORCE },  { NULL, 0, NULL, 0 },
};

static enum cli_exit run_import_iptables(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_import_iptables = {
	.name = "import-iptables",
	.args = "[-o FILE] [--partial] [--force] [[-4|-6] FILE...]",
	.summary = "convert rules of iptables and ip6tables to a configuration",
	.details =
		"FILE  output of iptables-save, ip6tables-save or ipset save, or a script that\n"
		"      calls iptables; \"-\" or no file: standard input\n"
		"\n"
		"-4, -6             the files after it are of iptables, of ip6tables; without it\n"
		"                   the text decides, or the name (v6 or ip6 in it)\n"
		"-o, --output FILE  write to FILE, not to standard output\n"
		"--partial          leave out lines that cannot be converted and decide about no\n"
		"                   packet; these become comments\n"
		"--force            with --partial: leave out lines that decide, too. Other rules\n"
		"                   then judge packets that these lines accepted or dropped\n",
	.run = run_import_iptables,
};

/* Returns all of standard input, malloc'd. */
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

/* The files that are converted. All are read before any is converted: one may have the sets of
 * ipset that another one uses. */
struct inputs {
	struct input {
		const char *path;
		char *text;
		size_t size;
		enum convert_family family;
	} * file;
	size_t len;
};

static bool read_input(struct inputs *in, const char *path, enum convert_family family)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	struct input *bigger = realloc(in->file, (in->len + 1) * sizeof(*in->file));
	struct input *i;

	if (bigger == NULL) {
		cli_refuse(&cmd_import_iptables, "%s", strerror(ENOMEM));
		return false;
	}
	in->file = bigger;
	i = &in->file[in->len];
	*i = (struct input){ .path = is_stdin ? "standard-input" : path, .family = family };
	i->text =
		is_stdin ? read_stdin(&i->size) : file_reader.read(file_reader.ctx, path, &i->size);
	if (i->text == NULL) {
		cli_refuse(&cmd_import_iptables, "%s: %s", path, strerror(errno));
		return false;
	}
	in->len++;
	return true;
}

static void convert_inputs(struct convert *cv, const struct inputs *in)
{
	for (size_t i = 0; i < in->len; i++) {
		convert_read_ipsets(cv, in->file[i].text, in->file[i].size);
	}
	for (size_t i = 0; i < in->len; i++) {
		const struct input *f = &in->file[i];

		convert_read(cv, f->path, f->text, f->size, f->family);
	}
}

static void inputs_fini(struct inputs *in)
{
	for (size_t i = 0; i < in->len; i++) {
		free(in->file[i].text);
	}
	free(in->file);
}

static char *read_copy(void *ctx, const char *path, size_t *size)
{
	(void)path;
	*size = strlen(ctx);
	return strdup(ctx);
}

/* Prints an error about the configuration with the line of input that causes it, where there is
 * one.
 */
static void print_load_error(const struct convert *cv, const char *error, size_t size)
{
	const struct convert_origin *origin = NULL;
	unsigned line;
	int used = 0;

	if (sscanf(error, "converted:%u:%*u: %n", &line, &used) == 1 && used > 0) {
		origin = convert_origin(cv, line);
	}
	if (origin != NULL) {
		screen_error("%s:%u: converted, this line does not load: %.*s\n", origin->file,
		             origin->line, (int)size - used, error + used);
	} else {
		screen_error("%.*s\n", (int)size, error);
	}
}

/* Loads the configuration as finwalld would, and prints its errors. */
static bool loads(const struct convert *cv, char *text)
{
	const struct config_reader reader = { .ctx = text, .read = read_copy };
	char *errors = NULL;
	struct config *c = config_load("converted", &reader, &errors);

	if (c == NULL && errors == NULL) {
		screen_error("out of memory\n");
	}
	for (const char *at = errors; c == NULL && at != NULL && *at != '\0';) {
		const size_t size = strcspn(at, "\n");

		print_load_error(cv, at, size);
		at += size + (at[size] != '\0' ? 1 : 0);
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

/* What iptables-save prints where nobody uses iptables: such a file would replace a firewall. */
static bool accepts_everything(const struct convert *cv)
{
	for (size_t i = 0; i < CONVERT_FAMILIES_LEN; i++) {
		for (size_t k = 0; k < cv->table[i].chains_len; k++) {
			const struct convert_chain *c = &cv->table[i].chains[k];

			if (c->rules_len > 0 || c->policy_is_drop) {
				return false;
			}
		}
	}
	return true;
}

/* The settings of a configuration that is overwritten are not those of iptables. */
static void warn_of_lost_settings(const char *path)
{
	struct config *c;
	char *errors = NULL;

	if (path == NULL || access(path, F_OK) != 0) {
		return;
	}
	c = config_load(path, &file_reader, &errors);
	if (c != NULL && config_settings(c)->admin_port != 0) {
		screen_error(
			"finwall import-iptables: %s: its settings are replaced by the defaults, "
			"admin-port %u by none\n",
			path, (unsigned)config_settings(c)->admin_port);
	}
	free(errors);
	config_free(c);
}

static enum cli_exit finish(struct convert *cv, const char *out_path, bool is_forced)
{
	char *text = convert_write(cv);
	enum cli_exit code = CLI_OK;

	if (text == NULL) {
		return cli_refuse(&cmd_import_iptables, "%s", strerror(ENOMEM));
	}
	if (!cv->table[CONVERT_IP].is_given && !cv->table[CONVERT_IP6].is_given) {
		code = cli_refuse(
			&cmd_import_iptables,
			"nothing to convert: no table filter in the input; rules of nft are listed "
			"by nft list ruleset and not converted");
	} else if (cv->problems > 0 && !cv->is_partial) {
		code = cli_refuse(&cmd_import_iptables,
		                  "%u line(s) cannot be converted; --partial leaves them out",
		                  cv->problems);
	} else if (cv->unsafe > 0 && !is_forced) {
		code = cli_refuse(
			&cmd_import_iptables,
			"%u line(s) that cannot be converted decide about packets: without "
			"them, other rules would judge these packets\n"
			"convert them by hand; --force leaves them out as well",
			cv->unsafe);
	} else if (accepts_everything(cv)) {
		code = cli_refuse(
			&cmd_import_iptables,
			"nothing to convert: no rules, and the policies accept; rules of nft "
			"are listed by nft list ruleset and not converted");
	} else if (!loads(cv, text)) {
		code = cli_refuse(&cmd_import_iptables,
		                  "the converted configuration does not load");
	} else {
		warn_of_lost_settings(out_path);
		code = write_out(out_path, text) ? CLI_OK : CLI_REFUSED;
	}
	free(text);
	return code;
}

static enum cli_exit run_import_iptables(const struct cli *cli, int argc, char **argv)
{
	enum convert_family family = CONVERT_ANY;
	const char *out_path = NULL;
	bool is_forced = false;
	enum cli_exit code = CLI_OK;
	struct inputs in = { 0 };
	FILE *messages = screen_open(stderr);
	struct convert cv;
	int opt;

	(void)cli;
	convert_init(&cv, messages);
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
			cv.is_partial = true;
			break;
		case OPT_FORCE:
			is_forced = true;
			break;
		case 1:
			code = read_input(&in, optarg, family) ? CLI_OK : CLI_REFUSED;
			break;
		default:
			code = cli_usage(&cmd_import_iptables, "invalid option");
		}
	}
	for (; code == CLI_OK && optind < argc; optind++) {
		code = read_input(&in, argv[optind], family) ? CLI_OK : CLI_REFUSED;
	}
	if (code == CLI_OK && in.len == 0) {
		code = read_input(&in, "-", family) ? CLI_OK : CLI_REFUSED;
	}
	if (code == CLI_OK) {
		convert_inputs(&cv, &in);
		code = finish(&cv, out_path, is_forced);
	}
	convert_fini(&cv);
	inputs_fini(&in);
	screen_close(messages);
	return code;
}
