/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TC verifier: decodes emitted code on its own and refuses whatever could
 * let a guest out.  It knows the shapes that the templates may take, not the
 * code that emits them.
 */
#ifndef FULLVIRT_BT_VERIFY_H
#define FULLVIRT_BT_VERIFY_H

struct bt;
struct ctx;
struct tu;

#define VERIFY_WHY	160

/*
 * Check @tu (complete: tables filled, exits resolved, perhaps chained or
 * patched).  Returns 0, or -EINVAL with one line in @why (VERIFY_WHY bytes).
 * vCPU thread, guest FPU state saved; about 1 us per host instruction.
 */
int verify_tu(struct bt *bt, const struct tu *tu, char *why);

/* As above for the routine of a context (return miss). */
int verify_ctx(struct bt *bt, const struct ctx *c, char *why);

/*
 * If bt->verify is set: check, and if the code is refused, print reason, guest
 * address and bytes and the listing to stderr, and abort.  Saves the guest FPU
 * state; the caller restores it on its way back to translated code.
 */
void verify_tu_or_abort(struct bt *bt, const struct tu *tu);
void verify_ctx_or_abort(struct bt *bt, const struct ctx *c);

#endif
