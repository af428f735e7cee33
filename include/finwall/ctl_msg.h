/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol's messages: Varlink (https://varlink.org), JSON objects that end with a NUL.
 *
 * Pure: bytes to JSON, and back. The bytes are untrusted: their size and nesting are checked before
 * the JSON parser reads them.
 */
#ifndef FINWALL_CTL_MSG_H
#define FINWALL_CTL_MSG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CTL_INTERFACE "org.finwall.Control"

/* Limits: bytes of a call, bytes of a reply, nesting of either. */
#define CTL_CALL_SIZE_MAX  ((size_t)16 << 10)
#define CTL_REPLY_SIZE_MAX ((size_t)16 << 20)
#define CTL_DEPTH_MAX      16

/* The state of the first message in a buffer. */
enum ctl_frame {
	CTL_FRAME_PARTIAL, /* more bytes are needed */
	CTL_FRAME_WHOLE,
	CTL_FRAME_TOO_LONG, /* the connection must be closed */
};

/*
 * Finds the end of the first message in bytes[0..size). On CTL_FRAME_WHOLE *msg_size is its size
 * without the NUL that follows it.
 */
enum ctl_frame ctl_frame_find(const char *bytes, size_t size, size_t size_max, size_t *msg_size);

/* A method call. parameters is never NULL; both borrow from root. */
struct ctl_call {
	json_t *root;
	const char *method;
	json_t *parameters;
	bool wants_more; /* may get several replies */
	bool is_oneway;  /* must not get a reply */
};

/* A reply. error is NULL on success; parameters is never NULL; both borrow from root. */
struct ctl_reply {
	json_t *root;
	const char *error;
	json_t *parameters;
	bool continues; /* another reply to the same call follows */
};

/* Parse one message without its NUL. Return 0, or -EBADMSG with *out zeroed. fini frees. */
int ctl_call_parse(const char *msg, size_t msg_size, struct ctl_call *out);
void ctl_call_fini(struct ctl_call *call);
int ctl_reply_parse(const char *msg, size_t msg_size, struct ctl_reply *out);
void ctl_reply_fini(struct ctl_reply *reply);

/*
 * Return one message, malloc'd, or NULL when memory runs out; *size includes its NUL. parameters
 * may be NULL; its reference is stolen, also on failure.
 */
enum ctl_more {
	CTL_LAST,      /* this is the only or the last reply */
	CTL_CONTINUES, /* another one follows */
};
char *ctl_encode_call(const char *method, json_t *parameters, enum ctl_more more, size_t *size);
char *ctl_encode_reply(json_t *parameters, enum ctl_more more, size_t *size);
/* A reply with the parameter `member`, an array whose elements are the JSON text elements[0..
 * elements_size), and those of rest, an object or NULL. */
char *ctl_encode_array_reply(const char *member, const char *elements, size_t elements_size,
                             json_t *rest, enum ctl_more more, size_t *size);
char *ctl_encode_error(const char *error, json_t *parameters, size_t *size);

/*
 * Finds the elements of the array that is the first parameter of a reply, as
 * ctl_encode_array_reply() writes it. The message is untrusted: returns false for anything else.
 */
struct ctl_array {
	size_t at; /* of the first element, or of the bracket that ends the array */
	size_t end;
};
bool ctl_array_find(const char *msg, size_t msg_size, const char *member, struct ctl_array *out);

/* The element at *at, which is advanced to the next one. Returns its size, 0 at the end. */
size_t ctl_array_next(const char *msg, const struct ctl_array *array, size_t *at);

/* Returns text as a JSON string; if it is not UTF-8, each byte that is not ASCII becomes '?'. */
json_t *ctl_json_text(const char *text);

#endif
