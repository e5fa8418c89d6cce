/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine as a whole, and what its parts need from one another. Who owns what:
 *
 *   vcpu[i]         vCPU i's own thread (but its APIC's message words, see cpu/apic.h)
 *   ioapic, pic     `ioapic_lock`; pic_output is read without
 *   device models   `device_lock`; links are used by the I/O thread only, under it
 *   the rest        written at the start, then read-only
 *
 * Life: RUNNING until some thread asks for an end (vm_end); every vCPU thread then parks, and the
 * I/O thread stops the VM for good or loads it anew.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include "abi/manifest.h"
#include "abi/vcpu.h"
#include "vmm/ahci/ahci.h"
#include "vmm/cpu/apic.h"
#include "vmm/cpu/emulate.h"
#include "vmm/cpu/mtrr.h"
#include "vmm/e1000/e1000.h"
#include "vmm/firmware/fwcfg.h"
#include "vmm/loader.h"
#include "vmm/lock.h"
#include "vmm/memory.h"
#include "vmm/nvme/nvme.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/platform/chipset.h"
#include "vmm/platform/hpet.h"
#include "vmm/platform/i8042.h"
#include "vmm/platform/ioapic.h"
#include "vmm/platform/pci.h"
#include "vmm/platform/pic.h"
#include "vmm/platform/pit.h"
#include "vmm/platform/pm.h"
#include "vmm/platform/rtc.h"
#include "vmm/platform/serial.h"
#include "vmm/screen/screen.h"
#include "vmm/virtio/disk.h"
#include "vmm/virtio/hvc.h"
#include "vmm/virtio/net.h"
#include "vmm/virtio/rng.h"

#define VM_VCPUS_MAX 16u
#define VM_DISKS_MAX 4u
#define VM_PASSED_MAX 8u
#define VM_VIRTIO_DEVICES (3u + VM_DISKS_MAX)
_Static_assert(AHCI_PORTS == VM_DISKS_MAX, "each disk may be on a port");

struct vm;

enum vcpu_mode {
    VCPU_WAITS_FOR_STARTUP,          /* after INIT: nothing but SIPI wakes it */
    VCPU_RUNS,
    VCPU_HALTED,                     /* HLT: until an interrupt */
};

#define VCPU_KNOWN 64u

/* An instruction that exited: cpu/known.c. */
struct known_instruction {
    uint64_t rip;
    uint64_t cr0, cr3, cr4, efer;    /* by which it was found */
    struct walk_trace trace;         /* no levels: not by the kernel in 64-bit mode */
    const uint8_t *code;             /* in guest RAM; NULL: the entry is empty */
    uint64_t content[2];             /* as it was decoded; no instruction is longer */
    struct insn insn;
};

struct vcpu {
    struct vm *vm;
    uint32_t number;
    uint32_t slot;                   /* vcpu_run */
    uint32_t kick_slot;              /* notifies its thread */
    struct bh_vcpu_state *state;
    struct apic apic;
    enum vcpu_mode mode;
    bool nmi_waiting;
    bool nmi_blocked;                /* until the guest's IRET */
    uint64_t eoi_setting;            /* cpu/eoi.c: the MSR */
    uint32_t *eoi_flag;              /* what it names in guest RAM; NULL: the guest doesn't use it */
    bool apic_offered;               /* state->inject was its APIC's at the last entry */
    bool eoi_offered;                /* the flag was set at the last entry */
    uint32_t parked;                 /* 1: its thread has seen the end of this life */
    uint64_t tsc_adjust;             /* IA32_TSC_ADJUST */
    struct mtrr mtrr;                /* only in a VM with firmware; INIT leaves them alone */
    struct known_instruction known[VCPU_KNOWN];
    uint32_t refused_msr;            /* the last one: guests probe, so only a fault tells it */
    uint32_t unknown_instructions;
    uint32_t next_hint;              /* cpu/hints.c: the one to replace */
};

/* Where the kernel turns writes into a notification of the I/O thread. */
struct doorbell {
    uint64_t at;                     /* the first port, or guest-physical address */
    uint32_t size;                   /* 0: the VM doesn't have this device */
    uint64_t bits;                   /* the notification */
    bool in_place;                   /* a disk's: its device's registers are there */
};

