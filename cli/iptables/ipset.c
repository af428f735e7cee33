/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the output of "ipset save", and writes its sets for the rules that use them. The key of a
 * set is a concatenation of the parts of its type: "hash:net,port" is ip saddr . meta l4proto . th
 * dport.
 */
#include "iptables/ipset.h"

#include "iptables/lex.h"
#include "iptables/names.h"
#include "iptables/sets.h"

#include "text/addr.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 3

/* A part of a set's type. */
enum part {
	PART_ADDRESS,
	PART_PORT, /* with its protocol */
	PART_PORT_ALONE,
	PART_IFACE,
	PART_MAC,
	PART_MARK,
};

/* Splits "hash:net,port". Returns the number of parts, 0 if one is unknown. */
static size_t read_type(const char *type, enum part parts[PARTS_MAX])
{
	static const struct {
		const char *name;
		enum part part;
	} names[] = {
		{ "ip", PART_ADDRESS },  { "net", PART_ADDRESS }, { "port", PART_PORT },
		{ "iface", PART_IFACE }, { "mac", PART_MAC },     { "mark", PART_MARK },
	};
	const char *at = strchr(type, ':');
	size_t len = 0;

	if (strcmp(type, "bitmap:port") == 0) {
		parts[0] = PART_PORT_ALONE;
		return 1;
	}
	while (at != NULL && len < PARTS_MAX) {
		const size_t size = strcspn(at + 1, ",");
		size_t i = 0;

		while (i < sizeof(names) / sizeof(names[0]) &&
		       (strlen(names[i].name) != size ||
		        strncmp(names[i].name, at + 1, size) != 0)) {
			i++;
		}
		if (i == sizeof(names) / sizeof(names[0])) {
			return 0;
		}
		parts[len++] = names[i].part;
		at = at[1 + size] == ',' ? at + 1 + size : NULL;
	}
	return at == NULL ? len : 0;
}

static struct convert_ipset *find(const struct convert *cv, const char *name)
{
	for (size_t i = 0; i < cv->ipsets_len; i++) {
		if (strcmp(cv->ipsets[i].name, name) == 0) {
			return &cv->ipsets[i];
		}
	}
	return NULL;
}

/* "create NAME TYPE family inet ..." */
static void create(struct convert *cv, const struct convert_words *w)
{
	enum part parts[PARTS_MAX];
	struct convert_ipset *s;

	if (w->len < 3 || find(cv, w->word[1]) != NULL) {
		return;
	}
	if (!convert_grow((void **)&cv->ipsets, cv->ipsets_len, &cv->ipsets_size,
	                  sizeof(*cv->ipsets))) {
		cv->no_memory = true;
		return;
	}
	s = &cv->ipsets[cv->ipsets_len];
	*s = (struct convert_ipset){ .name = strdup(w->word[1]), .type = strdup(w->word[2]) };
	if (s->name == NULL || s->type == NULL) {
		cv->no_memory = true;
		return;
	}
	cv->ipsets_len++;
	for (size_t i = 3; i + 1 < w->len; i++) {
		const char *value = w->word[i + 1];

		if (strcmp(w->word[i], "family") == 0) {
			s->is_ip6 = strcmp(value, "inet6") == 0;
		} else if (strcmp(w->word[i], "timeout") == 0) {
			(void)!convert_number(value, UINT32_MAX, &s->seconds);
			s->has_timeouts = true;
		} else if (strcmp(w->word[i], "netmask") == 0) {
			(void)!convert_number(value, 128, &s->netmask);
		}
	}
	if (read_type(s->type, parts) == 0) {
		s->why = convert_text("type %.30s has no equivalent%s", s->type,
		                      strcmp(s->type, "list:set") == 0
		                              ? ": name its members in a rule each"
		                              : "");
	}
}

/* Writes the part of an element. Returns false if it has no equivalent. */
static bool put_part(FILE *f, const struct convert_ipset *s, enum part part, const char *text)
{
	const char *colon = strchr(text, ':');
	const char *ports = part == PART_PORT && colon != NULL ? colon + 1 : text;
	char proto[16] = "tcp";

	switch (part) {
	case PART_ADDRESS:
		fprintf(f, "%s", text);
		if (s->netmask != 0 && strchr(text, '/') == NULL) {
			fprintf(f, "/%u", s->netmask);
		}
		return strcspn(text, "\"{}") == strlen(text);
	case PART_PORT:
		if (colon != NULL) {
			snprintf(proto, sizeof(proto), "%.*s", (int)(colon - text), text);
		}
		if (strcmp(proto, "udplite") != 0 && strcmp(proto, "tcp") != 0 &&
		    strcmp(proto, "udp") != 0 && strcmp(proto, "sctp") != 0) {
			return false;
		}
		fprintf(f, "%s . ", proto);
		/* fall through */
	case PART_PORT_ALONE:
		fputs(ports, f);
		return strspn(ports, "0123456789-") == strlen(ports);
	case PART_IFACE:
		fprintf(f, "\"%s\"", text);
		return strpbrk(text, "\"*:") == NULL;
	case PART_MAC:
	case PART_MARK:
		fputs(text, f);
		return strspn(text, "0123456789abcdefABCDEFx:") == strlen(text);
	}
	return false;
}

