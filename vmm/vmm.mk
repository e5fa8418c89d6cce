# SPDX-License-Identifier: BSD-2-Clause
# The virtual machine monitor.

VMM_PURE := $(addprefix vmm/,memory.c decode.c walk.c emulate.c apic.c ioapic.c pci.c virtqueue.c \
            virtio.c net.c hvc.c disk.c rng.c serial.c rtc.c loader.c acpi.c cpuid.c irq.c bus.c devices.c \
            start.c msr.c inject.c exit.c life.c run.c e1000.c e1000_registers.c e1000_nvm.c e1000_queue.c \
            e1000_transmit.c e1000_offload.c e1000_receive.c)

$(eval $(call PROGRAM,vmm,vmm/main.c vmm/runtime.c $(VMM_PURE)))

# Tests on the host.
UNIT_TESTS += vmm_decode
unit_vmm_decode_SOURCES := tests/unit/test_vmm_decode.c vmm/decode.c
unit_vmm_decode_LIBS    := -lZydis

# All of the VMM but its main program and the world below it, in a host process.
VMM_FAKE := $(VMM_PURE) lib/ring/ring.c lib/stream/stream.c tests/unit/vm_fake.c \
            tests/unit/link_pair.c tests/fake/calls.c

define vmm_unit_test
UNIT_TESTS += vmm_$(1)
unit_vmm_$(1)_SOURCES := tests/unit/test_vmm_$(1).c $$(VMM_FAKE)
unit_vmm_$(1)_CFLAGS  := -Itests/fake
endef

$(foreach test,emulate interrupts virtio loader devices e1000,$(eval $(call vmm_unit_test,$(test))))

FUZZERS += vmm_decode vmm_loader vmm_guest vmm_e1000
fuzz_vmm_decode_SOURCES := tests/fuzz/fuzz_vmm_decode.c vmm/decode.c
fuzz_vmm_loader_SOURCES := tests/fuzz/fuzz_vmm_loader.c vmm/loader.c vmm/memory.c
fuzz_vmm_guest_SOURCES  := tests/fuzz/fuzz_vmm_guest.c $(VMM_FAKE)
fuzz_vmm_guest_CFLAGS   := -Itests/fake
fuzz_vmm_e1000_SOURCES  := tests/fuzz/fuzz_vmm_e1000.c $(VMM_FAKE)
fuzz_vmm_e1000_CFLAGS   := -Itests/fake