enum vm_state { VM_RUNNING, VM_ENDING, VM_STOPPED };
enum vm_end_kind { VM_END_RESET, VM_END_POWEROFF, VM_END_FAULT };

struct vm {
    struct guest_memory memory;
    struct loader_input image;       /* of a VM without firmware */
    struct guest_rom vgabios;        /* of a VM with SeaBIOS and a screen, for fwcfg */
    bool has_firmware;               /* memory.rom starts the VM, and it has a PC's old devices */
    uint32_t vcpu_count;
    uint32_t tsc_khz;
    uint64_t boot_time;              /* Unix seconds at boot_tsc */
    uint64_t boot_tsc;
    uint32_t io_slot;                /* notifies the I/O thread */
    uint64_t io_bits;                /* by these */
    bool io_wanted;                  /* atomic: for all devices, not only for those in nvme_rung */
    uint32_t before_wait;            /* whom the I/O thread's next vm_wait notifies, or BH_NONE */
    bool restart_on_reset;
    uint32_t state;                  /* enum vm_state, atomic */
    uint32_t end_kind;               /* enum vm_end_kind of the first who asked */
    uint64_t loaded_at;              /* these three are the I/O thread's: host TSC */
    uint64_t start_at;               /* when the next life begins; 0: none is planned */
    uint32_t next_pause;             /* seconds before it, if this one ends soon, too */

    struct lock ioapic_lock;
    struct ioapic ioapic;
    struct pic pic;
    bool pic_output;                 /* atomic */

    struct lock device_lock;
    struct serial serial;
    struct ring serial_link;
    bool has_serial_link;
    bool serial_line;                /* the interrupt output as the I/O APIC last saw it */
    struct rtc rtc;
    struct i8042 i8042;              /* in a VM with firmware or a screen */
    bool keyboard_line;              /* as serial_line */
    struct chipset chipset;          /* these five only in a VM with firmware */
    struct pit pit;
    struct pm pm;
    struct fwcfg fwcfg;
    uint8_t speaker;                 /* bits 0 and 1 of port 0x61 */
    bool has_hpet;
    struct hpet hpet;
    uint32_t pci_address;            /* the latch at 0xcf8 */
    struct pci_function bridge;      /* the host bridge of a VM without firmware */
    struct net net;
    struct doorbell net_doorbell;
    struct e1000 e1000;              /* in net's place, with a link of its own */
    bool has_e1000;
    bool e1000_line;                 /* as serial_line */
    uint8_t net_mac[NET_MAC_BYTES];  /* of whichever there is */
    struct ahci ahci;                /* its ports: the disks that aren't virtio's */
    bool ahci_line;
    struct screen screen;
    uint32_t framebuffer_slot;       /* guest_place */
    uint64_t framebuffer_at;         /* where the guest sees it; 0: nowhere */
    struct hvc hvc;
    struct doorbell hvc_doorbell;
    struct rng rng;
    uint32_t disk_count;             /* of any model; each has its place in these arrays: */
    struct disk disk[VM_DISKS_MAX];
    struct doorbell disk_doorbell[VM_DISKS_MAX];   /* virtio's or NVMe's */
    struct nvme nvme[VM_DISKS_MAX];  /* in a virtio disk's place */
    uint32_t nvme_rung;              /* those whose driver wants the I/O thread, a bit each */
    uint64_t disk_link_bits[VM_DISKS_MAX];   /* of either: notify a vCPU's thread */
    uint64_t disks_link_bits;        /* all of them */
    uint32_t passed_count;
    struct passthrough passed[VM_PASSED_MAX];

    struct vcpu vcpu[VM_VCPUS_MAX];
};

/* platform/irq.c: interrupts on their way. `from`: the sending vCPU, or NULL. */
void irq_send(struct vm *vm, const struct vcpu *from, const struct apic_message *message);
void irq_line(struct vm *vm, unsigned pin, bool high);
void irq_end(struct vm *vm, uint8_t vector);
void irq_flush_messages(struct vm *vm, const struct vcpu *from, struct pci_function *function);
/* By the I/O thread, which wakes the last of the vCPUs when it waits itself. */
void irq_flush_messages_before_wait(struct vm *vm, struct pci_function *function);
/* The 8259s: what vCPU 0 is asked to take, its acknowledge cycle, their ports. */
bool irq_external(const struct vm *vm);
uint8_t irq_acknowledge_external(struct vm *vm);
uint8_t irq_pic_read(struct vm *vm, uint16_t port);
void irq_pic_write(struct vm *vm, uint16_t port, uint8_t value);
uint32_t irq_ioapic_read(struct vm *vm, uint64_t offset);
void irq_ioapic_write(struct vm *vm, uint64_t offset, uint32_t value);

