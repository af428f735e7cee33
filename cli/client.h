/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the daemon's control socket: calls a method, receives the replies.
 */
#ifndef FINWALL_CLI_CLIENT_H
#define FINWALL_CLI_CLIENT_H

#include "cli.h"

#include <finwall/ctl_msg.h>

#include <stdbool.h>

struct client;

/* Connects. Returns NULL with errno set. */
struct client *client_open(const char *socket_path);

/*
 * Waits at most wait_msec until a daemon listens there, for one that is being started. Returns
 * false if none does; true also if there is one that this user may not use.
 */
bool client_wait(const char *socket_path, unsigned wait_msec);
void client_close(struct client *c);

/* The socket, for shutdown(2) by a signal handler. */
int client_fd(const struct client *c);

/*
 * Sends a call. A method name without a dot is one of org.finwall.Control. Takes ownership of
 * parameters, which may be NULL. Returns 0/-errno.
 */
int client_call(struct client *c, const char *method, json_t *parameters, enum ctl_more more);

/* Waits for the next reply. Returns 0/-errno; the caller releases *out with ctl_reply_fini(). */
int client_reply(struct client *c, struct ctl_reply *out);

/*
 * Connects, calls a method, and passes the parameters of each reply to the callback (NULL: none).
 * Prints errors. Stops when the callback does not return CLI_OK. Returns its last code.
 */
typedef enum cli_exit client_fn(void *ctx, const json_t *parameters);
enum cli_exit client_run(const struct cli *cli, const struct cli_command *cmd, const char *method,
                         json_t *parameters, enum ctl_more more, client_fn *each, void *ctx);

/*
 * As client_run(), but the elements of the array `member`, the first parameter of each reply, are
 * passed to the second callback, as text, and left out of the parameters. They are not parsed, so
 * that a large list costs little.
 */
typedef enum cli_exit client_element_fn(void *ctx, const char *text, size_t size);
enum cli_exit client_run_elements(const struct cli *cli, const struct cli_command *cmd,
                                  const char *method, json_t *parameters, enum ctl_more more,
                                  const char *member, client_fn *each, client_element_fn *element,
                                  void *ctx);

/* As client_run(), for a stream of replies: waits without a timeout; CLI_ENOUGH from the callback
 * ends it and is returned as CLI_OK. */
enum cli_exit client_follow(const struct cli *cli, const struct cli_command *cmd,
                            const char *method, json_t *parameters, client_fn *each, void *ctx);

/* A member of a reply: "?" for a text that is missing, 0 for a number. */
const char *client_text(const json_t *object, const char *name);
long long client_number(const json_t *object, const char *name);

#endif
