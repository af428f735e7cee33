/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that a reload cannot change, as tables.
 */
#include "fixed_settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A uint32_t of struct settings. */
struct row {
	const char *name;
	size_t offset;
};

static const struct row fixed_rows[] = {
	{ "queue num", offsetof(struct settings, queue_num) },
	{ "queue count", offsetof(struct settings, queue_count) },
	{ "queue length", offsetof(struct settings, queue_len) },
	{ "queue receive-buffer", offsetof(struct settings, queue_rcvbuf_bytes) },
	{ "queue copy", offsetof(struct settings, queue_copy_bytes) },
	{ "queue on-absent", offsetof(struct settings, on_absent) },
	{ "queue on-overload", offsetof(struct settings, on_overload) },
	{ "queue spin", offsetof(struct settings, queue_spin_us) },
	{ "hook compare-kernel", offsetof(struct settings, compare_kernel) },
	{ "hook mark", offsetof(struct settings, hook_mark) },
	{ "connections max", offsetof(struct settings, connections_max) },
	{ "connections remember-max", offsetof(struct settings, remember_max) },
	{ "rules with skuid or skgid", offsetof(struct settings, needs_owner) },
	{ "rules with ct status, original or reply", offsetof(struct settings, needs_ct_status) },
	{ "rules with ct bytes, packets or avgpkt", offsetof(struct settings, needs_accounting) },
	{ "connections accounting", offsetof(struct settings, accounting) },
	{ "cluster interval", offsetof(struct settings, cluster_interval_ms) },
	{ "cluster replicate", offsetof(struct settings, cluster_replicate) },
	{ "cluster replicate-timeout", offsetof(struct settings, cluster_timeout_ms) },
	{ "cluster snapshot", offsetof(struct settings, cluster_snapshot_s) },
	{ "cluster sets", offsetof(struct settings, cluster_sets) },
	{ "cluster tls", offsetof(struct settings, cluster_tls) },
	{ "connections prefault", offsetof(struct settings, prefault) },
};

/* A const char * of struct settings, which may be NULL. */
static const struct row text_rows[] = {
	{ "queue pin", offsetof(struct settings, queue_pin) },
	{ "control group", offsetof(struct settings, control_group) },
	{ "cluster engine", offsetof(struct settings, cluster_engine) },
	{ "cluster group", offsetof(struct settings, cluster_group) },
	{ "cluster node", offsetof(struct settings, cluster_node) },
	{ "cluster user", offsetof(struct settings, cluster_user) },
	{ "cluster password-file", offsetof(struct settings, cluster_password) },
	{ "cluster tls-ca", offsetof(struct settings, cluster_tls_ca) },
	{ "cluster tls-certificate", offsetof(struct settings, cluster_tls_certificate) },
	{ "cluster tls-key", offsetof(struct settings, cluster_tls_key) },
};

_Static_assert(sizeof(text_rows) / sizeof(text_rows[0]) == FIXED_TEXTS_LEN, "a copy of each");

static const struct row hook_rows[] = {
	{ "hook loopback", offsetof(struct settings, loopback) },
	{ "hook backend", offsetof(struct settings, backend) },
	{ "hook defragment", offsetof(struct settings, defragment) },
	{ "hook admin-port", offsetof(struct settings, admin_port) },
	{ "hook fast-path", offsetof(struct settings, fast_path) },
	{ "hook fast-path-max", offsetof(struct settings, fast_path_max) },
};

static uint32_t setting_at(const struct settings *s, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)s + offset, sizeof(value));
	return value;
}

static void check(const struct settings *old, const struct settings *fresh, const struct row *rows,
                  size_t rows_len, const char *when, FILE *to)
{
	for (size_t i = 0; i < rows_len; i++) {
		if (setting_at(old, rows[i].offset) != setting_at(fresh, rows[i].offset)) {
			(void)fprintf(to, "new value of %s takes effect at the next %s\n",
			              rows[i].name, when);
		}
	}
}

/* NULL = not set. */
static const char *text_at(const struct settings *s, size_t offset)
{
	const char *text;

	memcpy(&text, (const uint8_t *)s + offset, sizeof(text));
	return text;
}

static bool texts_differ(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

int fixed_settings_keep(struct settings *at_start, char *texts[static FIXED_TEXTS_LEN])
{
	for (size_t i = 0; i < FIXED_TEXTS_LEN; i++) {
		const char *text = text_at(at_start, text_rows[i].offset);

		texts[i] = text == NULL ? NULL : strdup(text);
		if (text != NULL && texts[i] == NULL) {
			return -ENOMEM;
		}
		memcpy((uint8_t *)at_start + text_rows[i].offset, &texts[i], sizeof(texts[i]));
	}
	return 0;
}

void fixed_settings_check(const struct settings *at_start, const struct settings *fresh, FILE *to)
{
	check(at_start, fresh, fixed_rows, sizeof(fixed_rows) / sizeof(fixed_rows[0]), "start", to);
	for (size_t i = 0; i < FIXED_TEXTS_LEN; i++) {
		size_t offset = text_rows[i].offset;

		if (texts_differ(text_at(at_start, offset), text_at(fresh, offset))) {
			(void)fprintf(to, "new value of %s takes effect at the next start\n",
			              text_rows[i].name);
		}
	}
}

void hook_settings_check(const struct settings *old, const struct settings *fresh, FILE *to)
{
	check(old, fresh, hook_rows, sizeof(hook_rows) / sizeof(hook_rows[0]), "finwall hook up",
	      to);
}
