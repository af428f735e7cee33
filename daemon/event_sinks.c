/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Journal (its native protocol), syslog (RFC 3164, as syslog(3) writes it), packets as pcap with
 * the link type of NFLOG, which tcpdump(8) and wireshark read, and accounting as lines of JSON.
 */
#include "event_sinks.h"

#include "event_ring.h"
#include "io/clock.h"
#include "io/datagram.h"
#include "io/log.h"
#include "io/record_file.h"
#include "watch_text.h"
#include "workers.h"

#include <finwall/bytes.h>
#include <finwall/flow_text.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_PATH "/run/systemd/journal/socket"
#define SYSLOG_PATH  "/dev/log"

/* LOG_DAEMON of syslog(3). */
#define FACILITY (3u << 3)

/* Records per second that the files take; the burst is a second's. */
#define FILES_RATE 20000

#define REPORT_NS sec_to_ns(10)

/* A datagram; a longer one is cut. */
#define DATAGRAM_SIZE 4096

/* The head of a pcap file: native byte order, version 2.4, DLT_NFLOG. */
struct pcap_file_head {
	uint32_t magic;
	uint16_t major;
	uint16_t minor;
	int32_t zone;
	uint32_t accuracy;
	uint32_t snap_size;
	uint32_t link;
};

#define PCAP_MAGIC     0xa1b2c3d4u
#define PCAP_NFLOG     239
#define PCAP_SNAP_SIZE 65535

static const struct pcap_file_head pcap_head = {
	.magic = PCAP_MAGIC,
	.major = 2,
	.minor = 4,
	.snap_size = PCAP_SNAP_SIZE,
	.link = PCAP_NFLOG,
};

struct pcap_packet_head {
	uint32_t sec;
	uint32_t usec;
	uint32_t cap_size;
	uint32_t size;
};

/* Attributes of nfnetlink_log (NFULA_*). */
enum {
	NFLOG_PACKET_HDR = 1,
	NFLOG_MARK = 2,
	NFLOG_INDEV = 4,
	NFLOG_OUTDEV = 5,
	NFLOG_PAYLOAD = 9,
	NFLOG_PREFIX = 10,
};

static void open_file(struct record_file **out, const char *path, const void *head,
                      size_t head_size, uint64_t size_max, struct log *log)
{
	int err;

	record_file_close(*out);
	*out = NULL;
	if (path == NULL) {
		return;
	}
	err = record_file_open(path, head, head_size, size_max, out);
	if (err != 0) {
		log_write(log, LOG_LEVEL_WARNING, "cannot write %s: %s", path,
		          err == -EINVAL ? "no regular file" : strerror(-err));
	}
}

static void watch_for_files(struct event_sinks *s, struct log *log)
{
	const struct watch_filter all = { .hooks = 0 };
	uint32_t kinds = (s->packets != NULL ? 1u << WATCH_LOGGED : 0) |
	                 (s->accounting != NULL ? 1u << WATCH_DESTROY : 0);
	int err;

	if (s->watcher != NULL && s->watcher->kinds != kinds) {
		watch_remove(s->watch, s->workers, s->watcher);
		s->watcher = NULL;
		s->bit = 0;
	}
	if (s->watcher != NULL || kinds == 0) {
		s->waits = false;
		return;
	}
	err = watch_add(s->watch, s->workers, &all, WATCHERS_MAX, kinds, FILES_RATE, &s->watcher);
	if (err != 0) {
		if (!s->waits) {
			log_write(log, LOG_LEVEL_WARNING, "files of events stay empty for now: %s",
			          strerror(-err));
		}
		s->waits = true;
		return;
	}
	s->waits = false;
	s->bit = watch_bit(s->watch, s->watcher);
}

void event_sinks_apply(struct event_sinks *s, const struct settings *settings, struct watch *watch,
                       struct workers *ws, struct log *log)
{
	s->to_journal = settings->events_journal != 0;
	s->to_syslog = settings->events_syslog != 0;
	log_set_packets_elsewhere(log, s->to_journal);
	if (s->fd < 0 && (s->to_journal || s->to_syslog)) {
		s->fd = datagram_open();
	}
	open_file(&s->packets, settings->events_packets, &pcap_head, sizeof(pcap_head),
	          settings->events_file_bytes, log);
	open_file(&s->accounting, settings->events_accounting, NULL, 0, settings->events_file_bytes,
	          log);
	s->watch = watch;
	s->workers = ws;
	watch_for_files(s, log);
}

/* A datagram under construction; it is cut at its end. */
struct datagram {
	size_t size;
	char bytes[DATAGRAM_SIZE];
};

__attribute__((format(printf, 2, 3))) static void put(struct datagram *d, const char *fmt, ...)
{
	size_t left = sizeof(d->bytes) - d->size;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(d->bytes + d->size, left, fmt, args);
	va_end(args);
	/* a field that does not fit is left out: half of one is none */
	if (n > 0 && (size_t)n < left) {
		d->size += (size_t)n;
	}
}

