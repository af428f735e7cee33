/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of tables as text, as nft prints them: "192.0.2.1 . 22 counter packets 1 bytes 60
 * timeout 5m expires 4m3s". names: of interfaces, by their number in keys.
 */
#ifndef FINWALL_SETS_KEYED_TEXT_H
#define FINWALL_SETS_KEYED_TEXT_H

#include "element.h"
#include "keyed.h"

struct name_list {
	const char *const *at;
	size_t len;
};

#define DURATION_TEXT_SIZE 64
#define KIT_TEXT_SIZE      160
#define KEYED_TEXT_SIZE    (RS_KEY_FIELDS_MAX * (ELEMENT_TEXT_SIZE + 3))
#define KEYED_LINE_SIZE    (KEYED_TEXT_SIZE + KIT_TEXT_SIZE + 2 * (DURATION_TEXT_SIZE + 16))

/* "1d2h3m4s5ms"; "0s". */
void duration_text(uint64_t ms, char out[DURATION_TEXT_SIZE]);

/* "limit rate over 3/minute burst 5 packets"; the kit has a limit. */
void kit_limit_text(const struct rs_kit *kit, char out[KIT_TEXT_SIZE]);

/* The key alone. */
void keyed_text(const struct dtype *type, struct name_list names, const struct interval *box,
                char out[KEYED_TEXT_SIZE]);

enum keyed_times {
	KEYED_TIMES_FIXED, /* without the time that is left */
	KEYED_TIMES_LEFT,
};

/* All of an element of the set, which has this timeout where elements have none of their own. */
void keyed_line(const struct dtype *type, struct name_list names, struct live_keyed *s,
                uint64_t timeout_ms, enum keyed_times times, struct mono now,
                const struct interval *box, const struct rs_item *item, char out[KEYED_LINE_SIZE]);

/*
 * Reads an element: parts joined by " . ", then perhaps "timeout 5m" and "expires 4m". *timeout_ms
 * and *expires_ms stay as they are if they are not given. Returns NULL, or the error text in
 * problem.
 */
const char *keyed_read(const struct dtype *type, struct name_list names, const char *text,
                       struct interval *box, uint64_t *timeout_ms, uint64_t *expires_ms,
                       char *problem, size_t text_size);

#endif
