/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema of a description, for libcyaml. The same tables tell the shape check (shape.c) what is
 * allowed, because the library stops at its first error. Trusts nobody: the file may be anything.
 */
#include <cyaml/cyaml.h>
#include <stdlib.h>

#include "description.h"
#include "memory.h"
#include "shape.h"

#define ONE  CYAML_FLAG_DEFAULT
#define OPT  CYAML_FLAG_OPTIONAL
#define MANY (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT_MAX 1000
#define LIST_MAX 256

#define TEXT(key, flags, type, member) \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 0, TEXT_MAX)
#define NUMBER(key, flags, type, member) CYAML_FIELD_UINT(key, flags, type, member)
#define NUMBER_IF(key, type, member) CYAML_FIELD_UINT_PTR(key, MANY, type, member)
#define TRUTH(key, type, member) CYAML_FIELD_BOOL(key, OPT, type, member)
#define LIST(key, type, member, entry) \
    CYAML_FIELD_SEQUENCE(key, MANY, type, member, entry, 0, LIST_MAX)
#define ENTRY(type, fields) { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct type, fields) }

static const cyaml_schema_value_t text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)
};

#define SCHEDULE(type, at) \
    NUMBER("core", OPT, type, at core), \
    NUMBER_IF("priority", type, at priority), \
    TEXT("budget", OPT, type, at budget), \
    TEXT("period", OPT, type, at period)

