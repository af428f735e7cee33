/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a configuration that belongs to the kernel. See kernel_part.h. */
#include "hook/kernel_part.h"

#include "client.h"
#include "io/file.h"
#include "run.h"
#include "wire/hook_names.h"

#include <finwall/config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOL_TIMEOUT_MS 30000

#define MARK KERNEL_PART_MARK

static const char *const nft_list[] = { "nft", "-t", "list", "ruleset", NULL };
static const char *const nft_load[] = { "nft", "-f", "-", NULL };

/* A table of finwall's in the kernel. */
struct seen {
	char name[300]; /* "family name" */
	uint64_t hash;
};

/* All tables in the kernel. */
struct listing {
	char *text; /* of nft list */
	struct seen *own;
	size_t own_len;
};

static int list(struct listing *l, char **error);
static bool is_foreign(const struct listing *l, const char *table);
static const struct seen *find_own(const struct listing *l, const char *table);
static char *transaction(const struct hook_kernel *k, const struct listing *l);
static int load(char *text, char **error);

bool hook_kernel_of_reply(const json_t *reply, struct hook_kernel *out)
{
	const json_t *tables = json_object_get(reply, "tables");
	const json_t *name;
	size_t i;

	*out = (struct hook_kernel){ 0 };
	out->text = strdup(client_text(reply, "text"));
	out->hash = strtoull(client_text(reply, "hash"), NULL, 16);
	out->tables = calloc(json_array_size(tables) + 1, sizeof(char *));
	if (out->text == NULL || out->tables == NULL) {
		hook_kernel_fini(out);
		return false;
	}
	json_array_foreach(tables, i, name)
	{
		const char *text = json_string_value(name);

		out->tables[out->tables_len] = text != NULL ? strdup(text) : NULL;
		if (out->tables[out->tables_len] == NULL) {
			hook_kernel_fini(out);
			return false;
		}
		out->tables_len++;
	}
	return true;
}

int hook_kernel_of_file(const char *path, struct hook_kernel *out)
{
	char *errors = NULL;
	struct config *c = config_load(path, &file_reader, &errors);
	json_t *tables = json_array();
	struct config_kernel part;
	char hash[20];
	json_t *reply;
	bool is_good;

	free(errors);
	if (c == NULL) {
		json_decref(tables);
		return -EINVAL;
	}
	config_kernel(c, &part);
	for (size_t i = 0; i < part.tables_len; i++) {
		json_array_append_new(tables, json_string(part.tables[i]));
	}
	snprintf(hash, sizeof(hash), "%016" PRIx64, part.hash);
	reply = json_pack("{s:s, s:o, s:s}", "text", part.text, "tables", tables, "hash", hash);
	is_good = reply != NULL && hook_kernel_of_reply(reply, out);
	json_decref(reply);
	config_free(c);
	return is_good ? 0 : -ENOMEM;
}

int hook_kernel_of_daemon(const char *socket_path, struct hook_kernel *out)
{
	struct client *c = client_open(socket_path);
	struct ctl_reply reply;
	int rc;

	if (c == NULL) {
		return -ENOENT;
	}
	rc = client_call(c, "GetKernelPart", NULL, CTL_LAST);
	if (rc == 0) {
		rc = client_reply(c, &reply);
	}
	if (rc == 0) {
		rc = reply.error == NULL && hook_kernel_of_reply(reply.parameters, out) ? 0
		                                                                        : -EPROTO;
		ctl_reply_fini(&reply);
	} else {
		rc = -ENOENT;
	}
	client_close(c);
	return rc;
}

void hook_kernel_fini(struct hook_kernel *k)
{
	for (size_t i = 0; i < k->tables_len; i++) {
		free(k->tables[i]);
	}
	free(k->tables);
	free(k->text);
	*k = (struct hook_kernel){ 0 };
}

static bool is_as_wanted(const struct hook_kernel *k, const struct listing *l)
{
	for (size_t i = 0; i < k->tables_len; i++) {
		const struct seen *s = find_own(l, k->tables[i]);

		if (s == NULL || s->hash != k->hash) {
			return false;
		}
	}
	return l->own_len == k->tables_len;
}

/* A table that others have made stays: then the whole part is not loaded. */
static bool note_foreign(const struct hook_kernel *k, const struct listing *l,
                         struct hook_kernel_result *out)
{
	for (size_t i = 0; i < k->tables_len && out->foreign == NULL; i++) {
		if (is_foreign(l, k->tables[i])) {
			out->foreign = strdup(k->tables[i]);
		}
	}
	return out->foreign != NULL;
}

