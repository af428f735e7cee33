/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol's messages: Varlink (https://varlink.org), JSON objects that end with a NUL.
 *
 * Pure: bytes in, JSON out, and back. The bytes come from outside: size and nesting are limited
 * before the JSON parser sees them, and anything may be in them.
 */
#ifndef FINWALL_CTL_MSG_H
#define FINWALL_CTL_MSG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CTL_INTERFACE "org.finwall.Control"

/* Largest call a daemon takes, largest reply a client takes, deepest nesting of either. */
#define CTL_CALL_SIZE_MAX  ((size_t)16 << 10)
#define CTL_REPLY_SIZE_MAX ((size_t)16 << 20)
#define CTL_DEPTH_MAX      16

/* Where the first message in a buffer ends. */
enum ctl_frame {
	CTL_FRAME_PARTIAL, /* more bytes are needed */
	CTL_FRAME_WHOLE,
	CTL_FRAME_TOO_LONG, /* the stream is of no more use */
};

/*
 * Looks for the end of the first message in bytes[0..size). On CTL_FRAME_WHOLE *msg_size is its
 * size without the NUL, which follows it.
 */
enum ctl_frame ctl_frame_find(const char *bytes, size_t size, size_t size_max, size_t *msg_size);

/* A method call. parameters is never NULL; both borrow from root. */
struct ctl_call {
	json_t *root;
	const char *method;
	json_t *parameters;
	bool wants_more; /* may be answered by many replies */
	bool is_oneway;  /* must not be answered at all */
};

/* A reply. error is NULL on success; parameters is never NULL; both borrow from root. */
struct ctl_reply {
	json_t *root;
	const char *error;
	json_t *parameters;
	bool continues; /* another reply to the same call follows */
};

/* Read one message without its NUL. Return 0, or -EBADMSG with *out all zero; fini frees. */
int ctl_call_parse(const char *msg, size_t msg_size, struct ctl_call *out);
void ctl_call_fini(struct ctl_call *call);
int ctl_reply_parse(const char *msg, size_t msg_size, struct ctl_reply *out);
void ctl_reply_fini(struct ctl_reply *reply);

/*
 * Make one message, NUL included, malloc'd; NULL when memory runs out. parameters may be NULL and
 * is taken over, whatever happens.
 */
enum ctl_more {
	CTL_LAST,      /* this is the only or the last reply */
	CTL_CONTINUES, /* another one follows */
};
char *ctl_encode_call(const char *method, json_t *parameters, enum ctl_more more, size_t *size);
char *ctl_encode_reply(json_t *parameters, enum ctl_more more, size_t *size);
char *ctl_encode_error(const char *error, json_t *parameters, size_t *size);

/* A JSON string of any bytes: where they are not UTF-8, each that is not ASCII becomes '?'. */
json_t *ctl_json_text(const char *text);

#endif
