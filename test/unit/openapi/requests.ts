import { encodeBase64 } from '../../../shared/base64.ts'
import { parseJoin } from '../../../shared/join.ts'
import { generateSigningKey, type SigningKey, signEnrolment } from '../../../shared/jws.ts'
import { EMPTY_ROOT } from '../../../shared/merkle.ts'
import { signRotation } from '../../../shared/rotation.ts'
import { CLOUD_URL, startTestCloud } from '../../fakes/test-cloud.ts'
import type { TestCloud } from '../cloud/app-checks.ts'

/** A cloud, a host that has reported, and the join string of another. */
export interface Scene {
  readonly cloud: TestCloud
  readonly home: Awaited<ReturnType<TestCloud['addAgent']>>
  readonly join: string
}

/** What a request can hold. */
export type Body = NonNullable<RequestInit['body']>

/** Makes a request for a scene. */
export type RequestMaker = (scene: Scene) => Promise<Request> | Request

/** What differs from the agent's own rotation. */
export interface RotationChange {
  readonly key?: SigningKey
  readonly host?: string
  readonly url?: string
  readonly iat?: number
  readonly successor?: SigningKey
}

export async function makeScene(): Promise<Scene> {
  const cloud = await startTestCloud()
  const home = await cloud.addAgent('home')
  await home.report()
  const { join } = await cloud.addHost('office', { names: ['office.example.org'] })
  return { cloud, home, join }
}

export async function newKey(): Promise<SigningKey> {
  return (await generateSigningKey()).key
}

/** A request with a body of one of the two kinds. */
export function send(
  method: string,
  path: string,
  { body, type, headers }: { body?: Body; type?: string; headers?: Record<string, string> } = {},
): Request {
  return new Request(`${CLOUD_URL}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: { ...(type && { 'content-type': type }), ...headers },
  })
}

/** A request by an agent. */
export function postJose(path: string, body: Body): Request {
  return send('POST', path, { body, type: 'application/jose' })
}

/** A request by the operator. */
export function ask({ cloud }: Scene, method: string, path: string, body?: unknown): Request {
  const text = body === undefined ? {} : { body: JSON.stringify(body) }
  return send(method, path, { ...text, headers: cloud.adminHeaders })
}

/** The enrolment of a new key, or of that one, by a join string that may be altered. */
export async function enrolment(
  scene: Scene,
  change: Partial<ReturnType<typeof parseJoin>> = {},
  key?: SigningKey,
): Promise<string> {
  const join = { ...parseJoin(scene.join), ...change }
  return signEnrolment(join, key ?? (await newKey()), Math.floor(scene.cloud.clock.ms / 1000))
}

/** A rotation of the key of `home`. */
export async function rotation(scene: Scene, change: RotationChange = {}): Promise<string> {
  const { key = scene.home.key, host = 'home', url = `${CLOUD_URL}/v1/rotate` } = change
  const iat = change.iat ?? Math.floor(scene.cloud.clock.ms / 1000)
  const successor = change.successor ?? (await newKey())
  const log = { size: 0, root: encodeBase64(EMPTY_ROOT) }
  return signRotation({ host, log }, { key, successor }, { url, iat })
}

/** A request of each operation that is answered as it was meant. */
export const REQUESTS: Readonly<Record<string, RequestMaker>> = {
  postReport: async ({ home }) => postJose('/v1/reports', await home.sign(home.reportOf())),
  enrol: async (scene) => postJose('/v1/enroll', await enrolment(scene)),
  rotate: async (scene) => postJose('/v1/rotate', await rotation(scene)),
  whoAmI: () => send('GET', '/v1/whoami'),
  getCheckpoint: () => send('GET', '/v1/log/checkpoint'),
  getTile: () => send('GET', '/v1/log/tile/0/000.p/3'),
  getEntryBundle: (scene) => ask(scene, 'GET', '/v1/log/tile/entries/000.p/3'),
  getEntries: (scene) => ask(scene, 'GET', '/v1/log/entries?start=1&limit=100'),
  getProof: (scene) => ask(scene, 'GET', '/v1/log/proof?index=1&size=3'),
  listHosts: (scene) => ask(scene, 'GET', '/v1/admin/hosts'),
  addHost: (scene) =>
    ask(scene, 'POST', '/v1/admin/hosts', { host: 'new', policy: { names: ['new.example.org'] } }),
  getHost: (scene) => ask(scene, 'GET', '/v1/admin/hosts/home'),
  changePolicy: (scene) => ask(scene, 'PATCH', '/v1/admin/hosts/home', { values: ['10.0.0.0/8'] }),
  revokeHost: (scene) => ask(scene, 'POST', '/v1/admin/hosts/home/revoke'),
  planDns: (scene) => ask(scene, 'GET', '/v1/admin/dns/plan'),
  checkDns: (scene) => ask(scene, 'GET', '/v1/admin/dns/check?zone=example.org'),
  getHealth: () => send('GET', '/healthz'),
  getReadiness: () => send('GET', '/readyz'),
  getDescription: () => send('GET', '/v1/openapi.json'),
}
