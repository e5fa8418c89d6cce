/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine monitor: one program, one compartment, one VM. Thread 0 sets the VM up from
 * the manifest, loads the guest and then serves its devices; thread n + 1 runs vCPU n.
 *
 * Manifest: SETTING "cmdline", "net0.mac", "on_reset" ("restart" or "stop"), "hpet"; REGION
 * "ram.low", "ram.high", "kernel" and "initrd", or "firmware"; VCPU "vcpu0"..; CHANNEL "io",
 * "vcpu0"..; DOORBELL "net0.doorbell", "hvc0.doorbell", "disk0.doorbell"..; LINK "net0", "serial0",
 * "hvc0", "disk0".., "log", "seat", and with the last PLACE "vram" and, for SeaBIOS, REGION
 * "vgabios"; SETTING "disk0.readonly", "disk0.model"..; COUNTERS "counters". Of each function that
 * is passed through DEVICE and SETTING "pass0".., PLACE "pass0.piece0".. (index: its BAR; address:
 * its offset there), INTERRUPT "pass0.msix0".. or "pass0.msi0".
 */
#include "abi/info.h"

#include "lib/c/format.h"
#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"
#include "vmm/vm.h"

enum { COMMAND_LINE = BH_SETTING_SIZE + 32, DOORBELL_MIN = 4 * VIRTIO_QUEUES };
enum { FUNCTION_BACK_MS = 2000, FUNCTION_LOOK_MS = 10, DEVICES_LOOK_MS = 1 };

static struct vm vm;
static char command_line[COMMAND_LINE];

static void set_ram(unsigned part, const struct bh_manifest_entry *region) {
    if (region)
        vm.memory.part[part] = (struct guest_ram){ manifest_address(region), region->gpa,
                                                   region->size };
}

/* true: there is a firmware's image, and so no kernel. */
static bool set_firmware(void) {
    const struct bh_manifest_entry *image = manifest_find(BH_ENTRY_REGION, "firmware");
    if (!image)
        return false;
    vm.memory.rom = (struct guest_rom){ manifest_address(image), image->gpa, image->size };
    vm.has_firmware = true;
    return true;
}

static void set_image(void) {
    if (set_firmware())
        return;
    const struct bh_manifest_entry *kernel = manifest_need(BH_ENTRY_REGION, "kernel");
    const struct bh_manifest_entry *initrd = manifest_find(BH_ENTRY_REGION, "initrd");
    format_text(command_line, sizeof(command_line), "%s tsc_early_khz=%u",
                manifest_setting("cmdline", ""), vm.tsc_khz);
    vm.image.kernel = manifest_address(kernel);
    vm.image.kernel_size = kernel->used;
    vm.image.command_line = command_line;
    if (initrd) {
        vm.image.initrd = manifest_address(initrd);
        vm.image.initrd_size = initrd->used;
    }
}

static void set_time(void) {
    const struct bh_counters *counters = manifest_address(manifest_need(BH_ENTRY_COUNTERS,
                                                                        "counters"));
    vm.tsc_khz = (uint32_t)time_khz();
    vm.boot_time = rtc_unix_time(counters->machine[BH_MACHINE_BOOT_TIME]);
    vm.boot_tsc = counters->machine[BH_MACHINE_BOOT_TSC];
}

static void set_vcpu(uint32_t number) {
    struct vcpu *vcpu = &vm.vcpu[number];
    const struct bh_manifest_entry *entry =
        manifest_find_numbered(BH_ENTRY_VCPU, "vcpu", number, "");
    const struct bh_manifest_entry *kick =
        manifest_find_numbered(BH_ENTRY_CHANNEL, "vcpu", number, "");
    if (!kick)
        program_stop("no channel \"vcpu%u\" in the manifest: each vCPU needs one", number);
    vcpu->vm = &vm;
    vcpu->number = number;
    vcpu->slot = entry->slot;
    vcpu->kick_slot = kick->slot;
    vcpu->state = manifest_address(entry);
}

static void set_vcpus(void) {
    vm.vcpu_count = manifest_count(BH_ENTRY_VCPU, "vcpu", VM_VCPUS_MAX);
    if (vm.vcpu_count == 0)
        program_stop("no \"vcpu0\" in the manifest: a VM needs a vCPU");
    for (uint32_t i = 0; i < vm.vcpu_count; i++)
        set_vcpu(i);
}

/* The doorbell's ports become the device's notify BAR, whose size is a power of two. */
static struct doorbell find_doorbell(const char *name) {
    const struct bh_manifest_entry *entry = manifest_find(BH_ENTRY_DOORBELL, name);
    if (!entry)
        return (struct doorbell){ 0 };
    uint64_t size = entry->size;
    bool usable = size >= DOORBELL_MIN && (size & (size - 1)) == 0 && entry->address % size == 0;
    if (!usable)
        program_stop("doorbell \"%s\": its ports must be a power of two, at least %u, and aligned",
                     name, DOORBELL_MIN);
    return (struct doorbell){ entry->address, (uint32_t)size, entry->bits, false };
}

