/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves entries in slices: all flows, then all tombstones. A flow that expires in between is in the
 * file twice; the load keeps one. All times are relative to the start of the save.
 */
#include "save.h"

#include "io/state_file.h"

#include <finwall/snapshot.h>

#include <errno.h>
#include <stdlib.h>

/* Entries copied out of the engine at a time. */
#define SLICE_LEN 256

struct state_save {
	/* set once */
	struct state_file *file;
	struct mono start;
	/* progress */
	struct snapshot_header header;
	struct engine_cursor cursor;
	bool flows_are_done;
	/* one slice */
	struct flow flows[SLICE_LEN];
	struct tomb_info tombs[SLICE_LEN];
	uint8_t bytes[SLICE_LEN * SNAPSHOT_RECORD_SIZE];
};

static int save_flows(struct state_save *s, struct engine *e, struct mono now);
static int save_tombs(struct state_save *s, struct engine *e, struct mono now);
static int finish(struct state_save *s);

int state_save_begin(const char *path, enum save_kind kind, struct mono now, uint64_t wall_ns,
                     struct state_save **out)
{
	struct state_save *s = NULL;
	int err;

	if (posix_memalign((void **)&s, _Alignof(struct state_save), sizeof(*s)) != 0) {
		return -ENOMEM;
	}
	s->start = now;
	s->header = (struct snapshot_header){ .saved_wall_ns = (int64_t)wall_ns,
		                              .flags = kind == SAVE_FINAL ? SNAPSHOT_FINAL : 0 };
	s->cursor = (struct engine_cursor){ 0 };
	s->flows_are_done = false;
	err = state_file_begin(path, SNAPSHOT_HEADER_SIZE, &s->file);
	if (err != 0) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

int state_save_step(struct state_save *s, struct engine *e, struct mono now, unsigned budget)
{
	for (unsigned written = 0; written < budget;) {
		int len = s->flows_are_done ? save_tombs(s, e, now) : save_flows(s, e, now);

		if (len < 0) {
			state_save_abort(s);
			return len;
		}
		if (engine_list_is_over(e, &s->cursor)) {
			if (s->flows_are_done) {
				return finish(s);
			}
			s->flows_are_done = true;
			s->cursor = (struct engine_cursor){ 0 };
		}
		/* A call that found nothing has used up its own budget. */
		written += len > 0 ? (unsigned)len : SLICE_LEN;
	}
	return SAVE_CONTINUES;
}

void state_save_abort(struct state_save *s)
{
	if (s != NULL) {
		state_file_abort(s->file);
		free(s);
	}
}

/* Writes the first len records of the slice. Returns len or -errno. */
static int write_slice(struct state_save *s, size_t len)
{
	int err;

	for (size_t i = 0; i < len; i++) {
		s->header.records_sum =
			snapshot_sum(s->header.records_sum, s->bytes + i * SNAPSHOT_RECORD_SIZE);
	}
	err = state_file_add(s->file, s->bytes, len * SNAPSHOT_RECORD_SIZE);
	return err != 0 ? err : (int)len;
}

static int save_flows(struct state_save *s, struct engine *e, struct mono now)
{
	size_t len = engine_list_saved(e, &s->cursor, now, s->flows, SLICE_LEN);

	for (size_t i = 0; i < len; i++) {
		snapshot_write_flow(&s->flows[i], s->start, s->bytes + i * SNAPSHOT_RECORD_SIZE);
	}
	s->header.flows_len += len;
	return write_slice(s, len);
}

static int save_tombs(struct state_save *s, struct engine *e, struct mono now)
{
	size_t len = engine_list_tombs(e, &s->cursor, now, s->tombs, SLICE_LEN);

	for (size_t i = 0; i < len; i++) {
		/* It may have expired after the save began: an age is never negative. */
		if (mono_diff(s->tombs[i].ended, s->start) > 0) {
			s->tombs[i].ended = s->start;
		}
		snapshot_write_tomb(&s->tombs[i], s->start, s->bytes + i * SNAPSHOT_RECORD_SIZE);
	}
	s->header.tombs_len += len;
	return write_slice(s, len);
}

static int finish(struct state_save *s)
{
	uint8_t header[SNAPSHOT_HEADER_SIZE];
	int err;

	snapshot_write_header(&s->header, header);
	err = state_file_commit(s->file, header);
	free(s);
	return err != 0 ? err : SAVE_DONE;
}
