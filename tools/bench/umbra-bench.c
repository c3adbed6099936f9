// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra-bench: one static 32-bit program that bench.py runs natively, in an
 * Umbra guest and in a TCG guest.
 *
 *   umbra-bench --list                     rows, kinds, default counts
 *   umbra-bench ROW|all [--iters N] [--repeat N]
 *
 * Every repeat prints "row<TAB>ns per operation<TAB>iterations<TAB>checksum".
 * "#begin<TAB>row" comes before the first repeat and "#end<TAB>row<TAB>ns"
 * after the last, with the time between them by this system's own clock; who
 * watches the output from outside can compare that with his.
 *
 * As process 1 (rdinit=/bin/umbra-bench) it runs the rows named in the
 * environment variable BENCH_ROWS ("row[:iters],..."), which the kernel makes
 * out of its command line, each in a process of its own; then powers off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/bench.h"

/* umbra-bench-io is this driver with other rows. */
#ifndef BENCH_ROWS_DEF
#define BENCH_ROWS_DEF "tools/bench/rows.def"
#endif

#define REPEAT_DEFAULT	5
#define REPEAT_MAX	100
#define WARMUP_SHARE	10	/* 1/10 of the iterations, untimed */
#define INIT_SELF	"/bin/umbra-bench"

enum bench_kind { COMPUTE, OS, DISK, NET };

static const char *const kind_name[] = { "compute", "os", "disk", "net" };

