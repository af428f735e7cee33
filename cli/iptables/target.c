/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The targets of rules, and their options.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

#define ASCII_DEL 127

/* Targets of iptables without an equivalent; any other unknown name is a chain. */
static const char *const unsupported[] = {
	"AUDIT",   "CHECKSUM",  "CLASSIFY", "CLUSTERIP",  "CONNMARK", "CONNSECMARK",
	"CT",      "DNAT",      "DNPT",     "DSCP",       "ECN",      "HL",
	"HMARK",   "IDLETIMER", "LED",      "MASQUERADE", "NETMAP",   "NFLOG",
	"NFQUEUE", "NOTRACK",   "QUEUE",    "RATEEST",    "REDIRECT", "SECMARK",
	"SET",     "SNAT",      "SNPT",     "SYNPROXY",   "TCPMSS",   "TCPOPTSTRIP",
	"TEE",     "TOS",       "TPROXY",   "TRACE",      "TTL",      "ULOG",
};

bool convert_target_is_unsupported(const char *name)
{
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
		if (strcmp(unsupported[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_target(const struct rule_parser *p, const char *name)
{
	return p->target != NULL && strcmp(p->target, name) == 0;
}

/* A string in the configuration language: without quotes and control characters. */
static char *take_string(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	char *copy = text != NULL ? strdup(text) : NULL;

	for (char *c = copy; c != NULL && *c != '\0'; c++) {
		if (*c == '"') {
			*c = '\'';
		} else if ((unsigned char)*c < ' ' || *c == ASCII_DEL) {
			*c = ' ';
		}
	}
	return copy;
}

static void take_log_level(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	const char *level = text != NULL ? convert_log_level(text) : NULL;

	if (level != NULL) {
		strcpy(p->action.log_level, level);
	} else if (text != NULL) {
		convert_refuse(p, "unknown log level \"%.40s\"", text);
	}
}

static void take_reject(struct rule_parser *p)
{
	const char *name = convert_argument(p);

	if (name == NULL) {
		return;
	}
	p->action.reject = convert_reject_find(p->family, name);
	if (p->action.reject == NULL) {
		convert_refuse(p, "unknown reject type \"%.40s\"", name);
	} else if (p->action.reject->text == NULL) {
		convert_refuse(p, "finwall has no equivalent for reject type \"%.40s\"", name);
	}
}

/* Only the whole mark can be set: "0x1", "0x1/0xffffffff". */
static void take_mark(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t mask;

	if (text == NULL) {
		return;
	}
	if (!convert_mark(text, &p->action.mark, &mask)) {
		convert_refuse(p, "\"%.40s\" is not a mark", text);
	} else if (mask != UINT32_MAX) {
		convert_refuse(p, "finwall has no equivalent for setting single bits of the mark");
	}
	p->action.has_mark = true;
}

bool convert_target_option(struct rule_parser *p, const char *option)
{
	if (strcmp(option, "--comment") == 0) {
		free(p->comment);
		p->comment = take_string(p);
		return true;
	}
	if (is_target(p, "LOG")) {
		if (strcmp(option, "--log-prefix") == 0) {
			free(p->action.log_prefix);
			p->action.log_prefix = take_string(p);
			return true;
		}
		if (strcmp(option, "--log-level") == 0) {
			take_log_level(p);
			return true;
		}
		if (strncmp(option, "--log-", 6) == 0) {
			p->note = "log lines have a fixed format: this option is left out";
			return true;
		}
	}
	if (is_target(p, "REJECT") && strcmp(option, "--reject-with") == 0) {
		take_reject(p);
		return true;
	}
	if (is_target(p, "MARK") &&
	    (strcmp(option, "--set-mark") == 0 || strcmp(option, "--set-xmark") == 0)) {
		take_mark(p);
		return true;
	}
	return false;
}

static bool reject_text(struct rule_parser *p, char **text, char **inet_text)
{
	const struct convert_reject *r = p->action.reject;

	if (r == NULL) {
		r = convert_reject_find(p->family, NULL);
	}
	*text = convert_text("reject with %s", r->text);
	*inet_text = r->inet != NULL ? convert_text("reject with %s", r->inet) : NULL;
	return true;
}

static bool set_texts(char **text, char **inet_text, char *made)
{
	*text = made;
	*inet_text = made != NULL ? strdup(made) : NULL;
	return made != NULL;
}

static bool log_text(struct rule_parser *p, char **text, char **inet_text)
{
	const char *prefix = p->action.log_prefix;
	const char *level = p->action.log_level;

	return set_texts(text, inet_text,
	                 convert_text("log%s%s%s%s%s", prefix != NULL ? " prefix \"" : "",
	                              prefix != NULL ? prefix : "", prefix != NULL ? "\"" : "",
	                              level[0] != '\0' ? " level " : "", level));
}

bool convert_target_text(struct rule_parser *p, char **text, char **inet_text, bool *is_final,
                         bool *is_chain)
{
	*is_final = true;
	if (is_target(p, "ACCEPT")) {
		return set_texts(text, inet_text, convert_text("accept"));
	}
	if (is_target(p, "DROP")) {
		return set_texts(text, inet_text, convert_text("drop"));
	}
	if (is_target(p, "RETURN")) {
		return set_texts(text, inet_text, convert_text("return"));
	}
	if (is_target(p, "REJECT")) {
		return reject_text(p, text, inet_text);
	}
	*is_final = p->is_goto;
	if (p->target == NULL) {
		return set_texts(text, inet_text, convert_text("counter"));
	}
	if (is_target(p, "LOG")) {
		return log_text(p, text, inet_text);
	}
	if (is_target(p, "MARK")) {
		if (!p->action.has_mark) {
			convert_refuse(p, "target MARK without a mark");
			return false;
		}
		return set_texts(text, inet_text,
		                 convert_text("meta mark set 0x%x", p->action.mark));
	}
	*is_chain = true;
	return set_texts(text, inet_text,
	                 convert_text("%s %s", p->is_goto ? "goto" : "jump", p->target));
}
