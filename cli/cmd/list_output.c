/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections in the output formats. See list_output.h.
 */
#include "cmd/list_output.h"

#include "screen.h"

#include <string.h>

static bool is_word(const char *at, size_t size, const char *word)
{
	return strlen(word) == size && strncmp(at, word, size) == 0;
}

/* "json"; "conntrack,extended,id"; "extended,id" */
static bool read_format(struct list_output *out, const char *text)
{
	static const char *const formats[] = { "text", "json", "conntrack" };
	static const char *const options[] = { "extended", "id", "timestamp", "ktimestamp" };

	for (const char *at = text;; at++) {
		size_t size = strcspn(at, ",");
		bool is_known = false;

		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
			if (is_word(at, size, formats[i]) && out->format == NULL) {
				out->format = formats[i];
				is_known = true;
			}
		}
		for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
			if (is_word(at, size, options[i])) {
				if (out->options == NULL) {
					out->options = json_array();
				}
				json_array_append_new(out->options, json_string(options[i]));
				is_known = true;
			}
		}
		at += size;
		if (!is_known || *at == '\0') {
			out->format = out->format != NULL ? out->format : "conntrack";
			return is_known &&
			       (out->options == NULL || strcmp(out->format, "conntrack") == 0);
		}
	}
}

enum cli_exit list_output_init(struct list_output *out, const struct cli_command *cmd,
                               enum flow_view_kind kind, const char *format)
{
	*out = (struct list_output){ .kind = kind };
	if (!read_format(out, format)) {
		json_decref(out->options);
		return cli_usage(cmd, "unknown output format \"%s\"", format);
	}
	out->is_json = strcmp(out->format, "json") == 0;
	out->heading = strcmp(out->format, "text") == 0 ? flow_text_heading(kind) : NULL;
	if (out->heading != NULL && screen_width() > 0) {
		out->screen = screen_open(stdout);
		out->format = "json";
		out->columns.terminal = screen_width();
	}
	return CLI_OK;
}

enum cli_exit list_output_columns(struct list_output *out, const struct cli_command *cmd,
                                  const char *names)
{
	const char *wrong;

	if (out->heading == NULL) {
		return cli_usage(cmd, "--columns is for the output as text");
	}
	wrong = list_columns_read(&out->columns, names);
	if (wrong != NULL) {
		return cli_usage(cmd, "unknown column \"%.*s\": expected " LIST_COLUMNS_NAMES,
		                 (int)strcspn(wrong, ","), wrong);
	}
	if (out->screen == NULL) {
		out->screen = screen_open(stdout);
		out->format = "json";
	}
	return CLI_OK;
}

void list_output_fini(struct list_output *out, enum cli_exit code)
{
	if (out->screen != NULL) {
		screen_close(out->screen);
	}
	json_decref(out->options);
	if (out->is_json && code == CLI_OK) {
		puts(out->has_items ? "\n]" : "[]");
	}
}

static enum cli_exit print_columns(void *ctx, const json_t *parameters)
{
	struct list_output *out = ctx;

	list_columns_print(&out->columns, out->kind, json_object_get(parameters, "connections"),
	                   out->screen);
	return fflush(out->screen) != 0 ? CLI_REFUSED : CLI_OK;
}

static enum cli_exit print_reply(void *ctx, const json_t *parameters)
{
	const json_t *items = json_object_get(parameters, "lines");
	struct list_output *out = ctx;
	const json_t *item;
	size_t i;

	out->left_out = client_number(parameters, "left_out");
	if (out->screen != NULL) {
		return print_columns(out, parameters);
	}
	json_array_foreach(items, i, item)
	{
		if (out->heading != NULL) {
			puts(out->heading);
			out->heading = NULL;
		}
		puts(json_string_value(item) != NULL ? json_string_value(item) : "");
	}
	return ferror(stdout) ? CLI_REFUSED : CLI_OK;
}

static enum cli_exit print_element(void *ctx, const char *text, size_t size)
{
	struct list_output *out = ctx;

	fputs(out->has_items ? ",\n" : "[\n", stdout);
	fwrite(text, 1, size, stdout);
	out->has_items = true;
	return ferror(stdout) ? CLI_REFUSED : CLI_OK;
}

enum cli_exit list_output_run(struct list_output *out, const struct cli *cli,
                              const struct cli_command *cmd, const char *method, json_t *parameters,
                              enum ctl_more more)
{
	if (out->is_json) {
		return client_run_elements(cli, cmd, method, parameters, more, "connections",
		                           print_reply, print_element, out);
	}
	return client_run(cli, cmd, method, parameters, more, print_reply, out);
}
