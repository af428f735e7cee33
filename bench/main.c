/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench: the command line. One file per subcommand.
 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct bench_options opt = { .runs = 7, .flows_max = 10000000, .packets = 500000 };
	struct report report = { 0 };
	int c;
	while ((c = getopt(argc, argv, "r:o:f:p:")) != -1) {
		switch (c) {
		case 'r': opt.runs = (unsigned)atoi(optarg); break;
		case 'o': opt.only = optarg; break;
		case 'f': opt.flows_max = (unsigned)atoi(optarg); break;
		case 'p': opt.packets = (unsigned)atoi(optarg); break;
		}
	}
	c = cmd_engine(&opt, &report);
	report_finish(&report);
	report_print(&report);
	report_free(&report);
	return c;
}
