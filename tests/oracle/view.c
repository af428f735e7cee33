/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares the results of the kernel and of finwall.
 */
#include "view.h"

#include "core/tcp_track.h"

#include <finwall/mono.h>
#include <finwall/pkt.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * The kernel's clock has ticks of up to 10 ms, and the two sides read the clock one after the
 * other. Callers discard packets that took longer than this.
 */
#define LEFT_TOLERANCE_NS (100 * NSEC_PER_MSEC)

struct diff {
	char *text;
	size_t used;
	unsigned count;
	const char *const *sides; /* the names of the two sides */
};

static const char *const kernel_and_finwall[2] = { "kernel", "finwall" };

static void __attribute__((format(printf, 2, 3))) add_line(struct diff *d, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(d->text + d->used, DIFF_SIZE - d->used, format, ap);
	va_end(ap);
	if (n > 0) {
		d->used += (size_t)n < DIFF_SIZE - d->used ? (size_t)n : DIFF_SIZE - d->used - 1;
	}
	d->count++;
}

static const char *sighting_name(const struct sighting *s)
{
	return s->seen ? ct_state_name(s->state) : "not seen";
}

static void diff_number(struct diff *d, const char *what, const char *field, unsigned kernel,
                        unsigned ours)
{
	if (kernel != ours) {
		add_line(d, "  %s%s: %s %u, %s %u\n", what, field, d->sides[0], kernel, d->sides[1],
		         ours);
	}
}

static void diff_flags(struct diff *d, const char *what, const char *field, unsigned kernel,
                       unsigned ours)
{
	if (kernel != ours) {
		add_line(d, "  %s%s: %s 0x%02x, %s 0x%02x\n", what, field, d->sides[0], kernel,
		         d->sides[1], ours);
	}
}

static void diff_view(struct diff *d, const struct view *k, const struct view *f, uint8_t proto,
                      const char *what)
{
	if (k->exists != f->exists) {
		add_line(d, "  %sentry: %s %s, %s %s\n", what, d->sides[0],
		         k->exists ? "yes" : "no", d->sides[1], f->exists ? "yes" : "no");
		return;
	}
	if (!k->exists) {
		return;
	}
	diff_number(d, what, "direction", k->dir, f->dir);
	diff_number(d, what, "seen-reply", k->seen_reply, f->seen_reply);
	diff_number(d, what, "assured", k->assured, f->assured);
	if (f->left_ns < k->left_ns - LEFT_TOLERANCE_NS ||
	    f->left_ns > k->left_ns + NSEC_PER_SEC + LEFT_TOLERANCE_NS) {
		add_line(d, "  %sseconds left: %s %lld, %s %.3f\n", what, d->sides[0],
		         (long long)(k->left_ns / NSEC_PER_SEC), d->sides[1],
		         (double)f->left_ns / 1e9);
	}
	if (proto != IPPROTO_NR_TCP) {
		return;
	}
	if (k->tcp_state != f->tcp_state) {
		add_line(d, "  %sTCP state: %s %s, %s %s\n", what, d->sides[0],
		         tcp_state_name(k->tcp_state), d->sides[1], tcp_state_name(f->tcp_state));
	}
	diff_flags(d, what, "original flags", k->flags[0], f->flags[0]);
	diff_flags(d, what, "reply flags", k->flags[1], f->flags[1]);
	diff_number(d, what, "original scale", k->scale[0], f->scale[0]);
	diff_number(d, what, "reply scale", k->scale[1], f->scale[1]);
}

unsigned view_diff(const struct view *left, const struct view *right, uint8_t proto,
                   const char *const sides[2], char text[DIFF_SIZE])
{
	struct diff d = { .text = text, .sides = sides != NULL ? sides : kernel_and_finwall };

	text[0] = '\0';
	diff_view(&d, left, right, proto, "");
	return d.count;
}

unsigned outcome_diff(const struct outcome *kernel, const struct outcome *ours,
                      const struct sighting *daemon, uint8_t proto, char text[DIFF_SIZE])
{
	const struct sighting *k = &kernel->sighting;
	const struct sighting *f = &ours->sighting;
	struct diff d = { .text = text, .sides = kernel_and_finwall };

	text[0] = '\0';
	if (k->seen != f->seen || k->state != f->state) {
		add_line(&d, "  verdict: kernel %s, finwall %s\n", sighting_name(k),
		         sighting_name(f));
	} else if ((k->state == CT_ESTABLISHED || k->state == CT_RELATED) && k->dir != f->dir) {
		add_line(&d, "  packet's direction: kernel %u, finwall %u\n", k->dir, f->dir);
	}
	if (daemon != NULL && (daemon->seen != k->seen || daemon->state != k->state)) {
		add_line(&d, "  verdict: kernel %s, finwalld %s\n", sighting_name(k),
		         sighting_name(daemon));
	}
	diff_view(&d, &kernel->entry[0], &ours->entry[0], proto, "");
	diff_view(&d, &kernel->entry[1], &ours->entry[1], proto, "own tuple: ");
	return d.count;
}