/* The element in the configuration language, malloc'd, or NULL. */
static char *element_text(const struct convert_ipset *s, const char *element)
{
	enum part parts[PARTS_MAX];
	const size_t len = read_type(s->type, parts);
	char *copy = strdup(element);
	char *save = NULL;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	char *at = copy != NULL ? strtok_r(copy, ",", &save) : NULL;
	bool is_ok = f != NULL;
	size_t i = 0;

	for (; is_ok && at != NULL && i < len; i++, at = strtok_r(NULL, ",", &save)) {
		fputs(i > 0 ? " . " : "", f);
		is_ok = put_part(f, s, parts[i], at);
	}
	is_ok = is_ok && i == len && at == NULL;
	if (f != NULL) {
		fclose(f);
	}
	free(copy);
	if (!is_ok) {
		free(text);
		return NULL;
	}
	return text;
}

/* Elements of a set follow one another, so its text is kept open. */
struct element_writer {
	FILE *f; /* NULL = none */
	size_t nr;
	size_t size;
};

static void close_elements(struct element_writer *w)
{
	if (w->f != NULL) {
		fclose(w->f);
	}
	w->f = NULL;
}

/* Opens the elements of a set at their end. */
static void open_elements(struct element_writer *w, struct convert_ipset *s, size_t nr)
{
	char *before = s->elements;

	if (w->f != NULL && w->nr == nr) {
		return;
	}
	close_elements(w);
	s->elements = NULL;
	w->nr = nr;
	w->f = open_memstream(&s->elements, &w->size);
	if (w->f != NULL && before != NULL) {
		fputs(before, w->f);
	}
	free(before);
}

/* "add NAME ELEMENT timeout 9" */
static void add(struct convert *cv, const struct convert_words *w, struct element_writer *to)
{
	struct convert_ipset *s = w->len >= 3 ? find(cv, w->word[1]) : NULL;
	uint32_t seconds = 0;
	char *text;

	if (s == NULL || s->why != NULL) {
		return;
	}
	text = element_text(s, w->word[2]);
	for (size_t i = 3; i < w->len; i++) {
		if (strcmp(w->word[i], "nomatch") == 0) {
			s->why = strdup("elements with nomatch have no equivalent");
		} else if (strcmp(w->word[i], "timeout") == 0 && i + 1 < w->len) {
			(void)!convert_number(w->word[i + 1], UINT32_MAX, &seconds);
		}
	}
	if (text == NULL && s->why == NULL) {
		s->why = convert_text("element %.60s has no equivalent", w->word[2]);
	}
	if (text == NULL) {
		return;
	}
	open_elements(to, s, (size_t)(s - cv->ipsets));
	if (to->f != NULL) {
		fprintf(to->f, "%s%s", ftell(to->f) > 0 ? ", " : "", text);
		if (seconds != 0) {
			fprintf(to->f, " timeout %us", seconds);
		}
	}
	free(text);
}

/* Carries out a line of "ipset save". */
static void read_line(struct convert *cv, const char *text, size_t size, struct element_writer *to)
{
	const bool is_create = size > 7 && memcmp(text, "create ", 7) == 0;
	struct convert_words words;
	const char *why;
	char *line;

	if (!is_create && (size <= 4 || memcmp(text, "add ", 4) != 0)) {
		return;
	}
	line = strndup(text, size);
	if (line == NULL) {
		cv->no_memory = true;
	} else if ((why = convert_split(line, SYNTAX_SAVE, &words)) != NULL) {
		convert_problem(cv, "ipset", 0, "%s", why);
	} else if (is_create) {
		/* the array of sets may move */
		close_elements(to);
		create(cv, &words);
	} else {
		add(cv, &words, to);
	}
	free(line);
}

void convert_read_ipsets(struct convert *cv, const char *text, size_t size)
{
	struct element_writer elements = { 0 };
	const char *end = text + size;

	while (text < end && !cv->no_memory) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *eol = nl != NULL ? nl : end;

		read_line(cv, text, (size_t)(eol - text), &elements);
		text = eol + 1;
	}
	close_elements(&elements);
}

/* Writes the field of a part of the key, and its type. Returns false if it is refused. */
static bool put_field(struct rule_parser *p, enum part part, bool is_source, FILE *field,
                      FILE *type)
{
	const char *side = is_source ? "s" : "d";
	const char *header = p->family == CONVERT_IP ? "ip" : "ip6";

	fputs(ftell(field) > 0 ? " . " : "", field);
	fputs(ftell(type) > 0 ? " . " : "", type);
	switch (part) {
	case PART_ADDRESS:
		fprintf(field, "%s %saddr", header, side);
		fputs(p->family == CONVERT_IP ? "ipv4_addr" : "ipv6_addr", type);
		return true;
	case PART_PORT:
		fprintf(field, "meta l4proto . th %sport", side);
		fputs("inet_proto . inet_service", type);
		return true;
	case PART_PORT_ALONE:
		if (!convert_proto_has_ports(p->proto) || p->proto_is_negated) {
			convert_refuse(p, "a set of ports needs -p tcp or -p udp");
			return false;
		}
		fprintf(field, "th %sport", side);
		fputs("inet_service", type);
		return true;
	case PART_IFACE:
		fputs(is_source ? "iifname" : "oifname", field);
		fputs("ifname", type);
		return true;
	case PART_MAC:
		fprintf(field, "ether %saddr", side);
		fputs("ether_addr", type);
		return convert_needs(p, CONSTRUCT_ETHER);
	case PART_MARK:
		fputs("meta mark", field);
		fputs("mark", type);
		return true;
	}
	return false;
}

