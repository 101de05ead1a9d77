import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { signCheckpoint } from '../../shared/checkpoint.ts'
import { sha256 } from '../../shared/ed25519.ts'
import { EMPTY_ROOT } from '../../shared/merkle.ts'
import { signNote } from '../../shared/signed-note.ts'
import { toHex } from '../unit/shared/hex.ts'
import type { NoteVectors } from './shapes.ts'
import { keyOf, noteSignerOf, seedOf, utf8 } from './signing.ts'

type Key = NoteVectors['keys'][number]
type Note = NoteVectors['notes'][number]
type Checkpoint = NoteVectors['checkpoints'][number]

// Published: the example of C2SP signed-note, and the keys and notes that Go's sumdb/note tests with.
const C2SP_VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const C2SP_NOTE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const PETER_SECRET = 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const ENOCH = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
const TEXT =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n"
const PETER_LINE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
const ENOCH_LINE =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n'

/** notes.json: verifier keys, signed notes and checkpoints. */
export async function makeNotes(): Promise<NoteVectors> {
  return { keys: await makeKeys(), notes: makePublished(), checkpoints: await makeCheckpoints() }
}

async function makeKeys(): Promise<Key[]> {
  const { vkey } = (await noteSignerOf('cloud.example.org')).signer
  const good: readonly (readonly [string, string, string?])[] = [
    ['published/c2sp-example', C2SP_VKEY],
    ['published/PeterNeumann', PETER, toHex(decodeBase64(PETER_SECRET).slice(1))],
    ['published/EnochRoot', ENOCH],
    ['ok/plain', vkey, toHex(await seedOf('note key cloud.example.org'))],
    ['ok/with-path', (await noteSignerOf('cloud.example.org/log')).signer.vkey],
    ['ok/letters-beyond-ascii', (await noteSignerOf('wölke.example')).signer.vkey],
  ]
  const { jwk } = await keyOf('home')
  const bytes = decodeBase64(`${jwk.x.replaceAll('-', '+').replaceAll('_', '/')}=`)
  const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
  const bad: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['two-parts', vkey.replace(/\+[^+]*$/, '')],
    ['no-name', vkey.replace(/^[^+]*/, '')],
    ['space-in-the-name', vkey.replace('cloud', 'clo ud')],
    ['other-name', vkey.replace('cloud', 'other')],
    ['other-id', C2SP_VKEY.replace('530d903a', '530d903b')],
    ['upper-case-id', C2SP_VKEY.replace('530d903a', '530D903A')],
    ['short-id', C2SP_VKEY.replace('530d903a', '30d903a')],
    ['cut-off', C2SP_VKEY.slice(0, -1)],
    ['other-key', C2SP_VKEY.replace(/k$/, 'l')],
    ['newline-at-the-end', `${vkey}\n`],
    ['private-key', `PRIVATE+KEY+PeterNeumann+c74f20a3+${PETER_SECRET}`],
    ['small-order', await vkeyOf('cloud.example.org', [1, ...identity])],
    ['33-bytes', await vkeyOf('cloud.example.org', [1, ...bytes, 0])],
    ['31-bytes', await vkeyOf('cloud.example.org', [1, ...bytes.slice(1)])],
    ['type-2', await vkeyOf('cloud.example.org', [2, ...bytes])],
    ['type-4-cosignature', await vkeyOf('cloud.example.org', [4, ...bytes])],
    [
      'published/wrong-length',
      'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
    ],
    [
      'published/unknown-type',
      'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    ],
  ]
  return [
    ...good.map(([name, key, seedHex]) => ({
      name,
      vkey: key,
      verdict: 'ok' as const,
      ...partsOf(key),
      ...(seedHex === undefined ? {} : { seedHex }),
    })),
    ...bad.map(([name, key]) => ({ name, vkey: key, verdict: 'KEY_INVALID' as const })),
  ]
}

