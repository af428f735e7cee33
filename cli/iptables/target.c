/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule does: the targets and their options.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

/* Targets of iptables that the language has nothing like; any other name is a chain's. */
static const char *const foreign[] = {
	"AUDIT",   "CHECKSUM",  "CLASSIFY", "CLUSTERIP",  "CONNMARK", "CONNSECMARK",
	"CT",      "DNAT",      "DNPT",     "DSCP",       "ECN",      "HL",
	"HMARK",   "IDLETIMER", "LED",      "MASQUERADE", "NETMAP",   "NFLOG",
	"NFQUEUE", "NOTRACK",   "QUEUE",    "RATEEST",    "REDIRECT", "SECMARK",
	"SET",     "SNAT",      "SNPT",     "SYNPROXY",   "TCPMSS",   "TCPOPTSTRIP",
	"TEE",     "TOS",       "TPROXY",   "TRACE",      "TTL",      "ULOG",
};

bool convert_target_is_foreign(const char *name)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (strcmp(foreign[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_target(const struct convert_job *job, const char *name)
{
	return job->target != NULL && strcmp(job->target, name) == 0;
}

/* A string of the language: no quotes within, nothing that is not to be printed. */
static char *take_string(struct convert_job *job)
{
	const char *text = convert_argument(job);
	char *copy = text != NULL ? strdup(text) : NULL;

	for (char *c = copy; c != NULL && *c != '\0'; c++) {
		if (*c == '"') {
			*c = '\'';
		} else if ((unsigned char)*c < ' ' || *c == 127) {
			*c = ' ';
		}
	}
	return copy;
}

static void take_log_level(struct convert_job *job)
{
	const char *text = convert_argument(job);
	const char *said = text != NULL ? convert_log_level(text) : NULL;

	if (said != NULL) {
		strcpy(job->action.log_level, said);
	} else if (text != NULL) {
		convert_cannot(job, "log level \"%.40s\" is not known", text);
	}
}

static void take_reject(struct convert_job *job)
{
	const char *name = convert_argument(job);

	if (name == NULL) {
		return;
	}
	job->action.reject = convert_reject_find(job->family, name);
	if (job->action.reject == NULL) {
		convert_cannot(job, "reject with \"%.40s\" is not known", name);
	} else if (job->action.reject->said == NULL) {
		convert_cannot(job, "reject with \"%.40s\" has nothing like it", name);
	}
}

/* Only a whole mark can be set: "0x1", "0x1/0xffffffff". */
static void take_mark(struct convert_job *job)
{
	const char *text = convert_argument(job);
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	uint32_t mask = UINT32_MAX;
	char value[16] = "";

	if (text == NULL) {
		return;
	}
	if (slash == NULL) {
		slash = text + strlen(text);
	} else if (!convert_number(slash + 1, UINT32_MAX, &mask)) {
		mask = 0;
	}
	if ((size_t)(slash - text) < sizeof(value)) {
		memcpy(value, text, (size_t)(slash - text));
	}
	if (!convert_number(value, UINT32_MAX, &job->action.mark)) {
		convert_cannot(job, "\"%.40s\" is no mark", text);
	} else if (mask != UINT32_MAX) {
		convert_cannot(job, "setting some bits of the mark has nothing like it");
	}
	job->action.has_mark = true;
}

bool convert_target_option(struct convert_job *job, const char *option)
{
	if (strcmp(option, "--comment") == 0) {
		free(job->comment);
		job->comment = take_string(job);
		return true;
	}
	if (is_target(job, "LOG")) {
		if (strcmp(option, "--log-prefix") == 0) {
			free(job->action.log_prefix);
			job->action.log_prefix = take_string(job);
			return true;
		}
		if (strcmp(option, "--log-level") == 0) {
			take_log_level(job);
			return true;
		}
		if (strncmp(option, "--log-", 6) == 0) {
			job->note = "the log line has its own form: options of it are left out";
			return true;
		}
	}
	if (is_target(job, "REJECT") && strcmp(option, "--reject-with") == 0) {
		take_reject(job);
		return true;
	}
	if (is_target(job, "MARK") &&
	    (strcmp(option, "--set-mark") == 0 || strcmp(option, "--set-xmark") == 0)) {
		take_mark(job);
		return true;
	}
	return false;
}

static bool give_reject(struct convert_job *job, char **text, char **inet_text)
{
	const struct convert_reject *r = job->action.reject;

	if (r == NULL) {
		r = convert_reject_find(job->family, NULL);
	}
	if (r->is_near) {
		job->note = "senders are told \"administratively prohibited\" or the like: the "
			    "nearest there is";
	}
	*text = convert_text("reject with %s", r->said);
	*inet_text = r->inet != NULL ? convert_text("reject with %s", r->inet) : NULL;
	return true;
}

static bool give(char **text, char **inet_text, char *made)
{
	*text = made;
	*inet_text = made != NULL ? strdup(made) : NULL;
	return made != NULL;
}

static bool give_log(struct convert_job *job, char **text, char **inet_text)
{
	const char *prefix = job->action.log_prefix;
	const char *level = job->action.log_level;

	return give(text, inet_text,
	            convert_text("log%s%s%s%s%s", prefix != NULL ? " prefix \"" : "",
	                         prefix != NULL ? prefix : "", prefix != NULL ? "\"" : "",
	                         level[0] != '\0' ? " level " : "", level));
}

bool convert_target_text(struct convert_job *job, char **text, char **inet_text, bool *is_final,
                         bool *is_chain)
{
	*is_final = true;
	if (is_target(job, "ACCEPT")) {
		return give(text, inet_text, convert_text("accept"));
	}
	if (is_target(job, "DROP")) {
		return give(text, inet_text, convert_text("drop"));
	}
	if (is_target(job, "RETURN")) {
		return give(text, inet_text, convert_text("return"));
	}
	if (is_target(job, "REJECT")) {
		return give_reject(job, text, inet_text);
	}
	*is_final = job->is_goto;
	if (job->target == NULL) {
		return give(text, inet_text, convert_text("counter"));
	}
	if (is_target(job, "LOG")) {
		return give_log(job, text, inet_text);
	}
	if (is_target(job, "MARK")) {
		if (!job->action.has_mark) {
			convert_cannot(job, "target MARK sets no mark");
			return false;
		}
		return give(text, inet_text, convert_text("meta mark set 0x%x", job->action.mark));
	}
	*is_chain = true;
	return give(text, inet_text,
	            convert_text("%s %s", job->is_goto ? "goto" : "jump", job->target));
}
