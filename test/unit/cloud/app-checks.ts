import { expect } from 'vitest'
import { verifyLog } from '../../../cloud/log/verify-log.ts'
import type { Claim } from '../../../shared/report.ts'
import { type Fqdn, parseName } from '../../../shared/rrset.ts'
import type { startTestCloud } from '../../fakes/test-cloud.ts'

/** The whole cloud of a test. */
export type TestCloud = Awaited<ReturnType<typeof startTestCloud>>

/** Two names that every test host may claim. */
export const www = parseName('www.example.org')
export const api = parseName('api.example.org')

/** The claim of a name's IPv6 addresses. */
export function aaaa(name: Fqdn, ...values: string[]): Claim {
  return { name, type: 'AAAA', values }
}

/** The kinds of all entries, oldest first. */
export async function kinds(cloud: TestCloud): Promise<string[]> {
  return (await cloud.entries()).map(({ kind }) => kind)
}

/** Whatever was done to the cloud, its log must hold. */
export async function expectIntact(cloud: TestCloud): Promise<void> {
  const verdict = await verifyLog(await cloud.exportLines(), { vkeys: [cloud.signer.vkey] })
  expect(verdict.findings).toEqual([])
}
