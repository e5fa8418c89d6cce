# SPDX-License-Identifier: BSD-2-Clause
# Example systems: systems/NAME.yaml -> build/systems/NAME.plan, and NAME.iso on demand.

build/systems/%.plan: systems/%.yaml $(TOOL)
	@mkdir -p $(@D)
	$(TOOL) build $< -o $(@D)

build/systems/%.iso: systems/%.yaml $(TOOL) build/kernel/bulkhead.elf
	@mkdir -p $(@D)
	$(TOOL) build $< --iso -o $(@D)

GATEWAY_PARTS := $(patsubst %,build/programs/%.elf,uart console netswitch e1000e vmm) \
                 build/guests/vmlinuz build/guests/initramfs.cpio

build/systems/hello.plan build/systems/hello.iso: build/programs/hello.elf
build/systems/gateway.plan build/systems/gateway.iso: $(GATEWAY_PARTS)

ALL += build/systems/hello.plan
