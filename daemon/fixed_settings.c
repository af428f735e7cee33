/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that a reload cannot change, as tables.
 */
#include "fixed_settings.h"

#include <stddef.h>
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
	{ "connections prefault", offsetof(struct settings, prefault) },
};

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

void fixed_settings_check(const struct settings *at_start, const struct settings *fresh, FILE *to)
{
	const char *old_pin = at_start->queue_pin != NULL ? at_start->queue_pin : "";
	const char *pin = fresh->queue_pin != NULL ? fresh->queue_pin : "";

	const char *old_group = at_start->control_group != NULL ? at_start->control_group : "";
	const char *group = fresh->control_group != NULL ? fresh->control_group : "";

	check(at_start, fresh, fixed_rows, sizeof(fixed_rows) / sizeof(fixed_rows[0]), "start", to);
	if (strcmp(old_group, group) != 0) {
		(void)fprintf(to, "new value of control group takes effect at the next start\n");
	}
	if (strcmp(old_pin, pin) != 0) {
		(void)fprintf(to, "new value of queue pin takes effect at the next start\n");
	}
}

void hook_settings_check(const struct settings *old, const struct settings *fresh, FILE *to)
{
	check(old, fresh, hook_rows, sizeof(hook_rows) / sizeof(hook_rows[0]), "finwall hook up",
	      to);
}
