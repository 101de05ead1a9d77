import { rm } from 'node:fs/promises'
import * as v from 'valibot'
import { writeFault } from '../../shared/files.ts'
import { prefixSchema } from '../../shared/schema.ts'
import type { SettlePlan } from '../domain/settle-plan.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'

/** A settle that was begun: it is on disk from before the first change until after the last. */
export type SettleRecord = {
  readonly v: 1
  readonly plan: SettlePlan
  /** Which of the two networks is being made; `before` once the new one turned out to be impossible. */
  readonly goal: 'after' | 'before'
  /** How far it is known to have come, for people; what is done is seen in Docker itself. */
  readonly phase: 'begun' | 'removed' | 'created'
  /** Why the goal is `before`. */
  readonly reason?: string
}

/** Where the settle under way is remembered. One at a time. */
export interface SettleJournal {
  /** `null` when none is under way. */
  read(): Promise<SettleRecord | null>
  /** Durable when it returns. */
  write(record: SettleRecord): Promise<void>
  clear(): Promise<void>
}

const texts = v.record(v.string(), v.string())

const networkSchema = v.strictObject({
  Name: v.string(),
  CheckDuplicate: v.literal(true),
  Driver: v.string(),
  Internal: v.boolean(),
  Attachable: v.boolean(),
  EnableIPv4: v.exactOptional(v.boolean()),
  EnableIPv6: v.boolean(),
  IPAM: v.strictObject({
    Driver: v.string(),
    Options: v.exactOptional(texts),
    Config: v.array(
      v.strictObject({
        Subnet: v.string(),
        IPRange: v.exactOptional(v.string()),
        Gateway: v.exactOptional(v.string()),
        AuxiliaryAddresses: v.exactOptional(texts),
      }),
    ),
  }),
  Options: texts,
  Labels: texts,
})

const endpointSchema = v.strictObject({
  IPAMConfig: v.exactOptional(
    v.strictObject({
      IPv4Address: v.exactOptional(v.string()),
      IPv6Address: v.exactOptional(v.string()),
      LinkLocalIPs: v.exactOptional(v.array(v.string())),
    }),
  ),
  Aliases: v.exactOptional(v.array(v.string())),
  Links: v.exactOptional(v.array(v.string())),
  MacAddress: v.exactOptional(v.string()),
  DriverOpts: v.exactOptional(texts),
  GwPriority: v.exactOptional(v.number()),
})

const recordSchema = v.strictObject({
  v: v.literal(1),
  plan: v.strictObject({
    network: v.string(),
    from: prefixSchema,
    to: prefixSchema,
    before: networkSchema,
    after: networkSchema,
    attachments: v.array(
      v.strictObject({
        containerId: v.string(),
        containerName: v.string(),
        isRunning: v.boolean(),
        isRestarting: v.boolean(),
        isFixed: v.boolean(),
        before: endpointSchema,
        after: endpointSchema,
      }),
    ),
    dockerMajor: v.nullable(v.number()),
  }),
  goal: v.picklist(['after', 'before']),
  phase: v.picklist(['begun', 'removed', 'created']),
  reason: v.exactOptional(v.string()),
})

const REMEDY =
  'it says how the containers of a network are to be connected again: connect them by hand' +
  ' (docker network inspect, docker network connect), then remove it'

/** Keeps the journal of the settle under way in one file. A damaged one is STATE_CORRUPT. */
export function createSettleJournal(path: string): SettleJournal {
  return {
    read: () => readJsonFile(path, recordSchema, REMEDY),
    write: (record) => writeJsonFile(path, record),
    clear: async () => {
      try {
        await rm(path, { force: true })
      } catch (cause) {
        throw writeFault(path, cause)
      }
    },
  }
}
