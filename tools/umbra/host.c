// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra host: what this host can do, one line for each fact, or as JSON.
 *
 * Both come from one walk over the facts; a struct printer is the difference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_JANSSON
#include <jansson.h>
#endif

#include "hypervisor/host.h"
#include "hypervisor/modes.h"
#include "tools/umbra/cmd.h"

/* One fact.  @key for programs, @label for people. */
struct printer {
	void (*text)(struct printer *p, const char *key, const char *label,
		     const char *val);
	void (*number)(struct printer *p, const char *key, const char *label,
		       uint64_t val);
	void (*answer)(struct printer *p, const char *key, const char *label,
		       enum host_answer val);
	void (*probe)(struct printer *p, enum host_probe probe,
		      const struct host_probe_state *s);
	/* c->engine NULL: no engine can, c->why says why not. */
	void (*choice)(struct printer *p, enum guest_kind kind,
		       const struct mode_choice *c);
	void *opaque;
};

static const char *const answers[] = { "unknown", "no", "yes" };

static enum host_answer yes_if(bool b)
{
	return b ? HOST_YES : HOST_NO;
}

/*
 * The facts.
 */

static void show_kvm(struct printer *p, const struct host_kvm *k)
{
	p->text(p, "kvm_device", "KVM device", host_kvm_device());
	p->text(p, "kvm", "KVM", host_kvm_state_name(k->state));
	if (*k->why)
		p->text(p, "kvm_reason", "KVM is not usable", k->why);
	if (k->api_version)
		p->number(p, "kvm_api_version", "KVM API version",
			  k->api_version);
}

static void show_kvm_details(struct printer *p, const struct host_kvm *k)
{
	p->answer(p, "nested_paging", "EPT or NPT (hwMMU)", k->hw_mmu);
	p->answer(p, "unrestricted_guest", "unrestricted guest",
		  k->unrestricted);
	p->answer(p, "in_kernel_irqchip", "in-kernel irqchip", k->irqchip);
	p->answer(p, "tsc_offset", "guest TSC has an offset", k->tsc_offset);
	for (unsigned i = 0; i < HOST_PROBE_COUNT; i++)
		p->probe(p, i, &k->probe[i]);
	p->number(p, "probe_us", "probing took, us", k->probe_us);
}

static void show_processor(struct printer *p, const struct host_caps *c)
{
	p->text(p, "hardware", "hardware assist", c->hardware);
	p->answer(p, "bmi2", "BMI2", yes_if(c->bmi2));
	p->answer(p, "fsgsbase", "FSGSBASE", yes_if(c->fsgsbase));
	p->answer(p, "pku", "PKU", yes_if(c->pku));
}

static void show_limits(struct printer *p, const struct host_caps *c)
{
	p->number(p, "max_map_count", "vm.max_map_count", c->max_map_count);
	p->answer(p, "memfd_huge_pages", "memfd huge pages",
		  yes_if(c->memfd_huge));
}

static void show_choice(struct printer *p, const struct host_caps *caps,
			enum guest_kind kind)
{
	const struct mode_request req = { .engine = ENGINE_AUTO };
	char err[MODE_TEXT_LEN];
	struct mode_choice c;

	if (mode_choose(caps, &req, kind, &c, err)) {
		c.engine = NULL;
		snprintf(c.why, sizeof(c.why), "%s", err);
	}
	p->choice(p, kind, &c);
}

static void show_all(struct printer *p, const struct host_caps *c)
{
	show_kvm(p, &c->kvm);
	show_processor(p, c);
	if (c->kvm.state == HOST_KVM_USABLE)
		show_kvm_details(p, &c->kvm);
	show_limits(p, c);
	show_choice(p, c, GUEST_32);
	show_choice(p, c, GUEST_64);
}

/*
 * For people.
 */

#define LABEL	"%-28s "

static void plain_text(struct printer *p, const char *key, const char *label,
		       const char *val)
{
	printf(LABEL "%s\n", label, val);
}

static void plain_number(struct printer *p, const char *key,
			 const char *label, uint64_t val)
{
	printf(LABEL "%llu\n", label, (unsigned long long)val);
}

