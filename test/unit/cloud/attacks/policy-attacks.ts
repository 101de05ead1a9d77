import { expect } from 'vitest'
import { parseAddressRange } from '../../../../cloud/domain/client-address.ts'
import { type Prefix, parsePrefix } from '../../../../shared/ipv6.ts'
import type { Claim, Report } from '../../../../shared/report.ts'
import { aaaa, api, www } from '../app-checks.ts'
import { type Answered, type Attack, claim, resignedWith, type SceneChange } from './attack.ts'

/** A report by the attacker's own key. */
function reported(
  name: string,
  code: string,
  change: Partial<Report>,
  policy: Record<string, unknown> = {},
): Attack {
  return {
    name,
    code,
    isDenied: true,
    scene: { policy },
    prepare: async ({ thief }) => ({ body: await thief.sign(thief.reportOf(change)) }),
  }
}

const WIDE = { names: ['*.example.org', 'example.org', 'www.example.org'] }

/** A spelling of `www.example.org` that no wire text may have. */
function spelled(name: string, spelling: string): Attack {
  return {
    name,
    code: 'REPORT_INVALID',
    scene: { policy: WIDE },
    prepare: async ({ thief }) => {
      const jws = await thief.sign(thief.reportOf(claim('www.example.org')))
      const respell = (p: string) => p.replace('www.example.org', spelling)
      return { body: await resignedWith(jws, thief.key, { payload: respell }) }
    },
  }
}

const at = (current: string) => ({
  prefix: { current: parsePrefix(current), cause: 'flash' as const },
})

/** By a host whose policy permits every range: what is special is so wherever it is covered. */
function prefixOf(name: string, current: string, value: string, policy = {}): Attack {
  const change = { ...at(current), ...claim('thief.example.org', value) }
  const all = { prefixes: ['::/0'], shortestPrefix: 16, ...policy }
  return reported(`prefix/${name}`, 'POLICY_PREFIX', change, all)
}

function special(name: string, value: string, type: Claim['type'] = 'AAAA', policy = {}): Attack {
  const all = { types: ['A', 'AAAA'], values: ['::/0', '0.0.0.0/0'], ...policy }
  return reported(`value/${name}`, 'POLICY_VALUE', claim('thief.example.org', value, type), all)
}

/** A report from `peer`, which says that it came from inside the prefix. */
function from(name: string, peer: string, forwarded: string, trusted: string[] = []): Attack {
  const scene: SceneChange = {
    deps: { peerAddress: () => peer, trustedProxies: trusted.map(parseAddressRange) },
    policy: { sourceCheck: 'require' },
  }
  return {
    name,
    code: 'SOURCE_MISMATCH',
    isDenied: true,
    scene,
    prepare: async ({ thief }) => ({
      body: await thief.sign(thief.reportOf(claim('thief.example.org'))),
      headers: { 'content-type': 'application/jose', ...JSON.parse(forwarded) },
    }),
  }
}

const INSIDE = '2001:db8:1::7'
const OUTSIDE = '2001:db8:ffff::7'
const said = (...hops: string[]) => JSON.stringify({ 'x-forwarded-for': hops.join(', ') })
const tooMany = (length: number): Prefix[] =>
  Array.from({ length }, (_, i) => parsePrefix(`2001:db8:${i + 2}::/64`))

