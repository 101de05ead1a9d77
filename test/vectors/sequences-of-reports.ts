import { encodeBase64url } from '../../shared/base64.ts'
import { JOSE, type Sequences } from './play.ts'
import { signRaw } from './signing.ts'

const HOUR = 3_600_000
const record = (name: string, value = '2001:db8:1::1', type = 'AAAA') => ({
  name,
  type,
  values: [value],
})
const denied = (code: string) => ({ status: 403, code })

/** Reports that are taken, taken again, or refused before the policy is asked. */
export const REPORT_SEQUENCES: Sequences = {
  async 'report/first-then-new-prefix'(author) {
    const home = await author.addAgent('home')
    author.wait(1000)
    await home.report('the first report', {})
    author.wait(60_000)
    const records = [
      record('www.example.org', '2001:db8:2::1'),
      record('api.example.org', '2001:db8:2::2'),
    ]
    const prefix = { current: '2001:db8:2::/64', previous: '2001:db8:1::/64', cause: 'flash' }
    await home.report('a new prefix and one more name', { prefix, records })
    author.wait(60_000)
    await home.report('one name fewer', { prefix, records: records.slice(0, 1) })
  },

  async 'report/posted-again'(author) {
    const home = await author.addAgent('home')
    const { jws, answer } = await home.report('the first report', {})
    const same = await home.post('the same bytes again', jws, { status: 200 })
    author.wait(2 * HOUR)
    const late = await home.post('the same bytes, two hours later', jws, { status: 200 })
    if (new Set([answer, same, late].map((each) => JSON.stringify(each))).size !== 1) {
      throw new Error('the same bytes got another answer')
    }
    const next = await home.report('the next report', { records: [] })
    await home.post('the first bytes again, after the next', jws, { status: 200 })
    await home.post('the next bytes again', next.jws, { status: 200 })
  },

  async 'report/denied-posted-again'(author) {
    const home = await author.addAgent('home')
    const foreign = { records: [record('www.example.com')] }
    const { jws } = await home.report('a name outside the policy', foreign, denied('POLICY_NAME'))
    author.wait(2 * HOUR)
    await home.post('the same bytes again', jws, denied('POLICY_NAME'))
  },

  async 'sequence/stale-reused-too-far'(author) {
    const home = await author.addAgent('home')
    const first = home.reportOf()
    await home.post('the first report', await home.sign(first), { status: 200 })
    const { seq } = first
    const reused = { status: 409, code: 'SEQUENCE_REUSED', facts: { seq } }
    const stale = { status: 409, code: 'SEQUENCE_STALE', facts: { seq } }
    const far = { status: 409, code: 'SEQUENCE_TOO_FAR', facts: { seq } }
    const at = (change: object) => home.sign({ ...first, ...change })
    await home.post('other bytes with its sequence', await at({ records: [] }), reused)
    await home.post(
      'its bytes signed a second later',
      await home.sign(first, { iat: author.now() / 1000 + 1 }),
      reused,
    )
    await home.post('a lower sequence', await at({ seq: seq - 1 }), stale)
    await home.post('sequence 1', await at({ seq: 1 }), stale)
    const day = author.now() + 86_400_000
    await home.post('a day and a millisecond ahead', await at({ seq: day + 1 }), far)
    await home.post('the largest sequence', await at({ seq: Number.MAX_SAFE_INTEGER }), far)
    await home.post('exactly a day ahead', await at({ seq: day }), { status: 200 })
    const later = { ...stale, facts: { seq: day } }
    await home.post('a sequence of now, after that', await at({ seq: author.now() + 5 }), later)
    await home.post('one above it: too far', await at({ seq: day + 1 }), {
      ...far,
      facts: { seq: day },
    })
    author.wait(1000)
    await home.post('one above it, a second later', await at({ seq: day + 1 }), { status: 200 })
  },

  async 'clock/skew-and-nonce'(author) {
    const home = await author.addAgent('home')
    const now = author.now() / 1000
    const report = home.reportOf()
    const skewed = { status: 401, code: 'USE_NONCE' }
    await home.post('signed 301 s ago', await home.sign(report, { iat: now - 301 }), skewed)
    await home.post('signed in 301 s', await home.sign(report, { iat: now + 301 }), skewed)
    const { answer } = await home.post(
      'signed in 1970',
      await home.sign(report, { iat: 0 }),
      skewed,
    )
    const nonce = String(answer.nonce)
    await home.post('a nonce of nobody', await home.sign(report, { nonce: 'x' }), skewed)
    const altered = nonce.replace(/^\d/, (digit) => `${(Number(digit) + 1) % 10}`)
    await home.post('an altered nonce', await home.sign(report, { nonce: altered }), skewed)
    author.wait(120_000)
    await home.post('with the nonce, 120 s later', await home.sign(report, { iat: 0, nonce }), {
      status: 200,
    })
    await home.post(
      'with the nonce, another sequence',
      await home.sign(home.reportOf(), { iat: 0, nonce }),
      { status: 200 },
    )
    await home.post(
      'with the nonce, a used sequence',
      await home.sign({ ...report, records: [] }, { iat: 0, nonce }),
      {
        status: 409,
        code: 'SEQUENCE_REUSED',
      },
    )
    author.wait(1000)
    await home.post(
      'with the nonce, 121 s later',
      await home.sign(home.reportOf(), { iat: 0, nonce }),
      skewed,
    )
    await home.post(
      'with it and a right clock',
      await home.sign(home.reportOf(), { nonce }),
      skewed,
    )
    const second = author.now() / 1000
    await home.post('signed 300 s ago', await home.sign(home.reportOf(), { iat: second - 300 }), {
      status: 200,
    })
    await home.post('signed in 300 s', await home.sign(home.reportOf(), { iat: second + 300 }), {
      status: 200,
    })
  },

  async 'clock/nonce-of-another-key'(author) {
    const home = await author.addAgent('home')
    const office = await author.addAgent('office', { names: ['*.office.example.org'] })
    const skewed = { status: 401, code: 'USE_NONCE' }
    const { answer } = await home.post(
      'signed in 1970',
      await home.sign(home.reportOf(), { iat: 0 }),
      skewed,
    )
    const nonce = String(answer.nonce)
    const report = office.reportOf({ records: [] })
    await office.post('by another host', await office.sign(report, { iat: 0, nonce }), skewed)
  },

  async 'refused/before-the-policy'(author) {
    const home = await author.addAgent('home')
    const office = await author.addAgent('office', { names: ['*.office.example.org'] })
    const other = await home.sign(home.reportOf(), { url: 'https://other.example.org/v1/reports' })
    await home.post('for another cloud', other, denied('URL_MISMATCH'))
    const insecure = await home.sign(home.reportOf(), {
      url: 'http://cloud.example.org/v1/reports',
    })
    await home.post('for another scheme', insecure, denied('URL_MISMATCH'))
    const enrolUrl = await home.sign(home.reportOf(), {
      url: 'https://cloud.example.org/v1/enroll',
    })
    await home.post('for another endpoint', enrolUrl, denied('URL_MISMATCH'))
    const impostor = await office.sign(home.reportOf())
    await office.post('in the name of another host', impostor, denied('HOST_MISMATCH'))
    const stranger = (await home.sign(home.reportOf())).split('.')
    const header = JSON.parse(new TextDecoder().decode(bytesOf(stranger[0])))
    const unknown = JSON.stringify({ ...header, kid: encodeBase64url(new Uint8Array(32)) })
    const body = new TextDecoder().decode(bytesOf(stranger[1]))
    await home.post('by an unknown key', await signRaw(unknown, body, home.key), {
      status: 401,
      code: 'KEY_UNKNOWN',
    })
    const forged = await signRaw(JSON.stringify(header), body, office.key)
    await home.post('with the signature of another', forged, { status: 401, code: 'JWS_SIGNATURE' })
    const empty = await signRaw(JSON.stringify(header), '{}', home.key)
    await home.post('with a payload that is no report', empty, {
      status: 400,
      code: 'REPORT_INVALID',
    })
    await home.post('text that is no JWS', 'x', { status: 400, code: 'JWS_MALFORMED' })
  },

  async 'refused/requests'(author) {
    const home = await author.addAgent('home')
    const jws = await home.sign(home.reportOf())
    const as = (
      what: string,
      body: string,
      headers: Record<string, string>,
      status: number,
      code: string,
    ) => author.request(what, '/v1/reports', body, { status, code }, headers)
    await as(
      'another content type',
      jws,
      { 'content-type': 'application/json' },
      415,
      'CONTENT_TYPE',
    )
    await as('compressed', jws, { ...JOSE, 'content-encoding': 'gzip' }, 415, 'CONTENT_TYPE')
    await as('16385 bytes', 'x'.repeat(16_385), JOSE, 413, 'BODY_TOO_LARGE')
    await as('16384 bytes that are no JWS', 'x'.repeat(16_384), JOSE, 400, 'JWS_MALFORMED')
    await author.request('another path', '/v1/report', jws, { status: 404, code: 'NOT_FOUND' })
    const headers = { 'content-type': 'Application/JOSE; charset=utf-8' }
    await author.request(
      'a content type with a parameter',
      '/v1/reports',
      jws,
      { status: 200 },
      headers,
    )
  },
}

function bytesOf(part = ''): Uint8Array {
  return Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
    c.charCodeAt(0),
  )
}