/* Adds the set to the table and writes its key. Returns it, or NULL after a refusal. */
static const struct convert_set *use_set(struct rule_parser *p, const char *name, const char *sides,
                                         bool is_added_to, char **field)
{
	const struct convert_ipset *ipset = find(p->cv, name);
	const struct convert_set *added = NULL;
	struct convert_set set = { 0 };
	enum part parts[PARTS_MAX];
	size_t len;
	size_t sizes[2];
	FILE *f[2];

	*field = NULL;
	p->uses_set = true;
	if (ipset == NULL) {
		convert_refuse(p,
		               "set %.40s is not known: run ipset save > FILE and give FILE, too",
		               name);
		return NULL;
	}
	if (ipset->why != NULL) {
		convert_refuse(p, "set %.40s: %s", name, ipset->why);
		return NULL;
	}
	len = read_type(ipset->type, parts);
	if (parts[0] == PART_ADDRESS && ipset->is_ip6 != (p->family == CONVERT_IP6)) {
		convert_refuse(p, "set %.40s has addresses of the other family", name);
		return NULL;
	}
	if ((len > 1 || parts[0] == PART_PORT) && !convert_needs(p, CONSTRUCT_SET_CONCAT)) {
		return NULL;
	}
	if (ipset->has_timeouts && !convert_needs(p, CONSTRUCT_SET_TIMEOUT)) {
		return NULL;
	}
	f[0] = open_memstream(field, &sizes[0]);
	f[1] = open_memstream(&set.type, &sizes[1]);
	for (size_t i = 0; i < len && f[0] != NULL && f[1] != NULL; i++) {
		const bool is_source = strncmp(sides, "src", 3) == 0;

		if ((!is_source && strncmp(sides, "dst", 3) != 0) ||
		    (sides[3] != ',' && sides[3] != '\0')) {
			convert_refuse(p, "set %.40s needs %zu of src or dst, separated by commas",
			               name, len);
			break;
		}
		if (!put_field(p, parts[i], is_source, f[0], f[1])) {
			break;
		}
		sides += sides[3] == ',' ? 4 : 0;
	}
	for (size_t i = 0; i < 2; i++) {
		if (f[i] != NULL) {
			fclose(f[i]);
		}
	}
	set.name = ipset->name;
	set.elements = ipset->elements;
	set.has_timeouts = ipset->has_timeouts;
	set.is_added_to = is_added_to;
	set.has_intervals = !is_added_to && !ipset->has_timeouts;
	if (p->why[0] == '\0' && set.type != NULL) {
		added = convert_set_add(p->sets, &set);
	}
	if (p->why[0] == '\0' && added == NULL) {
		convert_refuse(p, "set %.40s cannot be written", name);
	}
	free(set.type);
	return added;
}

void convert_ipset_match(struct rule_parser *p, const char *name, const char *sides)
{
	char *field;
	const struct convert_set *set = use_set(p, name, sides, false, &field);

	if (set != NULL) {
		fprintf(p->matches, "%s %s@%s ", field, convert_not(p), set->new_name);
	}
	free(field);
}

char *convert_ipset_statement(struct rule_parser *p, const char *statement, const char *name,
                              const char *sides, uint32_t seconds)
{
	char *field = NULL;
	char *text = NULL;
	const struct convert_set *set = NULL;

	if (convert_needs(p, CONSTRUCT_SET_TIMEOUT) &&
	    (strcmp(statement, "delete") != 0 || convert_needs(p, CONSTRUCT_SET_DELETE))) {
		const struct convert_ipset *ipset = find(p->cv, name);

		set = use_set(p, name, sides, true, &field);
		seconds = seconds == 0 && ipset != NULL ? ipset->seconds : seconds;
	}
	if (set != NULL && seconds != 0 && strcmp(statement, "delete") != 0) {
		text = convert_text("%s @%s { %s timeout %us }", statement, set->new_name, field,
		                    seconds);
	} else if (set != NULL) {
		text = convert_text("%s @%s { %s }", statement, set->new_name, field);
	}
	free(field);
	return text;
}

void convert_ipsets_fini(struct convert *cv)
{
	for (size_t i = 0; i < cv->ipsets_len; i++) {
		free(cv->ipsets[i].name);
		free(cv->ipsets[i].type);
		free(cv->ipsets[i].elements);
		free(cv->ipsets[i].why);
	}
	free(cv->ipsets);
}
