/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82540EM's EEPROM, read through EERD or bit by bit through EECD as a Microwire part, and its
 * PHY behind MDIC, whose cable is always in.
 */
#include "vmm/e1000/parts.h"

#include "lib/c/string.h"

enum eeprom_word {                   /* SDM, EEPROM address map */
    WORD_ADDRESS = 0, WORD_SUBSYSTEM = 0x0b, WORD_SUBVENDOR = 0x0c, WORD_DEVICE = 0x0d,
    WORD_VENDOR = 0x0e, WORD_CHECKSUM = 0x3f,
};

enum {
    EEPROM_SUM = 0xbaba,             /* SDM, checksum word: the sum of all */
    EEPROM_BLANK = 0xffff,
    DEVICE_ID = 0x100e, VENDOR_ID = 0x8086,
};

void e1000_eeprom_fill(struct e1000 *e1000, const uint8_t mac[NET_MAC_BYTES]) {
    uint16_t *word = e1000->eeprom;
    uint16_t sum = 0;
    memset(word, 0, sizeof(e1000->eeprom));
    for (unsigned i = 0; i < NET_MAC_BYTES / 2; i++)
        word[WORD_ADDRESS + i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
    word[WORD_SUBSYSTEM] = word[WORD_DEVICE] = DEVICE_ID;
    word[WORD_SUBVENDOR] = word[WORD_VENDOR] = VENDOR_ID;
    for (unsigned i = 0; i < WORD_CHECKSUM; i++)
        sum = (uint16_t)(sum + word[i]);
    word[WORD_CHECKSUM] = (uint16_t)(EEPROM_SUM - sum);
}

static uint16_t eeprom_word(const struct e1000 *e1000, uint32_t address) {
    return address < E1000_EEPROM_WORDS ? e1000->eeprom[address] : EEPROM_BLANK;
}

/* Register EERD after a write: the answer is there at once (SDM, EEPROM read register). */
uint32_t e1000_eeprom_word(const struct e1000 *e1000, uint32_t request) {
    uint32_t address = request >> EERD_ADDRESS & 0xff;
    if (!(request & EERD_START))
        return request & 0xff00;
    return (uint32_t)eeprom_word(e1000, address) << EERD_DATA | address << EERD_ADDRESS | EERD_DONE;
}

/* Register EECD as it reads. */
uint32_t e1000_eeprom_lines(const struct e1000 *e1000) {
    const struct e1000_serial_eeprom *serial = &e1000->serial;
    uint32_t value = serial->lines | EECD_PRESENT | EECD_FLASH_DISABLED;
    if (serial->lines & EECD_REQUEST)
        value |= EECD_GRANT;
    return serial->out ? value | EECD_OUT : value;
}

/* A rising clock edge: leading zeroes are skipped, then come a start bit, two bits of operation and
 * six of address; only the read operation, 10, is answered, with a zero and then 16 bits. */
static void eeprom_clock(struct e1000 *e1000, bool in) {
    enum { COMMAND_FULL = 1u << 8, OPERATION_SHIFT = 6, READ = 6, ADDRESS = 0x3f };
    struct e1000_serial_eeprom *serial = &e1000->serial;
    if (serial->answering) {
        serial->out = (serial->output & 0x8000) != 0;
        serial->output = (uint16_t)(serial->output << 1);
        return;
    }
    if (serial->command < COMMAND_FULL)
        serial->command = (uint16_t)(serial->command << 1 | in);
    if (serial->command >> OPERATION_SHIFT == READ) {
        serial->answering = true;
        serial->output = eeprom_word(e1000, serial->command & ADDRESS);
        serial->out = false;
    }
}

void e1000_eeprom_drive(struct e1000 *e1000, uint32_t lines) {
    struct e1000_serial_eeprom *serial = &e1000->serial;
    bool rises = (lines & EECD_CLOCK) && !(serial->lines & EECD_CLOCK);
    serial->lines = lines & (EECD_CLOCK | EECD_SELECT | EECD_IN | EECD_REQUEST);
    if (!(lines & EECD_SELECT))
        *serial = (struct e1000_serial_eeprom){ .lines = serial->lines };
    else if (rises)
        eeprom_clock(e1000, (lines & EECD_IN) != 0);
}

/* ---- PHY (SDM, PHY registers; 88E1011) ---- */

enum phy_register {
    PHY_CONTROL = 0, PHY_STATUS = 1, PHY_ID_HIGH = 2, PHY_ID_LOW = 3, PHY_ADVERTISED = 4,
    PHY_PARTNER = 5, PHY_EXPANSION = 6, PHY_GIGABIT_CONTROL = 9, PHY_GIGABIT_STATUS = 10,
    PHY_EXTENDED_STATUS = 15, PHY_SPECIFIC_CONTROL = 16, PHY_SPECIFIC_STATUS = 17,
};

enum { PHY_ADDRESS = 1, CONTROL_RESET = 0x8000, CONTROL_RESTART = 0x0200 };

static const uint16_t phy_initial[E1000_PHY_REGISTERS] = {
    [PHY_CONTROL] = 0x1140,          /* autonegotiation, full duplex, 1000 Mb/s */
    [PHY_STATUS] = 0x796d,           /* negotiated, link up */
    [PHY_ID_HIGH] = 0x0141, [PHY_ID_LOW] = 0x0c20,
    [PHY_ADVERTISED] = 0x01e1, [PHY_PARTNER] = 0x41e1, [PHY_EXPANSION] = 0x0001,
    [PHY_GIGABIT_CONTROL] = 0x0e00, [PHY_GIGABIT_STATUS] = 0x3c00,
    [PHY_EXTENDED_STATUS] = 0x3000, [PHY_SPECIFIC_CONTROL] = 0x0068,
    [PHY_SPECIFIC_STATUS] = 0xac08,  /* 1000 Mb/s, full duplex, resolved, link up */
};

void e1000_phy_reset(struct e1000 *e1000) {
    memcpy(e1000->phy, phy_initial, sizeof(e1000->phy));
}

static bool phy_writable(uint32_t number) {
    return number == PHY_CONTROL || number == PHY_ADVERTISED || number == PHY_GIGABIT_CONTROL ||
           number == PHY_SPECIFIC_CONTROL || number > PHY_SPECIFIC_STATUS;
}

static void phy_write(struct e1000 *e1000, uint32_t number, uint16_t value) {
    if (number == PHY_CONTROL && (value & CONTROL_RESET))
        e1000_phy_reset(e1000);
    else if (number == PHY_CONTROL)
        e1000->phy[PHY_CONTROL] = value & (uint16_t)~CONTROL_RESTART;
    else if (phy_writable(number))
        e1000->phy[number] = value;
}

/* Register MDIC after a write: the access is over at once. */
uint32_t e1000_phy_access(struct e1000 *e1000, uint32_t request) {
    uint32_t number = request >> MDIC_REGISTER & 0x1f;
    uint32_t answer = request | MDIC_READY;
    if ((request >> MDIC_PHY & 0x1f) != PHY_ADDRESS)
        return answer | MDIC_ERROR;
    if ((request & MDIC_OPERATION) == MDIC_WRITE)
        phy_write(e1000, number, (uint16_t)request);
    else if ((request & MDIC_OPERATION) == MDIC_READ)
        answer = (answer & ~MDIC_DATA) | e1000->phy[number];
    return answer;
}