/* platform/bus.c: device memory and ports, by a vCPU's thread. */
uint64_t bus_read_memory(struct vcpu *vcpu, struct gpa at, unsigned size);
void bus_write_memory(struct vcpu *vcpu, struct gpa at, unsigned size, uint64_t value);
uint32_t bus_read_port(struct vcpu *vcpu, uint16_t port, unsigned size);
void bus_write_port(struct vcpu *vcpu, uint16_t port, unsigned size, uint32_t value);

/* platform/legacy.c: the devices that only a VM with firmware has, with the device lock held. */
void legacy_reset(struct vm *vm);
/* false: no such port. */
bool legacy_read(struct vm *vm, uint16_t port, unsigned size, uint32_t *value);
bool legacy_write(struct vm *vm, uint16_t port, unsigned size, uint32_t value);

/* platform/timers.c, with the device lock held but for the deadline. */
/* The host's time as a count of a clock of `hz`: never goes back, and begins with the machine. */
uint64_t timers_now(const struct vm *vm, uint64_t hz);
/* The I/O thread's turn: drives the timers' interrupts; and when it has to be called at the latest,
 * in the host's TSC. */
void timers_run(struct vm *vm);
uint64_t timers_deadline(struct vm *vm);
uint64_t timers_hpet_read(const struct vm *vm, uint32_t offset, unsigned size);
/* true: the I/O thread's deadline may be another one now. */
bool timers_hpet_write(struct vm *vm, uint32_t offset, unsigned size, uint64_t value);

/* devices.c: the device models' common life. */
void devices_reset(struct vm *vm);
/* The virtio devices by number: network, console, disks, random numbers; device n is PCI device n +
 * 1. NULL: the VM doesn't have it. */
struct virtio_device *devices_virtio(struct vm *vm, unsigned number);
/* With the device lock held: what a driver's access asks of the device model. */
void devices_event(struct vm *vm, unsigned number, enum virtio_event event);
/* With the device lock held: tells the I/O APIC and the APICs what the device models drive. */
void devices_update_interrupts(struct vm *vm);
/* With the device lock held: the framebuffer goes where its BAR says, or nowhere. */
void devices_place_framebuffer(struct vm *vm);
/* With the device lock held: where BARs are now, which disks' doorbells are in place. */
void devices_place_doorbells(struct vm *vm);
/* When devices_run has to look at the screen at the latest. */
uint64_t devices_screen_deadline(struct vm *vm);
/* With the device lock held: where BARs that the guest places may lie. */
struct passthrough_window devices_window(const struct vm *vm);
/* The I/O thread: the guest has ended, or hasn't begun; true: what reaches its RAM is quiet. */
bool devices_stop(struct vm *vm);
/* The same: what notifications stand for when they name it exactly: the work of a virtio disk or an
 * NVMe controller. true: it was nothing else, it is done, and whoever may bring more wakes us;
 * false: all devices need their turn. */
bool devices_serve(struct vm *vm, uint64_t bits);
/* When devices_run has to look at what is passed through at the latest. */
uint64_t devices_passed_deadline(struct vm *vm);
/* A vCPU's thread: of its notifications, interrupts of what is passed through and answers of disks on
 * virtio and NVMe go to the guest. So the thread that is woken is the one that goes on with them. */
void devices_hear(struct vm *vm, const struct vcpu *by, uint64_t bits);
/* The I/O thread's turn: moves everything that can move; true: more is waiting. */
bool devices_run(struct vm *vm);
bool devices_settle(struct vm *vm);

/* cpu/msr.c: RDMSR and WRMSR; false: #GP. */
bool msr_read(struct vcpu *vcpu, uint32_t number, uint64_t *value);
bool msr_write(struct vcpu *vcpu, uint32_t number, uint64_t value);

