/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol's messages. See ctl_msg.h; knows nothing of sockets or of what methods mean.
 */
#include <finwall/ctl_msg.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *object_parse(const char *msg, size_t msg_size);
static bool is_shallow(const char *msg, size_t msg_size);
static bool read_flag(const json_t *object, const char *name, bool *out);
static bool read_parameters(json_t *object, json_t **out);
static char *encode(json_t *object, json_t *parameters, size_t *size);

enum ctl_frame ctl_frame_find(const char *bytes, size_t size, size_t size_max, size_t *msg_size)
{
	const char *end = memchr(bytes, '\0', size);

	if (end != NULL && (size_t)(end - bytes) <= size_max) {
		*msg_size = (size_t)(end - bytes);
		return CTL_FRAME_WHOLE;
	}
	return end != NULL || size > size_max ? CTL_FRAME_TOO_LONG : CTL_FRAME_PARTIAL;
}

int ctl_call_parse(const char *msg, size_t msg_size, struct ctl_call *out)
{
	memset(out, 0, sizeof(*out));
	out->root = object_parse(msg, msg_size);
	out->method = json_string_value(json_object_get(out->root, "method"));
	if (out->method == NULL || !read_parameters(out->root, &out->parameters) ||
	    !read_flag(out->root, "more", &out->wants_more) ||
	    !read_flag(out->root, "oneway", &out->is_oneway)) {
		ctl_call_fini(out);
		return -EBADMSG;
	}
	return 0;
}

void ctl_call_fini(struct ctl_call *call)
{
	json_decref(call->root);
	memset(call, 0, sizeof(*call));
}

int ctl_reply_parse(const char *msg, size_t msg_size, struct ctl_reply *out)
{
	const json_t *error;

	memset(out, 0, sizeof(*out));
	out->root = object_parse(msg, msg_size);
	error = json_object_get(out->root, "error");
	out->error = json_string_value(error);
	if (out->root == NULL || (error != NULL && out->error == NULL) ||
	    !read_parameters(out->root, &out->parameters) ||
	    !read_flag(out->root, "continues", &out->continues)) {
		ctl_reply_fini(out);
		return -EBADMSG;
	}
	return 0;
}

void ctl_reply_fini(struct ctl_reply *reply)
{
	json_decref(reply->root);
	memset(reply, 0, sizeof(*reply));
}

char *ctl_encode_call(const char *method, json_t *parameters, enum ctl_more more, size_t *size)
{
	json_t *object = json_pack("{s:s}", "method", method);

	if (more == CTL_CONTINUES) {
		json_object_set_new(object, "more", json_true());
	}
	return encode(object, parameters, size);
}

char *ctl_encode_reply(json_t *parameters, enum ctl_more more, size_t *size)
{
	json_t *object = json_object();

	if (more == CTL_CONTINUES) {
		json_object_set_new(object, "continues", json_true());
	}
	return encode(object, parameters != NULL ? parameters : json_object(), size);
}

char *ctl_encode_array_reply(const char *member, const char *elements, size_t elements_size,
                             json_t *rest, enum ctl_more more, size_t *size)
{
	const char *continues = more == CTL_CONTINUES ? "\"continues\":true," : "";
	char *others = json_object_size(rest) > 0 ? json_dumps(rest, JSON_COMPACT) : NULL;
	bool is_whole = others != NULL || json_object_size(rest) == 0;
	size_t space = elements_size + strlen(member) + (others != NULL ? strlen(others) : 0) + 64;
	char *msg = is_whole ? malloc(space) : NULL;

	if (msg != NULL) {
		size_t used = (size_t)snprintf(msg, space, "{%s\"parameters\":{\"%s\":[", continues,
		                               member);

		if (elements_size > 0) {
			memcpy(msg + used, elements, elements_size);
		}
		used += elements_size;
		/* others begins with a brace */
		used += (size_t)snprintf(msg + used, space - used, "]%s%s}",
		                         others != NULL ? "," : "",
		                         others != NULL ? others + 1 : "}");
		*size = used + 1;
	}
	free(others);
	json_decref(rest);
	return msg;
}

