// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra-bench: one static 32-bit program that bench.py runs natively, in an
 * Umbra guest and in a TCG guest.
 *
 *   umbra-bench --list                     rows, kinds, default counts
 *   umbra-bench all [--repeat N]
 *   umbra-bench ROW [--iters N] [--warmup N] [--repeat N] [--wait]
 *
 * Every repeat prints "row<TAB>ns per operation<TAB>iterations<TAB>checksum".
 * "#begin<TAB>row" comes before the first repeat and "#end<TAB>row<TAB>ns"
 * after the last, with the time between them by this system's own clock; who
 * watches the output from outside can compare that with his.
 *
 * As process 1 (rdinit=/bin/umbra-bench) it runs the rows named in the
 * environment variable BENCH_ROWS ("row[:iters],..."), which the kernel makes
 * out of its command line, each in a process of its own; then powers off.
 *
 * With BENCH_ROWS=serve, or as "umbra-bench --serve", rows are asked for line by
 * line on standard input ("ROW ITERS WARMUP REPEAT", counts of operations but
 * the last) after each "#ready"; an empty line or the end ends.  Behind "#begin"
 * one more line is waited for, so that who reads a clock there is never late.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
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
#define LINE_MAX_BYTES	80

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

/*
 * A line of standard input without its end, unbuffered: processes of rows read
 * from there, too.  False: an empty line, one too long, or the end.
 */
static bool read_line(char line[LINE_MAX_BYTES])
{
	unsigned n = 0;

	while (n < LINE_MAX_BYTES && read(STDIN_FILENO, line + n, 1) == 1) {
		if (line[n] == '\n') {
			line[n] = '\0';
			return n > 0;
		}
		n++;
	}
	return false;
}

struct plan {
	unsigned iters, warmup, repeat;
	bool wait;		/* for a line behind "#begin" */
};

static void row_run(const struct bench_row *row, const struct plan *p)
{
	unsigned iters = p->iters, repeat = p->repeat;
	struct bench_result result[REPEAT_MAX];
	char line[LINE_MAX_BYTES];
	uint64_t start;

	row->prepare();
	row->run(p->warmup);
	printf("#begin\t%s\n", row->name);
	flush_out();
	if (p->wait && !read_line(line))
		exit(1);
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

static int row_report(const char *name, int status)
{
	if (status)
		printf("#fail\t%s\t%#x\n", name, status);
	flush_out();
	return status;
}

/* Rows do not see each other's memory: one process each. */
static int row_spawn(const char *name, const char *iters, const char *repeat)
{
	char *argv[] = { (char *)bench_self, (char *)name,
			 (char *)"--repeat", (char *)repeat,
			 iters ? (char *)"--iters" : NULL, (char *)iters,
			 NULL };

	return row_report(name, spawn_wait(argv));
}

/* What comes from a terminal is for programs: no echo. */
static void terminal_raw(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t))
		return;
	t.c_lflag &= ~(ECHO | ICANON | ISIG);
	t.c_iflag &= ~(ICRNL | INLCR | IXON);
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void serve(void)
{
	char line[LINE_MAX_BYTES], name[20], iters[12], warmup[12], repeat[12];
	char *argv[] = { (char *)bench_self, name, (char *)"--iters", iters,
			 (char *)"--warmup", warmup, (char *)"--repeat",
			 repeat, (char *)"--wait", NULL };

	terminal_raw();
	for (;;) {
		puts("#ready");
		flush_out();
		if (!read_line(line))
			return;
		if (sscanf(line, "%19s %11s %11s %11s", name, iters, warmup,
			   repeat) != 4) {
			printf("#fail\t%s\tnot a request\n", line);
			continue;
		}
		row_report(name, spawn_wait(argv));
	}
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

static void rows_spawn(char *rows)
{
	const char *repeat = getenv("BENCH_REPEAT");

	for (char *r = strtok(rows, ","); r; r = strtok(NULL, ",")) {
		char *iters = strchr(r, ':');

		if (iters)
			*iters++ = '\0';
		row_spawn(r, iters, repeat ? repeat : "5");
	}
}

static void init_main(void)
{
	char *rows = getenv("BENCH_ROWS");

	bench_self = INIT_SELF;
	print_clocksource();
	if (!strcmp(rows, "serve"))
		serve();
	else
		rows_spawn(rows);
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
	fputs("usage: umbra-bench --list | --serve | all [--repeat N]\n"
	      "       umbra-bench ROW [--iters N] [--warmup N] [--repeat N] "
	      "[--wait]\n", stderr);
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

/* Of all options, --repeat alone makes sense for all rows. */
static int run_all(char **argv)
{
	const char *repeat = "5";
	int status = 0;

	if (*argv && !strcmp(*argv, "--repeat")) {
		repeat = *++argv;
		parse_count(repeat, REPEAT_MAX);
	} else if (*argv) {
		usage();
	}
	for (unsigned i = 0; i < N_ROWS; i++)
		status |= row_spawn(bench_rows[i].name, NULL, repeat);
	return !!status;
}

/* The options behind a row's name. */
static struct plan parse_plan(const struct bench_row *row, char **argv)
{
	struct plan p = { .iters = row->iters, .repeat = REPEAT_DEFAULT };
	unsigned warmup = 0;

	for (; *argv; argv++) {
		if (!strcmp(*argv, "--wait"))
			p.wait = true;
		else if (!strcmp(*argv, "--iters"))
			p.iters = parse_count(*++argv, 1u << 31);
		else if (!strcmp(*argv, "--warmup"))
			warmup = parse_count(*++argv, 1u << 31);
		else if (!strcmp(*argv, "--repeat"))
			p.repeat = parse_count(*++argv, REPEAT_MAX);
		else
			usage();
	}
	p.warmup = warmup ? warmup : p.iters / WARMUP_SHARE + 1;
	return p;
}

int main(int argc, char **argv)
{
	const struct bench_row *row;
	struct plan plan;

	/* The exec row measures this: nothing may come before it. */
	if (argc > 1 && !strcmp(argv[1], "--exit"))
		_exit(0);
	if (getpid() == 1 && getenv("BENCH_ROWS"))
		init_main();
	if (argc < 2)
		usage();
	bench_self = argv[0];
	if (!strcmp(argv[1], "--list")) {
		list_rows();
		return 0;
	}
	if (!strcmp(argv[1], "--serve")) {
		serve();
		return 0;
	}
	if (!strcmp(argv[1], "all"))
		return run_all(argv + 2);
	row = row_find(argv[1]);
	if (!row) {
		fprintf(stderr, "umbra-bench: %s: no such row (--list)\n",
			argv[1]);
		return 1;
	}
	plan = parse_plan(row, argv + 2);
	row_run(row, &plan);
	return 0;
}
