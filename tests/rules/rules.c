/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules: does finwall decide as the kernel's rules do?
 *
 * Loads a rule set into the kernel (in its own network namespace) and into the engine: *.rules and
 * *.rules6 are converted from iptables and ip6tables, *.nft are loaded unchanged. *.v4 and *.v6
 * are saves, of which table filter is used, with the sets of ipset in *.ipset. Sends random
 * packets through both and compares accept and drop after each one. A reject counts as a drop. With
 * --random, does so for random rule files (rulegen.h), with that many packets each. Exit
 * status: 0 no difference, 1 difference, 2 usage, 77 unsupported machine.
 */
#include "../oracle/kern.h"
#include "config_text.h"
#include "gen.h"
#include "kernel.h"
#include "rulegen.h"
#include "side.h"

#include <finwall/bytes.h>

#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_SKIP  77

#define DIFFERENCES_MAX 5

/* The line of a rule set that the generated prefixes replace. */
static const char blocklist_line[] = "# blocklist\n";

/* Before the first random file. */
static const char empty_rules[] = "table inet t { chain c { }; }\n";

struct run {
	struct kernel *kernel;
	struct side *side;
	struct gen *gen;
	bool is_verbose; /* print every packet */
	bool is_random;  /* random files and odd packets */
	bool is_save;    /* a save of iptables: it may accept, or drop, nearly all packets */
	bool is_ticking; /* at most one packet per tick of the kernel's clock */
	unsigned long packets;
	unsigned long accepted;
	unsigned long differences;
	unsigned long own_errors; /* sent by this process, and not compared */
	unsigned long stale;      /* refused by the kernel because of connections that had closed */
	unsigned long unseen;
	unsigned long other_states; /* random files: not compared */
	unsigned long hooks[HOOKS_LEN];
	unsigned long states[CT_STATES_LEN];
	unsigned long pace; /* packets in a burst; 0 = no bursts */
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

/* Returns the file, malloc'd, with rules for this number of random prefixes. */
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
		if (strcmp(line, blocklist_line) != 0) {
			fputs(line, to);
			continue;
		}
		for (unsigned long i = 0; i < prefixes; i++) {
			uint32_t addr = (uint32_t)rng_u64(rng);

			/* no prefix of the test's hosts, and none that is not unicast */
			fprintf(to, "-A BLOCK -s %u.%u.%u.%u/%u -j DROP\n", 1 + addr % 126,
			        addr >> 8 & 0xff, addr >> 16 & 0xff, addr >> 24,
			        16 + rng_below(rng, 17));
		}
	}
	fclose(from);
	fclose(to);
	return text;
}

static void print_packet(const struct gen_packet *t, enum hook hook, int kernel,
                         const struct sighting *seen, const struct decision *d)
{
	const uint32_t a[2] = { t->src, t->dst };

	printf("%s in %s, IPv%u, proto %u", hook_names[hook], kernel_iface[t->iif], t->b.family,
	       t->b.proto);
	for (unsigned i = 0; i < 2; i++) {
		printf("%s %u.%u.%u.%u:%u", i == 0 ? "" : " >", a[i] >> 24, a[i] >> 16 & 0xff,
		       a[i] >> 8 & 0xff, a[i] & 0xff, i == 0 ? t->b.sport : t->b.dport);
	}
	printf(" flags %02x type %u code %u ttl %u%s\n"
	       "  cut at %d, extension headers %zu, tos %02x, id %u, mark %x\n  kernel: %s, %s; "
	       "finwall: %s, %s, "
	       "reason %u, rule %" PRIu32 "\n",
	       t->b.flags, t->b.type, t->b.code, t->b.ttl, t->has_bad_checksum ? " bad sum" : "",
	       t->l4_left, t->b.ext_size, t->b.tos, t->id, hook == HOOK_OUTPUT ? KERNEL_MARK : 0,
	       kernel == 1 ? "accept" : "drop",
	       seen->seen ? state_names[seen->state] : "not tracked",
	       d->verdict == VERDICT_ACCEPT ? "accept" : "drop", state_names[d->state], d->reason,
	       d->rule_nr);
}

