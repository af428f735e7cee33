/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVG elements. Coordinates have one decimal, which is a tenth of a pixel.
 */
#include "chart/svg.h"

static const char *const anchors[] = {
	[SVG_START] = "start",
	[SVG_MIDDLE] = "middle",
	[SVG_END] = "end",
};

void svg_begin(FILE *to, enum svg_kind kind, double width, double height, const char *title)
{
	fputs("<svg", to);
	if (kind == SVG_FILE) {
		fprintf(to, " xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\"",
		        width, height);
	}
	fprintf(to, " viewBox=\"0 0 %g %g\" role=\"img\"><title>", width, height);
	svg_escape(to, title);
	fputs("</title>\n", to);
}

void svg_end(FILE *to)
{
	fputs("</svg>\n", to);
}

void svg_text(FILE *to, const char *class_name, enum svg_anchor anchor, double x, double y,
              const char *text)
{
	fprintf(to, "<text class=\"%s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">", class_name,
	        anchors[anchor], x, y);
	svg_escape(to, text);
	fputs("</text>\n", to);
}

static void put_width(FILE *to, double width)
{
	if (width > 0) {
		fprintf(to, " style=\"stroke-width:%.1f\"", width);
	}
}

void svg_line(FILE *to, const char *class_name, double width, double x1, double y1, double x2,
              double y2)
{
	fprintf(to, "<line class=\"%s\"", class_name);
	put_width(to, width);
	fprintf(to, " x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x1, y1, x2, y2);
}

void svg_rect(FILE *to, const char *class_name, double x, double y, double width, double height)
{
	fprintf(to, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
	        class_name, x, y, width, height);
}

void svg_dot(FILE *to, const char *class_name, double x, double y, const char *tooltip)
{
	fprintf(to, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>", class_name, x,
	        y);
	svg_escape(to, tooltip);
	fputs("</title></circle>\n", to);
}

void svg_polyline_begin(FILE *to, const char *class_name, double width)
{
	fprintf(to, "<polyline class=\"%s\"", class_name);
	put_width(to, width);
	fputs(" points=\"", to);
}

void svg_polyline_to(FILE *to, double x, double y)
{
	fprintf(to, "%.1f,%.1f ", x, y);
}

void svg_polyline_end(FILE *to)
{
	fputs("\"/>\n", to);
}

void svg_escape(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text >= ' ' && *text <= '~' ? *text : '?', to);
		}
	}
}
