/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules: do rules decide as the kernel's own do?
 *
 * Loads a rule set into the kernel (in a network namespace of its own) and into the engine: *.rules
 * and *.rules6 of iptables and ip6tables are imported, *.nft are taken as they are. It sends random
 * packets through both and compares accept and drop after each one. A reject counts as drop. Exit
 * status: 0 no difference, 1 difference, 2 usage, 77 the machine cannot do it.
 */
#include "bed.h"
#include "dice.h"
#include "side.h"

#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define EXIT_USAGE 2
#define EXIT_SKIP  77

#define DIFFERENCES_MAX 5

/* Where the generated prefixes go in a rule set. */
static const char blocklist_here[] = "# blocklist\n";

struct run {
	struct bed *bed;
	struct side *side;
	struct dice *dice;
	bool is_verbose; /* show every packet */
	bool is_ticking; /* no two packets in one tick of the kernel's clock */
	unsigned long packets;
	unsigned long accepted;
	unsigned long differences;
	unsigned long stale; /* refused by the kernel for connections that were gone */
	unsigned long unseen;
	unsigned long hooks[HOOKS_LEN];
	unsigned long states[CT_STATES_LEN];
};

static const char *const hook_names[HOOKS_LEN] = { "input", "forward", "output" };
static const char *const state_names[CT_STATES_LEN] = {
	[CT_INVALID] = "invalid",         [CT_NEW] = "new",
	[CT_ESTABLISHED] = "established", [CT_RELATED] = "related",
	[CT_UNTRACKED] = "untracked",     [CT_LATE] = "late",
};

static struct mono clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec };
}

/* The file, with that many prefixes to drop in the place for them. malloc'd. */
static char *read_rules(const char *path, unsigned long prefixes, struct rng *rng)
{
	FILE *from = fopen(path, "re");
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	char line[1024];

	if (from == NULL || to == NULL) {
		perror(path);
		exit(EXIT_USAGE);
	}
	while (fgets(line, sizeof(line), from) != NULL) {
		if (strcmp(line, blocklist_here) != 0) {
			fputs(line, to);
			continue;
		}
		for (unsigned long i = 0; i < prefixes; i++) {
			uint32_t addr = (uint32_t)rng_u64(rng);

			/* nothing of where the hosts are, nor what is no host's */
			fprintf(to, "-A BLOCK -s %u.%u.%u.%u/%u -j DROP\n", 1 + addr % 126,
			        addr >> 8 & 0xff, addr >> 16 & 0xff, addr >> 24,
			        16 + rng_below(rng, 17));
		}
	}
	fclose(from);
	fclose(to);
	return text;
}

static void show(const struct throw *t, enum hook hook, int kernel, const struct sighting *seen,
                 const struct decision *d)
{
	const uint32_t a[2] = { t->src, t->dst };

	printf("%s in %s, IPv%u, proto %u", hook_names[hook], bed_iface[t->iif], t->b.family,
	       t->b.proto);
	for (unsigned i = 0; i < 2; i++) {
		printf("%s %u.%u.%u.%u:%u", i == 0 ? "" : " >", a[i] >> 24, a[i] >> 16 & 0xff,
		       a[i] >> 8 & 0xff, a[i] & 0xff, i == 0 ? t->b.sport : t->b.dport);
	}
	printf(" flags %02x type %u code %u ttl %u%s\n"
	       "  kernel: %s, %s; finwall: %s, %s, reason %u, rule %" PRIu32 "\n",
	       t->b.flags, t->b.type, t->b.code, t->b.ttl, t->has_bad_checksum ? " bad sum" : "",
	       kernel == 1 ? "accept" : "drop", seen->seen ? state_names[seen->state] : "not seen",
	       d->verdict == VERDICT_ACCEPT ? "accept" : "drop", state_names[d->state], d->reason,
	       d->rule_nr);
}

/* Writes the packet, its transport checksum wrong where it is to be. */
static size_t write_packet(const struct throw *t, uint8_t *packet)
{
	size_t size = build_packet(&t->b, packet);

	if (t->has_bad_checksum && t->b.proto == IPPROTO_NR_TCP) {
		packet[(t->b.family == 4 ? 20 : 40) + 16] ^= 0x55;
	}
	return size;
}

/*
 * The kernel counts a connection that was refused until it looks again, for which it takes one that
 * is new to it: a second packet of an unanswered connection finds the number one too high. finwall
 * counts what lives. So no such packet is sent where connections are counted.
 */
static void throw_one(struct run *r, struct throw *t)
{
	uint8_t packet[BUILD_MAX];
	struct frame frame;

	do {
		dice_throw(r->dice, t);
		frame = build_frame(packet, write_packet(t, packet));
	} while (r->is_ticking && side_is_unanswered(r->side, clock_now(), &frame));
}

