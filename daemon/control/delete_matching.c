/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DeleteMatching: deletes the connections that match a filter, a slice per reply.
 *
 * A slice is read without locks, as for a list; each match is deleted by its key under the lock. So
 * no packet waits for the search, and the main loop serves others between slices.
 */
#include "method.h"

#include "io/clock.h"
#include "io/ifname.h"
#include "io/log.h"
#include "state/import_conntrack.h"

#include <finwall/flow_text.h>

#include <inttypes.h>
#include <stdlib.h>

#define SLICE_LEN 256

struct deletion {
	struct ctl_stream stream;
	const struct control_env *env;
	enum engine_delete_mode mode;
	enum flow_view_kind pass; /* live connections first */
	struct flow_filter filter;
	struct engine_cursor cursor;
	uint64_t deleted;
	uint64_t remembered; /* ended or forgotten */
};

static void deletion_next(struct ctl_stream *s, struct ctl_client *c);
static void deletion_free(struct ctl_stream *s);
static void slice_live(struct deletion *d);
static void slice_remembered(struct deletion *d);

void control_delete_matching(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	const json_t *filter = json_object_get(call->parameters, "filter");
	const char *wrong = "filter";
	struct deletion *d;

	if (!call->wants_more) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL) {
		method_out_of_memory(c);
		return;
	}
	/* an empty filter is refused: Flush deletes all */
	if (json_object_size(filter) == 0 ||
	    (wrong = method_read_delete_mode(call, &d->mode)) != NULL) {
		free(d);
		method_invalid_parameter(c, wrong);
		return;
	}
	if (!method_read_filter(&ctl->env, c, filter, &d->filter)) {
		free(d);
		return;
	}
	d->stream.next = deletion_next;
	d->stream.free = deletion_free;
	d->env = &ctl->env;
	ctl_client_stream(c, &d->stream);
}

static void deletion_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct deletion *d = (struct deletion *)s;
	bool is_over;

	if (d->pass == VIEW_LIVE) {
		slice_live(d);
	} else {
		slice_remembered(d);
	}
	is_over = engine_list_is_over(d->env->engine, &d->cursor);
	if (is_over && d->pass == VIEW_LIVE && d->mode != DELETE_REMEMBER) {
		d->pass = VIEW_REMEMBERED;
		d->cursor = (struct engine_cursor){ 0 };
		is_over = false;
	}
	ctl_client_reply(c,
	                 json_pack("{s:I, s:I}", "deleted", (json_int_t)d->deleted, "remembered",
	                           (json_int_t)d->remembered),
	                 is_over ? CTL_LAST : CTL_CONTINUES);
}

/* Also when the client is gone before the end. */
static void deletion_free(struct ctl_stream *s)
{
	struct deletion *d = (struct deletion *)s;

	if (d->deleted + d->remembered > 0) {
		log_write(d->env->log, LOG_LEVEL_NOTICE,
		          "%" PRIu64 " connections and %" PRIu64
		          " remembered ones deleted by command with a filter",
		          d->deleted, d->remembered);
	}
	free(d);
}

static bool delete_one(struct deletion *d, const struct flowkey *key, struct mono now)
{
	if (!engine_delete(d->env->engine, d->env->worker, key, now, d->mode)) {
		return false;
	}
	import_note_deleted(d->env->importer, key);
	return true;
}

static void slice_live(struct deletion *d)
{
	struct mono now = clock_now();
	struct flow flows[SLICE_LEN];
	struct flow_account accounts[SLICE_LEN];
	size_t n =
		engine_list_accounts(d->env->engine, &d->cursor, now, flows, accounts, SLICE_LEN);

	for (size_t i = 0; i < n; i++) {
		struct flow_view v;
		char name[IFNAMSIZ];

		flow_view_live(&flows[i], now, ifnames_get(d->env->ifnames, flows[i].ifindex, name),
		               &v);
		v.origin = flows[i].timer[0];
		flow_view_account(&v, &accounts[i], now);
		if (method_wants_connection(d->env, &d->filter, &v) &&
		    delete_one(d, &flows[i].key, now)) {
			d->deleted++;
		}
	}
}

/* Those that were remembered before; the tombstones of the first pass are of ended connections. */
static void slice_remembered(struct deletion *d)
{
	struct mono now = clock_now();
	struct tomb_info tombs[SLICE_LEN];
	size_t n = engine_list_tombs(d->env->engine, &d->cursor, now, tombs, SLICE_LEN);

	for (size_t i = 0; i < n; i++) {
		struct flow live;
		struct flow_view v;

		if (d->mode == DELETE_END && tombs[i].cause == TOMB_DELETED) {
			continue;
		}
		flow_view_remembered(&tombs[i], now, &v);
		/* the key has a new connection: the first pass has decided about it */
		if (!method_wants_connection(d->env, &d->filter, &v) ||
		    engine_find_flow(d->env->engine, &tombs[i].key, now, &live)) {
			continue;
		}
		d->remembered += delete_one(d, &tombs[i].key, now);
	}
}
