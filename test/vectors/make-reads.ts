import { renderEntry } from '../../shared/entry.ts'
import { STARTS_AT } from './play.ts'
import { type ReadableCloud, readOnce, startReadableCloud } from './read-log.ts'
import type { ReadVectors } from './shapes.ts'
import { noteSignerOf } from './signing.ts'

/** A full tile of hashes and four more, so that there is one hash of level 1. */
const SIZE = 260

const PUBLIC = [
  'checkpoint',
  'tile/0/000',
  'tile/0/000.p/255',
  'tile/0/000.p/1',
  'tile/0/001.p/4',
  'tile/0/001.p/3',
  'tile/1/000.p/1',
]
const BEYOND = [
  'tile/0/001',
  'tile/0/001.p/5',
  'tile/0/002.p/1',
  'tile/1/000',
  'tile/1/000.p/2',
  'tile/2/000.p/1',
  'tile/0/x001/000',
]
const MISSPELT = [
  'tile/0/0',
  'tile/0/0000',
  'tile/0/x000/000',
  'tile/00/000',
  'tile/64/000',
  'tile/-1/000',
  'tile/0/000.p/0',
  'tile/0/000.p/256',
  'tile/0/000.p/01',
  'tile/0/000/',
  'tile/data/000',
]
const OPERATOR = [
  'tile/entries/000',
  'tile/entries/001.p/4',
  'entries?start=258&limit=2',
  'entries?start=259',
  'entries?start=260',
  'proof?index=0&size=1',
  'proof?index=255&size=256',
  'proof?index=0&size=260',
  'proof?index=258&size=259',
  'proof?index=259',
]
const OPERATOR_BEYOND = [
  'tile/entries/001',
  'proof?index=260',
  'proof?index=3&size=3',
  'proof?index=0&size=261',
]
const OPERATOR_INVALID = [
  'proof',
  'proof?index=-1',
  'proof?index=1.5',
  'proof?index=0&size=x',
  'entries?start=x',
]

/** reads.json: what of a log can be read, by whom, and what is not there. */
export async function makeReads(): Promise<ReadVectors> {
  const { signer, secret } = await noteSignerOf('cloud.example.org')
  const entries = Array.from({ length: SIZE - 1 }, (_, i) =>
    renderEntry({ v: 1, kind: 'policy', at: STARTS_AT, host: `host-${i}`, policy: {} }),
  )
  const cloud = await startReadableCloud(secret, entries)
  const given = [...PUBLIC, ...BEYOND, ...MISSPELT].map((path) => [path, false] as const)
  const asked = [...OPERATOR, ...OPERATOR_BEYOND, ...OPERATOR_INVALID].map(
    (path) => [path, true] as const,
  )
  const refused = ['tile/entries/000', 'entries?start=0', 'proof?index=0'].map(
    (path) => [path, false] as const,
  )
  const foreseen = new Map<string, number>([
    ...[...PUBLIC, ...OPERATOR].map((path) => [path, 200] as const),
    ...[...BEYOND, ...MISSPELT, ...OPERATOR_BEYOND].map((path) => [path, 404] as const),
    ...OPERATOR_INVALID.map((path) => [path, 400] as const),
  ])
  const reads = []
  for (const [path, isOperator] of [...given, ...asked]) {
    reads.push(await readAs(cloud, path, isOperator, foreseen.get(path)))
  }
  for (const [path, isOperator] of refused) reads.push(await readAs(cloud, path, isOperator, 401))
  return {
    logKey: secret,
    vkey: signer.vkey,
    startsAt: STARTS_AT,
    entries: await cloud.entries(),
    reads,
  }
}

async function readAs(
  cloud: ReadableCloud,
  path: string,
  isOperator: boolean,
  status: number | undefined,
) {
  const read = await readOnce(cloud, path, isOperator)
  if (read.status !== status) throw new Error(`${path}: HTTP ${read.status} was not foreseen`)
  return { name: `${isOperator ? 'operator' : 'anybody'}/${read.status}/${path}`, ...read }
}
