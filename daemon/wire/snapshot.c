/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of saved state, field by field. Flows and tombstones share one layout; fields that a
 * tombstone does not have are zero. Independent of the layout of structs in memory.
 */
#include <finwall/snapshot.h>

#include <finwall/siphash.h>

#include <string.h>

#define HEADER_SUMMED_SIZE (SNAPSHOT_HEADER_SIZE - 8)

/* Of version 1: the first fields of a record. */
#define RECORD_SIZE_1 112

static const uint8_t magic[8] = { 'f', 'i', 'n', 'w', 'a', 'l', 'l', '\n' };

/* "finwall1": the second half of the checksum's key. */
#define SUM_KEY UINT64_C(0x66696e77616c6c31)

/* The largest window scale: RFC 7323, 2.3. */
#define SCALE_MAX 14

/* The longest valid time to live or age: 400 days. A longer one is written as this. */
#define TIME_MAX_MSEC (INT64_C(400) * 86400 * 1000)

#define STATUS_VALID (FLOW_SEEN_REPLY | FLOW_ASSURED | FLOW_ORIG_HI | FLOW_REVIVED | FLOW_KNOWN)

enum record_kind {
	RECORD_FLOW = 1,
	RECORD_TOMB = 2,
};

/* A record, of either kind. */
struct record {
	struct flow flow;
	int64_t time_msec; /* flow: time to live; tombstone: age */
	int64_t stream_msec;
	uint8_t kind;
	uint8_t cause;
};

/* A position in a record, advanced by each field. */
struct place {
	uint8_t *at;
};

static void put(struct place *p, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		*p->at++ = (uint8_t)(v >> (8 * i));
	}
}

static uint64_t get(struct place *p, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++) {
		v |= (uint64_t)*p->at++ << (8 * i);
	}
	return v;
}

const char *snapshot_text(enum snapshot_result r)
{
	static const char *const texts[] = {
#define X(id, text) [id] = text,
		FINWALL_SNAPSHOT_RESULTS(X)
#undef X
	};

	return texts[r];
}

/* Detects damage, not forgery: only root and the daemon's user can write the file. */
static uint64_t sum_of(uint64_t before, const uint8_t *bytes, size_t size)
{
	struct sipkey key = { before, SUM_KEY };
	uint64_t words[SNAPSHOT_RECORD_SIZE / 8];
	struct place p = { NULL };
	uint8_t copy[SNAPSHOT_RECORD_SIZE];

	memcpy(copy, bytes, size);
	p.at = copy;
	for (size_t i = 0; i < size / 8; i++) {
		words[i] = get(&p, 8);
	}
	return siphash13(&key, words, size / 8);
}

uint64_t snapshot_sum(uint64_t sum, const uint8_t record[static SNAPSHOT_RECORD_SIZE])
{
	return sum_of(sum, record, SNAPSHOT_RECORD_SIZE);
}

void snapshot_write_header(const struct snapshot_header *h,
                           uint8_t out[static SNAPSHOT_HEADER_SIZE])
{
	struct place p = { out + sizeof(magic) };

	memset(out, 0, SNAPSHOT_HEADER_SIZE);
	memcpy(out, magic, sizeof(magic));
	put(&p, SNAPSHOT_VERSION, 4);
	put(&p, SNAPSHOT_RECORD_SIZE, 4);
	put(&p, (uint64_t)h->saved_wall_ns, 8);
	put(&p, h->flows_len, 8);
	put(&p, h->tombs_len, 8);
	put(&p, h->records_sum, 8);
	put(&p, h->flags, 8);
	p.at = out + HEADER_SUMMED_SIZE;
	put(&p, sum_of(0, out, HEADER_SUMMED_SIZE), 8);
}

static void put_key(struct place *p, const struct flowkey *key)
{
	memcpy(p->at, key->lo.bytes, 16);
	memcpy(p->at + 16, key->hi.bytes, 16);
	p->at += 32;
	put(p, key->lo_port, 2);
	put(p, key->hi_port, 2);
	put(p, key->proto, 1);
	put(p, key->family, 1);
	put(p, key->zone, 2);
}

