/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking in a file of saved state. All of it is judged before anything is taken.
 *
 * The memory of expired connections gives up its oldest first, so what died, before or after the
 * save, comes in the order of death.
 */
#include "state.h"

#include "io/state_file.h"

#include <errno.h>
#include <stdlib.h>

/* A record of what is dead by now: a tombstone, or a flow whose time ran out. */
struct dead {
	int64_t died_ns;
	uint64_t nr;
};

struct load {
	/* set once */
	const uint8_t *file;
	struct snapshot_header header;
	struct engine *engine;
	struct engine_worker *worker;
	enum load_gap gap;
	struct mono now;
	struct mono saved; /* the save, on our clock */
	/* so far */
	struct dead *dead;
	uint64_t dead_len;
	struct state_taken *taken;
};

static void note_use(const char *path, const struct snapshot_header *h);
static int64_t time_down(const struct snapshot_header *h, uint64_t wall_ns);
static int take(struct load *l);

int state_load(const char *path, struct engine *e, struct engine_worker *w, enum load_gap gap,
               struct mono now, uint64_t wall_ns, struct state_taken *out)
{
	struct load l = { .engine = e, .worker = w, .gap = gap, .now = now, .taken = out };
	struct state_view view;
	int err = state_view_open(path, &view);

	if (err != 0) {
		return err;
	}
	*out = (struct state_taken){ .result = snapshot_check(view.bytes, view.size, &l.header) };
	if (out->result == SNAPSHOT_OK) {
		out->down_ns = time_down(&l.header, wall_ns);
		l.file = view.bytes;
		l.saved = mono_add(now, -out->down_ns);
		if ((l.header.flags & SNAPSHOT_FINAL) == 0) {
			/* Its daemon went on after the save, and then was killed. */
			l.gap = GAP_PACKETS;
		} else {
			note_use(path, &l.header);
		}
		err = take(&l);
	}
	state_view_close(&view);
	return err;
}

/*
 * From now on packets are answered that the file knows nothing of: should we be killed before the
 * next save, it is not the last word any more. Where it cannot be written to, nothing is saved
 * either, and that is told.
 */
static void note_use(const char *path, const struct snapshot_header *h)
{
	struct snapshot_header used = *h;
	uint8_t bytes[SNAPSHOT_HEADER_SIZE];

	used.flags &= ~SNAPSHOT_FINAL;
	snapshot_write_header(&used, bytes);
	(void)state_file_set_header(path, bytes, sizeof(bytes));
}

/* A clock that was set back in between says nothing: then as if no time had passed. */
static int64_t time_down(const struct snapshot_header *h, uint64_t wall_ns)
{
	int64_t wall = (int64_t)wall_ns;

	return h->saved_wall_ns >= 0 && h->saved_wall_ns < wall ? wall - h->saved_wall_ns : 0;
}

/*
 * What the kernel does with its own established entries when its rules were gone for a while: the
 * next packet of each side says where the windows are (doc/tcp-tracking.md, 7.7). That packet is
 * often a retransmission of what the other side has long received, whose answer then acknowledges
 * what was never seen; so the connection is treated as one that is picked up, too: liberally.
 */
static void forget_windows(struct flow *f)
{
	struct tcp_conn *t = &f->conn.tcp;

	if (f->key.proto != IPPROTO_NR_TCP) {
		return;
	}
	for (unsigned d = 0; d < 2; d++) {
		t->flags[d] |= TCP_SIDE_LIBERAL;
		if (t->state == TCP_ESTABLISHED) {
			t->seen[d].maxwin_bytes = 0;
		}
	}
}

static void note_dead(struct load *l, int64_t died_ns, uint64_t nr)
{
	l->dead[l->dead_len++] = (struct dead){ died_ns, nr };
}

static void take_flows(struct load *l)
{
	struct flow f;

	for (uint64_t nr = 0; nr < l->header.flows_len; nr++) {
		snapshot_read_flow(l->file, nr, l->saved, &f);
		if (mono_is_due(f.deadline, l->now)) {
			note_dead(l, f.deadline.ns, nr);
			continue;
		}
		if (l->gap == GAP_PACKETS) {
			forget_windows(&f);
		}
		if (engine_import_flow(l->engine, l->worker, &f, l->now)) {
			l->taken->flows++;
		} else {
			l->taken->left_out++;
		}
	}
}

static int compare_dead(const void *one, const void *other)
{
	const struct dead *a = one;
	const struct dead *b = other;

	if (a->died_ns != b->died_ns) {
		return a->died_ns < b->died_ns ? -1 : 1;
	}
	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

static void take_dead(struct load *l)
{
	struct tomb_info tomb;
	struct flow f;
	bool is_taken;

	qsort(l->dead, l->dead_len, sizeof(*l->dead), compare_dead);
	for (uint64_t i = 0; i < l->dead_len; i++) {
		uint64_t nr = l->dead[i].nr;

		if (nr < l->header.flows_len) {
			snapshot_read_flow(l->file, nr, l->saved, &f);
			is_taken = engine_import_flow(l->engine, l->worker, &f, l->now);
		} else {
			snapshot_read_tomb(l->file, nr, l->saved, &tomb);
			is_taken = engine_import_tomb(l->engine, l->worker, &tomb, l->now);
		}
		l->taken->tombs += is_taken;
		l->taken->left_out += !is_taken;
	}
}

static int take(struct load *l)
{
	uint64_t records_len = l->header.flows_len + l->header.tombs_len;
	struct tomb_info tomb;

	/* Never 0 bytes. */
	l->dead = calloc(records_len + 1, sizeof(*l->dead));
	if (l->dead == NULL) {
		return -ENOMEM;
	}
	take_flows(l);
	for (uint64_t nr = l->header.flows_len; nr < records_len; nr++) {
		snapshot_read_tomb(l->file, nr, l->saved, &tomb);
		note_dead(l, tomb.ended.ns, nr);
	}
	take_dead(l);
	free(l->dead);
	return 0;
}