static const struct bench_row {
	const char *name;
	enum bench_kind kind;
	unsigned iters;
	void (*prepare)(void);
	uint32_t (*run)(unsigned iters);
	const char *what;
} bench_rows[] = {
#define ROW(name, kind, iters, prepare, run, what) \
	{ #name, kind, iters, prepare, run, what },
#include BENCH_ROWS_DEF
#undef ROW
};

#define N_ROWS (sizeof(bench_rows) / sizeof(bench_rows[0]))

struct bench_result {
	uint64_t ns;
	uint32_t checksum;
};

const char *bench_self;

static uint64_t paused_ns, pause_start;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

void clock_pause(void)
{
	pause_start = now_ns();
}

void clock_resume(void)
{
	paused_ns += now_ns() - pause_start;
}

void bench_fail(const char *what)
{
	fprintf(stderr, "umbra-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Out of the program and, on a serial line, out of the kernel too. */
static void flush_out(void)
{
	fflush(stdout);
	if (isatty(STDOUT_FILENO))
		tcdrain(STDOUT_FILENO);
}

static struct bench_result measure_once(const struct bench_row *row,
					unsigned iters)
{
	struct bench_result r;
	uint64_t start;

	paused_ns = 0;
	start = now_ns();
	r.checksum = row->run(iters);
	r.ns = now_ns() - start - paused_ns;
	return r;
}

static void row_run(const struct bench_row *row, unsigned iters,
		    unsigned repeat)
{
	struct bench_result result[REPEAT_MAX];
	uint64_t start;

	row->prepare();
	row->run(iters / WARMUP_SHARE + 1);
	printf("#begin\t%s\n", row->name);
	flush_out();
	start = now_ns();
	for (unsigned i = 0; i < repeat; i++)
		result[i] = measure_once(row, iters);
	printf("#end\t%s\t%llu\n", row->name,
	       (unsigned long long)(now_ns() - start));
	flush_out();
	for (unsigned i = 0; i < repeat; i++) {
		unsigned long long ps = result[i].ns * 1000 / iters;

		printf("%s\t%llu.%03llu\t%u\t%08x\n", row->name, ps / 1000,
		       ps % 1000, iters, result[i].checksum);
	}
	flush_out();
}

static const struct bench_row *row_find(const char *name)
{
	for (unsigned i = 0; i < N_ROWS; i++)
		if (!strcmp(bench_rows[i].name, name))
			return &bench_rows[i];
	return NULL;
}

/* Run @argv in a child of its own; its wait status. */
static int spawn_wait(char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid < 0)
		bench_fail("fork");
	if (!pid) {
		execv(bench_self, argv);
		bench_fail(bench_self);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Rows do not see each other's memory: one process each. */
static int row_spawn(const char *name, const char *iters, const char *repeat)
{
	char *argv[] = { (char *)bench_self, (char *)name,
			 (char *)"--repeat", (char *)repeat,
			 iters ? (char *)"--iters" : NULL, (char *)iters,
			 NULL };
	int status = spawn_wait(argv);

	if (status)
		printf("#fail\t%s\t%#x\n", name, status);
	flush_out();
	return status;
}

static void print_clocksource(void)
{
	static const char path[] = "/sys/devices/system/clocksource/"
				   "clocksource0/current_clocksource";
	char name[64] = "unknown\n";
	FILE *f;

	mkdir("/sys", 0755);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	f = fopen(path, "r");
	if (f) {
		if (!fgets(name, sizeof(name), f))
			strcpy(name, "unknown\n");
		fclose(f);
	}
	printf("#clock\t%s", name);
}

static void init_main(void)
{
	const char *repeat = getenv("BENCH_REPEAT");
	char *rows = getenv("BENCH_ROWS");

	bench_self = INIT_SELF;
	print_clocksource();
	for (char *r = strtok(rows, ","); r; r = strtok(NULL, ",")) {
		char *iters = strchr(r, ':');

		if (iters)
			*iters++ = '\0';
		row_spawn(r, iters, repeat ? repeat : "5");
	}
	puts("#done");
	flush_out();
	/* Time for the other side to look at the idle virtual machine. */
	sleep(1);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void list_rows(void)
{
	for (unsigned i = 0; i < N_ROWS; i++)
		printf("%s\t%s\t%u\t%s\n", bench_rows[i].name,
		       kind_name[bench_rows[i].kind], bench_rows[i].iters,
		       bench_rows[i].what);
}

static void usage(void)
{
	fputs("usage: umbra-bench --list\n"
	      "       umbra-bench ROW|all [--iters N] [--repeat N]\n",
	      stderr);
	exit(2);
}

/* A count from the command line: 1 to @max. */
static unsigned parse_count(const char *s, unsigned long max)
{
	char *end;
	unsigned long n = s ? strtoul(s, &end, 10) : 0;

	if (!n || *end || n > max)
		usage();
	return n;
}

static int run_all(const char *repeat)
{
	int status = 0;

	for (unsigned i = 0; i < N_ROWS; i++)
		status |= row_spawn(bench_rows[i].name, NULL, repeat);
	return !!status;
}

int main(int argc, char **argv)
{
	const struct bench_row *row;
	const char *iters = NULL, *repeat = "5";

	/* The exec row measures this: nothing may come before it. */
	if (argc > 1 && !strcmp(argv[1], "--exit"))
		_exit(0);
	if (getpid() == 1 && getenv("BENCH_ROWS"))
		init_main();
	if (argc < 2)
		usage();
	if (!strcmp(argv[1], "--list")) {
		list_rows();
		return 0;
	}
	bench_self = argv[0];
	for (int i = 2; i < argc; i += 2) {
		if (!strcmp(argv[i], "--iters"))
			iters = argv[i + 1];
		else if (!strcmp(argv[i], "--repeat"))
			repeat = argv[i + 1];
		else
			usage();
	}
	parse_count(repeat, REPEAT_MAX);
	if (!strcmp(argv[1], "all"))
		return run_all(repeat);
	row = row_find(argv[1]);
	if (!row) {
		fprintf(stderr, "umbra-bench: %s: no such row (--list)\n",
			argv[1]);
		return 1;
	}
	row_run(row, iters ? parse_count(iters, 1u << 31) : row->iters,
		parse_count(repeat, REPEAT_MAX));
	return 0;
}
