// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HAVE_JANSSON: jansson was there at build time.
 *
 * A client must send qmp_capabilities first; until then it gets no events and
 * may use no other command.
 */
#include "tools/lib/qmp.h"

#include <errno.h>
#include <stdio.h>

#ifndef HAVE_JANSSON

int qmp_create(struct qmp **out, struct monitor *m, struct loop *loop,
	       const char *spec, char *err, size_t err_len)
{
	snprintf(err, err_len, "qmp: built without jansson (install "
		 "libjansson-dev and build again)");
	return -ENOTSUP;
}

void qmp_destroy(struct qmp *q)
{
}

#else

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/block_queue.h"
#include "backends/stream.h"
#include "hypervisor/vm.h"
#include "tools/lib/monitor.h"

#define CLIENTS		4
#define INPUT_MAX	65536u	/* bytes of one command */

struct qmp {
	struct stream_server *server;
	struct monitor *monitor;
	struct client *clients;
};

struct client {
	struct client *next;
	struct stream_conn *conn;
	bool ready;		/* capabilities are negotiated */
	char in[INPUT_MAX];
	size_t len;
};

/* Take over @j. */
static void send_json(struct stream_conn *c, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	if (text) {
		stream_send(c, text, strlen(text));
		stream_send(c, "\r\n", 2);
	}
	free(text);
	json_decref(j);
}

/*
 * Commands.  Each returns what goes into "return", or NULL with *desc set.
 */

static json_t *cmd_capabilities(struct qmp *q, json_t *args, const char **desc)
{
	return json_object();
}

static json_t *cmd_status(struct qmp *q, json_t *args, const char **desc)
{
	bool paused = q->monitor->paused;

	return json_pack("{s:b,s:b,s:s}", "running", !paused, "singlestep", 0,
			 "status", paused ? "paused" : "running");
}

static json_t *version(void)
{
	return json_pack("{s:{s:i,s:i,s:i},s:s}", "qemu", "major", 7,
			 "minor", 2, "micro", 0, "package", "umbra");
}

static json_t *cmd_version(struct qmp *q, json_t *args, const char **desc)
{
	return version();
}

static json_t *cmd_commands(struct qmp *q, json_t *args, const char **desc);

static json_t *cmd_block(struct qmp *q, json_t *args, const char **desc)
{
	json_t *list = json_array();
	struct monitor_block b;

	for (unsigned n = 0; q->monitor->block && q->monitor->block(n, &b);
	     n++) {
		json_t *e = json_pack("{s:s,s:b,s:b,s:s}", "device", b.name,
				      "locked", 0, "removable", b.removable,
				      "type", "unknown");

		if (b.file)
			json_object_set_new(e, "inserted", json_pack(
				"{s:s,s:b,s:s,s:b,s:{s:s,s:s,s:I}}",
				"file", b.file, "ro", b.read_only, "drv",
				b.format, "encrypted", 0, "image", "filename",
				b.file, "format", b.format, "virtual-size",
				(json_int_t)b.size));
		json_array_append_new(list, e);
	}
	return list;
}

static json_t *cmd_stop(struct qmp *q, json_t *args, const char **desc)
{
	monitor_stop(q->monitor);
	return json_object();
}

static json_t *cmd_cont(struct qmp *q, json_t *args, const char **desc)
{
	monitor_cont(q->monitor);
	return json_object();
}

/* Those that are the monitor's under the same name. */
static json_t *run_monitor(struct qmp *q, const char *line)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *j;

	if (!out)
		return NULL;
	monitor_command(q->monitor, line, out);
	fclose(out);
	j = json_stringn_nocheck(text, len);
	free(text);
	return j;
}

static json_t *plain(struct qmp *q, const char *line)
{
	json_decref(run_monitor(q, line));
	return json_object();
}

static json_t *cmd_reset(struct qmp *q, json_t *args, const char **desc)
{
	return plain(q, "system_reset");
}

static json_t *cmd_powerdown(struct qmp *q, json_t *args, const char **desc)
{
	return plain(q, "system_powerdown");
}

