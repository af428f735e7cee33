/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line's end of the control socket: asks the daemon, waits for the answer.
 */
#ifndef FINWALL_CLI_CLIENT_H
#define FINWALL_CLI_CLIENT_H

#include "cli.h"

#include <finwall/ctl_msg.h>

struct client;

/* Connects. Returns NULL with errno set. */
struct client *client_open(const char *socket_path);
void client_close(struct client *c);

/*
 * Sends a call of org.finwall.Control (a method with a dot in it: of another interface). parameters
 * may be NULL and is taken over. Returns 0/-errno.
 */
int client_call(struct client *c, const char *method, json_t *parameters, enum ctl_more more);

/* Waits for the next reply. Returns 0 or -errno; the caller ends *out with ctl_reply_fini(). */
int client_reply(struct client *c, struct ctl_reply *out);

/*
 * A whole conversation with its messages for people: connects, asks, and gives every reply's
 * parameters to the callback, which may be NULL. The callback's first code that is not CLI_OK ends
 * it and is returned.
 */
typedef enum cli_exit client_fn(void *ctx, const json_t *parameters);
enum cli_exit client_ask(const struct cli *cli, const struct cli_command *cmd, const char *method,
                         json_t *parameters, enum ctl_more more, client_fn *each, void *ctx);

/* The same for replies that come when something happens: waits for ever, and is well ended by
 * CLI_ENOUGH. */
enum cli_exit client_follow(const struct cli *cli, const struct cli_command *cmd,
                            const char *method, json_t *parameters, client_fn *each, void *ctx);

#endif
