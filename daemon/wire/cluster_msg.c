/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of a cluster, field by field. See cluster_msg.h.
 */
#include "cluster_msg.h"

#include <string.h>

static const uint8_t magic[4] = { 'f', 'w', 'c', '\n' };

static void put_le(uint8_t *to, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		to[i] = (uint8_t)(v >> (8 * i));
	}
}

static uint64_t get_le(const uint8_t *from, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++) {
		v |= (uint64_t)from[i] << (8 * i);
	}
	return v;
}

const char *cluster_result_text(enum cluster_result r)
{
	static const char *const texts[] = {
#define X(id, text) [id] = text,
		FINWALL_CLUSTER_RESULTS(X)
#undef X
	};

	return texts[r];
}

void cluster_write_header(const struct cluster_header *h, uint8_t out[static CLUSTER_HEADER_SIZE])
{
	memset(out, 0, CLUSTER_HEADER_SIZE);
	memcpy(out, magic, sizeof(magic));
	put_le(out + 4, CLUSTER_VERSION, 2);
	put_le(out + 6, CLUSTER_READABLE_BY, 2);
	put_le(out + 8, h->run, 8);
	put_le(out + 16, h->seq, 8);
	put_le(out + 24, h->flags, 4);
	put_le(out + 28, h->records_len, 4);
	put_le(out + 32, h->time_ms, 8);
}

static void put_head(uint8_t *out, enum cluster_kind kind, unsigned arg, size_t size)
{
	out[0] = (uint8_t)kind;
	out[1] = (uint8_t)arg;
	put_le(out + 2, size, 2);
}

void cluster_write_flow(enum cluster_kind kind, unsigned arg, const struct flow *f, struct mono now,
                        uint8_t out[static CLUSTER_FLOW_SIZE])
{
	struct flow known = *f;

	/* Of live entries only, and the reader's own. */
	known.status &= (uint8_t) ~(FLOW_LEASED | FLOW_HAD_LEASE);
	put_head(out, kind, arg, SNAPSHOT_RECORD_SIZE);
	snapshot_write_flow(&known, now, out + CLUSTER_HEAD_SIZE);
}

void cluster_write_tomb(const struct tomb_info *tomb, struct mono now,
                        uint8_t out[static CLUSTER_FLOW_SIZE])
{
	struct tomb_info past = *tomb;

	/* Its second may have begun after the call's instant: an age is never negative. */
	if (mono_diff(past.ended, now) > 0) {
		past.ended = now;
	}
	put_head(out, CLUSTER_TOMB, 0, SNAPSHOT_RECORD_SIZE);
	snapshot_write_tomb(&past, now, out + CLUSTER_HEAD_SIZE);
}

void cluster_write_deleted(unsigned mode, const struct flowkey *key,
                           uint8_t out[static CLUSTER_DELETED_SIZE])
{
	put_head(out, CLUSTER_DELETED, mode, SNAPSHOT_KEY_SIZE);
	snapshot_write_key(key, out + CLUSTER_HEAD_SIZE);
}

void cluster_write_flushed(unsigned mode, uint8_t out[static CLUSTER_FLUSHED_SIZE])
{
	put_head(out, CLUSTER_FLUSHED, mode, 0);
}

size_t cluster_write_set(unsigned op, const char *table, const char *set, const char *element,
                         uint8_t out[static CLUSTER_HEAD_SIZE + CLUSTER_SET_MAX])
{
	const char *const texts[] = { table, set, element };
	size_t size = 0;

	for (unsigned i = 0; i < 3; i++) {
		size_t one = strlen(texts[i]) + 1;

		if (one > CLUSTER_SET_MAX - size) {
			return 0;
		}
		memcpy(out + CLUSTER_HEAD_SIZE + size, texts[i], one);
		size += one;
	}
	put_head(out, CLUSTER_SET, op, size);
	return CLUSTER_HEAD_SIZE + size;
}

