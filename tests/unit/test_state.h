/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of saved state in real files: a directory, and worlds that are saved and loaded.
 */
#ifndef FINWALL_TESTS_STATE_H
#define FINWALL_TESTS_STATE_H

#include "state/load.h"
#include "state/save.h"

#include "flows.h"
#include "suite.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The wall clock when a test world starts. */
#define WALL_NS (UINT64_C(1700000000) * NSEC_PER_SEC)
#define BOOT_S  5000
#define WALL    ((struct wall_time){ .wall_ns = WALL_NS, .boot_s = BOOT_S, .boot_id = 7 })

static char dir[] = "/tmp/finwall-test-state.XXXXXX";
static char path[sizeof(dir) + 16];

static inline void make_dir(void)
{
	if (strchr(dir, 'X') != NULL) {
		ck_assert_ptr_nonnull(mkdtemp(dir));
	}
	(void)snprintf(path, sizeof(path), "%s/state", dir);
}

static inline const char *beside(const char *ending)
{
	static char name[sizeof(path) + 8];

	(void)snprintf(name, sizeof(name), "%s%s", path, ending);
	return name;
}

static inline void remove_dir(void)
{
	(void)unlink(path);
	(void)unlink(beside(".new"));
	(void)unlink(beside(".bad"));
	(void)rmdir(dir);
}

static inline bool exists(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0;
}

static inline void put_file(const uint8_t *bytes, size_t size)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void put_text(const char *text)
{
	put_file((const uint8_t *)text, strlen(text));
}

/* Flow nr of the engine, which expires in ttl_s. */
static inline void add_flow(struct world *w, uint32_t nr, int64_t ttl_s)
{
	struct flow f = flows_tcp(nr);

	f.deadline = mono_add(w->now, sec_to_ns(ttl_s));
	ck_assert(engine_import_flow(w->engine, w->worker, &f, w->now));
}

static inline void add_tomb(struct world *w, uint32_t nr, int64_t age_s)
{
	struct flow f = flows_tcp(nr);
	struct tomb_info t = { .key = f.key, .conn = f.conn.tcp, .status = f.status };

	t.ended = mono_add(w->now, -sec_to_ns(age_s));
	ck_assert(engine_import_tomb(w->engine, w->worker, &t, w->now));
}

static inline void save(struct world *w, enum save_kind kind)
{
	struct state_save *s;
	int res;

	ck_assert_int_eq(state_save_begin(path, kind, w->now, WALL, &s), 0);
	while ((res = state_save_step(s, w->engine, w->now, 1)) == SAVE_CONTINUES) {
	}
	ck_assert_int_eq(res, SAVE_DONE);
}

/* Loads the file into another world, after another boot, down_s later by the wall clock. */
static inline struct state_loaded load(struct world *w, int64_t down_s, enum load_gap gap)
{
	struct state_loaded taken;
	struct wall_time wall = { .wall_ns = WALL_NS + (uint64_t)sec_to_ns(down_s), .boot_id = 8 };

	ck_assert_int_eq(state_load(path, w->engine, w->worker, gap, w->now, wall, &taken), 0);
	return taken;
}

static inline uint64_t usage_flows(struct world *w)
{
	struct engine_usage u;

	engine_usage(w->engine, &u);
	return u.flows;
}

static inline uint64_t usage_tombs(struct world *w)
{
	struct engine_usage u;

	engine_usage(w->engine, &u);
	return u.tombs;
}

static inline bool find(struct world *w, uint32_t nr, struct flow *out)
{
	struct flowkey key = flows_key(nr);

	return engine_find_flow(w->engine, &key, w->now, out);
}

#endif