static void plain_answer(struct printer *p, const char *key,
			 const char *label, enum host_answer val)
{
	plain_text(p, key, label, answers[val]);
}

static void plain_probe(struct printer *p, enum host_probe probe,
			const struct host_probe_state *s)
{
	printf(LABEL "%s", host_probe_text(probe),
	       host_probe_result_name(s->result));
	if (*s->why)
		printf(": %s", s->why);
	if (host_probe_emulated(s))
		printf(" (emulated: %u ns an instruction)", s->insn_ns);
	putchar('\n');
}

static void plain_choice(struct printer *p, enum guest_kind kind,
			 const struct mode_choice *c)
{
	char label[40];

	snprintf(label, sizeof(label), "modes for a %s", mode_guest_name(kind));
	printf(LABEL, label);
	for (unsigned i = 0; i < c->allowed.n; i++)
		printf("%s%s", i ? " " : "",
		       mode_name(c->allowed.mode[i], c->bt32));
	printf("%s\n", c->allowed.n ? "" : "none");
	snprintf(label, sizeof(label), "auto for a %s", mode_guest_name(kind));
	printf(LABEL "%s (%s)\n", label, c->engine ? c->engine : "none",
	       c->why);
}

static int print_plain(const struct host_caps *c)
{
	struct printer p = {
		.text = plain_text, .number = plain_number,
		.answer = plain_answer, .probe = plain_probe,
		.choice = plain_choice,
	};

	show_all(&p, c);
	return 0;
}

/*
 * For programs: an object; answers are true, false or null.
 */

#ifdef HAVE_JANSSON

static void add(struct printer *p, const char *key, json_t *val)
{
	if (json_object_set_new(p->opaque, key, val))
		die("host: out of memory");
}

static void json_text(struct printer *p, const char *key, const char *label,
		      const char *val)
{
	add(p, key, json_string(val));
}

static void json_number(struct printer *p, const char *key, const char *label,
			uint64_t val)
{
	add(p, key, json_integer(val));
}

static void json_answer(struct printer *p, const char *key, const char *label,
			enum host_answer val)
{
	add(p, key, val == HOST_UNKNOWN ? json_null() :
		    json_boolean(val == HOST_YES));
}

static void json_probe(struct printer *p, enum host_probe probe,
		       const struct host_probe_state *s)
{
	json_t *o = json_pack("{s:s, s:b, s:i}", "result",
			      host_probe_result_name(s->result), "emulated",
			      (int)host_probe_emulated(s), "insn_ns",
			      (int)s->insn_ns);

	if (o && *s->why)
		json_object_set_new(o, "reason", json_string(s->why));
	add(p, host_probe_key(probe), o);
}

static void json_choice(struct printer *p, enum guest_kind kind,
			const struct mode_choice *c)
{
	json_t *modes = json_array();

	for (unsigned i = 0; i < c->allowed.n; i++)
		json_array_append_new(modes,
			json_string(mode_name(c->allowed.mode[i], c->bt32)));
	add(p, kind == GUEST_64 ? "guest64" : "guest32",
	    json_pack("{s:o, s:s?, s:s}", "modes", modes,
		      "auto_engine", c->engine, "reason", c->why));
}

static int print_json(const struct host_caps *c)
{
	struct printer p = {
		.text = json_text, .number = json_number,
		.answer = json_answer, .probe = json_probe,
		.choice = json_choice,
		.opaque = json_object(),
	};
	int ret;

	show_all(&p, c);
	ret = json_dumpf(p.opaque, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(p.opaque);
	return ret ? STATUS_ERROR : 0;
}

#else

static int print_json(const struct host_caps *c)
{
	die("host: --json: built without jansson (install libjansson-dev and "
	    "build again)");
}

#endif

int cmd_host(int argc, char **argv)
{
	int (*print)(const struct host_caps *c) = print_plain;

	if (argc == 1 && !strcmp(argv[0], "--json"))
		print = print_json;
	else if (argc == 1 && !strcmp(argv[0], "--help"))
		return puts("usage: umbra host [--json]") < 0;
	else if (argc)
		die("host: %s: unknown option (--json is one)", argv[0]);
	return print(host_caps());
}
