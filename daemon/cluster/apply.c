/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What messages of other nodes do. See apply.h. */
#include "apply.h"

#include "io/log.h"
#include "set_changes.h"

#include <finwall/config.h>

/* Commands of older messages are left out. */
#define COMMAND_AGE_MAX_MS 5000

/* An age is no longer than any time that matters; it comes from another machine's clock. */
#define AGE_MAX_MS (INT64_C(400) * 86400 * 1000)

static void change_set(const struct apply_env *env, struct apply_stream *s,
                       const struct cluster_record *r)
{
	char problem[NAMED_SET_PROBLEM_SIZE];
	const char *elements[] = { r->element };
	struct named_set *set;
	uint64_t changed = 0;

	if (!env->takes_sets) {
		return;
	}
	set = named_set_find(env->config, r->table, r->set, problem);
	if (set == NULL || set_changes_apply(env->set_changes, env->workers, set,
	                                     r->arg == CLUSTER_SET_ADD ? SET_ADD : SET_DELETE,
	                                     elements, 1, &changed, problem) != 0) {
		s->counts.sets_refused++;
		return;
	}
	engine_stale_leases(env->engine);
}

static void run_command(const struct apply_env *env, struct apply_stream *s,
                        const struct cluster_record *r, struct mono now)
{
	s->counts.commands++;
	switch (r->kind) {
	case CLUSTER_DELETED:
		(void)engine_delete(env->engine, env->worker, &r->key, now,
		                    (enum engine_delete_mode)r->arg);
		break;
	case CLUSTER_FLUSHED:
		if (env->log != NULL) {
			log_write(env->log, LOG_LEVEL_NOTICE,
			          "connections flushed by another node");
		}
		(void)engine_flush(env->engine, env->worker, now, (enum engine_delete_mode)r->arg);
		break;
	default:
		change_set(env, s, r);
		break;
	}
}

static void apply_record(const struct apply_env *env, struct apply_stream *s,
                         const struct cluster_record *r, uint64_t seq, struct mono written,
                         bool runs_commands, struct mono now)
{
	const struct peer_mark mark = { .node = s->node, .seq = s->mark_base + (uint32_t)seq };
	enum peer_outcome outcome;

	switch (r->kind) {
	case CLUSTER_FLOW:
		outcome = engine_peer_flow(env->engine, env->worker, &r->flow, &mark, now);
		break;
	case CLUSTER_ENDED:
		outcome = engine_peer_ended(env->engine, env->worker, &r->flow,
		                            (r->arg & CLUSTER_REMEMBERS) != 0, written, now);
		break;
	case CLUSTER_TOMB:
		outcome = engine_peer_tomb(env->engine, env->worker, &r->tomb, &mark, now);
		break;
	default:
		if (runs_commands) {
			run_command(env, s, r, now);
		}
		return;
	}
	s->counts.outcome[outcome]++;
}

void apply_note_run(struct apply_stream *s, uint64_t run)
{
	if (run != s->run) {
		s->run = run;
		s->mark_base += (uint32_t)s->newest + 1;
		s->newest = 0;
	}
}

/* Notes the message's number. Returns true for one that was not seen before. */
static bool note_number(struct apply_stream *s, const struct cluster_header *h)
{
	apply_note_run(s, h->run);
	if (h->seq <= s->newest) {
		return false;
	}
	if ((s->newest != 0 && h->seq != s->newest + 1) || (h->flags & CLUSTER_IS_LOSSY) != 0) {
		s->counts.gaps++;
	}
	s->newest = h->seq;
	return true;
}

enum cluster_result apply_peek(const void *bytes, size_t size, struct cluster_header *out)
{
	struct cursor records;

	return cluster_read_header(bytes, size, out, &records);
}

enum cluster_result apply_message(const struct apply_env *env, struct apply_stream *s,
                                  const void *bytes, size_t size, int64_t age_ms, struct mono now)
{
	struct cluster_header h;
	struct cluster_record r;
	struct cursor records;
	enum cluster_result res = cluster_read_header(bytes, size, &h, &records);
	bool is_new = false;
	struct mono written;

	if (res != CLUSTER_OK) {
		s->counts.refused++;
		return res;
	}
	age_ms = age_ms < 0 ? 0 : age_ms > AGE_MAX_MS ? AGE_MAX_MS : age_ms;
	written = mono_add(now, -age_ms * NSEC_PER_MSEC);
	s->version = h.version;
	s->counts.messages++;
	if ((h.flags & CLUSTER_IS_CHUNK) == 0) {
		is_new = note_number(s, &h);
	}
	for (;;) {
		switch (cluster_read_next(&records, written, &r)) {
		case CLUSTER_NEXT_RECORD:
			s->counts.records++;
			apply_record(env, s, &r, h.seq, written,
			             is_new && age_ms < COMMAND_AGE_MAX_MS, now);
			break;
		case CLUSTER_NEXT_UNKNOWN:
			s->counts.unknown++;
			break;
		case CLUSTER_NEXT_INVALID:
		case CLUSTER_NEXT_CUT:
			s->counts.invalid++;
			break;
		case CLUSTER_NEXT_END:
			return CLUSTER_OK;
		}
	}
}