/* It says where the controller's registers are. */
static struct doorbell need_nvme_doorbell(const char *name) {
    const struct bh_manifest_entry *entry = manifest_need(BH_ENTRY_DOORBELL, name);
    if (entry->address % NVME_BAR_SIZE != NVME_IO_DOORBELLS || entry->size != NVME_IO_DOORBELLS_SIZE)
        program_stop("doorbell \"%s\": its addresses must be the I/O queues' of an NVMe controller",
                     name);
    return (struct doorbell){ entry->address, (uint32_t)entry->size, entry->bits, false };
}

/* A vCPU's thread hears the disk's answers. */
static void set_heard(uint32_t number, const struct bh_manifest_entry *link) {
    vm.disk_link_bits[number] = link->bits;
    vm.disks_link_bits |= link->bits;
    vm_know_heard(link->bits);
}

/* A disk on virtio-blk or on a controller of its own (NVMe), both with a doorbell, or on the next
 * port of the AHCI controller. */
static struct backend *find_backend(uint32_t number, const struct bh_manifest_entry *link) {
    char name[BH_NAME_SIZE];
    format_text(name, sizeof(name), "disk%u.model", number);
    const char *model = manifest_setting(name, "virtio");
    format_text(name, sizeof(name), "disk%u.doorbell", number);
    if (strcmp(model, "virtio") == 0) {
        vm.disk_doorbell[number] = find_doorbell(name);
        set_heard(number, link);
        return &vm.disk[number].backend;
    }
    if (strcmp(model, "nvme") == 0) {
        vm.disk_doorbell[number] = need_nvme_doorbell(name);
        vm.nvme[number].present = true;
        set_heard(number, link);
        return &vm.nvme[number].backend;
    }
    struct ahci_port *port = &vm.ahci.port[vm.ahci.ports++];
    port->cdrom = strcmp(model, "ahci-cdrom") == 0;
    return &port->backend;
}

/* The disk reaches the guest's RAM, if the tool says so. */
static void set_lists(struct backend *backend, uint32_t number) {
    const struct bh_manifest_entry *lists =
        manifest_find_numbered(BH_ENTRY_REGION, "disk", number, ".lists");
    backend->memory = &vm.memory;
    if (!lists)
        return;
    if (lists->size < BACKEND_SLOTS * BLOCK_LIST)
        program_stop("region \"disk%u.lists\" needs %u bytes", number, BACKEND_SLOTS * BLOCK_LIST);
    backend->lists = manifest_address(lists);
}

static void set_disk(uint32_t number) {
    char name[BH_NAME_SIZE];
    const struct bh_manifest_entry *link =
        manifest_find_numbered(BH_ENTRY_LINK, "disk", number, "");
    struct backend *backend = find_backend(number, link);
    ring_open(&backend->link, link, time_generation());
    format_text(name, sizeof(name), "disk%u.readonly", number);
    backend->readonly = manifest_number(name, 0) != 0;
    set_lists(backend, number);
}

/* The link's other end doesn't know which card the guest sees. */
static void set_net(const struct bh_manifest_entry *link) {
    if (!parse_mac(manifest_setting("net0.mac", ""), vm.net_mac))
        program_stop("the setting \"net0.mac\" is no MAC address");
    vm.has_e1000 = strcmp(manifest_setting("net0.model", "virtio"), "e1000") == 0;
    net_open(vm.has_e1000 ? &vm.e1000.link : &vm.net.link, link, time_generation());
    if (vm.has_e1000)
        return;
    vm.net.pace.period = time_khz() * PACE_US / 1000;
    vm.net_doorbell = find_doorbell("net0.doorbell");
}

static void set_screen(const struct bh_manifest_entry *link) {
    const struct bh_manifest_entry *rom = manifest_find(BH_ENTRY_REGION, "vgabios");
    if (link->link.out_size < SCREEN_AREA)
        program_stop("the link \"seat\" has no room for pictures: it needs %u bytes", SCREEN_AREA);
    ring_open(&vm.screen.link, link, time_generation());
    vm.framebuffer_slot = manifest_need(BH_ENTRY_PLACE, "vram")->slot;
    vm.screen.period = time_khz() * 1000 / SCREEN_LOOKS_A_SECOND;
    vm.screen.present = vm.i8042.keyboard.present = true;
    if (rom)
        vm.vgabios = (struct guest_rom){ manifest_address(rom), 0, rom->used };
}

static void set_pieces(struct passthrough *p, const char *prefix) {
    char name[BH_NAME_SIZE];
    format_text(name, sizeof(name), "%s.piece", prefix);
    p->pieces = manifest_count(BH_ENTRY_PLACE, name, PASSTHROUGH_PIECES);
    for (uint32_t i = 0; i < p->pieces; i++) {
        const struct bh_manifest_entry *entry =
            manifest_find_numbered(BH_ENTRY_PLACE, name, i, "");
        p->piece[i] = (struct passthrough_piece){ .slot = entry->slot, .bar = entry->index,
                                                  .offset = entry->address, .size = entry->size };
    }
}

