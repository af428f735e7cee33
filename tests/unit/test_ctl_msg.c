/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of ctl_msg: any bytes give a message or an error, and an encoded message is read back.
 */
#include <finwall/ctl_msg.h>

#include "suite.h"

#include <errno.h>

/* Parses a copy of exactly this size, so that AddressSanitizer detects a read past it. */
static int parse_call(const char *text, size_t size, struct ctl_call *out)
{
	char *copy = malloc(size + (size == 0));
	int rc;

	memcpy(copy, text, size);
	rc = ctl_call_parse(copy, size, out);
	free(copy);
	return rc;
}

START_TEST(a_frame_ends_with_a_nul)
{
	const char two[] = "abc\0de";
	size_t size = 99;

	ck_assert_int_eq(ctl_frame_find(two, 3, 8, &size), CTL_FRAME_PARTIAL);
	ck_assert_int_eq(ctl_frame_find(two, 0, 8, &size), CTL_FRAME_PARTIAL);
	ck_assert_int_eq(ctl_frame_find(two, sizeof(two), 8, &size), CTL_FRAME_WHOLE);
	ck_assert_uint_eq(size, 3);
	ck_assert_int_eq(ctl_frame_find(two + 4, sizeof(two) - 4, 8, &size), CTL_FRAME_WHOLE);
	ck_assert_uint_eq(size, 2);
}
END_TEST

START_TEST(a_frame_has_a_maximum_size)
{
	const char text[] = "abcdef";
	size_t size;

	ck_assert_int_eq(ctl_frame_find(text, 7, 6, &size), CTL_FRAME_WHOLE);
	ck_assert_int_eq(ctl_frame_find(text, 7, 5, &size), CTL_FRAME_TOO_LONG);
	ck_assert_int_eq(ctl_frame_find(text, 6, 5, &size), CTL_FRAME_TOO_LONG);
	ck_assert_int_eq(ctl_frame_find(text, 6, 6, &size), CTL_FRAME_PARTIAL);
}
END_TEST

START_TEST(a_call_is_read)
{
	const char text[] = "{\"method\":\"a.B\",\"parameters\":{\"x\":1},\"more\":true}";
	struct ctl_call c;

	ck_assert_int_eq(parse_call(text, strlen(text), &c), 0);
	ck_assert_str_eq(c.method, "a.B");
	ck_assert_int_eq(json_integer_value(json_object_get(c.parameters, "x")), 1);
	ck_assert(c.wants_more);
	ck_assert(!c.is_oneway);
	ctl_call_fini(&c);
}
END_TEST

START_TEST(parameters_are_never_null)
{
	const char *const texts[] = { "{\"method\":\"a.B\"}",
		                      "{\"method\":\"a.B\",\"parameters\":null,\"more\":null}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ctl_call c;

		ck_assert_int_eq(parse_call(texts[i], strlen(texts[i]), &c), 0);
		ck_assert(json_is_object(c.parameters));
		ck_assert_uint_eq(json_object_size(c.parameters), 0);
		ck_assert(!c.wants_more);
		ctl_call_fini(&c);
	}
}
END_TEST

START_TEST(invalid_calls_are_refused)
{
	const char *const texts[] = {
		"",
		" ",
		"null",
		"[]",
		"\"method\"",
		"{",
		"{}",
		"{}{}",
		"{\"method\":1}",
		"{\"method\":null}",
		"{\"method\":\"a\",\"parameters\":[]}",
		"{\"method\":\"a\",\"parameters\":\"x\"}",
		"{\"method\":\"a\",\"more\":1}",
		"{\"method\":\"a\",\"oneway\":\"yes\"}",
		"{\"method\":\"a\",\"method\":\"b\"}",
		"{\"method\":\"\xff\"}",
		"{\"method\":\"a\\u0000b\"}",
		"{\"method\":\"a\"} x",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ctl_call c;

		ck_assert_msg(parse_call(texts[i], strlen(texts[i]), &c) == -EBADMSG, "%s",
		              texts[i]);
		ck_assert_ptr_null(c.root);
	}
}
END_TEST

