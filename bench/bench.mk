# SPDX-License-Identifier: BSD-2-Clause
# Costs in executed instructions: `make bench`. No test runs it; plain `make` builds its two programs only.
# The distribution's generic kernel is kept in build/cache, so this needs the network once; the booted
# tests use it too, for a guest with stock drivers.

BENCH_LINUX_SOURCES := $(wildcard bench/linux/*.c)
BENCH_LINUX_OBJECTS := $(patsubst %.c,build/%.o,$(BENCH_LINUX_SOURCES))
BENCH_NATIVE_MODULES := e1000e igb igbvf vfio_iommu_type1 vfio-pci nvme
BENCH_HOST_MODULES   := e1000e bridge tun kvm-amd vhost_net
BENCH_GUEST_MODULES  := virtio_pci virtio_net virtio_blk
BENCH_EMULATED_MODULES := e1000 ahci sd_mod
BENCH_PASSED_MODULES := e1000e igbvf vfio-pci nvme virtio_pci virtio_net nvme-tcp

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

# The distribution's cloud kernel has no drivers for real cards and controllers: a guest on emulated
# ones runs the generic kernel.
build/bench/emulated.cpio: build/bench/kernel.stamp build/bench/measure bench/root/init \
                           guests/make-initramfs
	$(call bench_stage,build/bench/emulated)
	MODULES='$(BENCH_EMULATED_MODULES)' guests/make-initramfs build/bench/kernel $@ \
	    build/bench/emulated

build/bench/passed.cpio: build/bench/kernel.stamp build/bench/measure bench/root/init \
                         guests/make-initramfs
	$(call bench_stage,build/bench/passed)
	MODULES='$(BENCH_PASSED_MODULES)' guests/make-initramfs build/bench/kernel $@ \
	    build/bench/passed

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

# A description that differs from another one in a few words is made of that one.
BENCH_EMULATED := s,kernel: .*,kernel: bench/vmlinuz,; s,bench/guest.cpio,bench/emulated.cpio,
BENCH_E1000    := s/^system: .*/system: bench-e1000/; s/cores: 1/cores: 2/; \
                  s/core: 0/core: 1/; s/^\( *\)mac: 52:54:00:12:34:57/&\n\1model: e1000/
BENCH_AHCI     := s/^system: .*/system: bench-ahci/; s/from: blockmux/&, model: ahci/

BENCH_NVME     := s/^system: .*/system: bench-nvme/; s/from: blockmux/&, model: nvme/
BENCH_NVMEZERO := s/^system: .*/system: bench-nvmezero/; s/from: blockmux/&, zero-copy: true/

build/bench/e1000.yaml: bench/guest.yaml bench/bench.mk
	@mkdir -p $(@D)
	sed '$(BENCH_EMULATED); $(BENCH_E1000)' $< >$@

build/bench/zerocopy.yaml: bench/disk.yaml bench/bench.mk
	@mkdir -p $(@D)
	sed 's/^system: .*/system: bench-zerocopy/; s/from: blockmux/&, zero-copy: true/' $< >$@

build/bench/bench-zerocopy.plan: build/bench/zerocopy.yaml $(TOOL)
	$(TOOL) build $< -o $(@D)

build/bench/ahci.yaml: bench/disk.yaml bench/bench.mk
	@mkdir -p $(@D)
	sed '$(BENCH_EMULATED); $(BENCH_AHCI)' $< >$@

build/bench/nvme.yaml: bench/disk.yaml bench/bench.mk
	@mkdir -p $(@D)
	sed '$(BENCH_NVME)' $< >$@

build/bench/nvmezero.yaml: build/bench/nvme.yaml
	sed '$(BENCH_NVMEZERO)' $< >$@

build/bench/interrupt.bzimage: bench/guest/interrupt.c bench/mark.h $(GUEST_NEEDS)
	$(call guest_image,-I. $<)

build/bench/passdisk.yaml: bench/passed.yaml
	@mkdir -p $(@D)
	sed 's/^system: .*/system: bench-passdisk/; s/bench.role=guest/bench.role=disk/' $< >$@

build/bench/bench-passdisk.plan: build/bench/passdisk.yaml $(TOOL)
	$(TOOL) build $< -o $(@D)

BENCH_PASSED_NEEDS := $(patsubst %,build/programs/%.elf,uart console vmm) build/bench/vmlinuz \
                      build/bench/passed.cpio
BENCH_DOMAIN_NEEDS := build/programs/netswitch.elf build/guests/stock.vmlinuz build/guests/stock.cpio

build/bench/bench-passed.plan build/bench/bench-passdisk.plan: $(BENCH_PASSED_NEEDS)
build/bench/bench-vf.plan: $(BENCH_PASSED_NEEDS) $(patsubst %,build/programs/%.elf,igb netswitch)
build/bench/bench-store.plan: $(BENCH_PASSED_NEEDS) $(BENCH_DOMAIN_NEEDS)
build/bench/bench-domain.plan: $(patsubst %,build/programs/%.elf,uart console vmm) \
    $(BENCH_DOMAIN_NEEDS) build/guests/vmlinuz build/bench/guest.cpio

build/bench/bench-passedu.plan: $(patsubst %,build/programs/%.elf,uart console vmm) \
    build/bench/interrupt.bzimage

build/bench/bench-e1000.plan build/bench/bench-ahci.plan: build/bench/bench-%.plan: \
    build/bench/%.yaml $(TOOL) build/bench/vmlinuz build/bench/emulated.cpio
	$(TOOL) build $< -o $(@D)

build/bench/bench-signal.plan build/bench/bench-across.plan: build/programs/bench-signal.elf
build/bench/bench-interrupt.plan: build/programs/bench-interrupt.elf
build/bench/bench-nvmezero.plan: build/bench/nvmezero.yaml $(TOOL)
	$(TOOL) build $< -o $(@D)

build/bench/bench-nvme.plan: build/bench/nvme.yaml $(TOOL)
	$(TOOL) build $< -o $(@D)

build/bench/bench-disk.plan build/bench/bench-zerocopy.plan build/bench/bench-ahci.plan \
build/bench/bench-nvme.plan build/bench/bench-nvmezero.plan: \
    $(patsubst %,build/programs/%.elf,uart console nvme blockmux vmm)
build/bench/bench-guest.plan build/bench/bench-e1000.plan: \
    $(patsubst %,build/programs/%.elf,uart console netswitch e1000e vmm)
build/bench/bench-disk.plan build/bench/bench-zerocopy.plan build/bench/bench-nvme.plan \
build/bench/bench-nvmezero.plan \
build/bench/bench-guest.plan: \
    build/guests/vmlinuz build/bench/guest.cpio

BENCH_NEEDS := build/bench/count.so build/bench/vmlinuz build/bench/native.cpio \
               build/bench/host.cpio build/kernel/bulkhead32.elf \
               $(patsubst %,build/bench/bench-%.plan,signal across interrupt guest disk \
               zerocopy ahci nvme nvmezero e1000 passed passdisk passedu vf domain store)

# ONLY: which machines to run, separated by commas; all of them unless told.
bench: $(BENCH_NEEDS)
	$(PYTHON) bench/bench.py $(if $(ONLY),--only $(ONLY))
