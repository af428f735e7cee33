/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files by libpcap, through a stream with a large buffer: libpcap reads twice per packet,
 * which must not be two system calls.
 */
#include "capture.h"

#include <finwall/mono.h>

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (1u << 20)

/* The year 2096; INT64_MAX nanoseconds hold 9.2e9 seconds. */
#define SECONDS_MAX INT64_C(4000000000)

struct capture {
	pcap_t *pcap; /* owns the stream */
	FILE *stream;
	enum link_type link_type;
	off_t size; /* of the file; 0 = not a file */
	char *buffer;
};

static bool find_link_type(int dlt, enum link_type *type);

struct capture *capture_open(const char *path, char error[CAPTURE_ERROR_SIZE])
{
	FILE *from;

	if (strcmp(path, "-") == 0) {
		/* closing the copy leaves standard input open */
		int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

		from = fd < 0 ? NULL : fdopen(fd, "r");
	} else {
		from = fopen(path, "re");
	}
	if (from == NULL) {
		snprintf(error, CAPTURE_ERROR_SIZE, "%s", strerror(errno));
		return NULL;
	}
	return capture_open_stream(from, error);
}

struct capture *capture_open_stream(FILE *from, char error[CAPTURE_ERROR_SIZE])
{
	char pcap_error[PCAP_ERRBUF_SIZE] = "";
	struct capture *c = calloc(1, sizeof(*c));
	struct stat st;

	if (c == NULL || (c->buffer = malloc(BUFFER_SIZE)) == NULL) {
		snprintf(error, CAPTURE_ERROR_SIZE, "%s", strerror(ENOMEM));
		goto close_stream;
	}
	c->stream = from;
	(void)setvbuf(from, c->buffer, _IOFBF, BUFFER_SIZE);
	/* one thread uses it: no lock for each read */
	(void)__fsetlocking(from, FSETLOCKING_BYCALLER);
	if (fileno(from) >= 0 && fstat(fileno(from), &st) == 0 && S_ISREG(st.st_mode)) {
		c->size = st.st_size;
		(void)posix_fadvise(fileno(from), 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	c->pcap = pcap_fopen_offline_with_tstamp_precision(from, PCAP_TSTAMP_PRECISION_NANO,
	                                                   pcap_error);
	if (c->pcap == NULL) {
		snprintf(error, CAPTURE_ERROR_SIZE, "%s", pcap_error);
		goto close_stream;
	}
	if (!find_link_type(pcap_datalink(c->pcap), &c->link_type)) {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(c->pcap));

		snprintf(error, CAPTURE_ERROR_SIZE,
		         "link type %d (%s) is not supported: want Ethernet, Linux cooked, "
		         "loopback or raw IP",
		         pcap_datalink(c->pcap), name != NULL ? name : "unknown");
		capture_close(c);
		return NULL;
	}
	return c;

close_stream:
	(void)fclose(from);
	if (c != NULL) {
		free(c->buffer);
	}
	free(c);
	return NULL;
}

void capture_close(struct capture *c)
{
	if (c == NULL) {
		return;
	}
	pcap_close(c->pcap);
	free(c->buffer);
	free(c);
}

enum link_type capture_link_type(const struct capture *c)
{
	return c->link_type;
}

/* Clamps times that are out of range, as in damaged files. */
static int64_t time_of(const struct timeval *tv)
{
	int64_t sec = tv->tv_sec;
	int64_t nsec = tv->tv_usec;

	if (sec < 0 || sec > SECONDS_MAX) {
		sec = sec < 0 ? 0 : SECONDS_MAX;
	}
	if (nsec < 0 || nsec >= NSEC_PER_SEC) {
		nsec = 0;
	}
	return sec_to_ns(sec) + nsec;
}

enum capture_result capture_next(struct capture *c, struct capture_packet *out)
{
	struct pcap_pkthdr *head;
	const u_char *data;

	switch (pcap_next_ex(c->pcap, &head, &data)) {
	case 1:
		*out = (struct capture_packet){
			.data = data,
			.cap_size = head->caplen,
			.wire_size = head->len,
			.time_ns = time_of(&head->ts),
		};
		return CAPTURE_PACKET;
	case PCAP_ERROR_BREAK:
		return CAPTURE_END;
	default:
		return CAPTURE_BROKEN;
	}
}

const char *capture_error(struct capture *c)
{
	return pcap_geterr(c->pcap);
}

int capture_percent(const struct capture *c)
{
	off_t at = c->size > 0 ? ftello(c->stream) : -1;

	return at < 0 ? -1 : (int)(at * 100 / c->size);
}

static bool find_link_type(int dlt, enum link_type *type)
{
	switch (dlt) {
	case DLT_EN10MB:
		*type = LINK_ETHERNET;
		return true;
	case DLT_LINUX_SLL:
		*type = LINK_SLL;
		return true;
	case DLT_LINUX_SLL2:
		*type = LINK_SLL2;
		return true;
	case DLT_NULL:
	case DLT_LOOP:
		*type = LINK_NULL;
		return true;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		*type = LINK_RAW;
		return true;
	default:
		return false;
	}
}
