/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oracle: does finwall's tracker do what the running kernel's does?
 *
 * Sends random packets, biased to every edge, through the kernel's connection tracker (in a network
 * namespace of its own) and through the engine, and compares verdict and entry after each one. Exit
 * status: 0 no difference, 1 difference, 2 usage, 77 the machine cannot do it.
 */
#include "batches.h"
#include "core/tcp_track.h"
#include "gen.h"
#include "history.h"
#include "hunt.h"
#include "shrink.h"
#include "sysctls.h"
#include "via.h"

#include <finwall/pkt.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXIT_SKIP  77
#define EXIT_USAGE 2

#define SECONDS_MAX 86400

#define REPLAYS_MAX 4

/* What is to be done. */
struct mode {
	bool replay;
	bool verbose;
	bool batches;
	const char *finwalld; /* NULL: without the daemon */
};

/* At most one packet in so many may be lost before the tracker saw it. */
#define UNSEEN_SHARE 50

static void usage(FILE *to)
{
	fputs("usage: oracle [--proto tcp|udp|icmp|other|all] [--family 4|6] [--packets N]\n"
	      "              [--seconds N] [--seed S] [--settings random|default]\n"
	      "              [--differences N] [--via-daemon FINWALLD]\n"
	      "       oracle --batches [--packets N] [--seed S]\n"
	      "       oracle [--verbose] --replay FILE...\n",
	      to);
}

static bool parse_proto(const char *word, unsigned *out)
{
	static const struct {
		const char *name;
		unsigned protos;
	} names[] = {
		{ "tcp", GEN_TCP },     { "udp", GEN_UDP }, { "icmp", GEN_ICMP },
		{ "other", GEN_OTHER }, { "all", GEN_ALL },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i].name) == 0) {
			*out = names[i].protos;
			return true;
		}
	}
	return false;
}

static bool parse_u64(const char *word, uint64_t *out)
{
	char *end;

	*out = strtoull(word, &end, 0);
	return *word >= '0' && *word <= '9' && *end == '\0';
}