function partsOf(vkey: string) {
  const [keyName = '', keyIdHex = ''] = vkey.split('+')
  const material = decodeBase64(vkey.slice(keyName.length + keyIdHex.length + 2))
  return { keyName, keyIdHex, publicKeyHex: toHex(material.slice(1)) }
}

/** A verifier key with a right key ID over any material. */
async function vkeyOf(name: string, material: readonly number[]): Promise<string> {
  const id = await sha256(Uint8Array.from([...utf8(`${name}\n`), ...material]))
  return `${name}+${toHex(id.slice(0, 4))}+${encodeBase64(Uint8Array.from(material))}`
}

function makePublished(): Note[] {
  const ok = (name: string, vkeys: string[], note: string, text: string, signers: string[]) =>
    ({ name, vkeys, note, verdict: 'ok', text, signers }) as const
  const bad = (name: string, note: string, vkeys = [PETER]) =>
    ({ name, vkeys, note, verdict: 'CHECKPOINT_INVALID' }) as const
  const note = `${TEXT}\n${PETER_LINE}`
  const both = `${note}${ENOCH_LINE}`
  const damaged = (line: string) => `${line.slice(0, 60)}ABCD${line.slice(60)}`
  const peter = ['PeterNeumann']
  return [
    ok('c2sp/example', [C2SP_VKEY], C2SP_NOTE, 'This is an example message.\n', [
      'example.com/foo',
    ]),
    ok('go/one-signature', [PETER], note, TEXT, peter),
    ok('go/one-known-of-two', [PETER], both, TEXT, peter),
    ok('go/both-known', [PETER, ENOCH], both, TEXT, [...peter, 'EnochRoot']),
    ok('go/signature-twice', [PETER], `${note}${PETER_LINE}`, TEXT, peter),
    ok(
      'go/damaged-signature-of-an-unknown-key',
      [PETER],
      `${note}${damaged(ENOCH_LINE)}`,
      TEXT,
      peter,
    ),
    bad('go/no-known-key', both, []),
    bad('go/damaged-signature', `${TEXT}\n${damaged(PETER_LINE)}`),
    bad('go/no-signature-block', TEXT),
    bad('go/empty-signature-block', `${TEXT}\n`),
    bad('go/no-newline-at-the-end', note.slice(0, -1)),
    bad('go/control-character', `\u0001${note}`),
    bad('go/name-with-a-space', `${TEXT}\n${PETER_LINE.replace('PeterNeumann', 'Bad Name')}`),
    bad('go/line-after-the-signature', `${note}Unexpected line.\n`),
    bad('other-text', note.replace('answer', 'Answer')),
    bad('tab-in-the-text', note.replace('you think', 'you\tthink')),
    bad('carriage-return', note.replaceAll('\n', '\r\n')),
    bad('hyphen-for-the-dash', note.replace('—', '-')),
    bad('signature-of-4-bytes', `${TEXT}\n— PeterNeumann x08gow==\n`),
    bad('signature-not-base64', `${TEXT}\n— PeterNeumann x08go_==\n`),
    bad('key-of-another-name', both, [C2SP_VKEY]),
  ]
}