/* cpu/start.c: a vCPU's state after power-on, SIPI, or as the boot protocol wants it. */
void start_reset(struct vcpu *vcpu);
void start_at_vector(struct vcpu *vcpu, uint8_t vector);
void start_firmware(struct vcpu *vcpu);
void start_kernel(struct vcpu *vcpu, const struct loader_result *kernel);

/* cpu/exit.c: answers an exit. */
void exit_handle(struct vcpu *vcpu, uint32_t exit);
void exit_apic_effect(struct vcpu *vcpu, const struct apic_effect *effect);

/* cpu/inject.c: before an entry, what the guest takes next; after an exit, what was cut off. */
void inject_exception(struct vcpu *vcpu, unsigned vector, bool has_error, uint32_t error);
void inject_page_fault(struct vcpu *vcpu, uint32_t error, uint64_t address);
void inject_next(struct vcpu *vcpu);
void inject_take_back(struct vcpu *vcpu);       /* what the guest didn't take waits again */
void inject_again(struct vcpu *vcpu);
bool inject_wakes(const struct vcpu *vcpu);

/* cpu/known.c: the instruction at RIP, if it is known, and could still be fetched there; how long it is,
 * of one that proved by its exit what it does, 0: it isn't known; after one was fetched. */
bool known_insn(struct vcpu *vcpu, struct insn *insn);
unsigned known_length(struct vcpu *vcpu, enum insn_op op);
void known_add(struct vcpu *vcpu);

/* cpu/hints.c: which stores the kernel may take for notifications (abi/vcpu.h). After the store at
 * `rip` to device memory; with the device lock held: whatever may have ended that; all of them. */
void hints_give(struct vcpu *vcpu, struct gpa at, uint64_t rip, const struct insn *insn);
void hints_check(struct vm *vm);
void hints_forget(struct vm *vm);

/* cpu/eoi.c: the MSR's new value, false: #GP; before an entry; first after an exit. */
bool eoi_set(struct vcpu *vcpu, uint64_t value);
void eoi_offer(struct vcpu *vcpu);
void eoi_collect(struct vcpu *vcpu);

/* life.c: the end of a VM and what follows. */
void vm_end(struct vm *vm, enum vm_end_kind kind);
bool vm_runs(const struct vm *vm);
/* The I/O thread: loads the guest and starts vCPU 0; false: the image is refused, and the log says
 * why. After an end, once every vCPU is parked: stops or loads anew. */
bool vm_load(struct vm *vm);
void vm_settle_end(struct vm *vm);
/* When vm_settle_end has to be called again at the latest. */
uint64_t vm_deadline(const struct vm *vm);
/* A vCPU's thread sleeps here from the end of one life to the start of the next. */
void vm_park(struct vcpu *vcpu);

/* cpu/run.c: a vCPU's thread. */
_Noreturn void vcpu_main(struct vcpu *vcpu);

/* runtime.c (tests have their own): the world outside. */
uint64_t vm_now(void);               /* the host's TSC */
void vm_kick(struct vm *vm, const struct vcpu *vcpu);
void vm_kick_before_wait(struct vm *vm, const struct vcpu *vcpu);
void vm_kick_io(struct vm *vm);
/* Only for what `nvme_rung` says. */
void vm_kick_nvme(struct vm *vm);
/* Answers which notifications came. Those that a vCPU's thread hears (devices_hear) are known by
 * their bits, which mean nothing else in any thread; all others only say "look again". */
uint64_t vm_sleep(uint64_t host_deadline);
/* The I/O thread's, `before_wait` included; it loses none that came while a thread waited for a
 * lock. */
uint64_t vm_wait(struct vm *vm, uint64_t host_deadline);
/* Says that vCPUs' threads hear these. */
void vm_know_heard(uint64_t bits);
/* Those of them that came while a thread waited for a lock. */
uint64_t vm_kept_heard(void);
/* Maps the framebuffer into the guest, or takes it out; false: the kernel refuses. */
bool vm_place_framebuffer(const struct vm *vm, struct gpa at, bool present);
/* `bits`: those that came meanwhile. */
bool vm_enter(const struct vcpu *vcpu, uint64_t host_deadline, uint64_t *bits);
void vm_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline uint64_t vcpu_now(const struct vcpu *vcpu) {
    return vm_now() + vcpu->state->tsc_offset;
}

#endif