static bool parse_options(int argc, char **argv, struct hunt_config *cfg, struct mode *mode)
{
	static const struct option options[] = {
		{ "proto", required_argument, NULL, 'p' },
		{ "family", required_argument, NULL, 'f' },
		{ "packets", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "settings", required_argument, NULL, 'S' },
		{ "differences", required_argument, NULL, 'd' },
		{ "via-daemon", required_argument, NULL, 'D' },
		{ "batches", no_argument, NULL, 'b' },
		{ "replay", no_argument, NULL, 'r' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool ok = true;
	uint64_t n;
	int c;

	while (ok && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			ok = parse_proto(optarg, &cfg->protos);
			break;
		case 'f':
			ok = strcmp(optarg, "4") == 0 || strcmp(optarg, "6") == 0;
			cfg->family = (unsigned)(optarg[0] - '0');
			break;
		case 'n':
			ok = parse_u64(optarg, &cfg->packets);
			break;
		case 't':
			ok = parse_u64(optarg, &n) && n <= SECONDS_MAX;
			cfg->seconds = (unsigned)n;
			break;
		case 's':
			ok = parse_u64(optarg, &cfg->seed);
			break;
		case 'd':
			ok = parse_u64(optarg, &n) && n > 0;
			cfg->differences_max = (unsigned)n;
			break;
		case 'S':
			cfg->settings_vary = strcmp(optarg, "random") == 0;
			ok = cfg->settings_vary || strcmp(optarg, "default") == 0;
			break;
		case 'D':
			mode->finwalld = optarg;
			cfg->keep = true;
			break;
		case 'b':
			mode->batches = true;
			break;
		case 'r':
			mode->replay = true;
			break;
		case 'v':
			mode->verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			ok = false;
			break;
		}
	}
	return ok && mode->replay == (optind < argc);
}

/* What both sides made of a step, in one line. */
static void print_step(const struct duel *d, const struct ends *e, const struct shot *s)
{
	const struct view *v = &d->kernel.entry[0];

	shot_print(stdout, s);
	if (s->kind != SHOT_TCP && s->kind != SHOT_RAW) {
		return;
	}
	printf("\t# %s", d->kernel.sighting.seen ? ct_state_name(d->kernel.sighting.state) : "-");
	if (v->exists) {
		printf(", %s%s%s, %lld s left, flags %02x/%02x",
		       e->proto == IPPROTO_NR_TCP ? tcp_state_name(v->tcp_state) : "entry",
		       v->seen_reply ? " seen-reply" : "", v->assured ? " assured" : "",
		       (long long)(v->left_ns / NSEC_PER_SEC), v->flags[0], v->flags[1]);
	}
	putchar('\n');
}

static int replay_file(struct duel *d, const char *path, bool verbose)
{
	struct history h = { 0 };
	enum duel_result r;
	struct ends e;
	size_t at = 0;

	if (script_load(path, &e, &h) != 0) {
		return EXIT_USAGE;
	}
	r = DUEL_BLURRED;
	for (unsigned i = 0; i < REPLAYS_MAX && r == DUEL_BLURRED; i++) {
		r = replay(d, &e, &h, verbose ? print_step : NULL, &at);
	}
	printf("%s: %s\n", path,
	       r == DUEL_SAME        ? "same"
	       : r == DUEL_DIFFERENT ? "different"
	                             : "cannot tell");
	if (r == DUEL_DIFFERENT || r == DUEL_BROKEN) {
		printf("step %zu: ", at + 1);
		shot_print(stdout, &h.shot[at]);
		fputs(d->diff, stdout);
	}
	history_fini(&h);
	return r == DUEL_SAME ? 0 : 1;
}

/* How often each reason was met: what was never met was never compared. */
static void print_reasons(const struct twin *t)
{
	printf("finwall:");
	for (unsigned i = 0; i < REASONS_LEN; i++) {
		uint64_t n = twin_reason_count(t, i);

		if (n != 0) {
			printf(" %s %" PRIu64, reason_name(i), n);
		}
	}
	putchar('\n');
}

static int print_result(const struct hunt_result *r, const struct duel *d)
{
	printf("%" PRIu64 " packets in %.1f s (%.0f/s), %" PRIu64 " flows, %" PRIu64
	       " waits for an expiry\n",
	       r->packets, r->seconds, (double)r->packets / r->seconds, r->flows, r->expired);
	printf("kernel:");
	for (unsigned i = 0; i < CT_LATE; i++) {
		printf(" %s %" PRIu64, ct_state_name(i), r->seen[i]);
	}
	printf(" unseen %" PRIu64 "; blurred %" PRIu64 "\n", r->unseen, r->blurred);
	print_reasons(d->twin);
	if (d->explained != 0) {
		printf("left out, explained: kernel-only trackers %" PRIu64 "\n", d->explained);
	}
	printf("differences: %u\n", r->differences);
	if (r->unseen > r->packets / UNSEEN_SHARE) {
		printf("too many packets without a verdict: nothing is proved\n");
		return 1;
	}
	return r->differences != 0 || r->broken ? 1 : 0;
}

/* With a daemon the settings are chosen once, before it starts. Returns an exit status. */
static int start_daemon(struct duel *d, const struct hunt_config *cfg, const char *finwalld)
{
	struct rng rng;
	const char *why;
	const char *skip;

	rng_init(&rng, cfg->seed);
	for (size_t i = 0; i < sysctls_len && cfg->settings_vary; i++) {
		struct shot s = { .kind = SHOT_SET, .u.set = { .setting_nr = (uint32_t)i } };

		s.u.set.value = sysctls_random(&sysctls_table[i], &rng);
		if (duel_shot(d, NULL, &s) != DUEL_SAME) {
			fputs(d->diff, stderr);
			return 1;
		}
		shot_print(stdout, &s);
	}
	d->via = via_new(finwalld, twin_tunables(d->twin), &why, &skip);
	if (skip != NULL) {
		fprintf(stderr, "oracle: skipped: %s\n", skip);
		return EXIT_SKIP;
	}
	if (why != NULL) {
		fprintf(stderr, "oracle: %s\n", why);
		return 1;
	}
	return 0;
}

static int run_hunt(struct duel *d, const struct hunt_config *cfg, const char *finwalld)
{
	struct hunt_result result;
	int status = finwalld != NULL ? start_daemon(d, cfg, finwalld) : 0;

	if (status != 0) {
		return status;
	}
	hunt(d, cfg, &result);
	status = print_result(&result, d);
	via_free(d->via);
	d->via = NULL;
	return status;
}

int main(int argc, char **argv)
{
	struct hunt_config cfg = {
		.packets = 30000,
		.seed = (uint64_t)time(NULL),
		.protos = GEN_ALL,
		.settings_vary = true,
		.differences_max = 1,
	};
	struct mode mode = { 0 };
	const char *why;
	struct duel *d;
	int status = 0;

	if (!parse_options(argc, argv, &cfg, &mode)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (mode.batches) {
		printf("seed %" PRIu64 "\n", cfg.seed);
		return batches_compare(cfg.packets, cfg.seed) == 0 ? 0 : 1;
	}
	d = duel_new(&why);
	if (d == NULL) {
		fprintf(stderr, "oracle: skipped: %s\n", why);
		return EXIT_SKIP;
	}
	if (mode.replay) {
		for (int i = optind; i < argc; i++) {
			int s = replay_file(d, argv[i], mode.verbose);

			status = s > status ? s : status;
		}
	} else {
		printf("seed %" PRIu64 ", kernel as %s\n", cfg.seed,
		       twin_tunables(d->twin)->tcp_kernel == KERNEL_6_18 ? "6.18" : "the newest");
		fflush(stdout);
		status = run_hunt(d, &cfg, mode.finwalld);
	}
	duel_free(d);
	return status;
}