static void fix_ip_checksum(uint8_t *packet)
{
	const unsigned header_size = (packet[0] & 0xfu) * 4;
	uint32_t sum = 0;

	store_be16(packet + 10, 0);
	for (unsigned i = 0; i < header_size; i += 2) {
		sum += load_be16(packet + i);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(packet + 10, (uint16_t) ~(sum + (sum >> 16)));
}

/* Shortens a packet, so that its IP header agrees. */
static size_t cut_off(uint8_t *packet, size_t size)
{
	if (packet[0] >> 4 == 6) {
		store_be16(packet + 4, (uint16_t)(size - 40));
		return size;
	}
	store_be16(packet + 2, (uint16_t)size);
	return size;
}

/* The kernel replaces an identification of 0 in its own packets. */
static void set_id(uint8_t *packet, uint16_t id)
{
	store_be16(packet + (packet[0] >> 4 == 6 ? 2 : 4), id);
}

/* Writes the packet; corrupts its transport checksum if requested. */
static size_t write_packet(const struct gen_packet *t, uint8_t *packet)
{
	size_t size = build_packet(&t->b, packet);
	const size_t l4_at = t->b.family == 4 ? 20u + t->b.ip_opts_size : 40 + t->b.ext_size;

	if (t->has_bad_checksum && t->b.proto == IPPROTO_NR_TCP) {
		packet[l4_at + 16] ^= 0x55;
	}
	if (t->l4_left >= 0 && size > l4_at + (size_t)t->l4_left) {
		size = cut_off(packet, l4_at + (size_t)t->l4_left);
	}
	set_id(packet, t->id);
	if (t->b.family == 4) {
		fix_ip_checksum(packet);
	}
	return size;
}

/*
 * The kernel counts a refused connection until its next garbage collection, which only a new
 * connection triggers. A second packet of an unanswered connection therefore finds the count one
 * too high; finwall counts live connections. No such packet is sent where connections are counted.
 */
static void next_packet(struct run *r, struct gen_packet *t)
{
	uint8_t packet[BUILD_MAX];
	struct frame frame;

	do {
		gen_next(r->gen, t);
		frame = build_frame(packet, write_packet(t, packet));
	} while (r->is_ticking && side_is_unanswered(r->side, clock_now(), &frame));
}

#define BURST_MAX_NS 250000000

/*
 * Waits for the next whole second after each burst. So what times out after half a second or one
 * and a half does so while no packet is sent, in the kernel and here.
 */
static void pause_between(const struct run *r)
{
	struct timespec next;

	if (r->pace == 0) {
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &next);
	if (r->packets % r->pace != 0 && next.tv_nsec < BURST_MAX_NS) {
		return;
	}
	next = (struct timespec){ .tv_sec = next.tv_sec + 1 };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) != 0) {
	}
}

