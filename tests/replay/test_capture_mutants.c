/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replays capture files with random bytes changed, truncated and repeated. Every file is read or
 * refused with a reason, and the counters add up.
 */
#include "capfile.h"
#include "replay/replay.h"
#include "replay/report.h"
#include "rng.h"

#include "io/capture.h"

#include <finwall/bytes.h>

#include <string.h>

#define ROUNDS   1500
#define FILE_MAX (256 * 1024)

static uint64_t seed;
static unsigned long round_nr;

static void check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "seed %llu, round %lu: %s\n", (unsigned long long)seed, round_nr,
		        what);
		exit(EXIT_FAILURE);
	}
}

/* Changes a few bytes of some frames before they are written. */
static void mangle(void *ctx, uint8_t *frame, size_t size)
{
	struct rng *rng = ctx;

	for (uint32_t i = rng_below(rng, 4); i > 0 && size > 0; i--) {
		frame[rng_below(rng, (uint32_t)size)] = (uint8_t)rng_u64(rng);
	}
}

/* Writes a whole file into memory; returns its size. */
static size_t make_file(struct rng *rng, uint8_t *out)
{
	struct capfile c = {
		.format = (enum capfile_format)rng_below(rng, CAPFILE_FORMATS_LEN),
		.link = (enum capfile_link)rng_below(rng, CAPFILE_LINKS_LEN),
		.mangle = rng_below(rng, 2) == 0 ? mangle : NULL,
		.mangle_ctx = rng,
		.snap_size = rng_below(rng, 3) == 0 ? rng_below(rng, 100) : 0,
	};
	long size;

	c.to = fmemopen(out, FILE_MAX, "w");
	check(c.to != NULL, "fmemopen");
	capfile_begin(&c);
	capfile_closes(&c);
	fflush(c.to);
	size = ftell(c.to);
	fclose(c.to);
	return (size_t)size;
}

/* Changes up to sixteen bytes, mostly in the headers, or none. */
static size_t mutate(struct rng *rng, uint8_t *file, size_t size)
{
	uint32_t changes = rng_below(rng, 2) == 0 ? 0 : rng_below(rng, 17);

	for (uint32_t i = 0; i < changes; i++) {
		size_t at = rng_below(rng, rng_below(rng, 2) == 0 ? 200 : (uint32_t)size);

		switch (rng_below(rng, 4)) {
		case 0:
			file[at] = (uint8_t)rng_u64(rng);
			break;
		case 1:
			file[at] ^= (uint8_t)(1u << rng_below(rng, 8));
			break;
		case 2:
			file[at] = rng_below(rng, 2) == 0 ? 0xff : 0;
			break;
		default:
			memmove(file + at, file + rng_below(rng, (uint32_t)size), (size - at) / 8);
			break;
		}
	}
	return rng_below(rng, 4) == 0 ? rng_below(rng, (uint32_t)size + 1) : size;
}

/* Each frame was evaluated by each instance, or skipped for a reason or as a copy. */
static void check_sums(const struct replay *r)
{
	uint64_t sum = r->packets + r->copies_skipped;

	for (size_t i = 0; i < LINK_RESULTS_LEN; i++) {
		sum += r->skipped[i];
	}
	check(sum == r->frames, "frames");
	for (size_t i = 0; i < r->instances_len; i++) {
		const struct replay_instance *in = &r->instance[i];
		const struct conn_totals *t = &r->conns.totals[i];
		uint64_t verdicts = 0;
		uint64_t reasons = 0;

		for (size_t v = 0; v < VERDICTS_LEN; v++) {
			verdicts += replay_verdicts(in, (enum verdict)v);
		}
		for (size_t k = 0; k < REASONS_LEN; k++) {
			reasons += stat_get(&in->worker.stats.reason[k]);
		}
		check(verdicts == r->packets && reasons == r->packets, "one verdict per packet");
		check(t->late == t->saved + t->recovered + t->hung, "late closes");
		check(t->late <= r->conns.closed && r->conns.closed <= r->conns.seen,
		      "connections");
	}
}

static void report(void *ctx, const struct replay *r, const struct replay_packet *p)
{
	FILE *out = ctx;

	replay_text_packet(out, r, p);
	replay_json_packet(out, r, p);
}

/* Returns whether the file was read to its end. */
static bool replay_bytes(const struct replay_policy *policies, uint8_t *file, size_t size,
                         FILE *out)
{
	const struct replay_vantage vantage = { .hook = HOOK_FORWARD, .verify_checksums = true };
	struct capture_packet captured;
	char error[CAPTURE_ERROR_SIZE] = "";
	FILE *from = fmemopen(file, size, "r");
	struct capture *c;
	struct replay r;
	enum capture_result got;
	uint64_t nr = 0;

	check(from != NULL, "fmemopen");
	c = capture_open_stream(from, error);
	if (c == NULL) {
		check(error[0] != '\0', "refused without a reason");
		return false;
	}
	check(replay_init(&r, &vantage, policies, REPLAY_BUILTINS_LEN) == 0, "replay_init");
	r.callbacks = (struct replay_callbacks){ .ctx = out, .packet = report };
	while ((got = capture_next(c, &captured)) == CAPTURE_PACKET) {
		check(replay_frame(&r, capture_link_type(c), &captured, "mutant", ++nr) == 0,
		      "replay_frame");
	}
	check(got == CAPTURE_END || capture_error(c)[0] != '\0', "broken without a reason");
	conns_finish(&r.conns);
	check_sums(&r);
	replay_fini(&r);
	capture_close(c);
	return got == CAPTURE_END;
}

int main(int argc, char **argv)
{
	static uint8_t file[FILE_MAX];
	struct replay_policy policies[REPLAY_BUILTINS_LEN];
	FILE *out = fopen("/dev/null", "we");
	unsigned whole = 0;
	struct rng rng;

	seed = rng_seed(argc, argv);
	rng_init(&rng, seed);
	check(out != NULL, "/dev/null");
	for (size_t i = 0; i < REPLAY_BUILTINS_LEN; i++) {
		char *errors;

		check(replay_policy_builtin(&policies[i], i, &errors) == 0, "built-in policy");
		policies[i].tun.tcp_timeout_ns[TCP_ESTABLISHED] = sec_to_ns(20);
		/* small, so that a replay starts quickly */
		policies[i].flows_max = 64;
		policies[i].tombs_max = 4;
	}
	for (round_nr = 0; round_nr < ROUNDS; round_nr++) {
		size_t size = mutate(&rng, file, make_file(&rng, file));

		whole += size > 0 && replay_bytes(policies, file, size, out);
	}
	printf("%u of %u files read to their end\n", whole, (unsigned)ROUNDS);
	check(whole > ROUNDS / 10 && whole < ROUNDS, "mutants of both kinds");
	for (size_t i = 0; i < REPLAY_BUILTINS_LEN; i++) {
		replay_policy_fini(&policies[i]);
	}
	return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