/* The size of the JSON value at msg[at], up to a comma or a bracket that does not belong to it. */
static size_t value_size(const char *msg, size_t at, size_t end)
{
	bool in_string = false;
	unsigned depth = 0;
	size_t i = at;

	for (; i < end; i++) {
		char c = msg[i];

		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (depth == 0 && (c == ',' || c == ']' || c == '}')) {
			break;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return (i < end ? i : end) - at;
}

bool ctl_array_find(const char *msg, size_t msg_size, const char *member, struct ctl_array *out)
{
	char begin[64];
	int size = snprintf(begin, sizeof(begin), "\"parameters\":{\"%s\":[", member);
	/* Inside a string the quotes would be escaped. */
	const char *found = memmem(msg, msg_size, begin, (size_t)size);
	size_t at;

	if (found == NULL) {
		return false;
	}
	out->at = at = (size_t)(found - msg) + (size_t)size;
	while (at < msg_size && msg[at] != ']') {
		size_t value = value_size(msg, at, msg_size);

		at += value;
		if (value == 0 || at >= msg_size || msg[at] == '}') {
			return false;
		}
		at += msg[at] == ',';
	}
	out->end = at;
	return at < msg_size;
}

size_t ctl_array_next(const char *msg, const struct ctl_array *array, size_t *at)
{
	size_t size = value_size(msg, *at, array->end);

	*at += size + (*at + size < array->end ? 1 : 0);
	return size;
}

char *ctl_encode_error(const char *error, json_t *parameters, size_t *size)
{
	return encode(json_pack("{s:s}", "error", error), parameters, size);
}

json_t *ctl_json_text(const char *text)
{
	json_t *string = json_string(text);
	char *ascii;

	if (string != NULL) {
		return string;
	}
	ascii = strdup(text);
	for (char *at = ascii; at != NULL && *at != '\0'; at++) {
		if (!isascii((unsigned char)*at)) {
			*at = '?';
		}
	}
	string = ascii != NULL ? json_string(ascii) : NULL;
	free(ascii);
	return string;
}

/* Returns NULL for anything but one JSON object. */
static json_t *object_parse(const char *msg, size_t msg_size)
{
	json_t *root;

	if (!is_shallow(msg, msg_size)) {
		return NULL;
	}
	root = json_loadb(msg, msg_size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return NULL;
	}
	return root;
}

/*
 * The JSON parser recurses as deeply as the text is nested. Brackets inside strings do not count.
 * The result may be wrong for text that is not JSON, which the parser then rejects.
 */
static bool is_shallow(const char *msg, size_t msg_size)
{
	bool in_string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < msg_size; i++) {
		char c = msg[i];

		if (in_string && c == '\\') {
			i++;
		} else if (c == '"') {
			in_string = !in_string;
		} else if (!in_string && (c == '{' || c == '[')) {
			if (++depth > CTL_DEPTH_MAX) {
				return false;
			}
		} else if (!in_string && (c == '}' || c == ']')) {
			depth -= depth > 0;
		}
	}
	return true;
}

/* Absent or null means false. Returns false for anything else but a boolean. */
static bool read_flag(const json_t *object, const char *name, bool *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_is_true(value);
	return value == NULL || json_is_boolean(value) || json_is_null(value);
}

/* Absent means empty. *out is borrowed from the object. */
static bool read_parameters(json_t *object, json_t **out)
{
	*out = json_object_get(object, "parameters");
	if (*out == NULL || json_is_null(*out)) {
		*out = json_object();
		return json_object_set_new(object, "parameters", *out) == 0;
	}
	return json_is_object(*out);
}

static char *encode(json_t *object, json_t *parameters, size_t *size)
{
	char *text = NULL;

	if (parameters != NULL && json_object_set_new(object, "parameters", parameters) < 0) {
		json_decref(object);
		return NULL;
	}
	if (object != NULL) {
		text = json_dumps(object, JSON_COMPACT);
	}
	json_decref(object);
	if (text != NULL) {
		*size = strlen(text) + 1;
	}
	return text;
}
