// The payloads of reports.json, as texts.

const EMPTY_ROOT = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

/** A payload in which nothing is wrong. */
export const PAYLOAD = JSON.stringify({
  v: 1,
  host: 'home',
  seq: 1_772_366_400_000,
  prefix: { current: '2001:db8:1::/64', cause: 'flash' },
  records: [{ name: 'www.example.org', type: 'AAAA', values: ['2001:db8:1::1'] }],
  steps: [],
  log: { size: 0, root: EMPTY_ROOT },
  agent: '0.1.0',
})

type Named = readonly [name: string, payload: string]

const record = (name: string, values: readonly string[], type = 'AAAA') => ({ name, type, values })
const addresses = (count: number) => Array.from({ length: count }, (_, i) => `2001:db8:1::1${i}`)
const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i}.example.org`)
const label63 = 'a'.repeat(63)

function withMembers(members: object): string {
  return JSON.stringify({ ...JSON.parse(PAYLOAD), ...members })
}

function withRecords(...records: readonly object[]): string {
  return withMembers({ records })
}

function withName(name: string): string {
  return withRecords(record(name, ['2001:db8:1::1']))
}

function withValue(value: string): string {
  return withRecords(record('www.example.org', [value], value.includes(':') ? 'AAAA' : 'A'))
}

function withPrefix(members: object): string {
  return withMembers({ prefix: { current: '2001:db8:1::/64', cause: 'flash', ...members } })
}

function withStep(members: object): string {
  const step = { step: 'address', target: 'web', outcome: 'done', ms: 1.5, ...members }
  return withMembers({ steps: [step] })
}

function without(member: string): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(JSON.parse(PAYLOAD)).filter(([name]) => name !== member)),
  )
}

/** Payloads at the edge of what is permitted. */
export const GOOD_PAYLOADS: readonly Named[] = [
  ['no-records', withRecords()],
  ['smallest-sequence', withMembers({ seq: 1 })],
  ['largest-sequence', withMembers({ seq: Number.MAX_SAFE_INTEGER })],
  ['every-cause-initial', withPrefix({ cause: 'initial' })],
  ['every-cause-planned', withPrefix({ cause: 'planned' })],
  ['every-cause-claims', withPrefix({ cause: 'claims' })],
  [
    'every-member',
    withPrefix({
      others: ['2001:db8:2::/56'],
      previous: '2001:db8:0:1::/64',
      validUntil: '2026-03-01T14:00:00.123Z',
    }),
  ],
  [
    'seven-other-prefixes',
    withPrefix({ others: [2, 3, 4, 5, 6, 7, 8].map((n) => `2001:db8:${n}::/64`) }),
  ],
  ['prefix/whole', withPrefix({ current: '::/0' })],
  ['prefix/one-address', withPrefix({ current: '2001:db8:1::1/128' })],
  ['leap-day', withPrefix({ validUntil: '2028-02-29T23:59:59Z' })],
  ['nine-digits-of-a-second', withPrefix({ validUntil: '2026-03-01T14:00:00.123456789Z' })],
  ['names-64', withRecords(...names(64).map((name) => record(name, ['2001:db8:1::1'])))],
  ['values-32', withRecords(record('www.example.org', addresses(32)))],
  [
    'both-types-of-one-name',
    withRecords(
      record('www.example.org', ['2001:db8:1::1']),
      record('www.example.org', ['192.0.2.1'], 'A'),
    ),
  ],
  [
    'values-in-any-order',
    withRecords(record('www.example.org', ['2001:db8:1::2', '2001:db8:1::1'])),
  ],
  ['name/wildcard', withName('*.example.org')],
  ['name/underscore', withName('_acme-challenge.example.org')],
  ['name/one-label', withName('localhost')],
  ['name/punycode', withName('xn--bcher-kva.example.org')],
  ['name/label-63', withName(`${label63}.example.org`)],
  ['name/253-characters', withName(`${`${label63}.`.repeat(3)}${'a'.repeat(61)}`)],
  ['value/last-group-zero', withValue('2001:db8:1::')],
  ['value/one-zero-group-in-full', withValue('2001:db8:1:0:1:1:1:1')],
  ['value/first-of-two-equal-runs', withValue('2001:db8::1:0:0:1')],
  ['value/mapped-in-hexadecimal', withValue('::ffff:c000:201')],
  ['value/ipv4', withValue('192.0.2.255')],
  ['host/63-characters', withMembers({ host: label63 })],
  ['step', withStep({})],
  ['step/failed', withStep({ outcome: 'failed' })],
  ['step/large-number', withStep({ ms: 1e21 })],
  ['step/small-number', withStep({ ms: 1e-7 })],
  ['step/empty-words', withStep({ step: '', target: '' })],
  ['text/verbatim', withStep({ target: 'é \u2028 \u007f / 𝄞' })],
  ['text/escapes', withStep({ target: '" \\ \b \f \n \r \t \u0001 \ud800' })],
  ['agent/64-characters', withMembers({ agent: 'x'.repeat(64) })],
  ['agent/length-in-utf-16', withMembers({ agent: '𝄞'.repeat(32) })],
]

/** Payloads that are no report of version 1. */
export const REFUSED_PAYLOADS: readonly Named[] = [
  ['json/not-json', 'x'],
  ['json/white-space', PAYLOAD.replace('{', '{ ')],
  ['json/newline-at-the-end', `${PAYLOAD}\n`],
  ['json/byte-order-mark', `\uFEFF${PAYLOAD}`],
  ['json/member-twice', PAYLOAD.replace('{', '{"v":1,')],
  ['json/nested-member-twice', PAYLOAD.replace('"size":0', '"size":1,"size":0')],
  ['json/escaped-letter', PAYLOAD.replace('home', '\\u0068ome')],
  ['json/escaped-slash', PAYLOAD.replace('::/64', '::\\/64')],
  ['json/upper-case-escape', withStep({ target: '\u001f' }).replace('\\u001f', '\\u001F')],
  ['json/raw-control-character', withStep({ target: 'x' }).replace('"x"', '"\u0001"')],
  ['json/number-with-zero', PAYLOAD.replace('"v":1', '"v":1.0')],
  ['json/number-with-exponent', PAYLOAD.replace('1772366400000', '17723664e5')],
  [
    'json/large-number-in-digits',
    withStep({ ms: 1 }).replace('"ms":1', '"ms":1000000000000000000000'),
  ],
  ['json/minus-zero', PAYLOAD.replace('"size":0', '"size":-0')],
  ['json/deep', `${'['.repeat(5000)}${']'.repeat(5000)}`],
  ['json/list', `[${PAYLOAD}]`],
  ['json/null', 'null'],
  ['member/unknown', withMembers({ extra: 1 })],
  ['member/__proto__', PAYLOAD.replace('{', '{"__proto__":{"seq":1},')],
  ['member/unknown-in-prefix', withPrefix({ length: 64 })],
  [
    'member/unknown-in-record',
    withRecords({ ...record('a.example.org', ['2001:db8:1::1']), ttl: 60 }),
  ],
  ['member/unknown-in-step', withStep({ detail: 'x' })],
  ['member/unknown-in-log', withMembers({ log: { size: 0, root: EMPTY_ROOT, origin: 'x' } })],
  ...['v', 'host', 'seq', 'prefix', 'records', 'steps', 'log', 'agent'].map(
    (member) => [`member/no-${member}`, without(member)] as const,
  ),
  ['v/2', withMembers({ v: 2 })],
  ['v/text', withMembers({ v: '1' })],
  ['host/upper-case', withMembers({ host: 'Home' })],
  ['host/dot', withMembers({ host: 'home.lan' })],
  ['host/underscore', withMembers({ host: '_home' })],
  ['host/64-characters', withMembers({ host: 'a'.repeat(64) })],
  ['host/hyphen-at-the-end', withMembers({ host: 'home-' })],
  ['seq/0', withMembers({ seq: 0 })],
  ['seq/negative', withMembers({ seq: -1 })],
  ['seq/fraction', withMembers({ seq: 1.5 })],
  ['seq/2^53', withMembers({ seq: 2 ** 53 })],
  ['seq/1e+300', withMembers({ seq: 1e300 })],
  ['seq/text', withMembers({ seq: '1' })],
  ['prefix/host-bits', withPrefix({ current: '2001:db8:1::1/64' })],
  ['prefix/upper-case', withPrefix({ current: '2001:DB8:1::/64' })],
  ['prefix/not-shortened', withPrefix({ current: '2001:db8:1:0::/64' })],
  ['prefix/no-length', withPrefix({ current: '2001:db8:1::' })],
  ['prefix/length-129', withPrefix({ current: '2001:db8:1::/129' })],
  ['prefix/length-with-zero', withPrefix({ current: '2001:db8:1::/064' })],
  ['prefix/ipv4', withPrefix({ current: '192.0.2.0/24' })],
  ['prefix/no-others', withPrefix({ others: [] })],
  [
    'prefix/eight-others',
    withPrefix({ others: [2, 3, 4, 5, 6, 7, 8, 9].map((n) => `2001:db8:${n}::/64`) }),
  ],
  ['prefix/previous-null', withPrefix({ previous: null })],
  ['prefix/cause-unknown', withPrefix({ cause: 'storm' })],
  ['time/offset', withPrefix({ validUntil: '2026-03-01T14:00:00+00:00' })],
  ['time/lower-case', withPrefix({ validUntil: '2026-03-01t14:00:00z' })],
  ['time/no-seconds', withPrefix({ validUntil: '2026-03-01T14:00Z' })],
  ['time/ten-digits-of-a-second', withPrefix({ validUntil: '2026-03-01T14:00:00.1234567890Z' })],
  ['time/leap-second', withPrefix({ validUntil: '2026-12-31T23:59:60Z' })],
  ['time/hour-24', withPrefix({ validUntil: '2026-03-01T24:00:00Z' })],
  ['time/30-february', withPrefix({ validUntil: '2026-02-30T00:00:00Z' })],
  ['time/29-february-2026', withPrefix({ validUntil: '2026-02-29T00:00:00Z' })],
  ['time/month-13', withPrefix({ validUntil: '2026-13-01T00:00:00Z' })],
  ['name/upper-case', withName('WWW.example.org')],
  ['name/trailing-dot', withName('www.example.org.')],
  ['name/empty', withName('')],
  ['name/empty-label', withName('www..example.org')],
  ['name/letters-beyond-ascii', withName('bücher.example.org')],
  ['name/kelvin-sign', withName('\u212Aey.example.org')],
  ['name/label-64', withName(`a${label63}.example.org`)],
  ['name/254-characters', withName(`${`${label63}.`.repeat(3)}${'a'.repeat(62)}`)],
  ['name/hyphen-first', withName('-a.example.org')],
  ['name/hyphen-last', withName('a-.example.org')],
  ['name/underscore-inside', withName('a_b.example.org')],
  ['name/underscore-alone', withName('_.example.org')],
  ['name/wildcard-inside', withName('a.*.example.org')],
  ['name/wildcard-alone', withName('*')],
  ['name/wildcard-in-a-label', withName('a*.example.org')],
  ['name/like-an-address', withName('192.0.2.1')],
  ['name/last-label-a-number', withName('example.123')],
  ['name/space', withName('www example.org')],
  ['records/65-names', withRecords(...names(65).map((name) => record(name, ['2001:db8:1::1'])))],
  [
    'records/key-twice',
    withRecords(...[1, 2].map((n) => record('a.example.org', [`2001:db8:1::${n}`]))),
  ],
  ['records/TXT', withRecords(record('www.example.org', ['x'], 'TXT'))],
  ['records/no-values', withRecords(record('www.example.org', []))],
  ['records/33-values', withRecords(record('www.example.org', addresses(33)))],
  ['records/value-twice', withRecords(record('a.example.org', ['2001:db8:1::1', '2001:db8:1::1']))],
  ['records/ipv4-in-AAAA', withRecords(record('www.example.org', ['192.0.2.1']))],
  ['records/ipv6-in-A', withRecords(record('www.example.org', ['2001:db8:1::1'], 'A'))],
  ['value/upper-case', withValue('2001:DB8:1::1')],
  ['value/leading-zeros', withValue('2001:0db8:1::1')],
  ['value/not-shortened', withValue('2001:db8:1:0:0:0:0:1')],
  ['value/shorter-run', withValue('2001:db8:0:0:1::1')],
  ['value/one-group-shortened', withValue('2001:db8:1::1:1:1:1')],
  ['value/mapped-with-dots', withValue('::ffff:192.0.2.1')],
  ['value/zone', withValue('fe80::1%eth0')],
  ['value/white-space', withValue(' 2001:db8:1::1')],
  ['value/prefix', withValue('2001:db8:1::1/64')],
  ['value/ipv4-leading-zero', withValue('192.0.2.01')],
  ['value/ipv4-three-parts', withValue('192.0.2')],
  ['value/ipv4-256', withValue('192.0.2.256')],
  ['step/name-of-65', withStep({ step: 's'.repeat(65) })],
  ['step/target-of-256', withStep({ target: 't'.repeat(256) })],
  ['step/outcome-unknown', withStep({ outcome: 'skipped' })],
  ['step/negative-time', withStep({ ms: -1 })],
  ['log/negative-size', withMembers({ log: { size: -1, root: EMPTY_ROOT } })],
  ['log/root-base64url', withMembers({ log: { size: 0, root: EMPTY_ROOT.replace('+/', '-_') } })],
  ['log/root-without-padding', withMembers({ log: { size: 0, root: EMPTY_ROOT.slice(0, -1) } })],
  ['log/root-unused-bits', withMembers({ log: { size: 0, root: EMPTY_ROOT.replace('U=', 'V=') } })],
  ['log/root-of-31-bytes', withMembers({ log: { size: 0, root: `${'A'.repeat(42)}==` } })],
  ['agent/empty', withMembers({ agent: '' })],
  ['agent/65-characters', withMembers({ agent: 'x'.repeat(65) })],
]