static json_t *cmd_quit(struct qmp *q, json_t *args, const char **desc)
{
	return plain(q, "quit");
}

static json_t *cmd_screendump(struct qmp *q, json_t *args, const char **desc)
{
	static char err[MONITOR_LINE];	/* for *desc; the loop's thread */
	const char *file = json_string_value(json_object_get(args,
							     "filename"));

	*desc = "Parameter 'filename' is missing";
	if (!file)
		return NULL;
	*desc = "There is no screen";
	if (!q->monitor->screendump)
		return NULL;
	*desc = err;
	return q->monitor->screendump(file, err) ? NULL : json_object();
}

/* Keys as QEMU has them: [{"type": "qcode", "data": "a"}, ...]. */
static json_t *cmd_send_key(struct qmp *q, json_t *args, const char **desc)
{
	json_t *keys = json_object_get(args, "keys"), *k;
	char line[200] = "sendkey ";
	size_t i;

	json_array_foreach(keys, i, k) {
		const char *name = json_string_value(json_object_get(k,
								     "data"));

		if (!name || strlen(line) + strlen(name) + 2 > sizeof(line)) {
			*desc = "Invalid parameter 'keys'";
			return NULL;
		}
		if (i)
			strcat(line, "-");
		strcat(line, name);
	}
	if (!json_array_size(keys)) {
		*desc = "Parameter 'keys' is missing";
		return NULL;
	}
	return plain(q, line);
}

static json_t *cmd_human(struct qmp *q, json_t *args, const char **desc)
{
	const char *line = json_string_value(json_object_get(args,
							     "command-line"));

	if (line)
		return run_monitor(q, line);
	*desc = "Parameter 'command-line' is missing";
	return NULL;
}

static const struct command {
	const char *name;
	json_t *(*fn)(struct qmp *q, json_t *args, const char **desc);
} commands[] = {
	{ "qmp_capabilities", cmd_capabilities },
	{ "query-status", cmd_status },
	{ "query-version", cmd_version },
	{ "query-commands", cmd_commands },
	{ "query-block", cmd_block },
	{ "stop", cmd_stop },
	{ "cont", cmd_cont },
	{ "system_reset", cmd_reset },
	{ "system_powerdown", cmd_powerdown },
	{ "quit", cmd_quit },
	{ "screendump", cmd_screendump },
	{ "send-key", cmd_send_key },
	{ "human-monitor-command", cmd_human },
};

static json_t *cmd_commands(struct qmp *q, json_t *args, const char **desc)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		json_array_append_new(list, json_pack("{s:s}", "name",
						      commands[i].name));
	return list;
}

static const struct command *find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static json_t *error(const char *class, const char *desc)
{
	return json_pack("{s:{s:s,s:s}}", "error", "class", class, "desc",
			 desc);
}

/* One command; the answer is a new object. */
static json_t *execute(struct qmp *q, struct client *k, json_t *j)
{
	const char *name = json_string_value(json_object_get(j, "execute"));
	const struct command *c = name ? find(name) : NULL;
	const char *desc = "out of memory";
	json_t *ret;

	if (!name)
		return error("GenericError", "QMP input lacks member "
			     "'execute'");
	if (c && !k->ready != (c->fn == cmd_capabilities))
		c = NULL;
	if (!c)
		return error("CommandNotFound", k->ready ?
			     "The command is not known" :
			     "Expecting capabilities negotiation with "
			     "'qmp_capabilities'");
	ret = c->fn(q, json_object_get(j, "arguments"), &desc);
	if (!ret)
		return error("GenericError", desc);
	if (c->fn == cmd_capabilities)
		k->ready = true;
	return json_pack("{s:o}", "return", ret);
}

static void answer(struct qmp *q, struct client *k, json_t *j)
{
	json_t *a = execute(q, k, j), *id = json_object_get(j, "id");

	if (id)
		json_object_set(a, "id", id);
	send_json(k->conn, a);
}

/*
 * Events.
 */