static void put_tcp(struct place *p, const struct tcp_conn *t)
{
	for (unsigned d = 0; d < 2; d++) {
		put(p, t->seen[d].end, 4);
		put(p, t->seen[d].maxend, 4);
		put(p, t->seen[d].maxwin_bytes, 4);
		put(p, t->seen[d].maxack, 4);
		put(p, t->scale[d], 1);
		put(p, t->flags[d], 1);
	}
	put(p, t->last_seq, 4);
	put(p, t->last_ack, 4);
	put(p, t->last_end, 4);
	put(p, t->last_win, 2);
	put(p, t->state, 1);
	put(p, t->last_dir, 1);
	put(p, t->last_class, 1);
	put(p, t->last_scale, 1);
	put(p, t->last_flags, 1);
	put(p, t->retrans, 1);
}

static void write_record(const struct record *r, uint8_t out[static SNAPSHOT_RECORD_SIZE])
{
	const struct flow_extra extra = flow_extra_of_copy(&r->flow);
	struct place p = { out };

	memset(out, 0, SNAPSHOT_RECORD_SIZE);
	put(&p, r->kind, 1);
	put(&p, r->cause, 1);
	put(&p, r->flow.status, 1);
	put(&p, r->flow.hook, 1);
	put(&p, r->flow.ifindex, 4);
	put(&p, (uint64_t)r->time_msec, 8);
	put_key(&p, &r->flow.key);
	if (r->flow.key.proto == IPPROTO_NR_TCP) {
		put_tcp(&p, &r->flow.conn.tcp);
	} else if (r->flow.key.proto == IPPROTO_NR_UDP) {
		put(&p, (uint64_t)r->stream_msec, 8);
	}
	p.at = out + RECORD_SIZE_1;
	put(&p, extra.mark, 4);
	put(&p, extra.timeouts, 4);
	put(&p, r->flow.extras & FLOW_EXTRA_ONE_WAY, 1);
}

/* An entry may be older than any time that matters: a UDP stream of two years, for instance. */
static int64_t msec_between(struct mono from, struct mono to)
{
	int64_t msec = mono_diff(to, from) / NSEC_PER_MSEC;

	if (msec > TIME_MAX_MSEC) {
		return TIME_MAX_MSEC;
	}
	return msec < -TIME_MAX_MSEC ? -TIME_MAX_MSEC : msec;
}

void snapshot_write_flow(const struct flow *f, struct mono now,
                         uint8_t out[static SNAPSHOT_RECORD_SIZE])
{
	struct record r = { .kind = RECORD_FLOW, .flow = *f };

	r.time_msec = msec_between(now, f->deadline);
	if (f->key.proto == IPPROTO_NR_UDP) {
		r.stream_msec = msec_between(now, f->conn.udp.stream_from);
	}
	write_record(&r, out);
}

void snapshot_write_tomb(const struct tomb_info *tomb, struct mono now,
                         uint8_t out[static SNAPSHOT_RECORD_SIZE])
{
	struct record r = { .kind = RECORD_TOMB, .cause = tomb->cause };

	r.flow.key = tomb->key;
	r.flow.status = tomb->status;
	r.flow.conn.tcp = tomb->conn;
	flow_set_extra_of_copy(&r.flow, tomb->extra);
	r.time_msec = msec_between(tomb->ended, now);
	write_record(&r, out);
}

static void get_key(struct place *p, struct flowkey *key)
{
	memcpy(key->lo.bytes, p->at, 16);
	memcpy(key->hi.bytes, p->at + 16, 16);
	p->at += 32;
	key->lo_port = (uint16_t)get(p, 2);
	key->hi_port = (uint16_t)get(p, 2);
	key->proto = (uint8_t)get(p, 1);
	key->family = (uint8_t)get(p, 1);
	key->zone = (uint16_t)get(p, 2);
}