/* Returns false if the packet could not be sent. */
static bool send_packet(struct run *r)
{
	uint8_t packet[BUILD_MAX];
	struct sighting seen = { 0 };
	struct decision d;
	struct frame frame;
	struct gen_packet t;
	enum hook hook;
	size_t size;
	int kernel;

	pause_between(r);
	next_packet(r, &t);
	hook = kernel_is_local(t.src)   ? HOOK_OUTPUT
	       : kernel_is_local(t.dst) ? HOOK_INPUT
	                                : HOOK_FORWARD;
	size = write_packet(&t, packet);
	kernel = kernel_send(r->kernel, hook, t.iif, packet, size, &seen);
	if (kernel < 0) {
		fprintf(stderr, "rules: cannot send: %s\n", strerror(-kernel));
		return false;
	}
	if (hook == HOOK_FORWARD) {
		/* The hook sees the packet after its TTL was decremented. */
		t.b.ttl--;
		size = write_packet(&t, packet);
	}
	frame = build_frame(packet, size);
	frame.hook = (uint8_t)hook;
	frame.iif = hook == HOOK_OUTPUT ? 0 : kernel_ifindex(t.iif);
	frame.oif = hook == HOOK_INPUT ? 0 : kernel_ifindex(kernel_iface_of(t.dst));
	frame.mark = hook == HOOK_OUTPUT ? KERNEL_MARK : 0;
	frame.has = hook == HOOK_OUTPUT ? FRAME_HAS_UID | FRAME_HAS_GID : 0; /* of root */
	frame.csum = hook == HOOK_OUTPUT ? CSUM_TRUSTED : CSUM_UNVERIFIED;
	side_decide(r->side, clock_now(), &frame, &d);
	r->packets++;
	r->hooks[hook]++;
	r->states[d.state]++;
	r->unseen += seen.seen ? 0 : 1;
	if (d.reason == REASON_ICMP_OWN) {
		/* The kernel calls only those RELATED that it makes itself, not a process's. */
		r->own_errors++;
		return true;
	}
	r->accepted += d.verdict == VERDICT_ACCEPT ? 1 : 0;
	if (r->is_verbose) {
		print_packet(&t, hook, kernel, &seen, &d);
	}
	if (r->is_ticking && kernel == 0 && d.verdict == VERDICT_ACCEPT && d.state == CT_NEW) {
		r->stale++;
		side_forget(r->side, clock_now(), &frame);
		return true;
	}
	if (r->is_random && (!seen.seen || seen.state != d.state)) {
		/* dropped before the hook, or judged otherwise by the tracker: tests/oracle */
		r->other_states += seen.seen ? 1 : 0;
		return true;
	}
	if ((kernel == 1) != (d.verdict == VERDICT_ACCEPT)) {
		r->differences++;
		puts("difference:");
		print_packet(&t, hook, kernel, &seen, &d);
	}
	return true;
}

/* A run that did not reach the rules, or not both verdicts, proves nothing. */
static bool covers_states_and_verdicts(const struct run *r)
{
	if (r->is_save) {
		return r->unseen * 50 < r->packets && r->states[CT_ESTABLISHED] > 0;
	}
	return r->accepted * 20 > r->packets && (r->packets - r->accepted) * 20 > r->packets &&
	       r->unseen * 50 < r->packets && r->states[CT_ESTABLISHED] > 0 &&
	       r->states[CT_INVALID] > 0 && r->states[CT_RELATED] > 0;
}

/*
 * The kernel collects closed connections at most once per tick, and immediately only on the CPU
 * that counted them. Its own garbage collection of a set, once a second, may use up that one time:
 * then the count is too high. A few such packets are not reported as differences.
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

static void pin_to_cpu(void)
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
		if (!send_packet(r)) {
			return EXIT_FAILURE;
		}
	}
	printf("%lu packets, %lu accepted, %lu differences, %lu not tracked by the kernel, "
	       "%.1f s of CPU time\n",
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
		printf("%lu refused by the kernel because of connections that had closed\n",
		       r->stale);
	}
	if (r->stale * 50 > packets) {
		puts("too many of them: the counts differ");
		return EXIT_FAILURE;
	}
	if (r->differences == 0 && !covers_states_and_verdicts(r)) {
		puts("too few packets of some state or verdict: the run proves nothing");
		return EXIT_FAILURE;
	}
	return r->differences == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Random rule files, one after another. */
struct cases {
	unsigned long compared;
	unsigned long refused_by_both;
	unsigned long refused_by_nft;
	unsigned long refused_by_finwall;
};

static uint32_t decide(void *ctx, uint32_t n)
{
	return rng_below(ctx, n);
}

/* Loads a random file into both. Returns false if one of them refuses it. */
static bool load_case(struct run *r, struct cases *c, const char *text)
{
	char *errors = NULL;
	bool is_in_finwall = side_reload(r->side, clock_now(), text, &errors);
	bool is_in_kernel = kernel_reload(r->kernel, text);

	if (is_in_kernel && is_in_finwall) {
		c->compared++;
	} else if (is_in_finwall) {
		c->refused_by_nft++;
		if (r->is_verbose) {
			printf("refused by nft alone:\n%s", text);
		}
	} else if (is_in_kernel && strstr(errors, "where nft does not test") != NULL) {
		/* Documented: nft leaves a test out that the rule's author expects. */
		c->refused_by_both++;
	} else if (is_in_kernel) {
		c->refused_by_finwall++;
		printf("refused by finwall alone: %s", errors);
		if (r->is_verbose) {
			fputs(text, stdout);
		}
	} else {
		c->refused_by_both++;
		if (r->is_verbose) {
			printf("refused by both: %s%s", errors, text);
		}
	}
	free(errors);
	return is_in_kernel && is_in_finwall;
}

