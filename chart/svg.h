/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes SVG elements and escapes text for SVG, XML and HTML. Knows no chart and no colour: each
 * element has a class, and the style sheet of the page or of the file gives it its look.
 */
#ifndef FINWALL_CHART_SVG_H
#define FINWALL_CHART_SVG_H

#include <stdio.h>

enum svg_kind {
	SVG_INLINE, /* part of an HTML page, which scales it */
	SVG_FILE,   /* a document of its own */
};

enum svg_anchor {
	SVG_START,
	SVG_MIDDLE,
	SVG_END,
};

/* Opens and closes a drawing of width x height units, one unit a pixel in a file. */
void svg_begin(FILE *to, enum svg_kind kind, double width, double height, const char *title);
void svg_end(FILE *to);

/* Text at a point of its baseline; anchor selects the point. The text is escaped. */
void svg_text(FILE *to, const char *class_name, enum svg_anchor anchor, double x, double y,
              const char *text);

/* width in units; 0 = that of the class. */
void svg_line(FILE *to, const char *class_name, double width, double x1, double y1, double x2,
              double y2);

void svg_rect(FILE *to, const char *class_name, double x, double y, double width, double height);

/* A point with a tooltip. The text is escaped. */
void svg_dot(FILE *to, const char *class_name, double x, double y, const char *tooltip);

/* A line through points: svg_polyline_end() after the last svg_polyline_to(). Width as in
 * svg_line(). */
void svg_polyline_begin(FILE *to, const char *class_name, double width);
void svg_polyline_to(FILE *to, double x, double y);
void svg_polyline_end(FILE *to);

/*
 * Writes text with markup characters escaped. Everything but printable ASCII becomes "?", so that
 * the document is well-formed whatever the text is.
 */
void svg_escape(FILE *to, const char *text);

#endif
