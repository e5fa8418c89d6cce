# SPDX-License-Identifier: BSD-2-Clause
# The demonstration guests: the distribution's cloud kernel, and an initramfs of busybox and that
# kernel's modules. The package is kept in build/cache, so this needs the network once.

build/guests/kernel.stamp: guests/fetch-kernel
	@mkdir -p $(@D)
	guests/fetch-kernel build/cache/guests build/guests
	@touch $@

build/guests/vmlinuz: build/guests/kernel.stamp
	cp build/guests/kernel/boot/vmlinuz-* $@

build/guests/initramfs.cpio: build/guests/kernel.stamp guests/make-initramfs \
                             $(shell find guests/root -type f)
	guests/make-initramfs build/guests/kernel $@ guests

ALL += build/guests/vmlinuz build/guests/initramfs.cpio
