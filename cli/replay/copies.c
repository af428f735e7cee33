/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recent packets by their hash, in a table of fixed size; a newer packet replaces an older one in
 * its slot. See copies.h.
 */
#include "replay/copies.h"

#include <finwall/siphash.h>

#include <stdlib.h>
#include <string.h>

#define SLOTS_LEN    65536
#define PLACES_LEN   6   /* a packet in more places than that is evaluated again */
#define HEAD_SIZE    256 /* bytes that are compared */
#define IP4_CHECKSUM 10

/* A packet and where it was captured. */
struct sighting {
	uint64_t hash; /* 0 = none */
	int64_t time_ns;
	uint32_t place[PLACES_LEN];
	uint32_t places_len;
};

struct copies {
	struct sighting slot[SLOTS_LEN];
};

/* Fixed, so that runs are reproducible. */
static const struct sipkey fixed_key = { 0x66696e77616c6c20, 0x636f706965732121 };

static uint64_t hash_packet(const struct link_packet *p);
static bool has_place(const struct sighting *s, uint32_t place);

struct copies *copies_new(void)
{
	return calloc(1, sizeof(struct copies));
}

void copies_free(struct copies *c)
{
	free(c);
}

bool copies_add(struct copies *c, const struct link_packet *p, int64_t time_ns)
{
	struct sighting *s;
	uint64_t hash;
	bool is_known;

	if (p->place == 0) {
		return false;
	}
	hash = hash_packet(p);
	s = &c->slot[hash % SLOTS_LEN];
	is_known = s->hash == hash && time_ns - s->time_ns < COPIES_WINDOW_NS &&
	           s->time_ns - time_ns < COPIES_WINDOW_NS;
	if (is_known && !has_place(s, p->place) && s->places_len < PLACES_LEN) {
		s->place[s->places_len++] = p->place;
		return true;
	}
	s->hash = hash;
	s->time_ns = time_ns;
	s->place[0] = p->place;
	s->places_len = 1;
	return false;
}

static uint64_t hash_packet(const struct link_packet *p)
{
	uint64_t words[HEAD_SIZE / 8 + 1] = { 0 };
	uint8_t *bytes = (uint8_t *)words;
	size_t size = p->cap_size < HEAD_SIZE ? p->cap_size : HEAD_SIZE;
	uint64_t hash;

	memcpy(bytes, p->data, size);
	if (bytes[0] >> 4 == 4) {
		bytes[8] = 0;
		bytes[IP4_CHECKSUM] = 0;
		bytes[IP4_CHECKSUM + 1] = 0;
	} else {
		bytes[7] = 0;
	}
	words[HEAD_SIZE / 8] = p->true_size;
	hash = siphash13(&fixed_key, words, HEAD_SIZE / 8 + 1);
	return hash != 0 ? hash : 1;
}

static bool has_place(const struct sighting *s, uint32_t place)
{
	for (uint32_t i = 0; i < s->places_len; i++) {
		if (s->place[i] == place) {
			return true;
		}
	}
	return false;
}