enum cluster_result cluster_read_header(const void *bytes, size_t size, struct cluster_header *out,
                                        struct cursor *records)
{
	const uint8_t *at = bytes;
	uint64_t readable_by;

	if (size < CLUSTER_HEADER_SIZE) {
		return CLUSTER_SHORT;
	}
	if (memcmp(at, magic, sizeof(magic)) != 0) {
		return CLUSTER_MAGIC;
	}
	*out = (struct cluster_header){
		.version = (uint16_t)get_le(at + 4, 2),
		.run = get_le(at + 8, 8),
		.seq = get_le(at + 16, 8),
		.flags = (uint32_t)get_le(at + 24, 4),
		.records_len = (uint32_t)get_le(at + 28, 4),
		.time_ms = get_le(at + 32, 8),
	};
	readable_by = get_le(at + 6, 2);
	if (readable_by > CLUSTER_VERSION) {
		return CLUSTER_NEWER;
	}
	if (out->version == 0 || readable_by == 0) {
		return CLUSTER_OLDER;
	}
	*records = (struct cursor){ at + CLUSTER_HEADER_SIZE, at + size };
	return CLUSTER_OK;
}

/* The next text of the contents, or NULL when there is none that ends. */
static const char *next_text(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
	const char *text = (const char *)*at;

	if (nul == NULL || nul == *at) {
		return NULL;
	}
	*at = nul + 1;
	return text;
}

static bool read_set(const uint8_t *body, size_t size, struct cluster_record *out)
{
	const uint8_t *at = body;
	const uint8_t *end = body + size;

	if (size > CLUSTER_SET_MAX || out->arg > CLUSTER_SET_DELETE) {
		return false;
	}
	out->table = next_text(&at, end);
	out->set = out->table != NULL ? next_text(&at, end) : NULL;
	out->element = out->set != NULL ? next_text(&at, end) : NULL;
	return out->element != NULL;
}

/* An entry that ended later than it is reported is not one. */
static bool read_body(const uint8_t *body, size_t size, struct mono written,
                      struct cluster_record *out)
{
	switch (out->kind) {
	case CLUSTER_FLOW:
	case CLUSTER_ENDED:
		return size >= SNAPSHOT_RECORD_MIN &&
		       snapshot_record_flow(body, size, written, &out->flow);
	case CLUSTER_TOMB:
		return size >= SNAPSHOT_RECORD_MIN &&
		       snapshot_record_tomb(body, size, written, &out->tomb);
	case CLUSTER_DELETED:
		return size >= SNAPSHOT_KEY_SIZE && out->arg < CLUSTER_MODES_LEN &&
		       snapshot_read_key(body, &out->key);
	case CLUSTER_FLUSHED:
		return out->arg < CLUSTER_MODES_LEN;
	case CLUSTER_SET:
		return read_set(body, size, out);
	default:
		return false;
	}
}

enum cluster_next cluster_read_next(struct cursor *records, struct mono written,
                                    struct cluster_record *out)
{
	size_t left = (size_t)(records->end - records->at);
	const uint8_t *at = records->at;
	size_t size;

	if (left == 0) {
		return CLUSTER_NEXT_END;
	}
	size = left < CLUSTER_HEAD_SIZE ? 0 : (size_t)get_le(at + 2, 2);
	if (left < CLUSTER_HEAD_SIZE || size > left - CLUSTER_HEAD_SIZE) {
		records->at = records->end;
		return CLUSTER_NEXT_CUT;
	}
	records->at = at + CLUSTER_HEAD_SIZE + size;
	if (at[0] == 0 || at[0] >= CLUSTER_KINDS_LEN) {
		return CLUSTER_NEXT_UNKNOWN;
	}
	*out = (struct cluster_record){ .kind = (enum cluster_kind)at[0], .arg = at[1] };
	return read_body(at + CLUSTER_HEAD_SIZE, size, written, out) ? CLUSTER_NEXT_RECORD
	                                                             : CLUSTER_NEXT_INVALID;
}
