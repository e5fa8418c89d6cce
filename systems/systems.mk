# SPDX-License-Identifier: BSD-2-Clause
# Example systems: systems/NAME.yaml -> build/systems/NAME.plan, and NAME.iso on demand.

build/systems/%.plan: systems/%.yaml $(TOOL)
	@mkdir -p $(@D)
	$(TOOL) build $< -o $(@D)

build/systems/%.iso: systems/%.yaml $(TOOL) build/kernel/bulkhead64.elf
	@mkdir -p $(@D)
	$(TOOL) build $< --iso -o $(@D)

GATEWAY_PARTS := $(patsubst %,build/programs/%.elf,uart console netswitch e1000e vmm) \
                 build/guests/vmlinuz build/guests/initramfs.cpio

build/systems/hello.plan build/systems/hello.iso: build/programs/hello.elf
build/systems/gateway.plan build/systems/gateway.iso: $(GATEWAY_PARTS)

build/systems/disks.plan build/systems/disks.iso: \
    $(patsubst %,build/programs/%.elf,uart console nvme blockmux vmm) build/guests/vmlinuz \
    build/guests/initramfs.cpio build/systems/disks.img

build/systems/seat.plan build/systems/seat.iso: \
    $(patsubst %,build/programs/%.elf,uart console bochs ps2 seat vmm) build/guests/vmlinuz \
    build/guests/initramfs.cpio $(patsubst %,build/firmware/%.bin,seabios ovmf)

build/systems/debian.plan build/systems/debian.iso: \
    $(patsubst %,build/programs/%.elf,uart console netswitch e1000e nvme blockmux vmm) $(DEBIAN_PARTS)

build/systems/all-ways.plan build/systems/all-ways.iso: \
    $(patsubst %,build/programs/%.elf,uart console netswitch igb nvme blockmux vmm) \
    $(patsubst %,build/guests/%,vmlinuz initramfs.cpio stock.vmlinuz stock.cpio) \
    $(patsubst %,build/systems/%.img,disks virtual passed store)

# Empty disks; what guests wrote to them stays until `make clean`.
$(patsubst %,build/systems/%.img,disks virtual passed store):
	@mkdir -p $(@D)
	truncate -s 128M $@

ALL += build/systems/hello.plan