/* A field of one line; a newline, as in a prefix, would begin another one. */
static void put_field(struct datagram *d, const char *name, const char *value)
{
	if (value[0] != '\0' && strchr(value, '\n') == NULL) {
		put(d, "%s=%s\n", name, value);
	}
}

static void put_tuple(struct datagram *d, const struct tuple *t, bool has_ports)
{
	char text[ADDR_TEXT_SIZE];

	put_field(d, "FINWALL_SRC", addr_text(&t->src, t->family, text));
	put_field(d, "FINWALL_DST", addr_text(&t->dst, t->family, text));
	if (has_ports) {
		put(d, "FINWALL_SPORT=%u\nFINWALL_DPORT=%u\n", t->sport, t->dport);
	}
}

static void put_packet(struct datagram *d, const struct packet_event *ev)
{
	bool has_ports = ev->depth >= PKT_PORTS &&
	                 (ev->l4_proto == IPPROTO_NR_TCP || ev->l4_proto == IPPROTO_NR_UDP);
	const char *proto = proto_name(ev->l4_proto);

	put(d, "FINWALL_HOOK=%s\nFINWALL_LENGTH=%" PRIu32 "\n", hook_name((enum hook)ev->hook),
	    ev->true_size);
	if (ev->depth != PKT_NOTHING) {
		put_tuple(d, &ev->tuple, has_ports);
		put(d, "FINWALL_PROTOCOL_NUMBER=%u\n", ev->l4_proto);
		put_field(d, "FINWALL_PROTOCOL", proto != NULL ? proto : "");
	}
	if (ev->mark != 0) {
		put(d, "FINWALL_MARK=0x%" PRIx32 "\n", ev->mark);
	}
}

static void put_event(struct datagram *d, const struct worker_event *ev)
{
	switch (ev->kind) {
	case WORKER_EVENT_LATE:
		put_field(d, "FINWALL_EVENT", "late");
		put_tuple(d, &ev->late.tuple, true);
		put_field(d, "FINWALL_POLICY", late_policy_name(ev->late.policy));
		put_field(d, "FINWALL_REASON", reason_name(ev->late.reason));
		put_field(d, "FINWALL_VERDICT", verdict_name(ev->late.verdict));
		break;
	case WORKER_EVENT_COMPARE:
		put_field(d, "FINWALL_EVENT", "compare");
		put_packet(d, &ev->compare.packet);
		put_field(d, "FINWALL_STATE", ct_state_name(ev->compare.decision.state));
		put_field(d, "FINWALL_KERNEL_STATE", kernel_state_name(ev->compare.kernel_state));
		break;
	default:
		put_field(d, "FINWALL_EVENT", "log");
		put_packet(d, &ev->log);
		put_field(d, "FINWALL_STATE", ct_state_name(ev->log.state));
		break;
	}
}

static void send_to(struct event_sinks *s, const char *path, const struct datagram *d)
{
	if (s->fd < 0 || datagram_send(s->fd, path, d->bytes, d->size) != 0) {
		s->lost++;
	}
}

static void send_journal(struct event_sinks *s, unsigned level, const char *text,
                         const struct worker_event *ev, const char *prefix, const char *iif,
                         const char *oif, const char *place)
{
	struct datagram d = { .size = 0 };

	put_field(&d, "MESSAGE", text);
	put(&d, "PRIORITY=%u\nSYSLOG_IDENTIFIER=finwalld\nSYSLOG_FACILITY=%u\n", level,
	    FACILITY >> 3);
	put_event(&d, ev);
	put_field(&d, "FINWALL_PREFIX", prefix);
	put_field(&d, "FINWALL_IN", iif);
	put_field(&d, "FINWALL_OUT", oif);
	put_field(&d, "FINWALL_RULE", place);
	send_to(s, JOURNAL_PATH, &d);
}

static void send_syslog(struct event_sinks *s, unsigned level, const char *text)
{
	time_t now = (time_t)(clock_wall_ns() / (uint64_t)NSEC_PER_SEC);
	struct datagram d = { .size = 0 };
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL) {
		(void)strftime(when, sizeof(when), "%b %e %T", &tm);
	}
	put(&d, "<%u>%s finwalld[%d]: %s", FACILITY | level, when, (int)getpid(), text);
	send_to(s, SYSLOG_PATH, &d);
}

void event_sinks_line(struct event_sinks *s, unsigned level, const char *text,
                      const struct worker_event *ev, const char *prefix, const char *iif,
                      const char *oif, const char *place)
{
	if (s->to_journal) {
		send_journal(s, level, text, ev, prefix, iif, oif, place);
	}
	if (s->to_syslog) {
		send_syslog(s, level, text);
	}
}

/* files */

/* An attribute: size and type in native order, then the value, padded to four bytes. */
static uint8_t *put_attr(uint8_t *to, uint16_t type, const void *value, size_t size)
{
	uint16_t head[2] = { (uint16_t)(sizeof(head) + size), type };

	memcpy(to, head, sizeof(head));
	memcpy(to + sizeof(head), value, size);
	to += sizeof(head) + size;
	for (; size % 4 != 0; size++) {
		*to++ = 0;
	}
	return to;
}

