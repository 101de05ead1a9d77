import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeEnrolment } from '../../../../agent/adapters/enrolment-file.ts'
import { createReceipts, receiptFileName } from '../../../../agent/adapters/receipts.ts'
import { createReportingStateFile } from '../../../../agent/adapters/reporting-state.ts'
import type { AgentConfig } from '../../../../agent/config.ts'
import { encodeBase64 } from '../../../../shared/base64.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { generateSigningKey } from '../../../../shared/jws.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { startTestCloud, type TestWorld } from '../../../fakes/test-cloud.ts'

/** A receipt as it lies on disk. */
export interface StoredFile {
  seq: number
  verifiedAt: string
  entry: number | null
  jws?: string
  receipt: {
    entry: string
    proof: string
    consistency: string[]
    result: { outcomes: unknown[] }
  }
}

/** A host that has reported to a real cloud, and whose state directory holds what the agent keeps. */
export async function createReportedHost(
  { paths }: Pick<AgentConfig, 'paths'>,
  reports = 4,
  world: TestWorld = {},
) {
  const cloud = await startTestCloud({}, world)
  const { join: word } = await cloud.addHost('home')
  const { key, jwk } = await generateSigningKey()
  await cloud.enrol(word, key)
  const agent = cloud.createAgent('home', key)
  const receipts = createReceipts(paths.receipts)
  const seqs: number[] = []
  const witnesses: { size: number; root: string }[] = []
  for (let subnet = 1; subnet <= reports; subnet++) {
    const prefix = parsePrefix(`2001:db8:${subnet}::/64`)
    const name = parseName('www.example.org')
    const values = [`2001:db8:${subnet}::5`]
    const report = agent.reportOf({
      prefix: { current: prefix, cause: 'flash' },
      records: [{ name, type: 'AAAA', values }] as ReturnType<typeof agent.reportOf>['records'],
    })
    const jws = await agent.sign(report)
    const { body } = await agent.post(jws)
    const entry = Number(/^index (\d+)$/m.exec(String(body.proof))?.[1])
    const verifiedAt = '2026-03-01T12:00:01Z'
    await receipts.save({ seq: report.seq, verifiedAt, entry, jws, receipt: body })
    seqs.push(report.seq)
    const { size, root } = agent.witness()
    witnesses.push({ size, root: encodeBase64(root) })
  }
  const { vkey } = cloud.signer
  await writeEnrolment(paths.enrolment, { url: 'https://c.example', vkey, host: 'home', key: jwk })
  const stateFile = createReportingStateFile(paths.reporting)
  const witnessed = (witness: { size: number; root: string }) =>
    stateFile.write({ sequence: 9, settled: 0, witness, claim: null, refused: null })
  await witnessed(witnesses.at(-1) ?? { size: 0, root: '' })
  const path = (index: number) => join(paths.receipts, receiptFileName(seqs[index] ?? 0))
  async function alter(index: number, change: (stored: StoredFile) => unknown): Promise<void> {
    const stored = JSON.parse(await readFile(path(index), 'utf8')) as StoredFile
    await writeFile(path(index), JSON.stringify(change(stored)))
  }
  return { cloud, agent, vkey, key, seqs, witnesses, witnessed, path, alter }
}
