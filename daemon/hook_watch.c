/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches the hook rules. See hook_watch.h. */
#include "hook_watch.h"

#include "io/hook_read.h"
#include "io/log.h"
#include "io/notify.h"
#include "wire/hook_names.h"
#include "wire/nft_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between two readings: where changes have no notification, and where they have. */
#define POLL_NS     (300 * NSEC_PER_MSEC)
#define INTERVAL_NS (10 * NSEC_PER_SEC)

/* A notification so soon after a reading waits for the next tick. */
#define PAUSE_NS (50 * NSEC_PER_MSEC)

/* So old a reading is good enough for those who ask. */
#define REFRESH_NS (10 * NSEC_PER_MSEC)

/* After the start the hook rules follow; until then their absence is not logged. */
#define GRACE_NS (5 * NSEC_PER_SEC)

static bool read_rules(struct hook_watch *w, struct mono now);

void hook_watch_open(struct hook_watch *w, struct log *log, struct mono now)
{
	w->log = log;
	w->start = now;
	w->reader_error = hook_reader_open(&w->reader);
	w->wanted.has_family[SEEN_IPV4] = true;
	w->wanted.has_family[SEEN_IPV6] = access("/proc/sys/net/ipv6", F_OK) == 0;
}

void hook_watch_close(struct hook_watch *w)
{
	hook_reader_close(w->reader);
	w->reader = NULL;
}

uint32_t hook_watch_extra(struct hook_watch *w, uint32_t own_first, uint32_t own_len,
                          uint16_t *extra, uint32_t max)
{
	const uint32_t own_last = own_first + own_len - 1;
	uint32_t first = own_first;
	uint32_t last = own_last;
	uint32_t len = 0;

	w->wanted.queue_first = own_first;
	w->wanted.queue_last = own_last;
	if (w->reader == NULL || hook_read(w->reader, own_first, own_last, &w->seen) != 0) {
		return 0;
	}
	for (unsigned i = 0; i < SEEN_FAMILIES_LEN * HOOKS_LEN; i++) {
		const struct seen_hook *h = &w->seen.at[i / HOOKS_LEN][i % HOOKS_LEN];

		if (h->is_queued) {
			first = h->queue_first < first ? h->queue_first : first;
			last = h->queue_last > last ? h->queue_last : last;
		}
	}
	for (uint32_t q = first; q <= last && len < max; q++) {
		if ((q < own_first || q > own_last) && q < QUEUES_MAX) {
			extra[len++] = (uint16_t)q;
		}
	}
	return len;
}

void hook_watch_require(struct hook_watch *w, const struct ruleset *rules, const struct config *c,
                        const struct tunables *tun, struct mono now)
{
	ruleset_hooks(rules, w->wanted.hooked);
	config_kernel(c, &w->kernel);
	w->wanted.is_shadow = tun->enforce == 0;
	w->is_on = config_settings(c)->hook_watch != HOOK_WATCH_OFF;
	(void)read_rules(w, now);
}

int hook_watch_fd(const struct hook_watch *w)
{
	return w->reader != NULL ? hook_reader_fd(w->reader) : -1;
}

bool hook_watch_notified(struct hook_watch *w, struct mono now)
{
	hook_reader_drain(w->reader);
	w->is_dirty = true;
	return mono_diff(now, w->read_at) >= PAUSE_NS;
}

void hook_watch_refresh(struct hook_watch *w, struct mono now)
{
	if (w->is_on && mono_diff(now, w->read_at) >= REFRESH_NS) {
		w->is_changed |= read_rules(w, now);
	}
}

/* True if packets are not judged. */
static bool is_loss(enum hook_fault fault)
{
	return fault == HOOK_FAULT_MISSING || fault == HOOK_FAULT_BYPASSED;
}

/* Logs a fault, not before it can be expected to last, and its end. */
static void log_change(struct hook_watch *w, struct mono now)
{
	if (w->fault == HOOK_FAULT_NONE) {
		if (w->is_logged) {
			log_write(w->log, LOG_LEVEL_NOTICE, "the hook rules are installed");
		}
		w->is_logged = false;
		return;
	}
	if (w->is_logged || !w->is_on || (!w->was_good && mono_diff(now, w->start) < GRACE_NS)) {
		return;
	}
	log_write(w->log, LOG_LEVEL_WARNING, "%s%s", w->text,
	          w->fault == HOOK_FAULT_UNKNOWN || w->fault == HOOK_FAULT_TAKEN ? ""
	          : w->fault == HOOK_FAULT_KERNEL ? "; finwall hook up loads it"
	                                          : "; finwall hook up installs the hook rules");
	w->is_logged = true;
}

bool hook_watch_tick(struct hook_watch *w, struct mono now)
{
	bool is_changed = w->is_changed;

	if (w->is_on && !w->must_poll && mono_diff(now, w->polled_at) >= POLL_NS) {
		/* iptables-legacy may have been used for the first time */
		w->must_poll = w->reader != NULL && hook_reader_must_poll(w->reader);
		w->is_dirty |= w->must_poll;
		w->polled_at = now;
	}
	if (w->is_on &&
	    (w->is_dirty || mono_diff(now, w->read_at) >= (w->must_poll ? POLL_NS : INTERVAL_NS))) {
		is_changed |= read_rules(w, now);
	}
	w->is_changed = false;
	log_change(w, now);
	return is_changed;
}

