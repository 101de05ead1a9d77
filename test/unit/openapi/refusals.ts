import { ReprefixError } from '../../../shared/errors.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import type { Report } from '../../../shared/report.ts'
import { parseName } from '../../../shared/rrset.ts'
import { aaaa, api, www } from '../cloud/app-checks.ts'
import {
  ask,
  enrolment,
  newKey,
  postJose,
  type RequestMaker,
  rotation,
  type Scene,
} from './requests.ts'

const DAY_MS = 86_400_000
const VALUE = '2001:db8:1::1'

/** A report of `home` with this change. */
function reporting(
  change: Partial<Report> | ((scene: Scene) => Partial<Report>),
  header: { readonly url?: string; readonly iat?: number } = {},
): RequestMaker {
  return async (scene) => {
    const { home } = scene
    const report = home.reportOf(typeof change === 'function' ? change(scene) : change)
    return postJose('/v1/reports', await home.sign(report, header))
  }
}

/** A report of a host with a policy of its own, after some that were accepted. */
function reportingUnder(
  policy: Record<string, unknown>,
  { earlier = [], change }: { earlier?: Partial<Report>[]; change: Partial<Report> },
): RequestMaker {
  return async ({ cloud }) => {
    const agent = await cloud.addAgent('other', policy)
    for (const before of earlier) await agent.report(before)
    return postJose('/v1/reports', await agent.sign(agent.reportOf(change)))
  }
}

/** What two JWS have, the signature of the one under the text of the other. */
function crossed(text: string, other: string): string {
  return [...text.split('.').slice(0, 2), other.split('.').at(-1)].join('.')
}

async function revoke(scene: Scene): Promise<void> {
  await scene.cloud.app.fetch(ask(scene, 'POST', '/v1/admin/hosts/home/revoke'))
}

const OTHER_URL = 'https://another.example.org/v1/reports'
const claims = (...records: Report['records']) => ({ records })

