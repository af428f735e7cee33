/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages and their attributes. See attr.h. */
#include "attr.h"

#include <linux/netlink.h>
#include <string.h>

/* The largest errno of the kernel (MAX_ERRNO). */
#define ERRNO_MAX 4095

bool nl_msg_next(struct cursor *datagram, struct nl_msg *out)
{
	struct nlmsghdr nlh;
	size_t step;

	if (cursor_left(datagram) < sizeof(nlh)) {
		datagram->at = datagram->end;
		return false;
	}
	memcpy(&nlh, datagram->at, sizeof(nlh));
	if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len > cursor_left(datagram)) {
		datagram->at = datagram->end;
		return false;
	}
	*out = (struct nl_msg){
		.type = nlh.nlmsg_type,
		.flags = nlh.nlmsg_flags,
		.seq = nlh.nlmsg_seq,
		.body = { datagram->at + sizeof(nlh), datagram->at + nlh.nlmsg_len },
	};
	step = NLMSG_ALIGN((size_t)nlh.nlmsg_len);
	datagram->at = step < cursor_left(datagram) ? datagram->at + step : datagram->end;
	return true;
}

int nl_msg_errno(const struct nl_msg *m)
{
	int32_t error = 0;

	if (cursor_left(&m->body) >= sizeof(error)) {
		memcpy(&error, m->body.at, sizeof(error));
	}
	return error < 0 && error >= -ERRNO_MAX ? -error : 0;
}

bool attr_each(struct cursor list, attr_fn *take, void *out)
{
	while (cursor_left(&list) > 0) {
		struct nlattr nla;
		size_t step;

		if (cursor_left(&list) < sizeof(nla)) {
			return false;
		}
		memcpy(&nla, list.at, sizeof(nla));
		if (nla.nla_len < sizeof(nla) || nla.nla_len > cursor_left(&list)) {
			return false;
		}
		if (!take(nla.nla_type & NLA_TYPE_MASK,
		          (struct cursor){ list.at + sizeof(nla), list.at + nla.nla_len }, out)) {
			return false;
		}
		step = NLA_ALIGN((size_t)nla.nla_len);
		list.at = step < cursor_left(&list) ? list.at + step : list.end;
	}
	return true;
}

bool attr_u8(struct cursor value, uint8_t *out)
{
	return cursor_left(&value) == sizeof(*out) && rd_u8(&value, out);
}

bool attr_be16(struct cursor value, uint16_t *out)
{
	return cursor_left(&value) == sizeof(*out) && rd_be16(&value, out);
}

bool attr_be32(struct cursor value, uint32_t *out)
{
	return cursor_left(&value) == sizeof(*out) && rd_be32(&value, out);
}

bool attr_text(struct cursor value, char *out, size_t size)
{
	const size_t left = cursor_left(&value);
	const uint8_t *end = left > 0 ? memchr(value.at, 0, left) : NULL;
	size_t kept;

	if (end == NULL) {
		return false;
	}
	kept = (size_t)(end - value.at);
	kept = kept < size ? kept : size - 1;
	memcpy(out, value.at, kept);
	out[kept] = '\0';
	return true;
}
