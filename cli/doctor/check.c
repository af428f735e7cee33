/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks of the doctor, in the order of the report. See doctor.h.
 */
#include "doctor/doctor.h"

void doctor_check(const struct doctor_facts *f, struct doctor_report *out)
{
	out->len = 0;
	doctor_check_kernel(f, out);
	doctor_check_rules(f, out);
	doctor_check_net(f, out);
	doctor_check_daemon(f, out);
}
