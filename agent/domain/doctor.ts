import { type HostFacts, judgeHost } from './doctor-host.ts'
import { judgeNetwork, type NetworkFacts } from './doctor-network.ts'
import { judgePlanes, type PlaneFacts } from './doctor-planes.ts'
import { judgeRecords, type RecordFacts } from './doctor-records.ts'
import { FINDING_IDS, type Finding } from './finding.ts'
import type { Intent } from './model.ts'

/** Everything that `doctor` has read of a host. */
export interface DoctorFacts {
  readonly host: HostFacts
  readonly network: NetworkFacts
  readonly planes: PlaneFacts
  readonly records: RecordFacts
}

/**
 * Judges whether a host has everything it needs to be renumbered and reached. Every part is looked at,
 * whatever is wrong with the others; what cannot be read is a finding itself. Never empty.
 */
export function diagnose(
  facts: DoctorFacts,
  intent: Pick<Intent, 'firewall' | 'within'>,
): readonly Finding[] {
  const findings = [
    ...judgeHost(facts.host),
    ...judgeNetwork(facts.network),
    ...judgePlanes(facts.planes, intent),
    ...judgeRecords(facts.records),
  ]
  return FINDING_IDS.flatMap((id) => findings.filter((finding) => finding.id === id))
}