START_TEST(a_call_cut_anywhere_is_refused)
{
	const char text[] =
		"{\"method\":\"a.B\",\"parameters\":{\"x\":[1,\"}\\\"\"]},\"more\":true}";
	struct ctl_call c;

	for (size_t size = 0; size < strlen(text); size++) {
		ck_assert_int_eq(parse_call(text, size, &c), -EBADMSG);
	}
	ck_assert_int_eq(parse_call(text, strlen(text), &c), 0);
	ctl_call_fini(&c);
}
END_TEST

/* {"method":"a","parameters":{"x":[[...]]}} with this total number of brackets. */
static char *nested(unsigned depth, size_t *size)
{
	const char head[] = "{\"method\":\"a\",\"parameters\":{\"x\":";
	char *text = calloc(1, strlen(head) + 2 * (size_t)depth + 8);
	size_t lists = depth - 2;

	strcpy(text, head);
	memset(text + strlen(text), '[', lists);
	memset(text + strlen(text), ']', lists);
	strcat(text, lists > 0 ? "}}" : "1}}");
	*size = strlen(text);
	return text;
}

START_TEST(nesting_is_limited)
{
	struct ctl_call c;
	size_t size;
	char *text;

	text = nested(CTL_DEPTH_MAX, &size);
	ck_assert_int_eq(parse_call(text, size, &c), 0);
	ctl_call_fini(&c);
	free(text);
	text = nested(CTL_DEPTH_MAX + 1, &size);
	ck_assert_int_eq(parse_call(text, size, &c), -EBADMSG);
	free(text);
	text = nested(1000000, &size);
	ck_assert_int_eq(parse_call(text, size, &c), -EBADMSG);
	free(text);
}
END_TEST

START_TEST(brackets_in_strings_do_not_count_as_nesting)
{
	const char text[] = "{\"method\":\"[[[[[[[[[[[[[[[[[[[[[[[\\\"{{{{{{{{{{{{{{{{{{\"}";
	struct ctl_call c;

	ck_assert_int_eq(parse_call(text, strlen(text), &c), 0);
	ctl_call_fini(&c);
}
END_TEST

START_TEST(encoded_messages_are_read_back)
{
	struct ctl_reply r;
	struct ctl_call c;
	size_t size;
	char *msg;

	msg = ctl_encode_call("a.B", json_pack("{s:i}", "n", 7), CTL_CONTINUES, &size);
	ck_assert_uint_eq(size, strlen(msg) + 1);
	ck_assert_int_eq(parse_call(msg, size - 1, &c), 0);
	ck_assert_str_eq(c.method, "a.B");
	ck_assert(c.wants_more);
	ck_assert_int_eq(json_integer_value(json_object_get(c.parameters, "n")), 7);
	ctl_call_fini(&c);
	free(msg);

	msg = ctl_encode_reply(NULL, CTL_CONTINUES, &size);
	ck_assert_str_eq(msg, "{\"continues\":true,\"parameters\":{}}");
	ck_assert_int_eq(ctl_reply_parse(msg, size - 1, &r), 0);
	ck_assert(r.continues);
	ck_assert_ptr_null(r.error);
	ctl_reply_fini(&r);
	free(msg);

	msg = ctl_encode_error("a.Bad", json_pack("{s:s}", "why", "x"), &size);
	ck_assert_int_eq(ctl_reply_parse(msg, size - 1, &r), 0);
	ck_assert_str_eq(r.error, "a.Bad");
	ck_assert(!r.continues);
	ctl_reply_fini(&r);
	free(msg);
}
END_TEST

START_TEST(an_invalid_reply_is_refused)
{
	const char *const texts[] = { "", "[]", "{\"error\":1}", "{\"parameters\":1}",
		                      "{\"continues\":\"no\"}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ctl_reply r;

		ck_assert_msg(ctl_reply_parse(texts[i], strlen(texts[i]), &r) == -EBADMSG, "%s",
		              texts[i]);
	}
}
END_TEST