/* Returns false when the packet could not be sent. */
static bool one_packet(struct run *r)
{
	uint8_t packet[BUILD_MAX];
	struct sighting seen = { 0 };
	struct decision d;
	struct frame frame;
	struct throw t;
	enum hook hook;
	size_t size;
	int kernel;

	throw_one(r, &t);
	hook = bed_is_local(t.src) ? HOOK_OUTPUT : bed_is_local(t.dst) ? HOOK_INPUT : HOOK_FORWARD;
	size = write_packet(&t, packet);
	kernel = bed_send(r->bed, hook, t.iif, packet, size, &seen);
	if (kernel < 0) {
		fprintf(stderr, "rules: cannot send: %s\n", strerror(-kernel));
		return false;
	}
	if (hook == HOOK_FORWARD) {
		/* the hook sees it one hop on */
		t.b.ttl--;
		size = write_packet(&t, packet);
	}
	frame = build_frame(packet, size);
	frame.hook = (uint8_t)hook;
	frame.iif = hook == HOOK_OUTPUT ? 0 : bed_ifindex(r->bed, t.iif);
	frame.oif = hook == HOOK_INPUT ? 0 : bed_ifindex(r->bed, bed_iface_of(t.dst));
	frame.mark = hook == HOOK_OUTPUT ? BED_MARK : 0;
	frame.csum = hook == HOOK_OUTPUT ? CSUM_TRUSTED : CSUM_UNVERIFIED;
	side_judge(r->side, clock_now(), &frame, &d);
	r->packets++;
	r->hooks[hook]++;
	r->states[d.state]++;
	r->unseen += seen.seen ? 0 : 1;
	r->accepted += d.verdict == VERDICT_ACCEPT ? 1 : 0;
	if (r->is_verbose) {
		show(&t, hook, kernel, &seen, &d);
	}
	if (r->is_ticking && kernel == 0 && d.verdict == VERDICT_ACCEPT && d.state == CT_NEW) {
		r->stale++;
		side_forget(r->side, clock_now(), &frame);
		return true;
	}
	if ((kernel == 1) != (d.verdict == VERDICT_ACCEPT)) {
		r->differences++;
		puts("difference:");
		show(&t, hook, kernel, &seen, &d);
	}
	return true;
}

/* A run that never came to the rules, or to one side of them, has shown nothing. */
static bool has_shown_something(const struct run *r)
{
	return r->accepted * 20 > r->packets && (r->packets - r->accepted) * 20 > r->packets &&
	       r->unseen * 50 < r->packets && r->states[CT_ESTABLISHED] > 0 &&
	       r->states[CT_INVALID] > 0 && r->states[CT_RELATED] > 0;
}

/*
 * The kernel looks for counted connections that have ended at most once in a tick, and at once only
 * on the processor that counted them. Its own cleaning of a set, once a second, may be that one
 * time: then it finds the number too high, which is not told as a difference where it is rare.
 */
static void wait_for_tick(void)
{
	struct timespec before;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &before);
	do {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	} while (now.tv_nsec == before.tv_nsec && now.tv_sec == before.tv_sec);
}

static void stay_here(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int compare(struct run *r, unsigned long packets)
{
	const clock_t began = clock();

	while (r->packets < packets && r->differences < DIFFERENCES_MAX) {
		if (r->is_ticking) {
			wait_for_tick();
		}
		if (!one_packet(r)) {
			return EXIT_FAILURE;
		}
	}
	printf("%lu packets, %lu accepted, %lu differences, %lu not seen by the kernel's tracker, "
	       "%.1f s of processor\n",
	       r->packets, r->accepted, r->differences, r->unseen,
	       (double)(clock() - began) / CLOCKS_PER_SEC);
	for (unsigned i = 0; i < HOOKS_LEN; i++) {
		printf("%s %lu%s", hook_names[i], r->hooks[i], i + 1 < HOOKS_LEN ? ", " : "; ");
	}
	for (unsigned i = 0; i < CT_STATES_LEN; i++) {
		printf("%s %lu%s", state_names[i], r->states[i],
		       i + 1 < CT_STATES_LEN ? ", " : "\n");
	}
	if (r->is_ticking) {
		printf("%lu refused by the kernel for connections that were gone\n", r->stale);
	}
	if (r->stale * 50 > packets) {
		puts("too many of them: the numbers differ");
		return EXIT_FAILURE;
	}
	if (r->differences == 0 && !has_shown_something(r)) {
		puts("too few packets of some kind: this has shown nothing");
		return EXIT_FAILURE;
	}
	return r->differences == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool has_ending(const char *name, const char *ending)
{
	const size_t size = strlen(name);

	return size > strlen(ending) && strcmp(name + size - strlen(ending), ending) == 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "packets", required_argument, NULL, 'n' },
		{ "prefixes", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
		{ "ticking", no_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long packets = 20000;
	unsigned long prefixes = 0;
	char *seed_text = NULL;
	struct run r = { 0 };
	enum bed_rules kind = BED_IPTABLES;
	const char *why;
	struct rng rng;
	char *rules;
	int opt;
	int code = EXIT_FAILURE;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			packets = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			prefixes = strtoul(optarg, NULL, 10);
			break;
		case 's':
			seed_text = optarg;
			break;
		case 't':
			r.is_ticking = true;
			stay_here();
			break;
		case 'v':
			r.is_verbose = true;
			break;
		default:
			optind = argc;
		}
	}
	if (optind != argc - 1) {
		fputs("usage: rules [--packets N] [--prefixes N] [--seed S] [--ticking] "
		      "[--verbose] FILE\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (has_ending(argv[optind], ".rules6")) {
		kind = BED_IP6TABLES;
	} else if (has_ending(argv[optind], ".nft")) {
		kind = BED_NFT;
	}
	rng_init(&rng, rng_seed(seed_text != NULL ? 2 : 1, (char *[]){ argv[0], seed_text }));
	rules = read_rules(argv[optind], prefixes, &rng);
	r.side = side_new(argv[optind], kind, rules, clock_now());
	r.dice = dice_new(&rng, kind, rules);
	if (r.side == NULL || r.dice == NULL) {
		goto out;
	}
	r.bed = bed_new(kind, rules, &why);
	if (r.bed == NULL) {
		printf("skipped: %s\n", why);
		code = EXIT_SKIP;
		goto out;
	}
	for (unsigned i = 0; i < BED_IFACES_LEN; i++) {
		side_iface(r.side, bed_ifindex(r.bed, i), bed_iface[i]);
	}
	code = compare(&r, packets);
out:
	bed_free(r.bed);
	side_free(r.side);
	dice_free(r.dice);
	free(rules);
	return code;
}
