#include "bench.h"
enum bench_exit cmd_latency(const struct bench_options *opt, struct report *report)
{
	(void)opt;
	(void)report;
	return 0;
}
