import { encodeBase64 } from '../../shared/base64.ts'
import { type NoteVerifier, parseVkey } from '../../shared/checkpoint.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { parseJoin } from '../../shared/join.ts'
import { generateSigningKey, type SigningKey, signEnrolment, signReport } from '../../shared/jws.ts'
import { EMPTY_ROOT } from '../../shared/merkle.ts'
import { verifyReceipt } from '../../shared/receipt.ts'
import type { Report } from '../../shared/report.ts'
import { signRotation } from '../../shared/rotation.ts'
import { parseName } from '../../shared/rrset.ts'

/** The public URL of every cloud of the suite: what is signed, wherever the cloud listens. */
export const CLOUD_URL = 'https://cloud.example.org'

/** What a header may have that an honest agent does not write. */
interface HeaderChange {
  readonly url?: string
  readonly iat?: number
  readonly nonce?: string
}

/** A host that signs as an agent does, and verifies each receipt against what it has seen before. */
export interface ConformingAgent {
  readonly host: string
  readonly key: SigningKey
  reportOf(change?: Partial<Report>): Report
  sign(report: Report, header?: HeaderChange): Promise<string>
  /** The outcomes in a receipt that proves itself. @throws ReprefixError RECEIPT_INVALID and others */
  verify(jws: string, body: unknown): ReturnType<typeof verifyReceipt>
  rotation(successor: SigningKey): Promise<string>
  /** The same host with another key. */
  withKey(key: SigningKey): ConformingAgent
}

const seconds = () => Math.floor(Date.now() / 1000)

/** The request that enrols a new key with a join string, and the agent that has it then. */
export async function prepareEnrolment(host: string, join: string) {
  const parsed = parseJoin(join)
  const { key } = await generateSigningKey()
  const jws = await signEnrolment(parsed, key, seconds())
  return { jws, agent: createAgent(host, key, [await parseVkey(parsed.vkey)]) }
}

function createAgent(
  host: string,
  key: SigningKey,
  verifiers: readonly NoteVerifier[],
  firstSeq = Date.now(),
): ConformingAgent {
  let witness = { size: 0, root: EMPTY_ROOT }
  let seq = firstSeq
  const named = new Map<string, typeof witness>()
  return {
    host,
    key,
    reportOf: (change = {}) => ({
      v: 1,
      host,
      seq: ++seq,
      prefix: { current: parsePrefix('2001:db8:1::/64'), cause: 'flash' },
      records: [
        { name: parseName(`${host}.example.test`), type: 'AAAA', values: ['2001:db8:1::1'] },
      ],
      steps: [],
      log: { size: witness.size, root: encodeBase64(witness.root) },
      agent: '0.1.0',
      ...change,
    }),
    async sign(report, header = {}) {
      const url = `${CLOUD_URL}/v1/reports`
      const jws = await signReport(report, key, { url, iat: seconds(), ...header })
      named.set(jws, witness)
      return jws
    },
    async verify(jws, body) {
      const proven = await verifyReceipt(body, {
        verifiers,
        witness: named.get(jws) ?? witness,
        jws,
      })
      if (proven.checkpoint.size > witness.size) witness = proven.checkpoint
      return proven
    },
    rotation: (successor) =>
      signRotation(
        { host, log: { size: witness.size, root: encodeBase64(witness.root) } },
        { key, successor },
        { url: `${CLOUD_URL}/v1/rotate`, iat: seconds() },
      ),
    withKey: (other) => createAgent(host, other, verifiers, seq),
  }
}