/** Attacks with a key that is enrolled, on what its policy does not permit. */
export const POLICY_ATTACKS: readonly Answered[] = [
  {
    row: 'somebody else’s name, in any spelling',
    attacks: [
      reported('name/of-another-host', 'NAME_OWNED', claim('www.example.org'), WIDE),
      reported('name/not-in-the-policy', 'POLICY_NAME', claim('www.example.org')),
      reported(
        'name/of-another-host-in-one-of-two-records',
        'NAME_OWNED',
        { records: [...claim('thief.example.org').records, ...claim('www.example.org').records] },
        { names: ['thief.example.org', 'www.example.org'] },
      ),
      reported(
        'name/other-type-of-a-foreign-name',
        'NAME_OWNED',
        claim('www.example.org', '192.0.2.66', 'A'),
        { ...WIDE, types: ['A', 'AAAA'] },
      ),
      reported('name/shared-by-one-side-only', 'NAME_OWNED', claim('www.example.org'), {
        ...WIDE,
        shared: ['*.example.org'],
      }),
      {
        name: 'name/overlapping-wildcards',
        code: 'NAME_OWNED',
        isDenied: true,
        scene: { policy: WIDE },
        prepare: async ({ home, thief }) => {
          const { response } = await home.report({
            records: [aaaa(www, '2001:db8:1::1'), ...claim('a.home.example.org').records],
          })
          expect(response.status).toBe(200)
          return { body: await thief.sign(thief.reportOf(claim('a.home.example.org'))) }
        },
      },
      reported('name/apex-by-a-wildcard', 'POLICY_NAME', claim('example.org'), {
        names: ['*.example.org'],
      }),
      reported('name/label-boundary', 'POLICY_NAME', claim('xthief.example.org')),
      reported('name/below-an-exact-one', 'POLICY_NAME', claim('a.thief.example.org')),
      // Another name of DNS, which only looks like the one: it is not in the policy.
      reported('name/punycode-lookalike', 'POLICY_NAME', claim('xn--ww-2jd.example.org')),
      reported('name/outside-the-zones', 'NAME_OUTSIDE_ZONES', claim('www.example.net'), {
        names: ['www.example.net'],
      }),
      spelled('spelling/upper-case', 'WWW.example.org'),
      spelled('spelling/mixed-case', 'wWw.eXample.org'),
      spelled('spelling/trailing-dot', 'www.example.org.'),
      spelled('spelling/two-trailing-dots', 'www.example.org..'),
      spelled('spelling/empty-label', 'www..example.org'),
      spelled('spelling/unicode', 'wẃw.example.org'),
      spelled('spelling/full-width', 'ｗｗｗ.example.org'),
      spelled('spelling/ideographic-dot', 'www。example.org'),
      spelled('spelling/soft-hyphen', 'w\u00adww.example.org'),
      spelled('spelling/json-escape', '\\u0077ww.example.org'),
      spelled('spelling/dns-escape', '\\\\119ww.example.org'),
      spelled('spelling/escaped-dot', 'www\\\\.example.org'),
      spelled('spelling/nul', 'www\\u0000.example.org'),
      spelled('spelling/white-space', ' www.example.org'),
      spelled('spelling/empty-a-label', 'xn--.example.org'),
      spelled('spelling/wildcard-inside', 'w*.example.org'),
    ],
  },
  {
    row: '`_acme-challenge` and other such labels by a wildcard',
    attacks: [
      '_acme-challenge.example.org',
      '_acme-challenge.www.example.org',
      'a._tcp.example.org',
    ].map((name) => reported(`label/${name}`, 'POLICY_NAME', claim(name), WIDE)),
  },
  {
    row: 'foreign addresses',
    attacks: [
      reported('prefix/not-permitted', 'POLICY_PREFIX', {
        ...at('2a00:1::/64'),
        ...claim('thief.example.org', '2a00:1::1'),
      }),
      reported('prefix/too-short', 'POLICY_PREFIX', {
        ...at('2001:db8::/40'),
        ...claim('thief.example.org', '2001:db8::1'),
      }),
      reported('prefix/everything', 'POLICY_PREFIX', {
        ...at('::/0'),
        ...claim('thief.example.org'),
      }),
      reported('prefix/of-another-uplink', 'POLICY_PREFIX', {
        prefix: {
          current: parsePrefix('2001:db8:1::/64'),
          others: [...tooMany(2), parsePrefix('2a00:1::/64')],
          cause: 'flash',
        },
        ...claim('thief.example.org'),
      }),
      prefixOf('mapped', '::ffff:0:0/96', '::ffff:c000:201'),
      prefixOf('translated', '64:ff9b::/96', '64:ff9b::c000:201'),
      prefixOf('loopback', '::/64', '::1'),
      prefixOf('6to4', '2002:c000:201::/48', '2002:c000:201::1'),
      prefixOf('teredo', '2001::/32', '2001::1'),
      prefixOf('documentation', '2001:db8:1::/64', '2001:db8:1::1'),
      prefixOf('documentation-of-rfc-9637', '3fff::/20', '3fff::1'),
      prefixOf('discard', '100::/64', '100::1'),
      prefixOf('unique-local', 'fd00:1::/64', 'fd00:1::1'),
      prefixOf('link-local', 'fe80::/64', 'fe80::1'),
      prefixOf('site-local', 'fec0::/64', 'fec0::1'),
      prefixOf('multicast', 'ff0e::/64', 'ff0e::1'),
      prefixOf('segment-routing', '5f00::/64', '5f00::1'),
      reported(
        'value/of-another-subnet',
        'POLICY_VALUE',
        claim('thief.example.org', '2001:db8:2::1'),
      ),
      special('mapped', '::ffff:c000:201'),
      special('loopback', '::1'),
      special('unspecified', '::'),
      special('6to4', '2002:c000:201::1'),
      special('teredo', '2001::1'),
      special('documentation', '3fff::1'),
      special('unique-local', 'fd00::1'),
      special('link-local', 'fe80::1'),
      special('multicast', 'ff02::1'),
      special('ipv4-private', '10.0.0.1', 'A'),
      special('ipv4-loopback', '127.0.0.1', 'A'),
      special('ipv4-link-local', '169.254.169.254', 'A'),
      special('ipv4-shared', '100.64.0.1', 'A'),
      special('ipv4-unspecified', '0.0.0.0', 'A'),
      special('ipv4-broadcast', '255.255.255.255', 'A'),
      reported('type/not-permitted', 'POLICY_TYPE', claim('thief.example.org', '192.0.2.1', 'A'), {
        types: ['AAAA'],
      }),
    ],
  },
  {
    row: 'withdrawing everything',
    attacks: [
      {
        name: 'deletions/more-than-permitted',
        code: 'POLICY_DELETIONS',
        isDenied: true,
        scene: { policy: { names: ['*.home.example.org', 'api.example.org'], maxDeletions: 1 } },
        prepare: async ({ thief }) => {
          const records = [aaaa(api, '2001:db8:1::2'), ...claim('a.home.example.org').records]
          expect((await thief.report({ records })).response.status).toBe(200)
          return { body: await thief.sign(thief.reportOf({ records: [] })) }
        },
      },
    ],
  },
  {
    row: 'a stolen key used from elsewhere',
    attacks: [
      from('source/outside', OUTSIDE, '{}'),
      from('source/over-ipv4', '::ffff:192.0.2.7', '{}'),
      from('source/behind-a-silent-proxy', '::1', '{}', ['::1']),
    ],
  },
  {
    row: 'a forged `X-Forwarded-For`',
    attacks: [
      from('forwarded/by-the-host-itself', OUTSIDE, said(INSIDE)),
      from('forwarded/before-the-proxy', '::1', said(INSIDE, OUTSIDE), ['::1']),
      from('forwarded/before-two-proxies', '::1', said(INSIDE, OUTSIDE, '10.0.0.1'), [
        '::1',
        '10.0.0.0/8',
      ]),
      from('forwarded/trusted-address-before-the-proxy', '::1', said(INSIDE, '::2', OUTSIDE), [
        '::1',
        '::2',
      ]),
      from('forwarded/unreadable', '::1', said(INSIDE, 'unknown'), ['::1']),
      from('forwarded/empty-hop', '::1', `{"x-forwarded-for":"${INSIDE},"}`, ['::1']),
      from(
        'forwarded/other-headers',
        OUTSIDE,
        `{"forwarded":"for=\\"[${INSIDE}]\\"","x-real-ip":"${INSIDE}"}`,
      ),
    ],
  },
  {
    row: 'a flood of reports with one key, permitted or denied',
    attacks: [
      {
        name: 'flood/permitted',
        code: 'RATE_LIMITED',
        scene: { policy: { reportsPerHour: 60 } },
        prepare: async ({ thief }) => {
          for (let i = 0; i < 10; i += 1) await thief.report(claim('thief.example.org'))
          return { body: await thief.sign(thief.reportOf(claim('thief.example.org'))) }
        },
      },
      {
        name: 'flood/denied',
        code: 'RATE_LIMITED',
        scene: { policy: { reportsPerHour: 60 } },
        prepare: async ({ thief }) => {
          for (let i = 0; i < 10; i += 1) await thief.report(claim('www.example.org'))
          return { body: await thief.sign(thief.reportOf(claim('www.example.org'))) }
        },
      },
    ],
  },
]
