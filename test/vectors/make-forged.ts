import { encodeBase64 } from '../../shared/base64.ts'
import { signCheckpoint } from '../../shared/checkpoint.ts'
import { digestOf } from '../../shared/jws.ts'
import { appendLeaf, leafHash, rootOf } from '../../shared/merkle.ts'
import { noteSignerOf, utf8 } from './signing.ts'

type Copy = readonly [name: string, lines: readonly (number | string)[]]
type Entry = Readonly<Record<string, unknown>>

/**
 * Continues the log with entries that its own cloud should not have written. Tree, checkpoint and
 * signature are right, because the cloud holds the key: only the entries tell.
 */
export async function forgeLogs(lines: readonly string[]): Promise<Copy[]> {
  const texts = lines.slice(0, -1).map((line) => String(JSON.parse(line).entry))
  const entries: readonly Entry[] = texts.map((text) => JSON.parse(text))
  const of = (kind: string, host = 'home'): Entry => {
    const found = entries.find(
      (entry) => entry.kind === kind && [host, undefined].includes(entry.host as string),
    )
    if (found === undefined) throw new Error(`there is no entry ${kind} of ${host}`)
    return found
  }
  const index = texts.length
  const lastOf = (kind: string) => entries.findLast((entry) => entry.kind === kind) ?? {}
  const report = lastOf('report')
  const pending = { ...report, seq: Number(report.seq) }
  const drifted = (change: object): Entry => {
    const drift = lastOf('drift')
    const records = (drift.records as readonly object[]).map((one) => ({ ...one, ...change }))
    return { ...drift, records }
  }
  const forged: readonly (readonly [string, readonly Entry[]])[] = [
    ['genesis-twice', [of('genesis')]],
    ['enroll-without-host', [{ ...of('enroll'), host: 'nobody' }]],
    ['enroll-twice', [of('enroll')]],
    ['rotate-twice', [of('rotate')]],
    ['rotate-unknown-key', [{ ...of('rotate'), kid: await digestOf('nobody') }]],
    ['report-by-replaced-key', [of('report')]],
    ['revoke-unknown-key', [{ ...of('revoke', 'office'), host: 'home' }]],
    ['revoke-twice', [of('revoke', 'office')]],
    ['report-by-unknown-key', [{ ...pending, kid: await digestOf('nobody') }]],
    ['report-again', [pending]],
    ['report-by-revoked-key', [lastOf('denied')]],
    ['report-of-another-host', [{ ...pending, host: 'office' }]],
    ['report-with-another-sequence', [{ ...pending, seq: Number(report.seq) + 1 }]],
    ['report-with-damaged-signature', [{ ...pending, jws: damaged(String(report.jws)) }]],
    ['denied-with-another-digest', [{ ...lastOf('denied'), digest: await digestOf('x') }]],
    ['applied-twice', [lastOf('applied')]],
    ['drift-to-other-values', [drifted({ values: ['2001:db8:2::bad'] })]],
    ['drift-of-a-name-in-no-report', [drifted({ name: 'ftp.example.org' })]],
    ['drift-of-another-type', [drifted({ type: 'A', values: [] })]],
    ['drift-of-another-zone', [{ ...lastOf('drift'), zone: 'example.net' }]],
    ['applied-without-report', [{ ...lastOf('applied'), report: index + 5 }]],
  ]
  const copies: Copy[] = []
  for (const [name, added] of forged) {
    const more = added.map((entry) => JSON.stringify(entry))
    copies.push([`forged/${name}`, await continued(texts, more)])
  }
  // The same log with what an `applied` entry says changed, from that entry on.
  const appliedAt = entries.findIndex((entry) => entry.kind === 'applied')
  const value = (texts[appliedAt] ?? '').replaceAll('2001:db8:1::1', '2001:db8:1::bad')
  const rewritten = await continued(texts.slice(0, appliedAt), [
    value,
    ...texts.slice(appliedAt + 1),
  ])
  copies.push(['rewritten/value-of-applied', rewritten])
  const kind = (name: string) => entries.findIndex((entry) => entry.kind === name)
  const policyAt = kind('policy')
  const narrow = (texts[policyAt] ?? '').replace('www.example.org', 'ftp.example.org')
  copies.push([
    'rewritten/policy-narrowed',
    await continued(texts.slice(0, policyAt), [narrow, ...texts.slice(policyAt + 1)]),
  ])
  copies.push(['rewritten/no-genesis', await continued([], texts.slice(1))])
  return copies
}

/** The first lines of the export by number, then lines that continue it, and a right checkpoint. */
async function continued(kept: readonly string[], added: readonly string[]) {
  const { signer } = await noteSignerOf('cloud.example.org')
  let frontier: readonly Uint8Array[] = []
  const leaves: Uint8Array[] = []
  for (const [index, text] of [...kept, ...added].entries()) {
    const leaf = await leafHash(utf8(text))
    leaves.push(leaf)
    frontier = (await appendLeaf(frontier, index, leaf)).frontier
  }
  const size = leaves.length
  const root = await rootOf(frontier)
  const checkpoint = await signCheckpoint({ origin: signer.name, size, root }, signer)
  const lines = added.map((entry, i) => {
    const index = kept.length + i
    return JSON.stringify({ index, leaf: encodeBase64(leaves[index] ?? root), entry })
  })
  return [...kept.keys(), ...lines, JSON.stringify({ checkpoint })]
}

function damaged(jws: string): string {
  return jws.replace(/\.([^.])([^.]*)$/, (_, first, rest) => `.${first === 'A' ? 'B' : 'A'}${rest}`)
}
