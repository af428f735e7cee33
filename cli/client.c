/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the control socket. See client.h.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* After this time without a reply the daemon is considered absent. */
#define REPLY_TIMEOUT_SEC 30

#define BUF_SIZE_FIRST 16384

/* client_wait() looks for the daemon this often. */
#define WAIT_STEP_MSEC 100

struct client {
	int fd;
	char *buf;
	size_t buf_used; /* bytes received */
	size_t buf_size;
};

static int socket_error(void);
static int connect_to(int fd, const char *socket_path);
static int send_all(int fd, const char *bytes, size_t size);
static enum cli_exit report_no_daemon(const struct cli *cli, const struct cli_command *cmd,
                                      int error);
static enum cli_exit report_error(const struct cli_command *cmd, const struct ctl_reply *reply);

struct client *client_open(const char *socket_path)
{
	const struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_SEC };
	struct client *c = calloc(1, sizeof(*c));
	int error;

	if (c == NULL) {
		return NULL;
	}
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	error = c->fd < 0 ? errno : 0;
	if (error == 0) {
		/* before connecting, which waits too if a daemon that hangs has many clients */
		setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		error = -connect_to(c->fd, socket_path);
	}
	if (error != 0) {
		client_close(c);
		errno = error;
		return NULL;
	}
	return c;
}

bool client_wait(const char *socket_path, unsigned wait_msec)
{
	for (unsigned waited = 0;; waited += WAIT_STEP_MSEC) {
		struct client *c = client_open(socket_path);
		int err = errno;

		client_close(c);
		if (c != NULL || (err != ENOENT && err != ECONNREFUSED)) {
			return true;
		}
		if (waited >= wait_msec) {
			return false;
		}
		(void)poll(NULL, 0, WAIT_STEP_MSEC);
	}
}

void client_close(struct client *c)
{
	if (c == NULL) {
		return;
	}
	if (c->fd >= 0) {
		close(c->fd);
	}
	free(c->buf);
	free(c);
}

int client_fd(const struct client *c)
{
	return c->fd;
}

int client_call(struct client *c, const char *method, json_t *parameters, enum ctl_more more)
{
	char name[128];
	size_t size;
	char *msg;
	int rc;

	snprintf(name, sizeof(name), "%s%s", strchr(method, '.') ? "" : CTL_INTERFACE ".", method);
	msg = ctl_encode_call(name, parameters, more, &size);
	if (msg == NULL) {
		return -ENOMEM;
	}
	rc = send_all(c->fd, msg, size);
	free(msg);
	return rc;
}

/* Receives a whole message, which is at c->buf until drop(). */
static int receive(struct client *c, size_t *msg_size)
{
	for (;;) {
		enum ctl_frame frame;
		ssize_t n;

		frame = ctl_frame_find(c->buf != NULL ? c->buf : "", c->buf_used,
		                       CTL_REPLY_SIZE_MAX, msg_size);
		if (frame == CTL_FRAME_TOO_LONG) {
			return -EMSGSIZE;
		}
		if (frame == CTL_FRAME_WHOLE) {
			return 0;
		}
		if (c->buf_used == c->buf_size) {
			size_t size = c->buf_size * 2 + BUF_SIZE_FIRST;
			char *buf = realloc(c->buf, size);

			if (buf == NULL) {
				return -ENOMEM;
			}
			c->buf = buf;
			c->buf_size = size;
		}
		n = recv(c->fd, c->buf + c->buf_used, c->buf_size - c->buf_used, 0);
		if (n == 0) {
			return -ECONNRESET;
		}
		if (n < 0 && errno != EINTR) {
			return socket_error();
		}
		c->buf_used += n > 0 ? (size_t)n : 0;
	}
}

/* Removes bytes of the buffer. */
static void drop(struct client *c, size_t at, size_t size)
{
	c->buf_used -= size;
	memmove(c->buf + at, c->buf + at + size, c->buf_used - at);
}

int client_reply(struct client *c, struct ctl_reply *out)
{
	size_t msg_size;
	int rc = receive(c, &msg_size);

	if (rc == 0) {
		rc = ctl_reply_parse(c->buf, msg_size, out);
		drop(c, 0, msg_size + 1);
	}
	return rc;
}

/* What is done with replies. */
struct handling {
	client_fn *each;            /* or NULL */
	const char *member;         /* the array whose elements are passed on as text, or NULL */
	client_element_fn *element; /* then */
	void *ctx;
};

/* Takes the elements out of the message before client_reply() reads it. */
static int take_elements(struct client *c, const struct handling *h, enum cli_exit *code)
{
	struct ctl_array array;
	size_t msg_size;
	int rc = receive(c, &msg_size);

	if (rc == 0 && ctl_array_find(c->buf, msg_size, h->member, &array)) {
		size_t at = array.at;
		size_t begin = at;
		size_t size;

		while (*code == CLI_OK && (size = ctl_array_next(c->buf, &array, &at)) > 0) {
			*code = h->element(h->ctx, c->buf + begin, size);
			begin = at;
		}
		drop(c, array.at, array.end - array.at);
	}
	return rc;
}

