/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a state file. The whole file is checked before the first entry is loaded. A record with a
 * value that no entry can have is left out and counted; the others are loaded.
 *
 * The graveyard evicts its oldest tombstones first and wants them oldest first. So tombstones of
 * the file and flows that expired after the save are loaded in one order, by time of expiry.
 */
#include "load.h"

#include "io/state_file.h"

#include <errno.h>
#include <stdlib.h>

/* A record that becomes a tombstone: one, or a flow that has expired since the save. */
struct expired {
	int64_t expired_ns;
	uint64_t nr;
};

/* A difference of the clocks by which one of them was set. */
#define CLOCK_SET_NS sec_to_ns(2)

struct load {
	/* set once */
	const uint8_t *file;
	struct snapshot_header header;
	struct engine *engine;
	struct engine_worker *worker;
	enum load_gap gap;
	struct mono now;
	struct mono saved; /* time of the save, on the monotonic clock */
	/* results */
	struct expired *expired;
	uint64_t expired_len;
	struct state_loaded *loaded;
};

static bool mark_used(const char *path, const struct snapshot_header *h);
static int load_all(struct load *l);

int state_load(const char *path, struct engine *e, struct engine_worker *w, enum load_gap gap,
               struct mono now, struct wall_time wall, struct state_loaded *out)
{
	struct load l = { .engine = e, .worker = w, .gap = gap, .now = now, .loaded = out };
	struct state_view view;
	int err = state_view_open(path, &view);

	if (err != 0) {
		return err;
	}
	*out = (struct state_loaded){ .result = snapshot_check(view.bytes, view.size, &l.header) };
	if (out->result == SNAPSHOT_OK) {
		out->down_ns = state_time_down(&l.header, &wall);
		l.file = view.bytes;
		l.saved = mono_add(now, -out->down_ns);
		/* A periodic save: its daemon ran on, and was killed later. */
		if ((l.header.flags & SNAPSHOT_FINAL) == 0 || !mark_used(path, &l.header)) {
			l.gap = GAP_PACKETS;
		}
		err = load_all(&l);
	}
	state_view_close(&view);
	return err;
}

/*
 * Clears SNAPSHOT_FINAL in the file: from now on packets get verdicts after that save, and the
 * daemon may be killed before the next one. Returns false when the file cannot be changed: then it
 * may be that old already, because a start before this one could not change it either.
 */
static bool mark_used(const char *path, const struct snapshot_header *h)
{
	struct snapshot_header used = *h;
	uint8_t bytes[SNAPSHOT_HEADER_SIZE];

	used.flags &= ~SNAPSHOT_FINAL;
	snapshot_write_header(&used, bytes);
	return state_file_set_header(path, bytes, sizeof(bytes)) == 0;
}

/*
 * Since the same boot the time is known, and the wall clock adds precision unless it was set. After
 * another one the wall clock decides; 0 when it was set back meanwhile.
 */
int64_t state_time_down(const struct snapshot_header *h, const struct wall_time *now)
{
	int64_t wall = (int64_t)now->wall_ns;
	int64_t down_ns =
		h->saved_wall_ns >= 0 && h->saved_wall_ns < wall ? wall - h->saved_wall_ns : 0;

	if (h->boot_id != 0 && h->boot_id == now->boot_id && now->boot_s >= h->boot_s) {
		int64_t since_ns = sec_to_ns(now->boot_s - h->boot_s);

		return down_ns - since_ns > CLOCK_SET_NS || since_ns - down_ns > CLOCK_SET_NS
		               ? since_ns
		               : down_ns;
	}
	return down_ns;
}

static bool read_flow(const struct load *l, uint64_t nr, struct flow *f)
{
	if (!snapshot_read_flow(l->file, nr, l->saved, f)) {
		return false;
	}
	if (l->gap == GAP_PACKETS && f->key.proto == IPPROTO_NR_TCP) {
		tcp_note_gap(&f->conn.tcp, &f->status);
	}
	return true;
}

static bool read_tomb(const struct load *l, uint64_t nr, struct tomb_info *tomb)
{
	if (!snapshot_read_tomb(l->file, nr, l->saved, tomb)) {
		return false;
	}
	if (l->gap == GAP_PACKETS) {
		/* It may have been revived since, and moved on. */
		tcp_note_gap(&tomb->conn, &tomb->status);
	}
	return true;
}

static void note_expired(struct load *l, int64_t expired_ns, uint64_t nr)
{
	l->expired[l->expired_len++] = (struct expired){ expired_ns, nr };
}

static void import_flow(struct load *l, const struct flow *f)
{
	if (engine_import_flow(l->engine, l->worker, f, l->now)) {
		l->loaded->flows++;
	} else {
		l->loaded->left_out++;
	}
}

/*
 * ASSURED flows first: with another hash key, or fewer places, shards of a full table overflow, and
 * the entries of a SYN flood must not take the places of connections.
 */
static void load_flows(struct load *l)
{
	struct flow f;

	for (uint64_t nr = 0; nr < l->header.flows_len; nr++) {
		if (!read_flow(l, nr, &f)) {
			l->loaded->invalid++;
		} else if (mono_is_due(f.deadline, l->now)) {
			note_expired(l, f.deadline.ns, nr);
		} else if ((f.status & FLOW_ASSURED) != 0) {
			import_flow(l, &f);
		}
	}
	for (uint64_t nr = 0; nr < l->header.flows_len; nr++) {
		if (read_flow(l, nr, &f) && !mono_is_due(f.deadline, l->now) &&
		    (f.status & FLOW_ASSURED) == 0) {
			import_flow(l, &f);
		}
	}
}

static int compare_expired(const void *one, const void *other)
{
	const struct expired *a = one;
	const struct expired *b = other;

	if (a->expired_ns != b->expired_ns) {
		return a->expired_ns < b->expired_ns ? -1 : 1;
	}
	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

static void load_expired(struct load *l)
{
	struct tomb_info tomb;
	struct flow f;
	bool is_loaded;

	qsort(l->expired, l->expired_len, sizeof(*l->expired), compare_expired);
	for (uint64_t i = 0; i < l->expired_len; i++) {
		uint64_t nr = l->expired[i].nr;

		if (nr < l->header.flows_len) {
			/* Valid: it has been read before. */
			(void)read_flow(l, nr, &f);
			is_loaded = engine_import_flow(l->engine, l->worker, &f, l->now);
		} else {
			(void)read_tomb(l, nr, &tomb);
			is_loaded = engine_import_tomb(l->engine, l->worker, &tomb, l->now);
		}
		l->loaded->tombs += is_loaded;
		l->loaded->left_out += !is_loaded;
	}
}

static int load_all(struct load *l)
{
	uint64_t records_len = l->header.flows_len + l->header.tombs_len;
	struct tomb_info tomb;

	/* At least one element, so that NULL means failure. */
	l->expired = calloc(records_len + 1, sizeof(*l->expired));
	if (l->expired == NULL) {
		return -ENOMEM;
	}
	load_flows(l);
	for (uint64_t nr = l->header.flows_len; nr < records_len; nr++) {
		if (snapshot_read_tomb(l->file, nr, l->saved, &tomb)) {
			note_expired(l, tomb.ended.ns, nr);
		} else {
			l->loaded->invalid++;
		}
	}
	load_expired(l);
	free(l->expired);
	return 0;
}