/* A table of the kernel's part, as it is in the kernel. */
enum table_state {
	TABLE_MISSING,
	TABLE_TAKEN,
	TABLE_OTHER, /* of another configuration */
	TABLE_GOOD,
};

struct tables_seen {
	const struct config_kernel *wanted;
	uint8_t *states; /* enum table_state, of each wanted table */
};

static void note_table(void *ctx, const struct nft_table_seen *table)
{
	static const char mark[] = KERNEL_PART_MARK;
	const struct tables_seen *seen = ctx;
	char name[NFT_TABLE_NAME_SIZE + 8];

	(void)snprintf(name, sizeof(name), "%s %s", nft_family_name(table->family), table->name);
	for (size_t i = 0; i < seen->wanted->tables_len; i++) {
		if (strcmp(seen->wanted->tables[i], name) != 0) {
			continue;
		}
		seen->states[i] = strncmp(table->comment, mark, sizeof(mark) - 1) != 0 ? TABLE_TAKEN
		                  : strtoull(table->comment + sizeof(mark) - 1, NULL, 16) ==
		                                  seen->wanted->hash
		                          ? TABLE_GOOD
		                          : TABLE_OTHER;
	}
}

/* Looks for the tables of the kernel's part. Returns 0/-errno; sets the fault if one is not there.
 */
static int check_kernel(struct hook_watch *w)
{
	static const char *const texts[] = {
		[TABLE_MISSING] = "of the configuration is not in the kernel",
		[TABLE_TAKEN] = "in the kernel is not finwall's; delete it, so that that of the "
				"configuration can be loaded",
		[TABLE_OTHER] = "in the kernel is that of another configuration",
	};
	struct tables_seen seen = { .wanted = &w->kernel };
	int err;

	if (w->kernel.tables_len == 0) {
		return 0;
	}
	seen.states = calloc(w->kernel.tables_len, 1);
	if (seen.states == NULL) {
		return -ENOMEM;
	}
	err = hook_read_tables(w->reader, note_table, &seen);
	for (size_t i = 0; err == 0 && i < w->kernel.tables_len; i++) {
		if (seen.states[i] != TABLE_GOOD && w->fault != HOOK_FAULT_TAKEN) {
			w->fault = seen.states[i] == TABLE_TAKEN ? HOOK_FAULT_TAKEN
			                                         : HOOK_FAULT_KERNEL;
			(void)snprintf(w->text, sizeof(w->text), "table %s %s", w->kernel.tables[i],
			               texts[seen.states[i]]);
		}
	}
	free(seen.states);
	return err;
}

/* Reads what the kernel has, and sets the fault. Returns 0/-errno. */
static int read_all(struct hook_watch *w)
{
	int err = hook_read(w->reader, w->wanted.queue_first, w->wanted.queue_last, &w->seen);

	w->must_poll = hook_reader_must_poll(w->reader);
	if (err != 0) {
		return err;
	}
	w->fault = hook_seen_check(&w->seen, &w->wanted, w->text);
	return w->fault == HOOK_FAULT_NONE ? check_kernel(w) : 0;
}

static bool read_rules(struct hook_watch *w, struct mono now)
{
	const enum hook_fault old = w->fault;
	char old_text[HOOK_FAULT_TEXT_SIZE];
	int err = w->reader_error;

	memcpy(old_text, w->text, sizeof(old_text));
	w->is_dirty = false;
	w->read_at = now;
	if (w->reader != NULL) {
		err = read_all(w);
	}
	if (err != 0) {
		w->fault = HOOK_FAULT_UNKNOWN;
		(void)snprintf(w->text, sizeof(w->text), "the hook rules cannot be read: %s",
		               strerror(-err));
	}
	if (old == w->fault && strcmp(old_text, w->text) == 0) {
		return false;
	}
	w->losses += w->was_good && is_loss(w->fault) && !is_loss(old) ? 1 : 0;
	w->has_gap |= w->was_good && is_loss(w->fault) != is_loss(old);
	w->was_good |= w->fault != HOOK_FAULT_UNKNOWN && !is_loss(w->fault);
	w->is_logged = w->is_logged && w->fault == HOOK_FAULT_NONE;
	return true;
}

void hook_watch_status(const struct hook_watch *w, char text[HOOK_STATUS_SIZE])
{
	const char *mode = w->wanted.is_shadow
	                           ? "Shadow mode: every packet is accepted (enforce off)"
	                           : "Filtering";

	if (!w->is_on || w->fault == HOOK_FAULT_NONE) {
		(void)snprintf(text, HOOK_STATUS_SIZE, "%s%s", mode,
		               w->is_on ? "" : "; the hook rules are not watched");
		return;
	}
	switch (w->fault) {
	case HOOK_FAULT_MISSING:
		mode = w->wanted.is_shadow ? "Shadow mode" : "Not filtering";
		break;
	case HOOK_FAULT_BYPASSED:
		mode = w->wanted.is_shadow ? "Shadow mode" : "Not filtering every packet";
		break;
	default:
		break;
	}
	(void)snprintf(text, HOOK_STATUS_SIZE, "%s: %s", mode, w->text);
}

void hook_watch_notify_ready(const struct hook_watch *w)
{
	char status[HOOK_STATUS_SIZE];

	hook_watch_status(w, status);
	notify_ready(status);
}
