/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets and maps over a restart: what rules and commands have added is there again, with
 * the time that is left, and nothing else.
 */
#include "config_text.h"
#include "test_state.h"

#include "sets/named_set.h"
#include "state/sets_text.h"

#include <finwall/bytes.h>

#include <errno.h>

#define START ((struct mono){ INT64_C(1000) * NSEC_PER_SEC })

static const char rules_text[] =
	"table inet t {\n"
	"set seen { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 10m; counter\n"
	" elements = { 192.0.2.9 . 9 timeout 1h } }\n"
	"set banned { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.7 } }\n"
	"set merged { type ipv4_addr; flags interval; auto-merge; }\n"
	"set timed { type ipv4_addr; flags timeout; }\n"
	"map ways { type inet_service : verdict; elements = { 22 : accept, 23 : jump c } }\n"
	"map marks { type ipv4_addr : mark; flags timeout; }\n"
	"map masked { type ipv4_addr : verdict; elements = { 192.0.2.0 : drop } }\n"
	"chain c { drop; }\n"
	"chain i { type filter hook input priority 0\n"
	" update @seen { ip saddr . tcp dport counter } ip saddr @banned drop\n"
	" ip saddr @merged drop; ip saddr @timed drop; tcp dport vmap @ways\n"
	" meta mark set ip saddr map @marks; ip saddr & 255.255.255.0 vmap @masked } }\n";

static struct config *load_config(struct mono now)
{
	char *errors = NULL;
	struct config *c = config_text_load("text", rules_text, &errors);

	ck_assert_msg(c != NULL, "%s", errors);
	config_start(c, now);
	return c;
}

/* Changes a set; returns the error text, or NULL. */
static const char *change(struct config *c, struct mono now, const char *name, enum named_set_op op,
                          const char *element)
{
	static char problem[NAMED_SET_PROBLEM_SIZE];
	struct named_set_garbage *garbage = NULL;
	struct named_set *s = named_set_find(c, NULL, name, problem);
	uint64_t changed;
	int err;

	ck_assert_msg(s != NULL, "%s", problem);
	err = named_set_change(s, now, op, &element, op != SET_FLUSH, &changed, &garbage, problem);
	named_set_garbage_free(garbage);
	return err != 0 ? problem : NULL;
}

static void add(struct config *c, struct mono now, const char *name, const char *element)
{
	const char *problem = change(c, now, name, SET_ADD, element);

	ck_assert_msg(problem == NULL, "%s", problem);
}

static void list_one(void *ctx, const char *element)
{
	char *to = ctx;

	strcat(to, to[0] != '\0' ? ", " : "");
	strcat(to, element);
}

/* The set has these elements. */
static void has(const struct config *c, struct mono now, const char *name, const char *elements)
{
	struct named_set_cursor at = { 0 };
	char problem[NAMED_SET_PROBLEM_SIZE];
	char text[1024] = "";
	const struct named_set *s = named_set_find(c, NULL, name, problem);

	while (named_set_walk(s, now, &at, list_one, text)) {
	}
	ck_assert_str_eq(text, elements);
}

static void save_sets(const struct config *c, struct mono now, struct wall_time wall)
{
	struct sets_text *t = sets_text_new();

	while (!sets_text_step(t, c, now)) {
	}
	ck_assert_int_eq(sets_text_write(t, path, wall), 0);
	sets_text_free(t);
}

/* A packet from 192.0.2.1 to a port: update @seen. */
static void send_packet(const struct config *c, struct mono now, uint16_t port)
{
	struct ruleset *rs = config_compile(c);
	struct frame f = { .true_size = 100, .hook = HOOK_INPUT };
	struct pkt p = { .frame = &f,
		         .depth = PKT_FULL,
		         .reach = PKT_REACH_MAX,
		         .l4_proto = IPPROTO_NR_TCP,
		         .th_dport = port };
	const struct rule_input in = { .pkt = &p, .state = CT_NEW, .now = now };
	struct rule_result out;

	p.tuple.family = 4;
	store_be32(p.tuple.src.bytes, 0xc0000201);
	ruleset_eval(rs, NULL, CHAIN_INPUT, &in, &out);
	ruleset_free(rs);
}

