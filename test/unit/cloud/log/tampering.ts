import { renderCheckpointLine, renderEntryLine } from '../../../../cloud/log/export-line.ts'
import { verifyLog } from '../../../../cloud/log/verify-log.ts'
import type { LogRow } from '../../../../cloud/ports.ts'
import { encodeBase64 } from '../../../../shared/base64.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { generateSigningKey } from '../../../../shared/jws.ts'
import { signRotation } from '../../../../shared/rotation.ts'
import { CLOUD_URL, startTestCloud } from '../../../fakes/test-cloud.ts'

/** A row as the store keeps it, every part as bytes. */
export type RowPart = 'entry' | 'leaf' | 'nodes' | 'frontier'

/** A small log with every kind of entry that this version writes, and what it takes to export it. */
export async function makeSmallLog() {
  const cloud = await startTestCloud()
  const agent = await cloud.addAgent('home')
  await agent.report()
  // Outside the policy: denied.
  await agent.report({ prefix: { current: parsePrefix('2001:470:1::/64'), cause: 'flash' } })
  const { key: successor } = await generateSigningKey()
  const { size, root } = agent.witness()
  const log = { size, root: encodeBase64(root) }
  const rotation = { url: `${CLOUD_URL}/v1/rotate`, iat: Math.floor(cloud.clock.ms / 1000) }
  const keys = { key: agent.key, successor }
  await cloud.post('/v1/rotate', await signRotation({ host: 'home', log }, keys, rotation))
  cloud.clock.ms += 1000
  const later = cloud.createAgent('home', successor, agent.witness())
  await later.report({ records: [] })
  const headers = cloud.adminHeaders
  await cloud.app.request('/v1/admin/hosts/home/revoke', { method: 'POST', headers })
  const rows = await cloud.repository.range(0, 100)
  const checkpoint = await cloud.log.checkpoint()
  return { cloud, agent: later, rows, checkpoint, vkey: cloud.signer.vkey }
}

/** What `audit verify` says of rows that the cloud exports, with that checkpoint. */
export async function verifyRows(rows: readonly LogRow[], checkpoint: string, vkey: string) {
  const lines = await Promise.all(rows.map(renderEntryLine))
  return verifyLog([...lines, renderCheckpointLine(checkpoint)], { vkeys: [vkey] })
}

/** The bytes of a part of a row, one after another. */
export function bytesOf(row: LogRow, part: RowPart): Uint8Array {
  if (part === 'entry') return new TextEncoder().encode(row.entry)
  return part === 'leaf' ? row.leaf : Uint8Array.from(row[part].flatMap((hash) => [...hash]))
}

/** The row with one byte of a part changed; text that is no UTF-8 any more is read as a store does. */
export function withByte(row: LogRow, part: RowPart, at: number, flip: number): LogRow {
  const bytes = bytesOf(row, part).slice()
  bytes[at] = (bytes[at] ?? 0) ^ flip
  if (part === 'entry') return { ...row, entry: new TextDecoder().decode(bytes) }
  if (part === 'leaf') return { ...row, leaf: bytes }
  const hashes = row[part].map((_, i) => bytes.slice(i * 32, i * 32 + 32))
  return { ...row, [part]: hashes }
}
