/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oracle: does finwall's tracker do what the running kernel's does?
 *
 * Sends random packets, biased to every limit, through the kernel's connection tracker (in its own
 * network namespace) and through the engine, and compares state and entry after each one. Exit
 * status: 0 no difference, 1 difference, 2 usage, 77 unsupported machine.
 */
#include "batches.h"
#include "core/tcp_track.h"
#include "gen.h"
#include "history.h"
#include "leased.h"
#include "run.h"
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

/* The mode of operation. */
struct mode {
	bool replay;
	bool verbose;
	bool batches;
	const char *finwalld; /* NULL: without the daemon */
};

/* At most one packet in UNSEEN_SHARE may be lost before the tracker. */
#define UNSEEN_SHARE 50

/* With --program it must accept one packet in so many. */
#define PASSED_SHARE 50

static void usage(FILE *to)
{
	fputs("usage: oracle [--proto tcp|udp|icmp|other|all] [--family 4|6] [--packets N]\n"
	      "              [--seconds N] [--seed S] [--settings random|default]\n"
	      "              [--differences N] [--via-daemon FINWALLD]\n"
	      "              [--program]\n"
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

static bool parse_options(int argc, char **argv, struct run_config *cfg, struct mode *mode)
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
		{ "program", no_argument, NULL, 'P' },
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
		case 'P':
			cfg->program = true;
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

/* Prints a step and the kernel's result in one line. */
static void print_step(const struct lockstep *d, const struct ends *e, const struct step *s)
{
	const struct view *v = &d->kernel.entry[0];

	step_print(stdout, s);
	if (s->kind != STEP_TCP && s->kind != STEP_RAW) {
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

static int replay_file(struct lockstep *d, const char *path, bool verbose)
{
	struct history h = { 0 };
	enum lockstep_result r;
	struct ends e;
	size_t at = 0;

	if (script_load(path, &e, &h) != 0) {
		return EXIT_USAGE;
	}
	r = LOCKSTEP_UNCERTAIN;
	for (unsigned i = 0; i < REPLAYS_MAX && r == LOCKSTEP_UNCERTAIN; i++) {
		r = replay(d, &e, &h, verbose ? print_step : NULL, &at);
	}
	printf("%s: %s\n", path,
	       r == LOCKSTEP_SAME        ? "same"
	       : r == LOCKSTEP_DIFFERENT ? "different"
	                                 : "uncertain");
	if (r == LOCKSTEP_DIFFERENT || r == LOCKSTEP_BROKEN) {
		printf("step %zu: ", at + 1);
		step_print(stdout, &h.step[at]);
		fputs(d->diff, stdout);
	}
	history_fini(&h);
	return r == LOCKSTEP_SAME ? 0 : 1;
}

/* Counts per reason: a reason that never occurred was never compared. */
static void print_reasons(const struct side *t)
{
	printf("finwall:");
	for (unsigned i = 0; i < REASONS_LEN; i++) {
		uint64_t n = side_reason_count(t, i);

		if (n != 0) {
			printf(" %s %" PRIu64, reason_name(i), n);
		}
	}
	putchar('\n');
}

/* Too few packets that the program accepted would prove nothing. */
static int print_leased(const struct leased *l, const struct run_config *cfg)
{
	struct leased_counts c;

	leased_count(l, &c);
	printf("leases: granted %" PRIu64 ", taken back %" PRIu64 "; of %" PRIu64
	       " packets the program accepted %" PRIu64 " (%.1f %%)\n",
	       c.granted, c.taken, c.packets, c.passed,
	       100.0 * (double)c.passed / (double)(c.packets + (c.packets == 0)));
	return (cfg->protos & (GEN_TCP | GEN_UDP)) != 0 && c.passed < c.packets / PASSED_SHARE;
}

static int print_result(const struct run_result *r, const struct lockstep *d)
{
	printf("%" PRIu64 " packets in %.1f s (%.0f/s), %" PRIu64 " flows, %" PRIu64
	       " waits for an expiry\n",
	       r->packets, r->seconds, (double)r->packets / r->seconds, r->flows, r->expired);
	printf("kernel:");
	for (unsigned i = 0; i < CT_LATE; i++) {
		printf(" %s %" PRIu64, ct_state_name(i), r->seen[i]);
	}
	printf("; not logged %" PRIu64 ", uncertain %" PRIu64 "\n", r->unseen, r->uncertain);
	print_reasons(d->side);
	if (d->explained != 0) {
		printf("skipped, documented: kernel-only trackers %" PRIu64 "\n", d->explained);
	}
	printf("differences: %u\n", r->differences);
	if (r->unseen > r->packets / UNSEEN_SHARE) {
		printf("too many packets without a state: the run proves nothing\n");
		return 1;
	}
	return r->differences != 0 || r->broken ? 1 : 0;
}

/* With a daemon the settings are chosen once, before it starts. Returns an exit status. */
static int start_daemon(struct lockstep *d, const struct run_config *cfg, const char *finwalld)
{
	struct rng rng;
	const char *why;
	const char *skip;

	rng_init(&rng, cfg->seed);
	for (size_t i = 0; i < sysctls_len && cfg->settings_vary; i++) {
		struct step s = { .kind = STEP_SET, .u.set = { .setting_nr = (uint32_t)i } };

		s.u.set.value = sysctls_random(&sysctls_table[i], &rng);
		if (lockstep_step(d, NULL, &s) != LOCKSTEP_SAME) {
			fputs(d->diff, stderr);
			return 1;
		}
		step_print(stdout, &s);
	}
	d->via = via_new(finwalld, side_tunables(d->side), &why, &skip);
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

static int run_with_daemon(struct lockstep *d, const struct run_config *cfg, const char *finwalld)
{
	struct run_result result;
	int status = finwalld != NULL ? start_daemon(d, cfg, finwalld) : 0;

	if (status != 0) {
		return status;
	}
	run_random(d, cfg, &result);
	status = print_result(&result, d);
	if (cfg->program && print_leased(side_leased(d->side), cfg) != 0) {
		printf("the program accepted too few packets: the run proves nothing\n");
		status = 1;
	}
	via_free(d->via);
	d->via = NULL;
	return status;
}

int main(int argc, char **argv)
{
	struct run_config cfg = {
		.packets = 30000,
		.seed = (uint64_t)time(NULL),
		.protos = GEN_ALL,
		.settings_vary = true,
		.differences_max = 1,
	};
	struct mode mode = { 0 };
	const char *why;
	struct lockstep *d;
	int status = 0;

	if (!parse_options(argc, argv, &cfg, &mode)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (mode.batches) {
		printf("seed %" PRIu64 "\n", cfg.seed);
		return batches_compare(cfg.packets, cfg.seed) == 0 ? 0 : 1;
	}
	d = lockstep_new(&why);
	if (d == NULL) {
		fprintf(stderr, "oracle: skipped: %s\n", why);
		return EXIT_SKIP;
	}
	if (cfg.program && !side_use_program(d->side, cfg.seed, &why)) {
		fprintf(stderr, "oracle: skipped: %s\n", why);
		lockstep_free(d);
		return EXIT_SKIP;
	}
	if (mode.replay) {
		for (int i = optind; i < argc; i++) {
			int s = replay_file(d, argv[i], mode.verbose);

			status = s > status ? s : status;
		}
	} else {
		printf("seed %" PRIu64 ", kernel as %s\n", cfg.seed,
		       side_tunables(d->side)->tcp_kernel == KERNEL_6_18 ? "6.18" : "the newest");
		fflush(stdout);
		status = run_with_daemon(d, &cfg, mode.finwalld);
	}
	lockstep_free(d);
	return status;
}