/** For each code of each operation that is not all operations' alike, a request that is refused with it. */
export const REFUSALS: Readonly<Record<string, RequestMaker>> = {
  'postReport 400 JWS_MALFORMED': () => postJose('/v1/reports', 'x'),
  'postReport 400 REPORT_INVALID': reporting({ seq: 0 }),
  'postReport 401 JWS_SIGNATURE': async ({ home }) => {
    const [one, other] = [await home.sign(home.reportOf()), await home.sign(home.reportOf())]
    return postJose('/v1/reports', crossed(one, other))
  },
  'postReport 401 KEY_UNKNOWN': async ({ cloud }) => {
    const stranger = cloud.createAgent('home', await newKey())
    return postJose('/v1/reports', await stranger.sign(stranger.reportOf()))
  },
  'postReport 401 KEY_REVOKED': async (scene) => {
    await revoke(scene)
    return reporting({})(scene)
  },
  'postReport 401 USE_NONCE': reporting({}, { iat: 1000 }),
  'postReport 403 HOST_MISMATCH': reporting({ host: 'office' }),
  'postReport 403 URL_MISMATCH': reporting({}, { url: OTHER_URL }),
  'postReport 403 POLICY_PREFIX': reporting({
    prefix: { current: parsePrefix('2001:470:1::/64'), cause: 'flash' },
    records: [],
  }),
  'postReport 403 POLICY_NAME': reporting(claims(aaaa(parseName('mail.example.org'), VALUE))),
  'postReport 403 POLICY_TYPE': reporting(claims({ name: www, type: 'A', values: ['8.8.8.8'] })),
  'postReport 403 POLICY_VALUE': reporting(claims(aaaa(www, '2001:db8:2::1'))),
  'postReport 403 POLICY_DELETIONS': reportingUnder(
    { names: ['api.example.org'], maxDeletions: 0 },
    { earlier: [claims(aaaa(api, VALUE))], change: claims() },
  ),
  'postReport 403 NAME_OUTSIDE_ZONES': reportingUnder(
    { names: ['www.example.net'] },
    { change: claims(aaaa(parseName('www.example.net'), VALUE)) },
  ),
  'postReport 403 NAME_OWNED': reportingUnder({}, { change: claims(aaaa(www, VALUE)) }),
  'postReport 403 SOURCE_MISMATCH': reportingUnder(
    { sourceCheck: 'require' },
    { change: claims(aaaa(api, VALUE)) },
  ),
  'postReport 409 SEQUENCE_STALE': reporting({ seq: 1 }),
  'postReport 409 SEQUENCE_REUSED': async ({ home }) => {
    const { seq } = home.reportOf()
    await home.report({ seq })
    return postJose('/v1/reports', await home.sign(home.reportOf({ seq, records: [] })))
  },
  'postReport 409 SEQUENCE_TOO_FAR': reporting(({ cloud }) => ({
    seq: cloud.clock.ms + 2 * DAY_MS,
  })),
  'postReport 429 RATE_LIMITED': reportingUnder(
    { names: ['api.example.org'], reportsPerHour: 1 },
    { earlier: Array.from({ length: 10 }, () => claims(aaaa(api, VALUE))), change: claims() },
  ),
  'enrol 400 JWS_MALFORMED': () => postJose('/v1/enroll', 'x'),
  'enrol 400 KEY_INVALID': async (scene) =>
    postJose('/v1/enroll', await enrolment(scene, {}, scene.home.key)),
  'enrol 401 JWS_SIGNATURE': async (scene) =>
    postJose('/v1/enroll', await enrolment(scene, { secret: new Uint8Array(16) })),
  'enrol 401 TOKEN_INVALID': async (scene) =>
    postJose('/v1/enroll', await enrolment(scene, { token: 'unknown' })),
  'enrol 403 TOKEN_EXPIRED': async (scene) => {
    scene.cloud.clock.ms += 2 * DAY_MS
    return postJose('/v1/enroll', await enrolment(scene))
  },
  'enrol 403 TOKEN_USED': async (scene) => {
    await scene.cloud.enrol(scene.join)
    return postJose('/v1/enroll', await enrolment(scene))
  },
  'enrol 403 URL_MISMATCH': async (scene) =>
    postJose('/v1/enroll', await enrolment(scene, { url: 'https://another.example.org' })),
  'rotate 400 JWS_MALFORMED': () => postJose('/v1/rotate', 'x'),
  'rotate 400 KEY_INVALID': async (scene) => {
    const { key } = await scene.cloud.enrol(scene.join)
    return postJose('/v1/rotate', await rotation(scene, { successor: key }))
  },
  'rotate 401 JWS_SIGNATURE': async (scene) =>
    postJose('/v1/rotate', crossed(await rotation(scene), await rotation(scene))),
  'rotate 401 KEY_UNKNOWN': async (scene) =>
    postJose('/v1/rotate', await rotation(scene, { key: await newKey() })),
  'rotate 401 KEY_REVOKED': async (scene) => {
    await revoke(scene)
    return postJose('/v1/rotate', await rotation(scene))
  },
  'rotate 401 USE_NONCE': async (scene) =>
    postJose('/v1/rotate', await rotation(scene, { iat: 1000 })),
  'rotate 403 HOST_MISMATCH': async (scene) =>
    postJose('/v1/rotate', await rotation(scene, { host: 'office' })),
  'rotate 403 URL_MISMATCH': async (scene) =>
    postJose('/v1/rotate', await rotation(scene, { url: OTHER_URL })),
  'rotate 429 RATE_LIMITED': async (scene) => {
    await scene.cloud.app.fetch(ask(scene, 'PATCH', '/v1/admin/hosts/home', { reportsPerHour: 1 }))
    for (let i = 0; i < 11; i += 1) await scene.home.report()
    return postJose('/v1/rotate', await rotation(scene))
  },
  'getTile 404 NOT_FOUND': (scene) => ask(scene, 'GET', '/v1/log/tile/9/x999/000'),
  'getEntryBundle 404 NOT_FOUND': (scene) => ask(scene, 'GET', '/v1/log/tile/entries/000'),
  'getEntries 400 REQUEST_INVALID': (scene) => ask(scene, 'GET', '/v1/log/entries?start=last'),
  'getProof 400 REQUEST_INVALID': (scene) => ask(scene, 'GET', '/v1/log/proof'),
  'getProof 404 NOT_FOUND': (scene) => ask(scene, 'GET', '/v1/log/proof?index=1000'),
  'addHost 409 HOST_EXISTS': (scene) =>
    ask(scene, 'POST', '/v1/admin/hosts', { host: 'home', policy: { names: ['a.example.org'] } }),
  'getHost 404 HOST_UNKNOWN': (scene) => ask(scene, 'GET', '/v1/admin/hosts/nobody'),
  'changePolicy 404 HOST_UNKNOWN': (scene) =>
    ask(scene, 'PATCH', '/v1/admin/hosts/nobody', { minTtl: 30 }),
  'revokeHost 404 HOST_UNKNOWN': (scene) => ask(scene, 'POST', '/v1/admin/hosts/nobody/revoke'),
  'planDns 400 NAME_INVALID': (scene) => ask(scene, 'GET', '/v1/admin/dns/plan?zone=a..b'),
  'planDns 404 NOT_FOUND': (scene) => ask(scene, 'GET', '/v1/admin/dns/plan?zone=example.net'),
  'checkDns 502 DNS_LOOKUP': (scene) => {
    const fault = new ReprefixError('DNS_LOOKUP', 'the zone is not delegated')
    scene.cloud.served.dns.nameServers = () => Promise.reject(fault)
    return ask(scene, 'GET', '/v1/admin/dns/check')
  },
  'checkDns 400 NAME_INVALID': (scene) => ask(scene, 'GET', '/v1/admin/dns/check?zone=a..b'),
  'checkDns 404 NOT_FOUND': (scene) => ask(scene, 'GET', '/v1/admin/dns/check?zone=example.net'),
}