static uint8_t *put_attr_be32(uint8_t *to, uint16_t type, uint32_t value)
{
	uint8_t bytes[4];

	store_be32(bytes, value);
	return value != 0 ? put_attr(to, type, bytes, sizeof(bytes)) : to;
}

static void write_packet(struct event_sinks *s, const struct watch_logged *ev)
{
	/* NF_INET_LOCAL_IN ... */
	static const uint8_t hooks[HOOKS_LEN] = {
		[HOOK_INPUT] = 1, [HOOK_FORWARD] = 2, [HOOK_OUTPUT] = 3
	};
	static uint8_t bytes[sizeof(struct pcap_packet_head) + WATCH_LOGGED_BYTES + 1024];
	uint64_t wall_ns = clock_wall_ns() - (uint64_t)mono_diff(clock_now(), ev->now);
	bool is_ip6 = ev->cap_size > 0 && ev->bytes[0] >> 4 == 6;
	uint8_t packet_hdr[4] = { is_ip6 ? 0x86 : 0x08, is_ip6 ? 0xdd : 0x00, hooks[ev->hook], 0 };
	struct pcap_packet_head head;
	uint8_t *at = bytes + sizeof(head);

	_Static_assert(sizeof(ev->prefix) <= 256, "there is space for the attributes");
	*at++ = is_ip6 ? 10 : 2; /* AF_INET6, AF_INET */
	*at++ = 0;               /* version */
	store_be16(at, ev->group);
	at += 2;
	at = put_attr(at, NFLOG_PACKET_HDR, packet_hdr, sizeof(packet_hdr));
	at = put_attr(at, NFLOG_PREFIX, ev->prefix, strlen(ev->prefix) + 1);
	at = put_attr_be32(at, NFLOG_MARK, ev->mark);
	at = put_attr_be32(at, NFLOG_INDEV, ev->iif);
	at = put_attr_be32(at, NFLOG_OUTDEV, ev->oif);
	at = put_attr(at, NFLOG_PAYLOAD, ev->bytes, ev->cap_size);
	head = (struct pcap_packet_head){
		.sec = (uint32_t)(wall_ns / (uint64_t)NSEC_PER_SEC),
		.usec = (uint32_t)(wall_ns % (uint64_t)NSEC_PER_SEC / 1000),
		.cap_size = (uint32_t)(at - bytes - (ptrdiff_t)sizeof(head)),
	};
	head.size = head.cap_size + (ev->true_size - ev->cap_size);
	memcpy(bytes, &head, sizeof(head));
	record_file_put(s->packets, bytes, (size_t)(at - bytes));
}

static void write_account(struct event_sinks *s, const struct watch_flow *ev,
                          const struct config *config, const char *ifname)
{
	uint64_t wall_ns = clock_wall_ns() - (uint64_t)mono_diff(clock_now(), ev->now);
	json_t *o = watch_json_flow(ev, config, ifname);
	size_t size;
	char *text;

	json_object_set_new(o, "time_ms",
	                    json_integer((json_int_t)(wall_ns / (uint64_t)NSEC_PER_MSEC)));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL) {
		s->lost++;
		return;
	}
	size = strlen(text);
	text[size] = '\n'; /* in place of the NUL */
	record_file_put(s->accounting, text, size + 1);
	free(text);
}

void event_sinks_record(struct event_sinks *s, const struct watch_record *record,
                        const void *contents, const struct config *config, const char *ifname)
{
	if ((record->readers & s->bit) == 0) {
		return;
	}
	if (record->kind == WATCH_LOGGED && s->packets != NULL) {
		write_packet(s, contents);
	} else if (record->kind != WATCH_LOGGED && s->accounting != NULL) {
		write_account(s, contents, config, ifname);
	}
}

void event_sinks_report(struct event_sinks *s, struct mono now, struct log *log)
{
	if (s->waits) {
		watch_for_files(s, log);
	}
	if (mono_diff(now, s->reported) < REPORT_NS) {
		return;
	}
	s->reported = now;
	s->lost += s->watcher != NULL ? watch_take_left_out(s->watcher) : 0;
	s->lost += s->packets != NULL ? record_file_dropped(s->packets) : 0;
	s->lost += s->accounting != NULL ? record_file_dropped(s->accounting) : 0;
	if (s->lost != 0) {
		log_write(log, LOG_LEVEL_WARNING,
		          "%" PRIu64 " events lost: journal, syslog or the files of events did not "
		          "take them",
		          s->lost);
		s->lost = 0;
	}
}

void event_sinks_close(struct event_sinks *s)
{
	record_file_close(s->packets);
	record_file_close(s->accounting);
	if (s->fd >= 0) {
		(void)close(s->fd);
	}
	*s = (struct event_sinks){ .fd = -1 };
}
