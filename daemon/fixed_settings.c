/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that a reload cannot change, as a table.
 */
#include "fixed_settings.h"

#include "io/log.h"

#include <stddef.h>
#include <string.h>

/* Each is a uint32_t of struct settings. */
static const struct {
	const char *name;
	size_t offset;
} fixed_settings[] = {
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
	{ "connections prefault", offsetof(struct settings, prefault) },
};

static uint32_t setting_at(const struct settings *s, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)s + offset, sizeof(value));
	return value;
}

void fixed_settings_check(const struct settings *at_start, const struct settings *fresh,
                          const char *config_path, struct log *log)
{
	for (size_t i = 0; i < sizeof(fixed_settings) / sizeof(fixed_settings[0]); i++) {
		size_t offset = fixed_settings[i].offset;

		if (setting_at(at_start, offset) != setting_at(fresh, offset)) {
			log_write(log, LOG_LEVEL_WARNING,
			          "%s: new value of %s takes effect at the next start", config_path,
			          fixed_settings[i].name);
		}
	}
}