static void get_tcp(struct place *p, struct tcp_conn *t)
{
	for (unsigned d = 0; d < 2; d++) {
		t->seen[d].end = (uint32_t)get(p, 4);
		t->seen[d].maxend = (uint32_t)get(p, 4);
		t->seen[d].maxwin_bytes = (uint32_t)get(p, 4);
		t->seen[d].maxack = (uint32_t)get(p, 4);
		t->scale[d] = (uint8_t)get(p, 1);
		t->flags[d] = (uint8_t)get(p, 1);
	}
	t->last_seq = (uint32_t)get(p, 4);
	t->last_ack = (uint32_t)get(p, 4);
	t->last_end = (uint32_t)get(p, 4);
	t->last_win = (uint16_t)get(p, 2);
	t->state = (uint8_t)get(p, 1);
	t->last_dir = (uint8_t)get(p, 1);
	t->last_class = (uint8_t)get(p, 1);
	t->last_scale = (uint8_t)get(p, 1);
	t->last_flags = (uint8_t)get(p, 1);
	t->retrans = (uint8_t)get(p, 1);
}

static void read_record(const uint8_t *bytes, size_t size, struct record *r)
{
	uint8_t copy[SNAPSHOT_RECORD_SIZE] = { 0 };
	struct flow_extra extra;
	struct place p = { copy };

	memcpy(copy, bytes, size);
	memset(r, 0, sizeof(*r));
	r->kind = (uint8_t)get(&p, 1);
	r->cause = (uint8_t)get(&p, 1);
	r->flow.status = (uint8_t)get(&p, 1);
	r->flow.hook = (uint8_t)get(&p, 1);
	r->flow.ifindex = (uint32_t)get(&p, 4);
	r->time_msec = (int64_t)get(&p, 8);
	get_key(&p, &r->flow.key);
	if (r->flow.key.proto == IPPROTO_NR_TCP) {
		get_tcp(&p, &r->flow.conn.tcp);
	} else if (r->flow.key.proto == IPPROTO_NR_UDP) {
		r->stream_msec = (int64_t)get(&p, 8);
	}
	p.at = copy + RECORD_SIZE_1;
	extra.mark = (uint32_t)get(&p, 4);
	extra.timeouts = (uint32_t)get(&p, 4);
	flow_set_extra_of_copy(&r->flow, extra);
	r->flow.extras = (uint8_t)get(&p, 1);
}

/* False for a key that no packet can have. */
static bool key_is_sound(const struct flowkey *key)
{
	struct flowkey again = { .family = 0 };
	enum key_side side;
	struct tuple t;

	if (key->family != 4 && key->family != 6) {
		return false;
	}
	flowkey_to_tuple(key, SIDE_LO, &t);
	if (!flowkey_from_tuple(&t, &again, &side) || !flowkey_equal(&again, key)) {
		return false;
	}
	return key->family == 6 || ((key->lo.word[1] | key->lo.word[2] | key->lo.word[3] |
	                             key->hi.word[1] | key->hi.word[2] | key->hi.word[3]) == 0);
}

static bool tcp_is_sound(const struct tcp_conn *t)
{
	return t->state != TCP_NONE && t->state < TCP_STATES_LEN && t->last_dir <= 1 &&
	       t->last_class < SEGS_LEN && t->scale[0] <= SCALE_MAX && t->scale[1] <= SCALE_MAX &&
	       t->last_scale <= SCALE_MAX;
}

static bool time_is_sound(int64_t msec)
{
	return msec >= -TIME_MAX_MSEC && msec <= TIME_MAX_MSEC;
}

static bool record_is_sound(const struct record *r, enum record_kind kind)
{
	const struct flow *f = &r->flow;

	if (r->kind != kind || (f->status & ~STATUS_VALID) != 0 || f->hook >= HOOKS_LEN ||
	    (f->extras & ~FLOW_EXTRA_ONE_WAY) != 0 || !time_is_sound(r->time_msec) ||
	    !time_is_sound(r->stream_msec) || !key_is_sound(&f->key)) {
		return false;
	}
	if (f->key.proto == IPPROTO_NR_TCP ? !tcp_is_sound(&f->conn.tcp)
	                                   : (f->status & FLOW_KNOWN) != 0) {
		return false;
	}
	return kind == RECORD_FLOW ||
	       (f->key.proto == IPPROTO_NR_TCP && r->time_msec >= 0 && r->cause < TOMB_CAUSES_LEN);
}