async function makeCheckpoints(): Promise<Checkpoint[]> {
  const origin = 'cloud.example.org'
  const { signer } = await noteSignerOf(origin)
  const second = (await noteSignerOf(origin, 'second key of the log')).signer
  const other = (await noteSignerOf('other.example')).signer
  const root = await seedOf('root')
  const hash = encodeBase64(root)
  const vkeys = [signer.vkey]
  const rootHex = toHex(root)
  const note = await signCheckpoint({ origin, size: 8, root }, signer)
  const lineOf = (whole: string) => whole.slice(whole.lastIndexOf('\n\n') + 2)
  const ok = { vkeys, verdict: 'ok', origin, size: 8, rootHex } as const
  const list: Checkpoint[] = [
    { name: 'ok/plain', ...ok, note },
    {
      name: 'ok/empty-log',
      ...ok,
      note: await signCheckpoint({ origin, size: 0, root: EMPTY_ROOT }, signer),
      size: 0,
      rootHex: toHex(EMPTY_ROOT),
    },
    {
      name: 'ok/largest',
      ...ok,
      note: await signCheckpoint({ origin, size: Number.MAX_SAFE_INTEGER, root }, signer),
      size: Number.MAX_SAFE_INTEGER,
    },
    {
      name: 'ok/extension-lines',
      ...ok,
      note: await signNote(`${origin}\n8\n${hash}\nmore x\n`, signer),
    },
    {
      name: 'ok/unknown-cosignature',
      ...ok,
      note: note + lineOf(await signNote(textOf(note), other)),
    },
    {
      name: 'ok/both-keys-of-the-log',
      ...ok,
      vkeys: [signer.vkey, second.vkey],
      note: note + lineOf(await signNote(textOf(note), second)),
    },
    {
      name: 'ok/by-the-second-key',
      ...ok,
      vkeys: [signer.vkey, second.vkey],
      note: await signCheckpoint({ origin, size: 8, root }, second),
    },
  ]
  const bothKeys = await signCheckpoint({ origin, size: 8, root }, signer, second)
  const forgedSecond = note + lineOf(await signNote(`${origin}\n9\n${hash}\n`, second))
  list.push(
    { name: 'ok/both-keys-pinned-by-the-first', ...ok, note: bothKeys },
    { name: 'ok/both-keys-pinned-by-the-second', ...ok, vkeys: [second.vkey], note: bothKeys },
    { name: 'ok/wrong-line-of-a-key-that-is-not-pinned', ...ok, note: forgedSecond },
  )
  const texts: readonly (readonly [string, string])[] = [
    ['origin/other', `other.example\n8\n${hash}\n`],
    ['origin/empty', `\n8\n${hash}\n`],
    ['size/leading-zero', `${origin}\n08\n${hash}\n`],
    ['size/negative', `${origin}\n-8\n${hash}\n`],
    ['size/hexadecimal', `${origin}\n0x8\n${hash}\n`],
    ['size/white-space', `${origin}\n8 \n${hash}\n`],
    ['size/2^53', `${origin}\n9007199254740992\n${hash}\n`],
    ['size/missing', `${origin}\n`],
    ['root/missing', `${origin}\n8\n`],
    ['root/31-bytes', `${origin}\n8\n${encodeBase64(root.slice(1))}\n`],
    ['root/no-padding', `${origin}\n8\n${hash.slice(0, -1)}\n`],
    ['root/hexadecimal', `${origin}\n8\n${rootHex}\n`],
    ['extension/empty-line', `${origin}\n8\n${hash}\n\nmore\n`],
  ]
  for (const [name, text] of texts) {
    list.push({ name, vkeys, note: await signNote(text, signer), verdict: 'CHECKPOINT_INVALID' })
  }
  const firstForged = lineOf(await signNote(`${origin}\n9\n${hash}\n`, signer))
  list.push({
    name: 'signature/right-only-by-a-key-that-is-not-pinned',
    vkeys,
    note: `${textOf(note)}\n${firstForged}${lineOf(bothKeys).split('\n')[1]}\n`,
    verdict: 'CHECKPOINT_INVALID',
  })
  const damaged = lineOf(await signNote(textOf(note).replace('8', '9'), second))
  list.push(
    { name: 'signature/unknown-key', vkeys: [second.vkey], note, verdict: 'CHECKPOINT_INVALID' },
    {
      name: 'signature/other-size',
      vkeys,
      note: note.replace('\n8\n', '\n9\n'),
      verdict: 'CHECKPOINT_INVALID',
    },
    {
      name: 'signature/one-right-one-wrong',
      vkeys: [signer.vkey, second.vkey],
      note: note + damaged,
      verdict: 'CHECKPOINT_INVALID',
    },
    {
      name: 'signature/by-a-witness-alone',
      vkeys: [signer.vkey, other.vkey],
      note: await signNote(textOf(note), other),
      verdict: 'CHECKPOINT_INVALID',
    },
  )
  return list
}

function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1)
}