static void set_interrupts(struct passthrough *p, const char *prefix, const char *kind) {
    char name[BH_NAME_SIZE];
    format_text(name, sizeof(name), "%s.%s", prefix, kind);
    p->interrupts = manifest_count(BH_ENTRY_INTERRUPT, name, PASSTHROUGH_INTERRUPTS);
    for (uint32_t i = 0; i < p->interrupts; i++) {
        const struct bh_manifest_entry *entry =
            manifest_find_numbered(BH_ENTRY_INTERRUPT, name, i, "");
        p->interrupt_bits[i] = entry->bits;
        vm_know_heard(entry->bits);
    }
}

/* A virtual function answers ones while its physical one is reset. */
static void await_function(const struct passthrough *p) {
    uint64_t deadline = time_after_ms(FUNCTION_BACK_MS);
    while (passthrough_value(p->slot, BH_DEVICE_CONFIG, 0) == UINT32_MAX && time_now() < deadline)
        vm_wait(&vm, time_after_ms(FUNCTION_LOOK_MS));
}

static void set_passed(struct passthrough *p, uint32_t number) {
    char prefix[BH_NAME_SIZE];
    format_text(prefix, sizeof(prefix), "pass%u", number);
    p->name = manifest_setting(prefix, prefix);
    p->slot = manifest_find(BH_ENTRY_DEVICE, prefix)->slot;
    set_pieces(p, prefix);
    set_interrupts(p, prefix, "msix");
    p->msix = p->interrupts > 0;
    if (!p->msix)
        set_interrupts(p, prefix, "msi");
    await_function(p);
    passthrough_learn(p);
}

static void set_all_passed(void) {
    vm.passed_count = manifest_count(BH_ENTRY_DEVICE, "pass", VM_PASSED_MAX);
    for (uint32_t i = 0; i < vm.passed_count; i++)
        set_passed(&vm.passed[i], i);
}

/* An earlier life of ours may have left transfers behind. Disks tell it to vCPUs' threads, which
 * aren't up yet. */
static void await_devices(void) {
    while (!devices_stop(&vm))
        vm_wait(&vm, time_after_ms(DEVICES_LOOK_MS));
}

static void set_devices(void) {
    const struct bh_manifest_entry *serial = manifest_find(BH_ENTRY_LINK, "serial0");
    const struct bh_manifest_entry *net = manifest_find(BH_ENTRY_LINK, "net0");
    const struct bh_manifest_entry *hvc = manifest_find(BH_ENTRY_LINK, "hvc0");
    const struct bh_manifest_entry *seat = manifest_find(BH_ENTRY_LINK, "seat");
    if (serial) {
        stream_open(&vm.serial_link, serial, time_generation());
        vm.has_serial_link = true;
    }
    if (net)
        set_net(net);
    if (hvc) {
        stream_open(&vm.hvc.link, hvc, time_generation());
        vm.hvc_doorbell = find_doorbell("hvc0.doorbell");
    }
    if (seat)
        set_screen(seat);
    vm.disk_count = manifest_count(BH_ENTRY_LINK, "disk", VM_DISKS_MAX);
    for (uint32_t i = 0; i < vm.disk_count; i++)
        set_disk(i);
}

static uint64_t next_deadline(void) {
    uint64_t at[] = { net_deadline(&vm.net), vm_deadline(&vm), timers_deadline(&vm),
                      devices_screen_deadline(&vm), devices_passed_deadline(&vm) };
    uint64_t first = BH_FOREVER;
    for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
        first = at[i] < first ? at[i] : first;
    return first;
}

/* What is served at once is no reason to look at anything else, whose deadlines stay as they are: a
 * thread that changes one wakes us. But a VM that ends may have waited for just that. */
static void wait_for_work(void) {
    uint64_t others = next_deadline();
    uint64_t bits;
    do {
        bits = vm_wait(&vm, others);
    } while (devices_serve(&vm, bits) && vm_runs(&vm) && vm_now() < others);
}

static _Noreturn void serve(void) {
    for (;;) {
        bool more = devices_run(&vm);
        vm_settle_end(&vm);
        log_poll();
        if (!more && devices_settle(&vm))
            wait_for_work();
        else if (vm.before_wait != BH_NONE)
            devices_serve(&vm, vm_wait(&vm, 0));
    }
}

int main(void) {
    vm.before_wait = BH_NONE;
    set_time();
    set_ram(0, manifest_need(BH_ENTRY_REGION, "ram.low"));
    set_ram(1, manifest_find(BH_ENTRY_REGION, "ram.high"));
    set_image();
    set_vcpus();
    set_devices();
    set_all_passed();
    await_devices();
    const struct bh_manifest_entry *io = manifest_need(BH_ENTRY_CHANNEL, "io");
    vm.io_slot = io->slot;
    vm.io_bits = io->bits;
    vm.has_hpet = manifest_number("hpet", 0) != 0;
    vm.restart_on_reset = strcmp(manifest_setting("on_reset", "stop"), "restart") == 0;
    if (!vm_load(&vm))
        program_stop("the VM has nothing to run");
    program_ready();
    serve();
}

void thread_main(uint32_t number) {
    if (number <= vm.vcpu_count)
        vcpu_main(&vm.vcpu[number - 1]);
}
