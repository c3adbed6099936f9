// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tap on a cable: passes frames on and writes them to a file that tcpdump
 * and Wireshark read (pcap savefile format, version 2.4).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/net.h"
#include "backends/net_open.h"

#define MAGIC_NS	0xa1b23c4du	/* timestamps in nanoseconds */
#define LINK_ETHERNET	1

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_len, link;
};

struct record {
	uint32_t sec, ns, len, whole_len;
};

struct net_pcap {
	struct net_backend base;
	struct net_backend *inner;
	const struct net_receiver *receiver;
	void *opaque;
	FILE *file, *log;
	char *path;
};

static void record(struct net_pcap *p, const uint8_t *frame, size_t len)
{
	struct record r = { .len = len, .whole_len = len };
	struct timespec ts;

	if (!p->file)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	r.sec = ts.tv_sec;
	r.ns = ts.tv_nsec;
	if (fwrite(&r, sizeof(r), 1, p->file) == 1 &&
	    fwrite(frame, len, 1, p->file) == 1 && !fflush(p->file))
		return;
	fprintf(p->log, "umbra: %s: %s (the recording ends here)\n", p->path,
		strerror(errno));
	fclose(p->file);
	p->file = NULL;
}

static void pcap_send(struct net_backend *b, const uint8_t *frame, size_t len)
{
	struct net_pcap *p = (struct net_pcap *)b;

	record(p, frame, len);
	p->inner->ops->send(p->inner, frame, len);
}

static bool pcap_ready(void *opaque)
{
	struct net_pcap *p = opaque;

	return p->receiver->ready(p->opaque);
}

static void pcap_receive(void *opaque, const uint8_t *frame, size_t len)
{
	struct net_pcap *p = opaque;

	record(p, frame, len);
	p->receiver->receive(p->opaque, frame, len);
}

static void pcap_link(void *opaque, bool up)
{
	struct net_pcap *p = opaque;

	if (p->receiver->link)
		p->receiver->link(p->opaque, up);
}

static const struct net_receiver between = {
	pcap_ready, pcap_receive, pcap_link,
};

static void pcap_set_receiver(struct net_backend *b,
			      const struct net_receiver *r, void *opaque)
{
	struct net_pcap *p = (struct net_pcap *)b;

	p->receiver = r;
	p->opaque = opaque;
	p->inner->ops->set_receiver(p->inner, r ? &between : NULL, p);
}

static void pcap_resume(struct net_backend *b)
{
	struct net_pcap *p = (struct net_pcap *)b;

	p->inner->ops->resume(p->inner);
}

static void pcap_destroy(struct net_backend *b)
{
	struct net_pcap *p = (struct net_pcap *)b;

	p->inner->ops->destroy(p->inner);
	if (p->file)
		fclose(p->file);
	free(p->path);
	free(p);
}

static const struct net_ops pcap_ops = {
	"pcap", pcap_send, pcap_set_receiver, pcap_resume, pcap_destroy,
};

int net_pcap_wrap(struct net_backend **out, struct net_backend *inner,
		  const char *path, const struct net_open_args *args,
		  char *err, size_t errlen)
{
	const struct file_header h = { MAGIC_NS, 2, 4, 0, 0, NET_FRAME_MAX,
				       LINK_ETHERNET };
	struct net_pcap *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->base.ops = &pcap_ops;
	p->inner = inner;
	p->log = args->log;
	p->path = strdup(path);
	p->file = fopen(path, "we");
	if (!p->path || !p->file ||
	    fwrite(&h, sizeof(h), 1, p->file) != 1) {
		snprintf(err, errlen, "%s: %s (pcap)", path, strerror(errno));
		if (p->file)
			fclose(p->file);
		free(p->path);
		free(p);
		return -EIO;
	}
	*out = &p->base;
	return 0;
}
