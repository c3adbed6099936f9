# SPDX-License-Identifier: GPL-2.0-or-later
#
# make guest-kernel                   the small guest kernel, fetched and built
# make guest-kernel VARIANT=smp-pae   another one; build.sh lists them

guest-kernel:
	@guest-linux-patches/build.sh $(VARIANT)

.PHONY: guest-kernel