START_TEST(added_elements_outlive_a_restart)
{
	struct mono then = mono_add(START, sec_to_ns(60));
	struct wall_time wall = WALL;
	struct sets_loaded loaded;
	struct config *c = load_config(START);

	send_packet(c, START, 80);
	send_packet(c, START, 80);
	add(c, START, "banned", "198.51.100.0/24");
	add(c, START, "banned", "203.0.113.1");
	ck_assert_ptr_null(change(c, START, "banned", SET_DELETE, "203.0.113.1"));
	ck_assert_ptr_null(change(c, START, "banned", SET_DELETE, "192.0.2.7"));
	add(c, START, "merged", "10.1.0.0/24");
	ck_assert_ptr_null(change(c, START, "merged", SET_DELETE, "10.1.0.128/25"));
	add(c, START, "timed", "192.0.2.1 timeout 5m");
	add(c, START, "timed", "192.0.2.2 timeout 30s");
	add(c, START, "timed", "192.0.2.3");
	add(c, START, "ways", "80 : accept");
	add(c, START, "ways", "8000-8010 : jump c");
	add(c, START, "marks", "192.0.2.1 timeout 2m : 0x10");
	save_sets(c, START, wall);
	config_free(c);

	/* a minute later */
	wall.wall_ns += 60 * NSEC_PER_SEC;
	wall.boot_s += 60;
	c = load_config(then);
	ck_assert_int_eq(sets_text_load(path, c, then, wall, &loaded), 0);
	ck_assert(!loaded.is_invalid);
	ck_assert_uint_eq(loaded.left_out, 1); /* 192.0.2.2 */
	has(c, then, "seen",
	    "192.0.2.9 . 9 counter packets 0 bytes 0 timeout 1h expires 1h, "
	    "192.0.2.1 . 80 counter packets 2 bytes 200 expires 9m");
	has(c, then, "banned", "10.0.0.0/8, 192.0.2.7, 198.51.100.0/24");
	has(c, then, "merged", "10.1.0.0/25");
	has(c, then, "timed", "192.0.2.1 timeout 5m expires 4m, 192.0.2.3");
	has(c, then, "ways", "22 : accept, 23 : jump c, 80 : accept, 8000-8010 : jump c");
	has(c, then, "marks", "192.0.2.1 timeout 2m expires 1m : 0x00000010");

	/* and once more: they are still what was added */
	save_sets(c, then, wall);
	config_free(c);
	c = load_config(then);
	ck_assert_int_eq(sets_text_load(path, c, then, wall, &loaded), 0);
	has(c, then, "banned", "10.0.0.0/8, 192.0.2.7, 198.51.100.0/24");
	has(c, then, "timed", "192.0.2.1 timeout 5m expires 4m, 192.0.2.3");
	ck_assert_ptr_null(change(c, then, "banned", SET_FLUSH, NULL));
	ck_assert_ptr_null(change(c, then, "timed", SET_FLUSH, NULL));
	save_sets(c, then, wall);
	config_free(c);
	c = load_config(then);
	ck_assert_int_eq(sets_text_load(path, c, then, wall, &loaded), 0);
	has(c, then, "banned", "10.0.0.0/8, 192.0.2.7");
	has(c, then, "timed", "");
	config_free(c);
}
END_TEST

START_TEST(a_damaged_file_is_not_loaded)
{
	struct sets_loaded loaded;
	struct config *c = load_config(START);
	char name[sizeof(path) + 8];
	FILE *f;

	ck_assert_int_eq(sets_text_load(path, c, START, WALL, &loaded), -ENOENT);
	/* nothing to restore: no file; dynamic sets have the text's elements */
	add(c, START, "timed", "192.0.2.1");
	save_sets(c, START, WALL);
	(void)snprintf(name, sizeof(name), "%s" SETS_TEXT_ENDING, path);
	f = fopen(name, "r+");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, -2, SEEK_END), 0);
	(void)fputc('9', f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(sets_text_load(path, c, START, WALL, &loaded), 0);
	ck_assert(loaded.is_invalid);
	ck_assert_int_eq(truncate(name, 20), 0);
	ck_assert_int_eq(sets_text_load(path, c, START, WALL, &loaded), 0);
	ck_assert(loaded.is_invalid);
	config_free(c);
}
END_TEST

START_TEST(maps_change_by_command)
{
	struct config *c = load_config(START);
	char problem[NAMED_SET_PROBLEM_SIZE];

	add(c, START, "ways", "80 : drop");
	add(c, START, "ways", "80 : drop");
	add(c, START, "ways", "100-200 : jump c");
	ck_assert_ptr_nonnull(strstr(change(c, START, "ways", SET_ADD, "80 : accept"),
	                             "80 : accept overlaps with 80 of map ways"));
	ck_assert_ptr_nonnull(strstr(change(c, START, "ways", SET_ADD, "90-150 : jump c"),
	                             "overlaps with 100-200"));
	ck_assert_ptr_nonnull(strstr(change(c, START, "ways", SET_ADD, "81 : jump i"),
	                             "cannot lead to \"jump i\", expected what its elements in the "
	                             "configuration lead to: accept, jump c, drop"));
	ck_assert_ptr_nonnull(strstr(change(c, START, "ways", SET_ADD, "81"), "leads to nothing"));
	ck_assert_ptr_nonnull(
		strstr(change(c, START, "ways", SET_ADD, "81 timeout 5m : drop"), "no timeouts"));
	ck_assert_ptr_nonnull(
		strstr(change(c, START, "marks", SET_ADD, "192.0.2.1 : x"), "not valid"));
	ck_assert_ptr_nonnull(strstr(change(c, START, "ways", SET_DELETE, "81"), "not in"));
	ck_assert_ptr_null(change(c, START, "ways", SET_DELETE, "22"));
	ck_assert_ptr_null(change(c, START, "ways", SET_DELETE, "80 : drop"));
	has(c, START, "ways", "23 : jump c, 100-200 : jump c");
	ck_assert_ptr_null(change(c, START, "ways", SET_FLUSH, NULL));
	has(c, START, "ways", "");
	ck_assert_ptr_null(named_set_find(c, NULL, "masked", problem));
	config_free(c);
}
END_TEST

static void remove_files(void)
{
	(void)unlink(beside(SETS_TEXT_ENDING));
	remove_dir();
}

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, make_dir, remove_files);
	tcase_add_test(tc, added_elements_outlive_a_restart);
	tcase_add_test(tc, a_damaged_file_is_not_loaded);
	tcase_add_test(tc, maps_change_by_command);
}

SUITE_MAIN_PARTS("saved_sets", add_tests)
