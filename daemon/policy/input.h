/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a configuration while it is read: a stack, as files include each other. The scanner
 * takes their text in pieces, each of which ends where elements of a set may begin, so that lists
 * of elements can be read here without the scanner.
 */
#ifndef FINWALL_POLICY_INPUT_H
#define FINWALL_POLICY_INPUT_H

#include "error.h"

#define INCLUDE_DEPTH_MAX 16
#define FILES_MAX         1024 /* in one configuration: limits what includes can multiply */

struct input {
	const char *path;
	const char *dir; /* with its slash; "" = the working directory */
	char *text;      /* the whole file, malloc'd */
	const char *end;
	const char *given; /* end of the text that the scanner has */
	const char *used;  /* end of the last token */
	struct loc loc;    /* of used */
};

/* A file that was read ahead of the scanner (cut.h), and what belongs to the kernel is blanked. */
struct kept_file {
	struct kept_file *next; /* in the order of includes */
	const char *path;
	char *text; /* malloc'd; NULL = taken */
	size_t size;
	const struct cut_owner *owner; /* of the include statement; NULL = none */
};

/* What an include statement stands in. */
struct cut_owner {
	bool is_blank; /* the scanner does not see it */
};

struct inputs {
	struct config *config;
	const struct config_reader *reader;
	struct input stack[INCLUDE_DEPTH_MAX];
	unsigned len;
	struct kept_file *kept;
	struct kept_file *next_kept; /* the first one that the scanner has not seen */
	char *elements;              /* the text of a file of elements, malloc'd */
};

/* Opens a file named at loc, on top of the stack. Returns false after a config_error(). */
bool input_open(struct inputs *in, const char *path, struct loc loc);

/* Opens "dir/file" of an include statement, relative to the file that has it. Likewise. */
bool input_include(struct inputs *in, const char *path, struct loc loc);

/* Closes the file on top. */
void input_close(struct inputs *in);

/* Frees all of it. */
void input_fini(struct inputs *in);

/* Copies the next piece of text to buf[0..size); returns its size, 0 at the end of the file. */
size_t input_read(struct inputs *in, char *buf, size_t size);

/* Counts a token of so many bytes. Returns its position. */
struct loc input_token(struct inputs *in, size_t size);

/* Shortens the last token, which began at loc and had token_size bytes, to size bytes. */
void input_shorten(struct inputs *in, struct loc loc, size_t token_size, size_t size);

/* Counts a line end, which the last token is. */
void input_next_line(struct inputs *in);

/* Reads elements of a set as load_list() does, if the scanner has nothing beyond the last token. */
bool input_elements(struct inputs *in, const struct dtype *type, struct interval_list *out);

/* Reads elements of the set from a file named at loc. */
void input_element_file(struct inputs *in, struct set *s, struct loc loc, const char *name);

#endif
