/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said in ATA and ATAPI: status and error registers, commands, packets, sense data.
 *
 * References: ATA/ATAPI Command Set (ACS-3), "Command descriptions"; SCSI Primary Commands (SPC-4);
 * Multi-Media Commands (MMC-6).
 */
#ifndef VMM_AHCI_ATA_H
#define VMM_AHCI_ATA_H

enum ata_status {
    STATUS_ERROR = 0x01, STATUS_DATA = 0x08, STATUS_SEEK = 0x10, STATUS_READY = 0x40,
    STATUS_BUSY = 0x80, STATUS_GOOD = STATUS_READY | STATUS_SEEK,
    STATUS_BAD = STATUS_GOOD | STATUS_ERROR,
};

enum ata_error {
    ERROR_ABORTED = 0x04, ERROR_NOT_FOUND = 0x10, ERROR_UNCORRECTABLE = 0x40,
    ERROR_PASSED = 0x01,             /* after a reset: the diagnostic found nothing */
};

enum ata_command {
    ATA_DATA_SET_MANAGEMENT = 0x06, ATA_DEVICE_RESET = 0x08, ATA_RECALIBRATE = 0x10,
    ATA_READ_SECTORS = 0x20, ATA_READ_SECTORS_OLD = 0x21, ATA_READ_SECTORS_EXT = 0x24,
    ATA_READ_DMA_EXT = 0x25, ATA_READ_MULTIPLE_EXT = 0x29, ATA_READ_LOG_EXT = 0x2f,
    ATA_WRITE_SECTORS = 0x30, ATA_WRITE_SECTORS_OLD = 0x31, ATA_WRITE_SECTORS_EXT = 0x34,
    ATA_WRITE_DMA_EXT = 0x35, ATA_WRITE_MULTIPLE_EXT = 0x39, ATA_READ_VERIFY = 0x40,
    ATA_READ_VERIFY_OLD = 0x41, ATA_READ_VERIFY_EXT = 0x42, ATA_READ_QUEUED = 0x60,
    ATA_WRITE_QUEUED = 0x61, ATA_SEEK = 0x70, ATA_INITIALIZE_PARAMETERS = 0x91,
    ATA_PACKET = 0xa0, ATA_IDENTIFY_PACKET = 0xa1,
    ATA_READ_MULTIPLE = 0xc4, ATA_WRITE_MULTIPLE = 0xc5, ATA_SET_MULTIPLE = 0xc6,
    ATA_READ_DMA = 0xc8, ATA_WRITE_DMA = 0xca, ATA_STANDBY_IMMEDIATE = 0xe0,
    ATA_IDLE_IMMEDIATE = 0xe1, ATA_STANDBY = 0xe2, ATA_IDLE = 0xe3, ATA_CHECK_POWER = 0xe5,
    ATA_SLEEP = 0xe6, ATA_FLUSH = 0xe7, ATA_FLUSH_EXT = 0xea, ATA_IDENTIFY = 0xec,
    ATA_SET_FEATURES = 0xef,
};

enum ata_feature {                   /* SET FEATURES: subcommands */
    FEATURE_CACHE_ON = 0x02, FEATURE_TRANSFER_MODE = 0x03, FEATURE_CACHE_OFF = 0x82,
    FEATURE_READ_AHEAD_OFF = 0x55, FEATURE_READ_AHEAD_ON = 0xaa,
};

enum { DEVICE_LBA = 0x40, DEVICE_FUA = 0x80 };   /* of the device register */
enum { FEATURES_TRIM = 0x01 };                   /* DATA SET MANAGEMENT */
enum { FEATURES_PACKET_DMA = 0x01 };             /* PACKET */
enum { POWER_ACTIVE = 0xff };                    /* CHECK POWER MODE's answer */
enum { LOG_DIRECTORY = 0x00, LOG_QUEUED_ERROR = 0x10 };
enum { REASON_DONE = 0x03 };                     /* interrupt reason after a packet: status */

enum packet_command {
    PACKET_TEST_UNIT_READY = 0x00, PACKET_REQUEST_SENSE = 0x03, PACKET_INQUIRY = 0x12,
    PACKET_MODE_SENSE_6 = 0x1a, PACKET_START_STOP = 0x1b, PACKET_PREVENT_ALLOW = 0x1e,
    PACKET_READ_CAPACITY = 0x25, PACKET_READ_10 = 0x28, PACKET_SEEK = 0x2b,
    PACKET_READ_TOC = 0x43, PACKET_GET_CONFIGURATION = 0x46, PACKET_GET_EVENT = 0x4a,
    PACKET_READ_DISC = 0x51, PACKET_MODE_SENSE_10 = 0x5a, PACKET_READ_12 = 0xa8,
    PACKET_SET_SPEED = 0xbb, PACKET_MECHANISM_STATUS = 0xbd,
};

enum sense_key { SENSE_NOT_READY = 2, SENSE_MEDIUM = 3, SENSE_ILLEGAL = 5 };
enum sense_code {                    /* additional sense code, its qualifier is zero */
    SENSE_UNRECOVERED = 0x11, SENSE_NO_COMMAND = 0x20, SENSE_OUT_OF_RANGE = 0x21,
    SENSE_NO_FIELD = 0x24, SENSE_NO_MEDIUM = 0x3a,
};

#endif
