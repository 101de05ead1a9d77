import { expect } from 'vitest'
import type { AppDeps } from '../../../../cloud/app.ts'
import { decodeBase64url, encodeBase64url } from '../../../../shared/base64.ts'
import { generateSigningKey, type SigningKey } from '../../../../shared/jws.ts'
import type { Claim } from '../../../../shared/report.ts'
import { startTestCloud } from '../../../fakes/test-cloud.ts'
import { expectIntact, type TestCloud } from '../app-checks.ts'

/** An agent of a test cloud. */
export type TestAgent = Awaited<ReturnType<TestCloud['addAgent']>>

/** What an attack meets: a host whose report has made `www.example.org`, and one whose key the attacker has. */
export interface Scene {
  readonly cloud: TestCloud
  readonly home: TestAgent
  readonly thief: TestAgent
}

/** What differs from the usual scene. */
export interface SceneChange {
  readonly deps?: Partial<AppDeps>
  /** Of the attacker's host. */
  readonly policy?: Record<string, unknown>
}

/** The request that is the attack. */
export interface Strike {
  readonly path?: string
  readonly body: NonNullable<RequestInit['body']>
  readonly headers?: Record<string, string>
}

/** One attack by one request. */
export interface Attack {
  /** Path-like. */
  readonly name: string
  /** The code of the answer; `same-answer` for that of the first time, with no effect. */
  readonly code: string
  /** True where the policy denies it: then exactly that is logged, and the sequence is used. */
  readonly isDenied?: boolean
  readonly scene?: SceneChange
  /** Does all that comes before. */
  readonly prepare: (scene: Scene) => Promise<Strike> | Strike
}

/** Attacks that one row of the table in SECURITY.md answers. */
export interface Answered {
  /** Its first column, verbatim. */
  readonly row: string
  readonly attacks: readonly Attack[]
}

const JOSE = { 'content-type': 'application/jose' }
const TABLES = ['log', 'host', 'key', 'token', 'name_owner', 'desired', 'report'] as const

/** The usual scene, or another one. */
export async function makeScene({ deps = {}, policy = {} }: SceneChange = {}): Promise<Scene> {
  const cloud = await startTestCloud(deps)
  const home = await cloud.addAgent('home')
  expect((await home.report()).response.status).toBe(200)
  const own = { names: ['thief.example.org'], ...policy }
  return { cloud, home, thief: await cloud.addAgent('thief', own) }
}

/** Makes the attack, and holds the answer and everything that could have changed against the verdict. */
export async function expectAnswered(attack: Attack): Promise<void> {
  const scene = await makeScene(attack.scene)
  const { cloud } = scene
  const { path = '/v1/reports', body, headers = JOSE } = await attack.prepare(scene)
  const before = await stateOf(cloud)
  // A stream has no length, so that the request is chunked.
  const init = { method: 'POST', body, headers, duplex: 'half' } as RequestInit
  const response = await cloud.app.request(path, init)
  const answer = Object(await response.json())
  const after = await stateOf(cloud)
  if (attack.code === 'same-answer') expect(response.status).toBe(200)
  else expect(answer).toMatchObject({ status: response.status, code: attack.code })
  if (attack.isDenied) expectDenialAlone(before, after, attack.code)
  else expect(after).toEqual(before)
  await expectIntact(cloud)
}

type Rows = readonly Readonly<Record<string, unknown>>[]
interface State {
  readonly tables: Readonly<Record<(typeof TABLES)[number], Rows>>
  readonly dns: unknown
}

/** Everything that an attack could change: each row of the store, and what each provider holds and was told. */
async function stateOf(cloud: TestCloud): Promise<State> {
  const statements = TABLES.map((table) => ({
    sql: `SELECT * FROM ${table} ORDER BY 1, 2`,
    args: [],
  }))
  const results = await cloud.store.batch(statements)
  const dns = [cloud.dns, cloud.second].map((one) => [one.sets(), one.written(), one.applied()])
  const tables = Object.fromEntries(TABLES.map((table, i) => [table, results[i]?.rows ?? []]))
  return { tables: tables as State['tables'], dns }
}

function expectDenialAlone(before: State, after: State, code: string): void {
  expect(after.dns).toEqual(before.dns)
  const { log, host, report, ...rest } = after.tables
  expect(before.tables).toMatchObject(rest)
  expect(log.slice(0, -1)).toEqual(before.tables.log)
  expect(JSON.parse(String(log.at(-1)?.body))).toMatchObject({ kind: 'denied', code })
  expect(report).toHaveLength(before.tables.report.length + 1)
  expect(host.map(withoutSequence)).toEqual(before.tables.host.map(withoutSequence))
}

/** A host as it is stored, but for what every report changes. */
function withoutSequence({ record }: Rows[number]) {
  const { version: _, key, ...host } = JSON.parse(String(record))
  const { lastSeq: _s, busyUntilMs: _b, ...rest } = key
  return { ...host, key: rest }
}

/** A claim of an address of the attacker. */
export function claim(name: string, value = '2001:db8:1::bad', type: Claim['type'] = 'AAAA') {
  return { records: [{ name: name as Claim['name'], type, values: [value] }] }
}

/** A key that nobody has enrolled. */
export async function newKey(): Promise<SigningKey> {
  return (await generateSigningKey()).key
}

/** The operator revokes a host. */
export async function revoke({ cloud }: Scene, host: string): Promise<void> {
  const headers = cloud.adminHeaders
  await cloud.app.request(`/v1/admin/hosts/${host}/revoke`, { method: 'POST', headers })
}

/** The base64url of a text. */
export function encode(text: string): string {
  return encodeBase64url(new TextEncoder().encode(text))
}

/** The text of base64url. */
export function decode(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(decodeBase64url(text))
}

/** A JWS with exactly these header and payload texts, whose signature is right. */
export async function signRaw(header: string, payload: string, key: SigningKey): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`
  const bytes = new TextEncoder().encode(input)
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, bytes)
  return `${input}.${encodeBase64url(new Uint8Array(signature))}`
}

/** A JWS whose header and payload are changed as texts, signed again. */
export async function resignedWith(
  jws: string,
  key: SigningKey,
  change: { header?: (text: string) => string; payload?: (text: string) => string },
): Promise<string> {
  const [head = '', body = ''] = jws.split('.').map((part, i) => (i < 2 ? decode(part) : part))
  const header = change.header?.(head) ?? head
  const payload = change.payload?.(body) ?? body
  expect([header, payload]).not.toEqual([head, body])
  return signRaw(header, payload, key)
}
