/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hot callouts: frequent system instructions done without the interpreter.
 */
#include "fullvirt/bt/bt.h"

void bt_hot_init(struct bt *bt)
{
}