/* Closes c. c may be NULL: then errno is the cause. */
static enum cli_exit run(struct client *c, const struct cli *cli, const struct cli_command *cmd,
                         const char *method, json_t *parameters, enum ctl_more more,
                         const struct handling *h)
{
	enum cli_exit code = CLI_OK;
	bool continues = true;
	int rc;

	if (c == NULL) {
		json_decref(parameters);
		return report_no_daemon(cli, cmd, errno);
	}
	rc = client_call(c, method, parameters, more);
	if (rc == -EPIPE) {
		/* the daemon refused the connection: its reply, with the reason, can still be read
		 */
		rc = 0;
	}
	while (rc == 0 && continues && code == CLI_OK) {
		struct ctl_reply reply;

		rc = h->member != NULL ? take_elements(c, h, &code) : 0;
		if (rc == 0) {
			rc = client_reply(c, &reply);
		}
		if (rc < 0) {
			break;
		}
		continues = reply.continues;
		if (reply.error != NULL) {
			code = report_error(cmd, &reply);
		} else if (h->each != NULL && code == CLI_OK) {
			code = h->each(h->ctx, reply.parameters);
		}
		ctl_reply_fini(&reply);
	}
	client_close(c);
	return rc < 0 ? report_no_daemon(cli, cmd, -rc) : code;
}

enum cli_exit client_run(const struct cli *cli, const struct cli_command *cmd, const char *method,
                         json_t *parameters, enum ctl_more more, client_fn *each, void *ctx)
{
	const struct handling h = { .each = each, .ctx = ctx };

	return run(client_open(cli->socket_path), cli, cmd, method, parameters, more, &h);
}

enum cli_exit client_run_elements(const struct cli *cli, const struct cli_command *cmd,
                                  const char *method, json_t *parameters, enum ctl_more more,
                                  const char *member, client_fn *each, client_element_fn *element,
                                  void *ctx)
{
	const struct handling h = {
		.each = each, .member = member, .element = element, .ctx = ctx
	};

	return run(client_open(cli->socket_path), cli, cmd, method, parameters, more, &h);
}

enum cli_exit client_follow(const struct cli *cli, const struct cli_command *cmd,
                            const char *method, json_t *parameters, client_fn *each, void *ctx)
{
	const struct handling h = { .each = each, .ctx = ctx };
	const struct timeval no_timeout = { 0 };
	struct client *c = client_open(cli->socket_path);
	enum cli_exit code;

	if (c != NULL) {
		setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &no_timeout, sizeof(no_timeout));
	}
	code = run(c, cli, cmd, method, parameters, CTL_CONTINUES, &h);
	return code == CLI_ENOUGH ? CLI_OK : code;
}

/* Of a call on the socket, which has time limits. */
static int socket_error(void)
{
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int connect_to(int fd, const char *socket_path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(socket_path) >= sizeof(addr.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(addr.sun_path, socket_path, strlen(socket_path));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		return socket_error();
	}
	return 0;
}

static int send_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			return socket_error();
		}
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static enum cli_exit report_no_daemon(const struct cli *cli, const struct cli_command *cmd,
                                      int error)
{
	const char *why = strerror(error);

	if (error == EACCES || error == EPERM) {
		return cli_refuse(cmd, "%s: %s: run as root", cli->socket_path, why);
	}
	if (error == ENOENT || error == ECONNREFUSED) {
		why = "no daemon is running";
	} else if (error == ECONNRESET || error == EPIPE) {
		why = "the daemon closed the connection";
	} else if (error == ETIMEDOUT) {
		why = "no reply from the daemon";
	} else if (error == EBADMSG || error == EMSGSIZE) {
		why = "invalid reply";
	}
	fprintf(stderr, "finwall %s: %s: %s\n", cmd->name, cli->socket_path, why);
	return CLI_NO_DAEMON;
}

/* The daemon describes an error in "message"; other services may only give its name. */
static enum cli_exit report_error(const struct cli_command *cmd, const struct ctl_reply *reply)
{
	const char *message = json_string_value(json_object_get(reply->parameters, "message"));
	const char *parameter = json_string_value(json_object_get(reply->parameters, "parameter"));
	size_t size;

	if (strcmp(reply->error, "org.varlink.service.InvalidParameter") == 0 &&
	    parameter != NULL) {
		return cli_usage(cmd, "missing or invalid %s", parameter);
	}
	if (strcmp(reply->error, "org.varlink.service.PermissionDenied") == 0) {
		return cli_refuse(cmd, "permission denied: run as root");
	}
	if (message == NULL) {
		return cli_refuse(cmd, "refused: %s", reply->error);
	}
	size = strlen(message);
	while (size > 0 && message[size - 1] == '\n') {
		size--;
	}
	return cli_refuse(cmd, "%.*s", (int)size, message);
}

const char *client_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "?";
}

long long client_number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}
