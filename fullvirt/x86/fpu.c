/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fullvirt/x86/priv.h"
int x86_fpu_init(struct x86 *x) { return 0; }
void x86_fpu_fini(struct x86 *x) { }
bool x86_fpu_decode(struct insn *i, const struct ZydisDecodedInstruction_ *zi) { return false; }
