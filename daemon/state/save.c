/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves entries in slices: all flows, then all tombstones. A flow that expires in between is in the
 * file twice; the load keeps one. One that was revived in between would be in neither: if
 * tombstones were taken meanwhile, revived flows are saved once more, as tombstones. All times are
 * relative to the start of the save.
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
	enum { PASS_FLOWS, PASS_TOMBS, PASS_REVIVED } pass;
	bool has_begun;
	uint64_t tombs_taken; /* at the first step */
	/* one slice */
	struct flow flows[SLICE_LEN];
	struct tomb_info tombs[SLICE_LEN];
	uint8_t bytes[SLICE_LEN * SNAPSHOT_RECORD_SIZE];
};

static int save_flows(struct state_save *s, struct engine *e, struct mono now);
static int save_tombs(struct state_save *s, struct engine *e, struct mono now);
static int save_revived(struct state_save *s, struct engine *e, struct mono now);
static int finish(struct state_save *s);

int state_save_begin(const char *path, enum save_kind kind, struct mono now, struct wall_time wall,
                     struct state_save **out)
{
	struct state_save *s = NULL;
	int err;

	if (posix_memalign((void **)&s, _Alignof(struct state_save), sizeof(*s)) != 0) {
		return -ENOMEM;
	}
	s->start = now;
	s->header = (struct snapshot_header){ .saved_wall_ns = (int64_t)wall.wall_ns,
		                              .boot_id = wall.boot_id,
		                              .boot_s = wall.boot_s,
		                              .flags = kind == SAVE_FINAL ? SNAPSHOT_FINAL : 0 };
	s->cursor = (struct engine_cursor){ 0 };
	s->pass = PASS_FLOWS;
	s->has_begun = false;
	err = state_file_begin(path, SNAPSHOT_HEADER_SIZE, &s->file);
	if (err != 0) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

static uint64_t tombs_taken(struct engine *e)
{
	struct engine_usage usage;

	engine_usage(e, &usage);
	return usage.tombs_taken;
}

/* The next slice. Returns its number of records or -errno. */
static int save_slice(struct state_save *s, struct engine *e, struct mono now)
{
	switch (s->pass) {
	case PASS_FLOWS:
		return save_flows(s, e, now);
	case PASS_TOMBS:
		return save_tombs(s, e, now);
	default:
		return save_revived(s, e, now);
	}
}

/* Returns false when there is no further pass. */
static bool next_pass(struct state_save *s, struct engine *e)
{
	s->cursor = (struct engine_cursor){ 0 };
	if (s->pass == PASS_FLOWS) {
		s->pass = PASS_TOMBS;
		return true;
	}
	if (s->pass == PASS_TOMBS && tombs_taken(e) != s->tombs_taken) {
		s->pass = PASS_REVIVED;
		return true;
	}
	return false;
}

int state_save_step(struct state_save *s, struct engine *e, struct mono now, unsigned budget)
{
	if (!s->has_begun) {
		s->has_begun = true;
		s->tombs_taken = tombs_taken(e);
	}
	for (unsigned written = 0; written < budget;) {
		int len = save_slice(s, e, now);

		if (len < 0) {
			state_save_abort(s);
			return len;
		}
		if (engine_list_is_over(e, &s->cursor) && !next_pass(s, e)) {
			return finish(s);
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

/* The load ignores those whose flow it has. */
static int save_revived(struct state_save *s, struct engine *e, struct mono now)
{
	size_t len = engine_list_saved(e, &s->cursor, now, s->flows, SLICE_LEN);
	size_t revived = 0;

	for (size_t i = 0; i < len; i++) {
		const struct flow *f = &s->flows[i];
		struct tomb_info tomb = { .key = f->key,
			                  .conn = f->conn.tcp,
			                  .status = f->status & (uint8_t)~FLOW_REVIVED,
			                  .cause = TOMB_RESTART,
			                  .ended = s->start };

		if ((f->status & FLOW_REVIVED) != 0) {
			snapshot_write_tomb(&tomb, s->start,
			                    s->bytes + revived * SNAPSHOT_RECORD_SIZE);
			revived++;
		}
	}
	s->header.tombs_len += revived;
	return write_slice(s, revived);
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
