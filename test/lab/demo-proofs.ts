import type { Prefix } from '../../shared/ipv6.ts'
import type { AuditSummary } from './cloud-process.ts'
import type { DemoSummary, Proof } from './demo-events.ts'
import { pageOf } from './image.ts'
import type { Lab } from './lab.ts'
import { askFromOutside } from './prober.ts'
import { addressBelow, type Renumbering } from './renumbering.ts'

/** What must hold of a change of the prefix: nothing that worked before was disturbed. */
export function proveRenumbering(renumbering: Renumbering): readonly Proof[] {
  const { cause, counters, lostIpv4, lostOldIpv6, brokenTcp, restarts } = renumbering
  return [
    {
      name: `${cause}: no IPv4 request was lost`,
      ok: lostIpv4 === 0 && counters.ipv4.sent > 0,
      seen: `${lostIpv4} of ${counters.ipv4.sent} lost, longest gap ${counters.ipv4.longestGapMs} ms`,
    },
    {
      name: `${cause}: the established TCP connection held`,
      ok: brokenTcp === 0 && counters.tcp.lost === 0 && counters.tcp.sent > 0,
      seen: `${counters.tcp.sent} echoes, ${counters.tcp.lost} lost, broken ${brokenTcp} times`,
    },
    {
      name: `${cause}: the old address kept answering`,
      ok: lostOldIpv6 === 0 && counters.oldIpv6.sent > 0,
      seen: `${lostOldIpv6} of ${counters.oldIpv6.sent} lost`,
    },
    {
      name: `${cause}: no container was restarted`,
      ok: restarts === 0,
      seen: `${restarts} restarted, by process id and start time`,
    },
  ]
}

/** Asks, from the client's side, for every name: exactly its new address, and the right page there. */
export async function proveNames(lab: Lab, prefix: Prefix): Promise<readonly Proof[]> {
  return Promise.all(
    lab.containers.map(async (container) => {
      const sight = await askFromOutside(lab, container.domain)
      const expected = addressBelow(prefix, container)
      const isNamed = sight.addresses.length === 1 && sight.addresses[0] === expected
      return {
        name: `${container.domain} leads to the page of ${container.name} over IPv6`,
        ok: isNamed && sight.page === pageOf(container.name),
        seen: `AAAA ${sight.addresses.join(', ') || 'none'}: ${sight.page ?? sight.error ?? ''}`,
      }
    }),
  )
}

/** The last word of the demo: it is ok when every proof is. */
export function summarise(
  renumberings: readonly Renumbering[],
  proofs: readonly Proof[],
  audit: AuditSummary,
): DemoSummary {
  return {
    kind: 'summary',
    ok: proofs.length > 0 && proofs.every(({ ok }) => ok),
    renumberings: renumberings.map((each) => ({
      cause: each.cause,
      toReachableMs: each.toReachableMs,
      lostIpv4: each.lostIpv4,
      lostOldIpv6: each.lostOldIpv6,
      brokenTcp: each.brokenTcp,
      restarts: each.restarts,
    })),
    audit: { ok: audit.ok, entries: audit.entries },
  }
}
