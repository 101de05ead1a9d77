import type { Sequences } from './play.ts'
import { utf8 } from './signing.ts'

const HOUR = 3_600_000
const record = (name: string, value = '2001:db8:1::1', type = 'AAAA') => ({
  name,
  type,
  values: [value],
})
const denied = (code: string) => ({ status: 403, code })

/** What policy, enrolment, revocation, DNS and a witness make of an agent's requests. */
export const CLOUD_SEQUENCES: Sequences = {
  async 'policy/denials'(author) {
    const home = await author.addAgent('home', { maxDeletions: 1 })
    const deny = (what: string, code: string, change: object) =>
      home.report(what, change, denied(code))
    const within = (current: string, value: string) => ({
      prefix: { current, cause: 'flash' },
      records: [record('www.example.org', value)],
    })
    await deny(
      'a prefix outside the range',
      'POLICY_PREFIX',
      within('2001:db9::/64', '2001:db9::1'),
    )
    await deny(
      'a prefix that is too short',
      'POLICY_PREFIX',
      within('2001:db8::/32', '2001:db8::1'),
    )
    await deny('a special-purpose prefix', 'POLICY_PREFIX', within('fd00::/64', 'fd00::1'))
    await deny('another name', 'POLICY_NAME', { records: [record('ftp.example.org')] })
    await deny('the parent of a wildcard', 'POLICY_NAME', { records: [record('home.example.org')] })
    await deny('an underscore below a wildcard', 'POLICY_NAME', {
      records: [record('_acme-challenge.home.example.org')],
    })
    await deny('a type', 'POLICY_TYPE', {
      records: [record('www.example.org', '198.51.100.7', 'A')],
    })
    await deny('a value outside the prefix', 'POLICY_VALUE', {
      records: [record('www.example.org', '2001:db8:2::1')],
    })
    const names = ['a', 'b', 'c'].map((label) => record(`${label}.home.example.org`))
    await home.report('three names', { records: [...names, record('*.home.example.org')] })
    await deny('withdrawing two of four', 'POLICY_DELETIONS', { records: names.slice(1) })
    await home.report('withdrawing one of four', { records: names })
    await deny('first fault counts: prefix before name', 'POLICY_PREFIX', {
      ...within('2001:db9::/64', '2001:db9::1'),
      records: [record('ftp.example.org')],
    })
    const v4 = await author.addAgent('office', {
      names: ['office.example.org', 'www.example.net'],
      types: ['A'],
    })
    const private4 = { records: [record('office.example.org', '192.168.1.2', 'A')] }
    await v4.report('a private IPv4 address', private4, denied('POLICY_VALUE'))
    await v4.report(
      'a permitted name in no zone',
      { records: [record('www.example.net', '198.51.100.7', 'A')] },
      denied('NAME_OUTSIDE_ZONES'),
    )
    await v4.report('a public IPv4 address', {
      records: [record('office.example.org', '198.51.100.7', 'A')],
    })
  },

  async 'policy/names-are-owned'(author) {
    const home = await author.addAgent('home')
    const office = await author.addAgent('office', {
      names: ['*.example.org', '*.home.example.org'],
    })
    const records = [record('a.home.example.org')]
    await home.report('the first to claim a name', { records })
    await office.report('another host claims it', { records }, denied('NAME_OWNED'))
    await home.report('the first withdraws it', { records: [] })
    await office.report('now the other may have it', { records })
    await home.report('and the first may not', { records }, denied('NAME_OWNED'))
    await author.revoke('office')
    await home.report('a revoked host gives it up', { records })
  },

  async 'policy/shared-names'(author) {
    const name = 'www.example.org'
    const shared = { names: [name], shared: [name] }
    const home = await author.addAgent('home', shared)
    const office = await author.addAgent('office', shared)
    const alone = await author.addAgent('alone', { names: [name] })
    await home.report('the first to claim a shared name', { records: [record(name)] })
    await office.report('another that shares it', { records: [record(name, '2001:db8:1::2')] })
    await alone.report('one that does not', { records: [record(name)] }, denied('NAME_OWNED'))
    await home.report('the first withdraws its own value', { records: [] })
    await office.report('the other withdraws the last one', { records: [] })
    await alone.report('now it is free', { records: [record(name)] })
    await home.report('and not shared', { records: [record(name)] }, denied('NAME_OWNED'))
  },

  async 'policy/values-and-ttl'(author) {
    const values = ['2001:db8:f::/48', '10.0.0.0/8']
    const home = await author.addAgent('home', { types: ['A', 'AAAA'], values, minTtl: 300 })
    const of = (...records: object[]) => ({ records })
    const inside = of(
      record('www.example.org', '2001:db8:f::1'),
      record('api.example.org', '10.1.2.3', 'A'),
    )
    await home.report('values of ranges that are permitted beside the prefix', inside)
    const foreign = of(record('www.example.org', '2001:db8:e::1'))
    await home.report('a value of no permitted range', foreign, denied('POLICY_VALUE'))
    const other = of(record('api.example.org', '192.168.1.2', 'A'))
    await home.report('another private address', other, denied('POLICY_VALUE'))
  },

  async 'enrolment/token'(author) {
    const join = await author.invite('home')
    const jws = await author.enrolmentOf('home')
    const first = await author.request('the first key', '/v1/enroll', jws, { status: 200 })
    const again = await author.request('the same enrolment again', '/v1/enroll', jws, {
      status: 200,
    })
    if (JSON.stringify(first) !== JSON.stringify(again)) throw new Error('another answer')
    const thief = await author.enrolmentOf('home', 'thief')
    await author.request('another key', '/v1/enroll', thief, denied('TOKEN_USED'))
    await author.revoke('home')
    await author.request('the first key, after it was revoked', '/v1/enroll', jws, { status: 200 })
    await author.invite('home')
    const reused = { status: 400, code: 'KEY_INVALID' }
    await author.request(
      'the same key with a new token',
      '/v1/enroll',
      await author.enrolmentOf('home'),
      reused,
    )
    author.wait(24 * HOUR - 1)
    const late = await author.enrolmentOf('home', 'home-2')
    author.wait(1)
    await author.request('after 24 hours', '/v1/enroll', late, denied('TOKEN_EXPIRED'))
    if (join.url === '') throw new Error('no URL')
  },

  async 'enrolment/void-and-unknown'(author) {
    await author.invite('home')
    const jws = await author.enrolmentOf('home')
    await author.revoke('home')
    const invalid = { status: 401, code: 'TOKEN_INVALID' }
    await author.request('a token taken back', '/v1/enroll', jws, invalid)
    await author.invite('home')
    await author.request('an earlier token of the host', '/v1/enroll', jws, invalid)
    const right = await author.enrolmentOf('home')
    await author.request('the last token', '/v1/enroll', right, { status: 200 })
    await author.request('no JWS', '/v1/enroll', 'x', { status: 400, code: 'JWS_MALFORMED' })
  },

  async 'rotation/successor'(author) {
    const home = await author.addAgent('home')
    const before = await home.report('by the first key', {})
    const jws = await home.rotationTo('home-2')
    const rotated = await author.request('the rotation', '/v1/rotate', jws, { status: 200 })
    const again = await author.request('the same again', '/v1/rotate', jws, { status: 200 })
    if (JSON.stringify(rotated) !== JSON.stringify(again)) throw new Error('another answer')
    const revoked = { status: 401, code: 'KEY_REVOKED' }
    await home.report('by the first key, after that', {}, revoked)
    await home.post('its bytes from before', before.jws, revoked)
    const other = await home.rotationTo('home-3')
    await author.request('another successor of the first key', '/v1/rotate', other, revoked)
    const next = await author.agentWith('home', 'home-2', rotated, home.lastSeq() - 2)
    const stale = { status: 409, code: 'SEQUENCE_STALE' }
    await next.report('by the successor, a used sequence', { seq: home.lastSeq() - 2 }, stale)
    author.wait(1000)
    await next.report('by the successor', {})
    const back = await next.rotationTo('home')
    const known = { status: 400, code: 'KEY_INVALID' }
    await author.request('back to the first key', '/v1/rotate', back, known)
  },

  async 'rotation/refused'(author) {
    const home = await author.addAgent('home')
    const ask = (what: string, jws: string, status: number, code: string) =>
      author.request(what, '/v1/rotate', jws, { status, code })
    const url = 'https://other.example.org/v1/rotate'
    await ask('for another cloud', await home.rotationTo('x', { url }), 403, 'URL_MISMATCH')
    const skewed = await ask(
      'signed in 1970',
      await home.rotationTo('x', { iat: 0 }),
      401,
      'USE_NONCE',
    )
    const nonce = String(skewed.answer.nonce)
    const office = await author.addAgent('office', { names: ['*.office.example.org'] })
    const taken = await home.rotationTo('office')
    await ask('to the key of another host', taken, 400, 'KEY_INVALID')
    const stranger = await author.agentWith('home', 'stranger', office.enrolled)
    await ask('by an unknown key', await stranger.rotationTo('x'), 401, 'KEY_UNKNOWN')
    const impostor = await author.agentWith('home', 'office', office.enrolled)
    await ask('in the name of another host', await impostor.rotationTo('x'), 403, 'HOST_MISMATCH')
    await author.request(
      'with the nonce',
      '/v1/rotate',
      await home.rotationTo('home-2', { iat: 0, nonce }),
      {
        status: 200,
      },
    )
  },

  async 'policy/rate'(author) {
    const home = await author.addAgent('home', { reportsPerHour: 60 })
    let last = await home.report('report 1 of a burst of 10', {})
    for (let n = 2; n <= 10; n++) last = await home.report(`report ${n} of a burst of 10`, {})
    const jws = await home.sign(home.reportOf())
    const facts = { retryAfterSeconds: 60 }
    await home.post('one more', jws, { status: 429, code: 'RATE_LIMITED', facts })
    await home.post('the last one again, which does not count', last.jws, { status: 200 })
    author.wait(60_000)
    await home.post('the refused bytes, a minute later', jws, { status: 200 })
  },

  async 'policy/source'(author) {
    const home = await author.addAgent('home', { sourceCheck: 'require' })
    await home.report('from 192.0.2.7', {}, denied('SOURCE_MISMATCH'))
    const office = await author.addAgent('office', {
      names: ['*.office.example.org'],
      sourceCheck: 'warn',
    })
    await office.report('from 192.0.2.7, which is only worth a warning', {
      records: [record('a.office.example.org')],
    })
  },

  async revocation(author) {
    const home = await author.addAgent('home')
    const { jws } = await home.report('before', {})
    await author.revoke('home')
    const revoked = { status: 401, code: 'KEY_REVOKED' }
    await home.report('after', {}, revoked)
    await home.post('bytes from before', jws, revoked)
  },

  async 'dns/pending-then-applied'(author) {
    const home = await author.addAgent('home')
    await author.failNext('first', 'transient')
    const { jws } = await home.report('one provider does not answer', {}, { status: 202 })
    await home.post('the same bytes again', jws, { status: 200 })
  },

  async 'dns/failed-outcome'(author) {
    const home = await author.addAgent('home')
    await author.failNext('second', 'forbidden')
    await home.report('one provider refuses for good', {})
    await home.report('the next report tries again', {
      records: [record('www.example.org', '2001:db8:1::2')],
    })
  },

  async 'store/report-not-stored'(author) {
    const home = await author.addAgent('home')
    for (const code of ['STORE_BUSY', 'STORE_FULL', 'STORE_FAILED'] as const) {
      author.wait(1000)
      await author.failStore('report', code)
      const { jws } = await home.report(`${code}: nothing is logged`, {}, { status: 503, code })
      await home.post('the same bytes again', jws, { status: 200 })
    }
  },

  async 'store/report-stored-but-not-told'(author) {
    const home = await author.addAgent('home')
    await author.failStore('report', 'STORE_FAILED', true)
    const failed = { status: 503, code: 'STORE_FAILED' }
    const { jws } = await home.report('the entry is in the log, DNS untouched', {}, failed)
    await home.post('the same bytes again', jws, { status: 200 })
  },

  async 'store/end-not-stored'(author) {
    const home = await author.addAgent('home')
    await author.failStore('applied', 'STORE_FULL')
    const full = { status: 503, code: 'STORE_FULL' }
    const { jws } = await home.report('DNS is written, its entry is not', {}, full)
    await home.post('the same bytes again', jws, { status: 200 })
  },

  async 'store/end-stored-but-not-told'(author) {
    const home = await author.addAgent('home')
    await author.failStore('applied', 'STORE_BUSY', true)
    const busy = { status: 503, code: 'STORE_BUSY' }
    const { jws } = await home.report('everything is done, nobody knows', {}, busy)
    await home.post('the same bytes again', jws, { status: 200 })
  },

  async 'witness/larger-than-the-log'(author) {
    const home = await author.addAgent('home')
    const log = { size: 1000, root: encodeRoot('rolled back') }
    await home.report('a host that saw more than there is', { log })
  },
}

function encodeRoot(text: string): string {
  return btoa(String.fromCharCode(...utf8(text.padEnd(32, '.'))))
}