/* Bytes of a record, by the version in the header. */
static size_t record_size_of(const uint8_t *file)
{
	return file[sizeof(magic)] == 1 ? RECORD_SIZE_1 : SNAPSHOT_RECORD_SIZE;
}

static const uint8_t *record_at(const uint8_t *file, uint64_t nr)
{
	return file + SNAPSHOT_HEADER_SIZE + nr * record_size_of(file);
}

static enum snapshot_result read_header(const uint8_t *file, size_t size, struct snapshot_header *h)
{
	uint8_t copy[SNAPSHOT_HEADER_SIZE];
	struct place p = { copy + sizeof(magic) };
	uint64_t version;
	uint64_t record_size;

	if (size < SNAPSHOT_HEADER_SIZE) {
		return SNAPSHOT_SHORT;
	}
	memcpy(copy, file, sizeof(copy));
	if (memcmp(copy, magic, sizeof(magic)) != 0) {
		return SNAPSHOT_MAGIC;
	}
	version = get(&p, 4);
	record_size = get(&p, 4);
	h->saved_wall_ns = (int64_t)get(&p, 8);
	h->flows_len = get(&p, 8);
	h->tombs_len = get(&p, 8);
	h->records_sum = get(&p, 8);
	h->flags = get(&p, 8);
	p.at = copy + HEADER_SUMMED_SIZE;
	if (get(&p, 8) != sum_of(0, file, HEADER_SUMMED_SIZE)) {
		return SNAPSHOT_HEADER;
	}
	if (version > SNAPSHOT_VERSION) {
		return SNAPSHOT_NEWER;
	}
	if (version == 0 || record_size != record_size_of(file)) {
		return SNAPSHOT_HEADER;
	}
	return SNAPSHOT_OK;
}

enum snapshot_result snapshot_check(const uint8_t *file, size_t size, struct snapshot_header *out)
{
	enum snapshot_result res = read_header(file, size, out);
	uint64_t records_max = size / RECORD_SIZE_1;
	uint64_t sum = 0;

	if (res != SNAPSHOT_OK) {
		return res;
	}
	if (out->flows_len > records_max || out->tombs_len > records_max ||
	    SNAPSHOT_HEADER_SIZE + (out->flows_len + out->tombs_len) * record_size_of(file) !=
	            size) {
		return SNAPSHOT_LENGTH;
	}
	for (uint64_t nr = 0; nr < out->flows_len + out->tombs_len; nr++) {
		sum = sum_of(sum, record_at(file, nr), record_size_of(file));
	}
	if (sum != out->records_sum) {
		return SNAPSHOT_CHECKSUM;
	}
	return SNAPSHOT_OK;
}

bool snapshot_read_flow(const uint8_t *file, uint64_t nr, struct mono now, struct flow *out)
{
	struct record r;

	read_record(record_at(file, nr), record_size_of(file), &r);
	if (!record_is_sound(&r, RECORD_FLOW)) {
		return false;
	}
	*out = r.flow;
	out->deadline = mono_add(now, r.time_msec * NSEC_PER_MSEC);
	if (out->key.proto == IPPROTO_NR_UDP) {
		out->conn.udp.stream_from = mono_add(now, r.stream_msec * NSEC_PER_MSEC);
	}
	return true;
}

bool snapshot_read_tomb(const uint8_t *file, uint64_t nr, struct mono now, struct tomb_info *out)
{
	struct record r;

	read_record(record_at(file, nr), record_size_of(file), &r);
	if (!record_is_sound(&r, RECORD_TOMB)) {
		return false;
	}
	*out = (struct tomb_info){
		.key = r.flow.key,
		.conn = r.flow.conn.tcp,
		.status = r.flow.status,
		.cause = r.cause,
		.extra = flow_extra_of_copy(&r.flow),
		.ended = mono_add(now, -r.time_msec * NSEC_PER_MSEC),
	};
	return true;
}
