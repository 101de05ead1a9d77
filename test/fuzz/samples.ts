import { renderCheckpointLine, renderEntryLine } from '../../cloud/log/export-line.ts'
import type { LogRow } from '../../cloud/ports.ts'
import { decodeBase64url, encodeBase64 } from '../../shared/base64.ts'
import { importNoteSigner, parseVkey, signCheckpoint } from '../../shared/checkpoint.ts'
import {
  type DriftRecord,
  type LogEntry,
  type RecordOutcome,
  renderEntry,
} from '../../shared/entry.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { type JoinString, renderJoin } from '../../shared/join.ts'
import { digestOf, importSigningKey, signEnrolment, signReport } from '../../shared/jws.ts'
import {
  appendLeaf,
  consistencyProof,
  inclusionProof,
  leafHash,
  rootOf,
} from '../../shared/merkle.ts'
import type { Report } from '../../shared/report.ts'
import { signRotation } from '../../shared/rotation.ts'
import { parseName } from '../../shared/rrset.ts'
import { renderTlogProof } from '../../shared/tlog-proof.ts'

// Keys of nobody: with the same ones every run has the same samples, so that a seed repeats a run.
export const NOTE_KEY =
  'PRIVATE+KEY+cloud.example.org+8a9b3785+AZAFp1c1vT6w0mpfvkYZY78iLmDx8YWFmxPgRPbnZlSr'
const JWK = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '10VUG2OoiS9k-O9zcHk_X3eQed2ZPi1l2E4caiDH85A',
  d: 'NzkMCkaEg7usefAIcbZ5SS5p09XxSvfAmMW3cY4Mx_I',
}
const SUCCESSOR = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'vtHrTVr5Z17el4to-9MpL8rga5KqINS9g7Ep1OL63hU',
  d: 's-Zt7N3gnPzVptXZA7JFMvhzplYaB4S91HdwiX7M2OM',
}
const AT = '2026-03-01T12:00:00.000Z'
const IAT = 1_772_366_400
const URL = 'https://cloud.example.org'
const SEQ = 1_772_366_400_000

