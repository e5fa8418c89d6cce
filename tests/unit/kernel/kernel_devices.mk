# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the kernel's ACPI, PCI and IOMMU parts over a fake machine.
FAKE_MACHINE := tests/unit/kernel/fake_machine.c

IOMMU_SHARED := kernel/core/table_format.c kernel/x86/table_cpu.c \
                $(addprefix kernel/iommu/,scope.c unit.c table.c fault.c)

UNIT_TESTS += kernel_acpi kernel_pci kernel_vtd kernel_amdvi
unit_kernel_acpi_SOURCES := tests/unit/test_kernel_acpi.c $(FAKE_MACHINE)
unit_kernel_pci_SOURCES  := tests/unit/test_kernel_pci.c $(FAKE_MACHINE) kernel/pci/ecam.c \
                            kernel/pci/capability.c kernel/pci/group.c kernel/pci/msi.c
unit_kernel_vtd_SOURCES  := tests/unit/test_kernel_vtd.c $(FAKE_MACHINE) $(IOMMU_SHARED) \
                            kernel/iommu/dmar.c kernel/iommu/vtd.c
unit_kernel_amdvi_SOURCES := tests/unit/test_kernel_amdvi.c $(FAKE_MACHINE) $(IOMMU_SHARED) \
                            kernel/iommu/ivrs.c kernel/iommu/amdvi.c

FUZZERS += acpi pci
fuzz_acpi_SOURCES := tests/fuzz/fuzz_acpi.c $(FAKE_MACHINE) kernel/iommu/dmar.c \
                     kernel/iommu/ivrs.c kernel/iommu/scope.c
fuzz_pci_SOURCES  := tests/fuzz/fuzz_pci.c $(FAKE_MACHINE) kernel/pci/ecam.c \
                     kernel/pci/capability.c kernel/pci/group.c kernel/pci/msi.c kernel/pci/reset.c \
                     kernel/pci/sriov.c