static void event(struct qmp *q, const char *name, json_t *data)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	for (struct client *k = q->clients; k; k = k->next) {
		json_t *j;

		if (!k->ready)
			continue;
		j = json_pack("{s:{s:I,s:I},s:s}", "timestamp", "seconds",
			      (json_int_t)t.tv_sec, "microseconds",
			      (json_int_t)t.tv_nsec / 1000, "event", name);
		if (data)
			json_object_set(j, "data", data);
		send_json(k->conn, j);
	}
	json_decref(data);
}

static void on_change(void *opaque, bool paused)
{
	event(opaque, paused ? "STOP" : "RESUME", NULL);
}

static void on_vm_event(void *opaque, enum vm_event ev)
{
	if (ev == VM_EVENT_POWERDOWN)
		event(opaque, "POWERDOWN", NULL);
	else
		event(opaque, "RESET", json_pack("{s:b,s:s}", "guest", 1,
						 "reason", "guest-reset"));
}

/*
 * Connections.
 */

static void on_open(void *opaque, struct stream_conn *c)
{
	struct client *k = calloc(1, sizeof(*k));
	struct qmp *q = opaque;

	stream_set_user(c, k);
	if (!k) {
		stream_close(c);
		return;
	}
	k->conn = c;
	k->next = q->clients;
	q->clients = k;
	send_json(c, json_pack("{s:{s:o,s:[]}}", "QMP", "version", version(),
			       "capabilities"));
}

/* One value from the front of the input.  False: it is not whole yet. */
static bool take(struct qmp *q, struct client *k)
{
	size_t skip = strspn(k->in, " \t\r\n");
	json_error_t why;
	json_t *j;

	if (skip == k->len)
		return k->len = 0, false;
	j = json_loadb(k->in + skip, k->len - skip, JSON_DISABLE_EOF_CHECK,
		       &why);
	if (j) {
		skip += why.position;
		k->len -= skip;
		memmove(k->in, k->in + skip, k->len + 1);
		answer(q, k, j);
		json_decref(j);
		return true;
	}
	if (json_error_code(&why) == json_error_premature_end_of_input)
		return false;
	send_json(k->conn, error("GenericError", "JSON parse error"));
	k->len = 0;
	return false;
}

static void on_input(void *opaque, struct stream_conn *c, const uint8_t *buf,
		     size_t len)
{
	struct client *k = stream_user(c);

	if (len > sizeof(k->in) - 1 - k->len) {
		send_json(c, error("GenericError", "the command is too long"));
		stream_close(c);
		return;
	}
	memcpy(k->in + k->len, buf, len);
	k->len += len;
	k->in[k->len] = '\0';
	while (take(opaque, k))
		;
}

static void on_close(void *opaque, struct stream_conn *c)
{
	struct client **p = &((struct qmp *)opaque)->clients;

	while (*p && (*p)->conn != c)
		p = &(*p)->next;
	if (*p)
		*p = (*p)->next;
	free(stream_user(c));
}

int qmp_create(struct qmp **out, struct monitor *m, struct loop *loop,
	       const char *spec, char *err, size_t err_len)
{
	static const struct stream_ops ops = { on_open, on_input, on_close };
	struct qmp *q = calloc(1, sizeof(*q));
	int ret;

	*out = NULL;
	if (!q)
		return -ENOMEM;
	q->monitor = m;
	ret = stream_listen(&q->server, loop, spec, CLIENTS, &ops, q, err,
			    err_len);
	if (ret) {
		free(q);
		return ret;
	}
	monitor_observe(m, on_change, q);
	vm_set_observer(m->vm, on_vm_event, q);
	*out = q;
	return 0;
}

void qmp_destroy(struct qmp *q)
{
	if (!q)
		return;
	event(q, "SHUTDOWN", json_pack("{s:b,s:s}", "guest",
		vm_stopped(q->monitor->vm) != VM_STOP_QUIT, "reason",
		vm_stopped(q->monitor->vm) == VM_STOP_QUIT ?
		"host-qmp-quit" : "guest-shutdown"));
	stream_server_destroy(q->server);
	free(q);
}

#endif