/** A log with an entry of every kind, and everything on the wire that belongs to it. */
export async function makeSamples() {
  const signer = await importNoteSigner(NOTE_KEY)
  const key = await importSigningKey(JWK)
  const join: JoinString = {
    url: URL,
    vkey: signer.vkey,
    token: 'token-of-the-tests',
    secret: decodeBase64url('AAECAwQFBgcICQoLDA0ODw'),
  }
  const report = (change: Partial<Report> = {}): Report => ({
    v: 1,
    host: 'home',
    seq: SEQ,
    prefix: {
      current: parsePrefix('2001:db8:2::/64'),
      others: [parsePrefix('2001:db8:3::/64')],
      previous: parsePrefix('2001:db8:1::/64'),
      validUntil: AT,
      cause: 'flash',
    },
    records: [
      { name: parseName('www.example.org'), type: 'AAAA', values: ['2001:db8:2::1'] },
      { name: parseName('*.home.example.org'), type: 'A', values: ['192.0.2.1'] },
    ],
    steps: [{ step: 'address', target: 'web', outcome: 'done', ms: 1.5 }],
    log: { size: 0, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
    agent: '0.1.0',
    ...change,
  })
  const header = { url: `${URL}/v1/reports`, iat: IAT }
  const jws = await signReport(report(), key, header)
  const withNonce = await signReport(report({ records: [] }), key, { ...header, nonce: 'abc' })
  const enrolment = await signEnrolment(join, key, IAT)
  const successor = await importSigningKey(SUCCESSOR)
  const seen = { size: 0, root: report().log.root }
  const rotation = await signRotation(
    { host: 'home', log: seen },
    { key, successor },
    { url: `${URL}/v1/rotate`, iat: IAT },
  )
  const digest = await digestOf(jws)
  const from = { v: 1, at: AT, host: 'home', kid: key.kid } as const
  const outcome: RecordOutcome = {
    name: parseName('www.example.org'),
    type: 'AAAA',
    provider: 'lan',
    outcome: 'failed',
    values: ['2001:db8:2::1'],
    error: { kind: 'transient', message: 'no answer' },
  }
  const drifted: DriftRecord = {
    ...{ name: outcome.name, type: 'AAAA', provider: 'lan', cause: 'changed' },
    ...{ found: ['2001:db8::bad'], values: outcome.values },
  }
  const entries: LogEntry[] = [
    { v: 1, kind: 'genesis', at: AT, origin: signer.name, vkey: signer.vkey },
    { v: 1, kind: 'policy', at: AT, host: 'home', policy: { names: ['www.example.org'] } },
    { kind: 'enroll', ...from, jws: enrolment, token: join.token },
    { kind: 'report', ...from, seq: SEQ, jws },
    { kind: 'applied', ...from, seq: SEQ, report: 3, digest, outcomes: [outcome] },
    { kind: 'denied', ...from, seq: SEQ, digest, code: 'POLICY_NAME', detail: 'no', jws },
    { kind: 'rotate', ...from, successor: successor.kid, jws: rotation },
    { kind: 'drift', v: 1, at: AT, zone: parseName('example.org'), records: [drifted] },
    { kind: 'revoke', ...from },
  ]
  const rows: LogRow[] = []
  for (const [index, each] of entries.entries()) {
    const entry = renderEntry(each)
    const leaf = await leafHash(new TextEncoder().encode(entry))
    rows.push({ index, entry, ...(await appendLeaf(rows.at(-1)?.frontier ?? [], index, leaf)) })
  }
  const checkpointOf = async (size: number) => {
    const root = await rootOf(rows[size - 1]?.frontier ?? [])
    return signCheckpoint({ origin: signer.name, size, root }, signer)
  }
  const read = async (wanted: readonly { level: number; index: number }[]) =>
    wanted.map(({ level, index }) => {
      return rows[(index + 1) * 2 ** level - 1]?.nodes[level] ?? new Uint8Array()
    })
  const proofOf = async (index: number) =>
    renderTlogProof({
      index,
      hashes: await inclusionProof(index, index + 1, read),
      checkpoint: await checkpointOf(index + 1),
    })
  const checkpoint = await checkpointOf(rows.length)
  const consistency = (await consistencyProof(3, 5, read)).map(encodeBase64)
  return {
    vkey: signer.vkey,
    noteKey: NOTE_KEY,
    verifiers: [await parseVkey(signer.vkey)],
    key,
    jwk: key.jwk,
    join: renderJoin(join),
    report: report(),
    reportJws: [jws, withNonce],
    enrolment,
    rotation,
    successor,
    entries: rows.map(({ entry }) => entry),
    rows,
    exportLines: [
      ...(await Promise.all(rows.map(renderEntryLine))),
      renderCheckpointLine(checkpoint),
    ].map((line) => line.trimEnd()),
    checkpoint,
    proofs: await Promise.all(rows.map(({ index }) => proofOf(index))),
    /** The answer to `reportJws[0]`, for a host that had seen three entries. */
    receipt: {
      entry: rows[4]?.entry ?? '',
      proof: await proofOf(4),
      consistency,
      result: { outcomes: [outcome] },
    },
    witness: { size: 3, root: await rootOf(rows[2]?.frontier ?? []) },
    /** The answer to `rotation`. */
    rotationReceipt: {
      entry: rows[6]?.entry ?? '',
      proof: await proofOf(6),
      consistency: (await consistencyProof(3, 7, read)).map(encodeBase64),
      result: { host: 'home', kid: successor.kid },
    },
    enrolmentReceipt: {
      entry: rows[2]?.entry ?? '',
      proof: await proofOf(2),
      consistency: [],
      result: { host: 'home', names: ['www.example.org'], types: ['AAAA'], prefixes: ['2000::/3'] },
    },
  }
}
