/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a configuration as one row of words, quoted texts, separators and punctuation. Where
 * a file includes another one, the words of that file follow. Must not know what the words mean.
 */
#ifndef FINWALL_POLICY_CUT_TEXT_H
#define FINWALL_POLICY_CUT_TEXT_H

#include "input.h"

enum cut_token {
	CUT_END, /* of all files */
	CUT_WORD,
	CUT_STRING,    /* without its quotes */
	CUT_SEPARATOR, /* line end or semicolon */
	CUT_OPEN,      /* brace */
	CUT_CLOSE,
	CUT_OTHER, /* one character */
};

/* A part of a file's text. */
struct cut_span {
	char *at;
	size_t size;
	bool is_include;               /* an include statement: the file's text follows */
	const struct cut_owner *owner; /* of an include statement between objects */
};

struct cut_place {
	struct kept_file *file;
	char *at;
	char *end;
	uint32_t line;
};

struct cut_text {
	struct inputs *in;
	struct kept_file **kept_end;
	struct cut_place stack[INCLUDE_DEPTH_MAX];
	unsigned len;
	unsigned files_len;
	bool is_at_statement;
	/* the last token */
	enum cut_token token;
	char *at;
	size_t size;
	uint32_t line;
	const char *path;
	/* the object that is being read */
	struct vec *spans; /* struct cut_span; NULL = none */
	char *span_start;
	struct cut_owner *owner; /* of files that are included meanwhile; NULL = none */
	struct vec includes;     /* struct cut_span: of an owner, but of no object */
};

void cut_open(struct cut_text *t, const char *path);

/* Reads the next token. */
void cut_next(struct cut_text *t);

/* True if the last token is this word. */
bool cut_is(const struct cut_text *t, const char *word);

/* From the last token on, the text belongs to spans. */
void cut_begin(struct cut_text *t, struct vec *spans);

/* The last token is the first that no longer belongs to them, or with CUT_THROUGH the last one. */
enum cut_how { CUT_BEFORE, CUT_THROUGH };
void cut_end(struct cut_text *t, enum cut_how how);

#endif
