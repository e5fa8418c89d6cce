# SPDX-License-Identifier: BSD-2-Clause
# Programs that run on Bulkhead in tests only.

$(eval $(call PROGRAM,hostile,tests/programs/hostile.c))
$(eval $(call PROGRAM,dma,tests/programs/dma.c))
$(eval $(call PROGRAM,fpu,tests/programs/fpu.c))
$(eval $(call PROGRAM,hello,tests/programs/hello.c))
$(eval $(call PROGRAM,netprobe,tests/programs/netprobe.c))
$(eval $(call PROGRAM,canary,tests/programs/canary.c))
$(eval $(call PROGRAM,fwcfg,tests/programs/fwcfg.c))
$(eval $(call PROGRAM,msix,tests/programs/msix.c))
$(eval $(call PROGRAM,vmtest,tests/programs/vmtest.c))
$(eval $(call PROGRAM,diskprobe,tests/programs/diskprobe.c tests/programs/disk_client.c))
$(eval $(call PROGRAM,trespass,tests/programs/trespass.c tests/programs/disk_client.c))
$(eval $(call PROGRAM,badentry,tests/programs/badentry.c))
$(eval $(call PROGRAM,liar,tests/programs/liar.c))
$(eval $(call PROGRAM,blockmux-open,$(addprefix services/blockmux/,main.c mux.c gpt.c) \
                                    tests/programs/extent_open.c))
$(eval $(call PROGRAM,igb-open,$(addprefix drivers/igb/,main.c nic.c pools.c mailbox.c) \
                               tests/programs/mailbox_open.c))
$(eval $(call PROGRAM,nvme-open,$(addprefix drivers/nvme/,main.c memory.c) $(NVME_CORE) \
                                tests/programs/spaces_open.c))
$(eval $(call PROGRAM,nvme-lists-open,$(addprefix drivers/nvme/,main.c spaces.c) $(NVME_CORE) \
                                      tests/programs/lists_open.c))

# VMMs without one of their rules each (red team).
define careless_vmm
$(call PROGRAM,$(1),vmm/main.c vmm/runtime.c $(filter-out $(2),$(VMM_PURE)) tests/programs/$(3).c)
endef
$(eval $(call careless_vmm,vmm-bounds-open,vmm/bounds.c,bounds_open))
$(eval $(call careless_vmm,vmm-chain-open,vmm/virtio/chain.c,chain_open))
$(eval $(call careless_vmm,vmm-chain-twice,vmm/virtio/chain.c,chain_twice))
$(eval $(call careless_vmm,vmm-e1000-open,vmm/e1000/rules.c,e1000_open))
$(eval $(call careless_vmm,vmm-ahci-open,vmm/ahci/rules.c,ahci_open))
$(eval $(call careless_vmm,vmm-nvme-open,vmm/nvme/rules.c,nvme_open))
$(eval $(call careless_vmm,vmm-peers-open,vmm/peers.c,peers_open))
$(eval $(call careless_vmm,vmm-ring-open,,break_open))

# A client of the seat, and a seat without the rule that keeps pictures off the strip.
$(eval $(call PROGRAM,painter,tests/programs/painter.c))
$(eval $(call PROGRAM,seat-open,$(addprefix services/seat/,main.c seat.c keys.c compose.c) \
                                tests/programs/seat_open.c))
