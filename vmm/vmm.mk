# SPDX-License-Identifier: BSD-2-Clause
# The virtual machine monitor.

VMM_PURE := $(addprefix vmm/,memory.c decode.c walk.c emulate.c apic.c ioapic.c pci.c virtqueue.c \
            virtio.c net.c hvc.c serial.c rtc.c loader.c acpi.c cpuid.c irq.c bus.c devices.c \
            start.c msr.c inject.c exit.c life.c run.c)

$(eval $(call PROGRAM,vmm,vmm/main.c vmm/runtime.c $(VMM_PURE)))

# Tests on the host.
UNIT_TESTS += vmm_decode
unit_vmm_decode_SOURCES := tests/unit/test_vmm_decode.c vmm/decode.c
unit_vmm_decode_LIBS    := -lZydis
