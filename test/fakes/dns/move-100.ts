import type { ChangeOutcome } from '../../../cloud/domain/dns-provider.ts'
import { parseName, type RRset } from '../../../shared/rrset.ts'
import type { HttpRig } from './hosted-rig.ts'

/** What it took to move a hundred RRsets of one zone. */
export interface Moved {
  readonly outcomes: readonly ChangeOutcome['kind'][]
  readonly reads: number
  readonly writes: number
  /** How long the provider has waited for its own limits and for the service, in ms. */
  readonly waitedMs: number
}

const COUNT = 100

/** Moves a hundred RRsets of one address to other addresses, in one apply. */
export async function move100(open: () => Promise<HttpRig>): Promise<Moved> {
  const rig = await open()
  try {
    const zone = await rig.provider.findZone(rig.zone)
    const set = (index: number, prefix: string): RRset => {
      const name = parseName(`host${index}.${rig.zone}`)
      const values = [`${prefix}::${index + 1}`]
      return { name, type: 'AAAA', ttl: zone.minTtl ?? 600, values }
    }
    const moved = Array.from({ length: COUNT }, (_, index) => set(index, '2001:db8:2'))
    for (const index of moved.keys()) await rig.seed(set(index, '2001:db8:1'))
    const before = { requests: rig.requests(), writes: rig.writes(), waited: rig.waited() }
    const { outcomes } = await rig.provider.apply(
      zone,
      moved.map((one) => ({ name: one.name, type: one.type, set: one })),
    )
    const writes = rig.writes() - before.writes
    return {
      outcomes: outcomes.map(({ kind }) => kind),
      reads: rig.requests() - before.requests - writes,
      writes,
      waitedMs: rig.waited() - before.waited,
    }
  } finally {
    await rig.close()
  }
}