START_TEST(elements_of_an_array_are_read_as_text)
{
	static const char elements[] = "{\"a\":[1,2]},{\"b\":\"},]\\\"[\"},7,\"x\"";
	static const char *const expected[] = { "{\"a\":[1,2]}", "{\"b\":\"},]\\\"[\"}", "7",
		                                "\"x\"" };
	struct ctl_array array;
	struct ctl_reply r;
	size_t size;
	size_t at;
	size_t begin;
	size_t n = 0;
	char *msg = ctl_encode_array_reply("list", elements, strlen(elements),
	                                   json_pack("{s:i}", "left_out", 3), CTL_CONTINUES, &size);

	ck_assert_uint_eq(size, strlen(msg) + 1);
	ck_assert_int_eq(ctl_reply_parse(msg, size - 1, &r), 0);
	ck_assert(r.continues);
	ck_assert_uint_eq(json_array_size(json_object_get(r.parameters, "list")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(r.parameters, "left_out")), 3);
	ctl_reply_fini(&r);
	ck_assert(!ctl_array_find(msg, size - 1, "other", &array));
	ck_assert(ctl_array_find(msg, size - 1, "list", &array));
	ck_assert_str_eq(msg + array.end, "],\"left_out\":3}}");
	for (begin = at = array.at; (size = ctl_array_next(msg, &array, &at)) > 0; begin = at) {
		ck_assert_uint_lt(n, ARRAY_LEN(expected));
		ck_assert_uint_eq(size, strlen(expected[n]));
		ck_assert_mem_eq(msg + begin, expected[n], size);
		n++;
	}
	ck_assert_uint_eq(n, ARRAY_LEN(expected));
	/* A message that ends anywhere has no array, or a whole one. */
	for (size_t cut = 0; cut < strlen(msg); cut++) {
		if (ctl_array_find(msg, cut, "list", &array)) {
			ck_assert(array.end < cut && msg[array.end] == ']');
		}
	}
	free(msg);

	msg = ctl_encode_array_reply("list", NULL, 0, NULL, CTL_LAST, &size);
	ck_assert_str_eq(msg, "{\"parameters\":{\"list\":[]}}");
	ck_assert(ctl_array_find(msg, size - 1, "list", &array));
	at = array.at;
	ck_assert_uint_eq(ctl_array_next(msg, &array, &at), 0);
	free(msg);
}
END_TEST

START_TEST(what_is_no_array_is_not_found)
{
	static const char *const texts[] = {
		"{\"parameters\":{\"list\":7}}",    "{\"parameters\":{\"list\":[}}",
		"{\"parameters\":{\"list\":[{},}}", "{\"parameters\":{\"list\":[,]}}",
		"{\"parameters\":{\"list\":[{\"]}", "{\"error\":\"x\"}",
	};
	struct ctl_array array;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_msg(!ctl_array_find(texts[i], strlen(texts[i]), "list", &array), "%s",
		              texts[i]);
	}
}
END_TEST

START_TEST(any_bytes_encode_as_a_string)
{
	json_t *good = ctl_json_text("gr\xc3\xbc\xc3\x9f");
	json_t *bad = ctl_json_text("gr\xfc\xdf");

	ck_assert_str_eq(json_string_value(good), "gr\xc3\xbc\xc3\x9f");
	ck_assert_str_eq(json_string_value(bad), "gr??");
	json_decref(good);
	json_decref(bad);
}
END_TEST

SUITE_MAIN("ctl_msg", a_frame_ends_with_a_nul, a_frame_has_a_maximum_size, a_call_is_read,
           parameters_are_never_null, invalid_calls_are_refused, a_call_cut_anywhere_is_refused,
           nesting_is_limited, brackets_in_strings_do_not_count_as_nesting,
           encoded_messages_are_read_back, an_invalid_reply_is_refused,
           elements_of_an_array_are_read_as_text, what_is_no_array_is_not_found,
           any_bytes_encode_as_a_string)
