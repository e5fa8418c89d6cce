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

# The same with the generic kernel and its drivers of real devices, emulated or passed through; a
# driver domain bridges, or exports a disk.
STOCK_MODULES := e1000 e1000e igbvf ahci sd_mod sr_mod isofs nvme ext4 bridge nvmet-tcp nvme-tcp \
                 virtio_pci virtio_net virtio_console virtio_blk

build/guests/stock.vmlinuz: build/bench/vmlinuz
	cp $< $@

build/guests/stock.cpio: build/bench/kernel.stamp guests/make-initramfs \
                         $(shell find guests/root -type f)
	MODULES='$(STOCK_MODULES)' guests/make-initramfs build/bench/kernel $@ guests

# Firmware for VMs, as the distribution brings it.
build/firmware/seabios.bin: /usr/share/seabios/bios-256k.bin
	@mkdir -p $(@D)
	cp $< $@

# The BIOS of the graphics card, for SeaBIOS in a VM with a screen.
build/firmware/vgabios.bin: /usr/share/seabios/vgabios-stdvga.bin
	@mkdir -p $(@D)
	cp $< $@

# The variable store, which firmware finds read-only and so keeps in memory, and the code.
build/firmware/ovmf.bin: /usr/share/OVMF/OVMF_VARS.fd /usr/share/OVMF/OVMF_CODE.fd
	@mkdir -p $(@D)
	cat $^ >$@

ALL += $(addprefix build/firmware/,seabios.bin vgabios.bin ovmf.bin)

# A PC's disk, for the tests of firmware: GRUB, Linux and the distribution's boot programs.
build/guests/boot/%.stamp: guests/fetch-package
	@mkdir -p $(@D)
	guests/fetch-package build/cache/boot build/guests/boot $*
	@touch $@

build/guests/pc.img: build/guests/vmlinuz build/guests/initramfs.cpio guests/make-boot-disk \
                     $(patsubst %,build/guests/boot/%.stamp,memtest86+ ipxe)
	guests/make-boot-disk build/guests/vmlinuz build/guests/initramfs.cpio build/guests/boot $@

SYSTEM_NEEDS += build/guests/pc.img build/guests/boot/u-boot-qemu.stamp

# The demonstration guest on kernels of another kind: PREEMPT_RT, and i386 with an i386 user land.
build/guests/rt/kernel.stamp: guests/fetch-kernel
	@mkdir -p $(@D)
	guests/fetch-kernel build/cache/rt $(@D) rt-amd64
	@touch $@

build/guests/i386/kernel.stamp: guests/fetch-kernel guests/fetch-package guests/apt-for
	@mkdir -p $(@D)
	guests/apt-for i386 build/cache/i386 guests/fetch-kernel build/cache/i386 $(@D) 686
	guests/apt-for i386 build/cache/i386 guests/fetch-package build/cache/i386 $(@D)/user \
	    busybox-static
	@touch $@

build/guests/%/vmlinuz: build/guests/%/kernel.stamp
	cp build/guests/$*/kernel/boot/vmlinuz-* $@

build/guests/rt/initramfs.cpio: build/guests/rt/kernel.stamp guests/make-initramfs \
                                $(shell find guests/root -type f)
	guests/make-initramfs build/guests/rt/kernel $@ guests

build/guests/i386/initramfs.cpio: build/guests/i386/kernel.stamp guests/make-initramfs \
                                  $(shell find guests/root -type f)
	BUSYBOX=build/guests/i386/user/bin/busybox \
	    guests/make-initramfs build/guests/i386/kernel $@ guests

SYSTEM_NEEDS += $(foreach kind,rt i386,$(addprefix build/guests/$(kind)/,vmlinuz initramfs.cpio))

# A whole Debian on a disk, with GRUB as the distribution signed it. The tree of packages is kept in
# build/cache too. Only systems/debian.yaml and its tests need it.
build/guests/debian.tree: guests/fetch-debian $(shell find guests/initramfs-tools -type f)
	@mkdir -p $(@D)
	guests/fetch-debian build/cache/guests $@

DEBIAN_PARTS := $(addprefix build/guests/debian.,img vmlinuz initrd)

SIGNED_GRUB := build/guests/boot/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed

$(DEBIAN_PARTS) &: build/guests/debian.tree guests/make-debian $(shell find guests/debian -type f) \
                   build/guests/boot/grub-efi-amd64-signed.stamp
	guests/make-debian $$(cat $<) build/guests/debian guests $(SIGNED_GRUB)

SYSTEM_NEEDS += $(DEBIAN_PARTS)
