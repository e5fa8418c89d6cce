# SPDX-License-Identifier: BSD-2-Clause
# The virtual machine monitor.

# All but what talks to the world.
VMM_WORLD := vmm/main.c vmm/runtime.c
VMM_PURE  := $(filter-out $(VMM_WORLD),$(sort $(wildcard vmm/*.c vmm/*/*.c)))

$(eval $(call PROGRAM,vmm,$(VMM_WORLD) $(VMM_PURE)))

# Tests on the host.
UNIT_TESTS += vmm_decode
unit_vmm_decode_SOURCES := tests/unit/test_vmm_decode.c vmm/cpu/decode.c
unit_vmm_decode_LIBS    := -lZydis

# All of the VMM but its main program and the world below it, in a host process.
VMM_FAKE := $(VMM_PURE) $(FONT) $(RING) lib/stream/stream.c tests/unit/vm_fake.c \
            tests/unit/mux_fake.c tests/unit/passed_fake.c tests/unit/link_pair.c \
            tests/fake/calls.c

define vmm_unit_test
UNIT_TESTS += vmm_$(1)
unit_vmm_$(1)_SOURCES := tests/unit/test_vmm_$(1).c $$(VMM_FAKE)
unit_vmm_$(1)_CFLAGS  := -Itests/fake
endef

$(foreach test,emulate interrupts loader devices firmware hpet screen keyboard passthrough known,\
    $(eval $(call vmm_unit_test,$(test))))

# Those of an emulated device share a driver.
define vmm_driver_test
$(call vmm_unit_test,$(2))
unit_vmm_$(2)_SOURCES += tests/unit/$(1)_driver.c
endef

$(foreach test,virtio disk,$(eval $(call vmm_driver_test,virtio,$(test))))
$(foreach test,ahci ahci_ata ahci_packet,$(eval $(call vmm_driver_test,ahci,$(test))))
$(foreach test,nvme nvme_io nvme_lists nvme_hostile hints,$(eval $(call vmm_driver_test,nvme,$(test))))
$(foreach test,e1000 e1000_offload e1000_hostile,$(eval $(call vmm_driver_test,e1000,$(test))))

FUZZERS += vmm_decode vmm_loader vmm_guest vmm_virtio vmm_e1000 vmm_ahci vmm_nvme vmm_firmware \
           vmm_screen vmm_passthrough
fuzz_vmm_decode_SOURCES := tests/fuzz/fuzz_vmm_decode.c vmm/cpu/decode.c
fuzz_vmm_loader_SOURCES := tests/fuzz/fuzz_vmm_loader.c vmm/loader.c vmm/memory.c vmm/bounds.c
fuzz_vmm_guest_SOURCES  := tests/fuzz/fuzz_vmm_guest.c $(VMM_FAKE)
fuzz_vmm_guest_CFLAGS   := -Itests/fake
fuzz_vmm_virtio_SOURCES := tests/fuzz/fuzz_vmm_virtio.c tests/fuzz/listed.c $(VMM_FAKE)
fuzz_vmm_virtio_CFLAGS  := -Itests/fake
fuzz_vmm_e1000_SOURCES  := tests/fuzz/fuzz_vmm_e1000.c $(VMM_FAKE)
fuzz_vmm_e1000_CFLAGS   := -Itests/fake
fuzz_vmm_ahci_SOURCES   := tests/fuzz/fuzz_vmm_ahci.c tests/fuzz/hostile_mux.c tests/fuzz/listed.c \
                           tests/unit/ahci_driver.c $(VMM_FAKE)
fuzz_vmm_ahci_CFLAGS    := -Itests/fake
fuzz_vmm_nvme_SOURCES   := tests/fuzz/fuzz_vmm_nvme.c tests/fuzz/hostile_mux.c tests/fuzz/listed.c \
                           tests/unit/nvme_driver.c $(VMM_FAKE)
fuzz_vmm_nvme_CFLAGS    := -Itests/fake
fuzz_vmm_screen_SOURCES := tests/fuzz/fuzz_vmm_screen.c $(VMM_FAKE)
fuzz_vmm_screen_CFLAGS  := -Itests/fake
fuzz_vmm_passthrough_SOURCES := tests/fuzz/fuzz_vmm_passthrough.c $(VMM_FAKE)
fuzz_vmm_passthrough_CFLAGS  := -Itests/fake
fuzz_vmm_firmware_SOURCES := tests/fuzz/fuzz_vmm_firmware.c $(VMM_FAKE)
fuzz_vmm_firmware_CFLAGS  := -Itests/fake