/* Rule files and packets from one seed. A file that nft or finwall refuses is counted. */
static int compare_random(struct run *r, struct rng *rng, unsigned long cases,
                          unsigned long packets)
{
	const struct rulegen_source source = { decide, rng };
	struct cases c = { 0 };
	unsigned long different = 0;

	for (unsigned long i = 0; i < cases && different < 20; i++) {
		char *text = rulegen_text(&source, RULEGEN_NFT);
		const unsigned long differences = r->differences;

		gen_free(r->gen);
		r->gen = gen_new(rng, KERNEL_NFT, text);
		gen_add_odd_packets(r->gen);
		for (unsigned long n = load_case(r, &c, text) ? packets : 0;
		     n > 0 && r->differences == differences; n--) {
			if (!send_packet(r)) {
				free(text);
				return EXIT_FAILURE;
			}
		}
		if (r->differences != differences) {
			different++;
			fputs(text, stdout);
		}
		free(text);
	}
	printf("%lu files compared, %lu different; refused: %lu by both, %lu by nft alone, %lu by "
	       "finwall alone\n%lu packets, %lu accepted, %lu with different states, %lu not "
	       "tracked by the kernel\n",
	       c.compared, different, c.refused_by_both, c.refused_by_nft, c.refused_by_finwall,
	       r->packets, r->accepted, r->other_states, r->unseen);
	if (c.compared * 2 < cases || r->accepted * 20 < r->packets ||
	    (r->packets - r->accepted) * 20 < r->packets) {
		puts("too few files, or too few packets of one verdict: the run proves nothing");
		return EXIT_FAILURE;
	}
	return different == 0 && c.refused_by_finwall == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Loads the rules at the beginning of a second, so that elements time out between bursts. */
static bool load_again(struct run *r, const char *rules)
{
	char *errors = NULL;
	bool is_loaded;

	pause_between(r);
	is_loaded = kernel_reload(r->kernel, rules) &&
	            side_reload(r->side, clock_now(), rules, &errors);
	free(errors);
	return is_loaded;
}

static bool has_ending(const char *name, const char *ending)
{
	const size_t size = strlen(name);

	return size > strlen(ending) && strcmp(name + size - strlen(ending), ending) == 0;
}

struct args {
	unsigned long packets;
	unsigned long prefixes;
	unsigned long cases; /* of random rule files */
	bool is_own;         /* the kernel loads only what finwall judges, as finwall prints it */
	char *seed_text;
};

/* Returns false for a wrong usage. */
static bool parse_args(int argc, char **argv, struct args *a, struct run *r)
{
	static const struct option options[] = {
		{ "random", required_argument, NULL, 'r' },
		{ "pace", required_argument, NULL, 'P' },
		{ "packets", required_argument, NULL, 'n' },
		{ "own", no_argument, NULL, 'o' },
		{ "prefixes", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
		{ "ticking", no_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			a->packets = strtoul(optarg, NULL, 10);
			break;
		case 'P':
			r->pace = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			a->cases = strtoul(optarg, NULL, 10);
			r->is_random = true;
			break;
		case 'o':
			a->is_own = true;
			break;
		case 'p':
			a->prefixes = strtoul(optarg, NULL, 10);
			break;
		case 's':
			a->seed_text = optarg;
			break;
		case 't':
			r->is_ticking = true;
			pin_to_cpu();
			break;
		case 'v':
			r->is_verbose = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc - (r->is_random ? 0 : 1);
}

static enum kernel_rules kind_of(const char *name)
{
	return has_ending(name, ".rules6") || has_ending(name, ".v6") ? KERNEL_IP6TABLES
	       : has_ending(name, ".nft")                             ? KERNEL_NFT
	                                                              : KERNEL_IPTABLES;
}

/* The sets of ipset beside a save, malloc'd; NULL if it has none. */
static char *read_ipsets(const char *save, struct rng *rng)
{
	char *path = NULL;
	char *text = NULL;

	if (asprintf(&path, "%.*s.ipset", (int)strlen(save) - 3, save) > 0 &&
	    access(path, R_OK) == 0) {
		text = read_rules(path, 0, rng);
	}
	free(path);
	return text;
}

/* Replaces the text by the canonical one, which has only the chains that finwall judges. */
static bool print_own(char **rules)
{
	char *errors = NULL;
	struct config *c = config_text_load("rules", *rules, &errors);
	char *text = c != NULL ? config_print(c, PRINT_PLAIN, NULL, 0) : NULL;

	free(errors);
	config_free(c);
	if (text == NULL) {
		return false;
	}
	free(*rules);
	*rules = text;
	return true;
}

/*
 * The variant of the running kernel's tracker: rules read the time that a connection has left.
 * Returns false with the reason in *why if it cannot be found.
 */
static bool follow_kernel(struct side *side, const char **why)
{
	struct kern *kern = kern_new(why);

	if (kern == NULL) {
		return false;
	}
	side_follow(side, kern_variant(kern));
	kern_free(kern);
	return true;
}

int main(int argc, char **argv)
{
	struct args a = { .packets = 20000 };
	struct run r = { 0 };
	enum kernel_rules kind;
	const char *why;
	struct rng rng;
	char *rules;
	char *ipsets;
	int code = EXIT_FAILURE;

	if (!parse_args(argc, argv, &a, &r)) {
		fputs("usage: rules [--own] [--packets N] [--prefixes N] [--seed S] [--ticking] "
		      "[--pace N] "
		      "[--verbose] FILE\n"
		      "       rules --random FILES [--packets N] [--seed S] [--verbose]\n",
		      stderr);
		return EXIT_USAGE;
	}
	kind = r.is_random ? KERNEL_NFT : kind_of(argv[optind]);
	rng_init(&rng, rng_seed(a.seed_text != NULL ? 2 : 1, (char *[]){ argv[0], a.seed_text }));
	rules = r.is_random ? strdup(empty_rules) : read_rules(argv[optind], a.prefixes, &rng);
	r.is_save = !r.is_random &&
	            (has_ending(argv[optind], ".v4") || has_ending(argv[optind], ".v6"));
	ipsets = r.is_save ? read_ipsets(argv[optind], &rng) : NULL;
	r.side = side_new(r.is_random ? "random" : argv[optind], kind, rules, ipsets, clock_now());
	r.gen = gen_new(&rng, kind, rules);
	if (r.side == NULL || r.gen == NULL) {
		goto out;
	}
	if (a.is_own && !print_own(&rules)) {
		goto out;
	}
	if (strstr(rules, "--rt-type") != NULL || strstr(rules, "rt type ") != NULL ||
	    strstr(rules, "exthdr ") != NULL) {
		gen_add_extensions(r.gen);
	}
	if (strstr(rules, " option ") != NULL || strstr(rules, "--tcp-option") != NULL ||
	    strstr(rules, "--mss") != NULL) {
		gen_add_options(r.gen);
	}
	if (follow_kernel(r.side, &why)) {
		r.kernel = kernel_new(kind, rules, ipsets, &why);
	}
	if (r.kernel == NULL) {
		printf("skipped: %s\n", why);
		code = EXIT_SKIP;
		goto out;
	}
	for (unsigned i = 0; i < KERNEL_IFACES_LEN; i++) {
		side_iface(r.side, kernel_ifindex(i), kernel_iface[i]);
	}
	if (!side_read_routes(r.side)) {
		puts("cannot read the routes");
		goto out;
	}
	if (r.pace != 0 && !load_again(&r, rules)) {
		goto out;
	}
	code = r.is_random ? compare_random(&r, &rng, a.cases, a.packets) : compare(&r, a.packets);
out:
	kernel_free(r.kernel);
	side_free(r.side);
	gen_free(r.gen);
	free(ipsets);
	free(rules);
	return code;
}
