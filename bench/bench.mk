# SPDX-License-Identifier: BSD-2-Clause
# Costs in executed instructions: `make bench`. No test runs it; plain `make` builds its two programs only.
# The distribution's generic kernel is kept in build/cache, so this needs the network once; the booted
# tests use it too, for a guest with stock drivers.

BENCH_LINUX_SOURCES := $(wildcard bench/linux/*.c)
BENCH_LINUX_OBJECTS := $(patsubst %.c,build/%.o,$(BENCH_LINUX_SOURCES))
BENCH_NATIVE_MODULES := e1000e vfio_iommu_type1 vfio-pci nvme
BENCH_HOST_MODULES   := e1000e bridge tun kvm-amd vhost_net
BENCH_GUEST_MODULES  := virtio_pci virtio_net virtio_blk

build/bench/count.so: bench/count.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -fPIC -shared -fvisibility=hidden $< -o $@

build/bench/linux/%.o: bench/linux/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -pthread -c $< -o $@

build/bench/measure: $(BENCH_LINUX_OBJECTS)
	$(CC) -static -pthread -s $^ -o $@

build/bench/kernel.stamp: guests/fetch-kernel
	@mkdir -p $(@D)
	guests/fetch-kernel build/cache/bench build/bench amd64
	@touch $@

build/bench/vmlinuz: build/bench/kernel.stamp
	cp build/bench/kernel/boot/vmlinuz-* $@

# $(call bench_stage,TREE): the files that every measured Linux has.
define bench_stage
	rm -rf $(1)
	mkdir -p $(1)/root/bin
	cp bench/root/init $(1)/root/init
	cp build/bench/measure $(1)/root/bin/measure
endef

build/bench/native.cpio: build/bench/kernel.stamp build/bench/measure bench/root/init \
                         guests/make-initramfs
	$(call bench_stage,build/bench/native)
	MODULES='$(BENCH_NATIVE_MODULES)' guests/make-initramfs build/bench/kernel $@ build/bench/native

build/bench/guest.cpio: build/guests/kernel.stamp build/bench/measure bench/root/init \
                        guests/make-initramfs
	$(call bench_stage,build/bench/guest)
	MODULES='$(BENCH_GUEST_MODULES)' guests/make-initramfs build/guests/kernel $@ build/bench/guest

# The distribution's cloud kernel has no driver for real cards: a guest on the 82540EM runs the
# generic one.
build/bench/guest-e1000.cpio: build/bench/kernel.stamp build/bench/measure bench/root/init \
                              guests/make-initramfs
	$(call bench_stage,build/bench/guest-e1000)
	MODULES=e1000 guests/make-initramfs build/bench/kernel $@ build/bench/guest-e1000

build/bench/host.cpio: build/bench/kernel.stamp build/bench/measure bench/root/init \
                       bench/stage-qemu build/bench/guest.cpio build/guests/vmlinuz \
                       guests/make-initramfs
	$(call bench_stage,build/bench/host)
	bench/stage-qemu build/bench/host/root
	mkdir -p build/bench/host/root/guest
	cp build/guests/vmlinuz build/bench/host/root/guest/vmlinuz
	cp build/bench/guest.cpio build/bench/host/root/guest/initramfs.cpio
	MODULES='$(BENCH_HOST_MODULES)' guests/make-initramfs build/bench/kernel $@ build/bench/host
	rm -rf build/bench/host

$(eval $(call PROGRAM,bench-signal,bench/programs/signal.c))
$(eval $(call PROGRAM,bench-interrupt,bench/programs/interrupt.c))

build/bench/bench-%.plan: bench/%.yaml $(TOOL)
	@mkdir -p $(@D)
	$(TOOL) build $< -o $(@D)

# A description that differs from another one in a few words is made of that one. An emulated AHCI
# disk, say, is bench/disk.yaml with one more line, a machine in bench.py and a row in its
# DISK_MACHINES.
BENCH_E1000 := s/^system: .*/system: bench-e1000/; s/cores: 1/cores: 2/; \
    s/core: 0/core: 1/; s,kernel: .*,kernel: bench/vmlinuz,; \
    s,bench/guest.cpio,bench/guest-e1000.cpio,; \
    s/^\( *\)mac: 52:54:00:12:34:57/&\n\1model: e1000/

build/bench/e1000.yaml: bench/guest.yaml bench/bench.mk
	@mkdir -p $(@D)
	sed '$(BENCH_E1000)' $< >$@

build/bench/bench-e1000.plan: build/bench/e1000.yaml $(TOOL) build/bench/vmlinuz \
    build/bench/guest-e1000.cpio \
    $(patsubst %,build/programs/%.elf,uart console netswitch e1000e vmm)
	$(TOOL) build $< -o $(@D)

build/bench/bench-signal.plan build/bench/bench-across.plan: build/programs/bench-signal.elf
build/bench/bench-interrupt.plan: build/programs/bench-interrupt.elf
build/bench/bench-disk.plan: $(patsubst %,build/programs/%.elf,uart console nvme blockmux vmm) \
                             build/guests/vmlinuz build/bench/guest.cpio
build/bench/bench-guest.plan: $(patsubst %,build/programs/%.elf,uart console netswitch e1000e vmm) \
                              build/guests/vmlinuz build/bench/guest.cpio

BENCH_NEEDS := build/bench/count.so build/bench/vmlinuz build/bench/native.cpio \
               build/bench/host.cpio build/kernel/bulkhead32.elf \
               $(patsubst %,build/bench/bench-%.plan,signal across interrupt guest disk e1000)

# ONLY: which machines to run, separated by commas; all of them unless told.
bench: $(BENCH_NEEDS)
	$(PYTHON) bench/bench.py $(if $(ONLY),--only $(ONLY))