static const cyaml_schema_field_t schedule_fields[] = {
    SCHEDULE(struct description_schedule, ),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t schedule_entry = ENTRY(description_schedule, schedule_fields);

static const cyaml_schema_field_t forward_fields[] = {
    NUMBER("host", ONE, struct description_forward, host),
    TEXT("guest", ONE, struct description_forward, guest),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t forward_entry = ENTRY(description_forward, forward_fields);

static const cyaml_schema_field_t hardware_fields[] = {
    TEXT("address", ONE, struct description_hardware, address),
    TEXT("id", ONE, struct description_hardware, id),
    TEXT("model", OPT, struct description_hardware, model),
    TEXT("options", OPT, struct description_hardware, options),
    TEXT("behind", OPT, struct description_hardware, behind),
    TRUTH("network", struct description_hardware, network),
    TEXT("disk", OPT, struct description_hardware, disk),
    LIST("namespaces", struct description_hardware, namespaces, &text_entry),
    LIST("forwards", struct description_hardware, forwards, &forward_entry),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t hardware_entry = ENTRY(description_hardware, hardware_fields);

static const cyaml_strval_t iommu_names[] = {
    { "none", IOMMU_NONE }, { "vt-d", IOMMU_VTD }, { "amd-vi", IOMMU_AMDVI },
};

static const cyaml_schema_field_t machine_fields[] = {
    NUMBER("cores", ONE, struct description_machine, cores),
    TEXT("memory", ONE, struct description_machine, memory),
    CYAML_FIELD_ENUM("iommu", CYAML_FLAG_STRICT, struct description_machine, iommu, iommu_names, 3),
    TEXT("cpu", OPT, struct description_machine, cpu),
    TEXT("options", OPT, struct description_machine, options),
    TEXT("hardware", OPT, struct description_machine, hardware),
    LIST("devices", struct description_machine, devices, &hardware_entry),
    CYAML_FIELD_END
};

static const cyaml_schema_field_t bar_fields[] = {
    NUMBER("bar", ONE, struct description_bar, bar),
    TEXT("size", ONE, struct description_bar, size),
    TEXT("offset", OPT, struct description_bar, offset),
    TEXT("as", OPT, struct description_bar, as),
    TRUTH("write-combine", struct description_bar, write_combine),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t bar_entry = ENTRY(description_bar, bar_fields);

static const cyaml_schema_field_t ports_fields[] = {
    NUMBER("first", ONE, struct description_ports, first),
    NUMBER("count", ONE, struct description_ports, count),
    TEXT("as", OPT, struct description_ports, as),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t ports_entry = ENTRY(description_ports, ports_fields);

static const cyaml_schema_field_t device_fields[] = {
    TEXT("name", ONE, struct description_device, name),
    TEXT("as", OPT, struct description_device, as),
    TEXT("pci", OPT, struct description_device, pci),
    TEXT("vf-of", OPT, struct description_device, virtual_of),
    NUMBER_IF("vf", struct description_device, virtual_number),
    TEXT("mac", OPT, struct description_device, mac),
    NUMBER("vlan", OPT, struct description_device, vlan),
    NUMBER_IF("namespace", struct description_device, space),
    TEXT("id", OPT, struct description_device, id),
    TRUTH("platform", struct description_device, platform),
    TRUTH("dma", struct description_device, dma),
    TRUTH("unsafe", struct description_device, unsafe),
    TRUTH("mediated", struct description_device, mediated),
    TRUTH("no-reset", struct description_device, no_reset),
    NUMBER("msix", OPT, struct description_device, msix),
    TRUTH("msi", struct description_device, msi),
    NUMBER("isa", OPT, struct description_device, isa),
    NUMBER("fault-limit", OPT, struct description_device, fault_limit),
    NUMBER("storm-limit", OPT, struct description_device, storm_limit),
    LIST("bars", struct description_device, bars, &bar_entry),
    LIST("ports", struct description_device, ports, &ports_entry),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t device_entry = ENTRY(description_device, device_fields);

static const cyaml_schema_field_t setting_fields[] = {
    TEXT("name", ONE, struct description_setting, name),
    TEXT("value", ONE, struct description_setting, value),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t setting_entry = ENTRY(description_setting, setting_fields);

static const cyaml_schema_field_t region_fields[] = {
    TEXT("name", ONE, struct description_region, name),
    TEXT("size", OPT, struct description_region, size),
    TEXT("kind", OPT, struct description_region, kind),
    TEXT("file", OPT, struct description_region, file),
    TEXT("rights", OPT, struct description_region, rights),
    TEXT("alignment", OPT, struct description_region, alignment),
    TEXT("process", OPT, struct description_region, process),
    TEXT("at", OPT, struct description_region, at),
    TEXT("device", OPT, struct description_region, device),
    TEXT("dma", OPT, struct description_region, dma),
    TEXT("iova", OPT, struct description_region, iova),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t region_entry = ENTRY(description_region, region_fields);

static const cyaml_schema_field_t supervise_fields[] = {
    TEXT("compartment", ONE, struct description_supervise, compartment),
    LIST("operations", struct description_supervise, operations, &text_entry),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t supervise_entry = ENTRY(description_supervise, supervise_fields);

#define PROGRAM(type, at) \
    TEXT("name", ONE, type, at name), \
    TEXT("program", OPT, type, at program), \
    SCHEDULE(type, at schedule.), \
    TEXT("stack", OPT, type, at stack), \
    TRUTH("stopped", type, at stopped), \
    TRUTH("quiet", type, at quiet), \
    TRUTH("no-counters", type, at no_counters), \
    TRUTH("modes", type, at modes), \
    LIST("machine", type, at machine, &text_entry), \
    LIST("devices", type, at devices, &text_entry), \
    LIST("threads", type, at threads, &schedule_entry), \
    LIST("settings", type, at settings, &setting_entry), \
    LIST("regions", type, at regions, &region_entry), \
    LIST("supervise", type, at supervise, &supervise_entry)

static const cyaml_schema_field_t program_fields[] = {
    PROGRAM(struct description_program, ),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t program_entry = ENTRY(description_program, program_fields);

static const cyaml_schema_field_t console_fields[] = {
    PROGRAM(struct description_console, base.),
    TEXT("driver", OPT, struct description_console, driver),
    TRUTH("no-monitor", struct description_console, no_monitor),
    CYAML_FIELD_END
};

static const cyaml_schema_field_t switch_fields[] = {
    PROGRAM(struct description_switch, base.),
    TEXT("uplink", OPT, struct description_switch, uplink),
    TEXT("pool", OPT, struct description_switch, pool),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t switch_entry = ENTRY(description_switch, switch_fields);

static const cyaml_schema_field_t disk_fields[] = {
    PROGRAM(struct description_disk, base.),
    TEXT("driver", ONE, struct description_disk, driver),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t disk_entry = ENTRY(description_disk, disk_fields);

static const cyaml_schema_field_t seat_fields[] = {
    PROGRAM(struct description_seat, base.),
    TEXT("screen", ONE, struct description_seat, screen),
    TEXT("keyboard", ONE, struct description_seat, keyboard),
    CYAML_FIELD_END
};

static const cyaml_schema_field_t extent_fields[] = {
    TEXT("from", ONE, struct description_extent, from),
    TEXT("first", OPT, struct description_extent, first),
    TEXT("size", OPT, struct description_extent, size),
    TEXT("partition", OPT, struct description_extent, partition),
    TRUTH("readonly", struct description_extent, readonly),
    TEXT("model", OPT, struct description_extent, model),
    TRUTH("zero-copy", struct description_extent, zero_copy),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t extent_entry = ENTRY(description_extent, extent_fields);

static const cyaml_schema_field_t nic_fields[] = {
    TEXT("switch", ONE, struct description_nic, netswitch),
    TEXT("mac", ONE, struct description_nic, mac),
    TEXT("model", OPT, struct description_nic, model),
    CYAML_FIELD_END
};

static const cyaml_schema_field_t place_fields[] = {
    TEXT("region", ONE, struct description_place, region),
    TEXT("rights", OPT, struct description_place, rights),
    TEXT("as", OPT, struct description_place, as),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t place_entry = ENTRY(description_place, place_fields);

static const cyaml_schema_field_t doorbell_fields[] = {
    TEXT("gpa", ONE, struct description_doorbell, gpa),
    TEXT("size", OPT, struct description_doorbell, size),
    TEXT("as", ONE, struct description_doorbell, as),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t doorbell_entry = ENTRY(description_doorbell, doorbell_fields);

static const cyaml_schema_field_t vm_fields[] = {
    PROGRAM(struct description_vm, base.),
    TEXT("firmware", OPT, struct description_vm, firmware),
    TEXT("kernel", OPT, struct description_vm, kernel),
    TEXT("initrd", OPT, struct description_vm, initrd),
    TEXT("cmdline", OPT, struct description_vm, cmdline),
    TEXT("memory", ONE, struct description_vm, memory),
    TRUTH("no-serial", struct description_vm, no_serial),
    TRUTH("no-hvc", struct description_vm, no_hvc),
    TRUTH("no-rng", struct description_vm, no_rng),
    TRUTH("hpet", struct description_vm, hpet),
    TRUTH("screen", struct description_vm, screen),
    NUMBER("pool-pages", OPT, struct description_vm, pool_pages),
    LIST("vcpus", struct description_vm, vcpus, &schedule_entry),
    CYAML_FIELD_MAPPING_PTR("nic", MANY, struct description_vm, nic, nic_fields),
    LIST("disks", struct description_vm, disks, &extent_entry),
    LIST("passthrough", struct description_vm, passthrough, &text_entry),
    LIST("places", struct description_vm, places, &place_entry),
    LIST("doorbells", struct description_vm, doorbells, &doorbell_entry),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t vm_entry = ENTRY(description_vm, vm_fields);

static const cyaml_schema_field_t mapping_fields[] = {
    TEXT("region", ONE, struct description_mapping, region),
    TEXT("compartment", OPT, struct description_mapping, compartment),
    TEXT("vm", OPT, struct description_mapping, vm),
    TEXT("device", OPT, struct description_mapping, device),
    TEXT("at", OPT, struct description_mapping, at),
    TEXT("offset", OPT, struct description_mapping, offset),
    TEXT("size", OPT, struct description_mapping, size),
    TEXT("rights", OPT, struct description_mapping, rights),
    TEXT("as", OPT, struct description_mapping, as),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t mapping_entry = ENTRY(description_mapping, mapping_fields);

static const cyaml_schema_field_t channel_fields[] = {
    TEXT("name", ONE, struct description_channel, name),
    TEXT("from", OPT, struct description_channel, from),
    TEXT("to", OPT, struct description_channel, to),
    NUMBER("thread", OPT, struct description_channel, thread),
    TEXT("as", OPT, struct description_channel, as),
    TEXT("event", OPT, struct description_channel, event),
    TEXT("life-of", OPT, struct description_channel, life_of),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t channel_entry = ENTRY(description_channel, channel_fields);

static const cyaml_schema_field_t link_fields[] = {
    TEXT("client", ONE, struct description_link, client),
    TEXT("server", ONE, struct description_link, server),
    TEXT("kind", OPT, struct description_link, kind),
    TEXT("as", OPT, struct description_link, as),
    TEXT("server-as", OPT, struct description_link, server_as),
    TEXT("shown", OPT, struct description_link, shown),
    TEXT("half", OPT, struct description_link, half),
    TEXT("area", OPT, struct description_link, area),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t link_entry = ENTRY(description_link, link_fields);

static const cyaml_schema_field_t change_fields[] = {
    TEXT("compartment", ONE, struct description_change, compartment),
    NUMBER_IF("thread", struct description_change, thread),
    NUMBER_IF("core", struct description_change, core),
    NUMBER_IF("priority", struct description_change, priority),
    TEXT("budget", OPT, struct description_change, budget),
    TEXT("period", OPT, struct description_change, period),
    TRUTH("off", struct description_change, off),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t change_entry = ENTRY(description_change, change_fields);

static const cyaml_schema_field_t mode_fields[] = {
    TEXT("name", ONE, struct description_mode, name),
    LIST("changes", struct description_mode, changes, &change_entry),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t mode_entry = ENTRY(description_mode, mode_fields);

static const cyaml_schema_field_t top_fields[] = {
    TEXT("system", ONE, struct description, system),
    CYAML_FIELD_MAPPING("machine", ONE, struct description, machine, machine_fields),
    NUMBER("log-port", OPT, struct description, log_port),
    NUMBER_IF("cores", struct description, cores),
    LIST("controls", struct description, controls, &text_entry),
    LIST("devices", struct description, devices, &device_entry),
    LIST("compartments", struct description, compartments, &program_entry),
    CYAML_FIELD_MAPPING_PTR("console", MANY, struct description, console, console_fields),
    LIST("switches", struct description, switches, &switch_entry),
    LIST("disks", struct description, disks, &disk_entry),
    CYAML_FIELD_MAPPING_PTR("seat", MANY, struct description, seat, seat_fields),
    LIST("vms", struct description, vms, &vm_entry),
    LIST("regions", struct description, regions, &region_entry),
    LIST("mappings", struct description, mappings, &mapping_entry),
    LIST("channels", struct description, channels, &channel_entry),
    LIST("links", struct description, links, &link_entry),
    LIST("modes", struct description, modes, &mode_entry),
    CYAML_FIELD_END
};

static const cyaml_schema_value_t top_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct description, top_fields)
};

static const cyaml_config_t config = {
    .log_level = CYAML_LOG_ERROR,
    .log_fn = NULL,
    .mem_fn = cyaml_mem,
    .flags = CYAML_CFG_NO_ALIAS,
};

struct description *description_load(struct tree *tree, struct report *report) {
    cyaml_data_t *data = NULL;

    if (!shape_check(tree, &top_schema, report)) {
        return NULL;
    }
    cyaml_err_t error = cyaml_load_data(tree->bytes, tree->size, &config, &top_schema, &data, NULL);
    if (error != CYAML_OK) {
        report_add(report, 1, "description", "can't be loaded: %s", cyaml_strerror(error));
        report_mend(report, "compare it with docs/description.md");
        return NULL;
    }
    return data;
}

void description_free(struct description *description) {
    cyaml_free(&config, &top_schema, description, 0);
}