int hook_kernel_apply(const struct hook_kernel *k, struct hook_kernel_result *out, char **error)
{
	struct listing l = { 0 };
	char *text;
	int rc;

	*error = NULL;
	*out = (struct hook_kernel_result){ 0 };
	rc = list(&l, error);
	if (rc < 0 && k->tables_len == 0) {
		/* without nft, or nf_tables in the kernel, there is nothing to remove */
		free(*error);
		*error = NULL;
		rc = 0;
		goto end;
	}
	if (rc == 0 && note_foreign(k, &l, out)) {
		goto end;
	}
	if (rc == 0 && is_as_wanted(k, &l)) {
		out->kept = k->tables_len;
		goto end;
	}
	if (rc == 0) {
		text = transaction(k, &l);
		rc = text != NULL ? load(text, error) : -ENOMEM;
		free(text);
	}
	if (rc == 0) {
		out->loaded = k->tables_len;
		for (size_t i = 0; i < l.own_len; i++) {
			out->removed++;
			for (size_t n = 0; n < k->tables_len; n++) {
				out->removed -= strcmp(k->tables[n], l.own[i].name) == 0;
			}
		}
	}
end:
	free(l.text);
	free(l.own);
	return rc;
}

char *hook_kernel_text(const struct hook_kernel *k)
{
	return transaction(k, &(struct listing){ 0 });
}

/* "add" before "delete": deleting a table that does not exist would fail. */
static char *transaction(const struct hook_kernel *k, const struct listing *l)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < l->own_len; i++) {
		fprintf(to, "add table %s\ndelete table %s\n", l->own[i].name, l->own[i].name);
	}
	for (size_t i = 0; i < k->tables_len; i++) {
		if (find_own(l, k->tables[i]) == NULL) {
			fprintf(to, "add table %s\ndelete table %s\n", k->tables[i], k->tables[i]);
		}
		fprintf(to, "table %s {\n\tcomment \"" MARK "%016" PRIx64 "\"\n}\n", k->tables[i],
		        k->hash);
	}
	fputs(k->text != NULL ? k->text : "", to);
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Appends a table of finwall's. Returns false if memory runs out. */
static bool add_own(struct listing *l, const char *name, size_t name_size, const char *comment)
{
	struct seen *own = realloc(l->own, (l->own_len + 1) * sizeof(*own));
	struct seen *s;

	if (own == NULL) {
		return false;
	}
	l->own = own;
	s = &own[l->own_len++];
	snprintf(s->name, sizeof(s->name), "%.*s", (int)name_size, name);
	s->hash = strtoull(comment, NULL, 16);
	return true;
}

/* Lists the tables in the kernel. A table's comment is the first line in it. */
static int list(struct listing *l, char **error)
{
	static const char mark[] = "\tcomment \"" MARK;
	struct run_result result;
	const char *name = NULL;
	size_t name_size = 0;
	int rc = run_program(nft_list, NULL, TOOL_TIMEOUT_MS, &result);

	if (rc < 0) {
		if (asprintf(error,
		             rc == -ENOENT ? "nft is not installed (package nftables)"
		                           : "nft cannot be run: %s",
		             strerror(-rc)) < 0) {
			*error = NULL;
		}
		return rc;
	}
	if (result.exit_status != 0) {
		if (asprintf(error, "nft failed:\n%s", result.err) < 0) {
			*error = NULL;
		}
		run_result_fini(&result);
		return -EPERM;
	}
	l->text = strdup(result.out);
	run_result_fini(&result);
	for (char *line = l->text; line != NULL && *line != '\0';) {
		size_t size = strcspn(line, "\n");

		if (strncmp(line, "table ", 6) == 0 && size > 8) {
			name = line + 6;
			name_size = size - 8; /* without " {" */
		} else if (name != NULL && strncmp(line, mark, sizeof(mark) - 1) == 0) {
			if (!add_own(l, name, name_size, line + sizeof(mark) - 1)) {
				return -ENOMEM;
			}
			name = NULL;
		}
		line += size;
		line += *line == '\n';
	}
	return l->text != NULL ? 0 : -ENOMEM;
}

static const struct seen *find_own(const struct listing *l, const char *table)
{
	for (size_t i = 0; i < l->own_len; i++) {
		if (strcmp(l->own[i].name, table) == 0) {
			return &l->own[i];
		}
	}
	return NULL;
}

static bool is_foreign(const struct listing *l, const char *table)
{
	char line[320];
	const char *at;

	snprintf(line, sizeof(line), "table %s {\n", table);
	at = l->text;
	while ((at = strstr(at, line)) != NULL) {
		if (at == l->text || at[-1] == '\n') {
			return find_own(l, table) == NULL;
		}
		at++;
	}
	return false;
}

static int load(char *text, char **error)
{
	struct run_result result;
	int rc = run_program(nft_load, text, TOOL_TIMEOUT_MS, &result);

	if (rc < 0) {
		if (asprintf(error, "nft: %s", strerror(-rc)) < 0) {
			*error = NULL;
		}
		return rc;
	}
	if (result.exit_status != 0) {
		rc = -EPERM;
		if (asprintf(error,
		             "the kernel's part of the configuration: nft failed (finwall hook "
		             "print shows the text):\n%s",
		             result.err) < 0) {
			*error = NULL;
		}
	}
	run_result_fini(&result);
	return rc;
}
