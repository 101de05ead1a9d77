import type { Change, ProviderErrorKind } from '../../cloud/domain/dns-provider.ts'
import type { Fqdn, RRKey, RRset, RRType } from '../../shared/rrset.ts'

/** From one state of a zone, through changes, to another. */
export interface Transition {
  /** RRsets that are there before. */
  readonly from: readonly RRset[]
  readonly changes: readonly Change[]
  readonly outcomes: readonly (
    | 'unchanged'
    | 'created'
    | 'updated'
    | 'deleted'
    | ProviderErrorKind
  )[]
  /** RRsets that are there afterwards, among others. */
  readonly to: readonly RRset[]
  readonly absent?: readonly RRKey[]
}

type At = (label: string) => Fqdn
interface Row {
  readonly title: string
  /** What a service must be able to hold in a TXT value for this. */
  readonly needs?: { readonly txtBytes: number; readonly txtQuotes: boolean }
  readonly build: (at: At, zone: Fqdn) => Transition
}

const ONE = '2001:db8::1'
const TWO = '2001:db8::2'
const THREE = '2001:db8:0:1:0:1:0:3'

function set(name: Fqdn, values: readonly string[], type: RRType = 'AAAA', ttl = 60): RRset {
  return { name, type, ttl, values }
}
const put = (wanted: RRset): Change => ({ name: wanted.name, type: wanted.type, set: wanted })
const remove = (name: Fqdn, type: RRType = 'AAAA'): Change => ({ name, type, set: null })

function creating(
  title: string,
  make: (at: At, zone: Fqdn) => RRset,
  needs: Row['needs'] = { txtBytes: 0, txtQuotes: false },
): Row {
  return {
    title: `create/${title}`,
    needs,
    build: (at, zone) => {
      const wanted = make(at, zone)
      return { from: [], changes: [put(wanted)], outcomes: ['created'], to: [wanted] }
    },
  }
}

function replacing(title: string, from: (name: Fqdn) => RRset, to: (name: Fqdn) => RRset): Row {
  return {
    title: `replace/${title}`,
    build: (at) => ({
      from: [from(at(''))],
      changes: [put(to(at('')))],
      outcomes: ['updated'],
      to: [to(at(''))],
    }),
  }
}

const ROWS: readonly Row[] = [
  creating('one-aaaa', (at) => set(at('www'), [THREE])),
  creating('one-a', (at) => set(at('www'), ['192.0.2.1'], 'A')),
  creating('several-values', (at) => set(at('www'), [THREE, ONE, TWO])),
  creating('deep-name', (at) => set(at('a.b.c'), [ONE])),
  creating('wildcard', (at) => set(at('*'), [ONE])),
  creating('apex', (_, zone) => set(zone, [ONE])),
  creating('underscore-txt', (at) => set(at('_reprefix'), ['host=nas v=1'], 'TXT')),
  creating('txt-with-quotes', (at) => set(at('t'), ['say "hi" \\ bye; ü'], 'TXT'), {
    txtBytes: 30,
    txtQuotes: true,
  }),
  creating('txt-of-600-bytes', (at) => set(at('t'), ['0123456789'.repeat(60)], 'TXT'), {
    txtBytes: 600,
    txtQuotes: false,
  }),
  creating('longest-label', (at) => set(at('x'.repeat(63)), [ONE])),
  replacing(
    'value',
    (n) => set(n, [ONE]),
    (n) => set(n, [TWO]),
  ),
  replacing(
    'one-of-two',
    (n) => set(n, [ONE, TWO]),
    (n) => set(n, [THREE, ONE]),
  ),
  replacing(
    'fewer',
    (n) => set(n, [ONE, TWO]),
    (n) => set(n, [TWO]),
  ),
  replacing(
    'more',
    (n) => set(n, [ONE]),
    (n) => set(n, [ONE, TWO]),
  ),
  replacing(
    'ttl-only',
    (n) => set(n, [ONE, TWO], 'AAAA', 120),
    (n) => set(n, [ONE, TWO], 'AAAA', 60),
  ),
  replacing(
    'ttl-and-value',
    (n) => set(n, [ONE, TWO], 'AAAA', 60),
    (n) => set(n, [TWO, THREE], 'AAAA', 300),
  ),
  replacing(
    'txt',
    (n) => set(n, ['a=1'], 'TXT'),
    (n) => set(n, ['a=2'], 'TXT'),
  ),
  {
    title: 'replace/apex',
    build: (_, zone) => ({
      from: [set(zone, [ONE])],
      changes: [put(set(zone, [TWO]))],
      outcomes: ['updated'],
      to: [set(zone, [TWO])],
    }),
  },
  {
    title: 'keep/same-set-spelt-otherwise',
    build: (at) => ({
      from: [set(at(''), [ONE, TWO])],
      changes: [put(set(at(''), ['2001:DB8::2', '2001:db8:0::1', TWO]))],
      outcomes: ['unchanged'],
      to: [set(at(''), [ONE, TWO])],
    }),
  },
  {
    title: 'delete/present',
    build: (at) => ({
      from: [set(at(''), [ONE, TWO])],
      changes: [remove(at(''))],
      outcomes: ['deleted'],
      to: [],
      absent: [{ name: at(''), type: 'AAAA' }],
    }),
  },
  {
    title: 'delete/absent',
    build: (at) => ({
      from: [],
      changes: [remove(at('')), put(set(at('none'), []))],
      outcomes: ['unchanged', 'unchanged'],
      to: [],
      absent: [{ name: at(''), type: 'AAAA' }],
    }),
  },
  {
    title: 'delete/leaves-other-types-and-names',
    build: (at) => ({
      from: [
        set(at('a'), [ONE]),
        set(at('a'), ['192.0.2.1'], 'A'),
        set(at('a'), ['x=1'], 'TXT'),
        set(at('b'), [TWO]),
      ],
      changes: [remove(at('a'))],
      outcomes: ['deleted'],
      to: [set(at('a'), ['192.0.2.1'], 'A'), set(at('a'), ['x=1'], 'TXT'), set(at('b'), [TWO])],
      absent: [{ name: at('a'), type: 'AAAA' }],
    }),
  },
  {
    title: 'wildcard/own-records-beside-it',
    build: (at) => ({
      from: [set(at('*'), [ONE])],
      changes: [put(set(at('www'), [ONE]))],
      outcomes: ['created'],
      to: [set(at('*'), [ONE]), set(at('www'), [ONE])],
    }),
  },
  {
    title: 'wildcard/answers-are-not-records',
    build: (at) => ({
      from: [set(at('*'), [ONE])],
      changes: [remove(at('www')), remove(at('deep.er')), put(set(at('api'), [TWO]))],
      outcomes: ['unchanged', 'unchanged', 'created'],
      to: [set(at('*'), [ONE]), set(at('api'), [TWO])],
    }),
  },
  {
    title: 'expect/met',
    build: (at) => ({
      from: [set(at('a'), [ONE, TWO]), set(at('d'), [ONE])],
      changes: [
        { ...put(set(at('a'), [THREE])), expect: [TWO, ONE] },
        { ...put(set(at('b'), [ONE])), expect: null },
        { ...remove(at('d')), expect: [ONE] },
      ],
      outcomes: ['updated', 'created', 'deleted'],
      to: [set(at('a'), [THREE]), set(at('b'), [ONE])],
      absent: [{ name: at('d'), type: 'AAAA' }],
    }),
  },
  {
    title: 'expect/not-met-writes-nothing-and-stops-no-other',
    build: (at) => ({
      from: [set(at('a'), [ONE]), set(at('b'), [ONE]), set(at('c'), [ONE])],
      changes: [
        { ...put(set(at('a'), [THREE])), expect: [TWO] },
        { ...put(set(at('b'), [THREE])), expect: null },
        { ...remove(at('c')), expect: [ONE, TWO] },
        put(set(at('d'), [ONE])),
      ],
      outcomes: ['conflict', 'conflict', 'conflict', 'created'],
      to: [set(at('a'), [ONE]), set(at('b'), [ONE]), set(at('c'), [ONE]), set(at('d'), [ONE])],
    }),
  },
  {
    title: 'expect/already-as-wanted',
    build: (at) => ({
      from: [set(at('a'), [ONE])],
      changes: [
        { ...put(set(at('a'), [ONE])), expect: [TWO] },
        { ...remove(at('b')), expect: [TWO] },
      ],
      outcomes: ['unchanged', 'unchanged'],
      to: [set(at('a'), [ONE])],
    }),
  },
  {
    title: 'batch/mixed',
    build: (at) => ({
      from: [
        set(at('b'), [ONE]),
        set(at('c'), [ONE]),
        set(at('d'), [ONE]),
        set(at('d'), ['192.0.2.1'], 'A'),
      ],
      changes: [
        put(set(at('a'), [ONE])),
        put(set(at('b'), [TWO])),
        put(set(at('c'), [ONE])),
        remove(at('d')),
        put(set(at('d'), ['192.0.2.2'], 'A')),
      ],
      outcomes: ['created', 'updated', 'unchanged', 'deleted', 'updated'],
      to: [
        set(at('a'), [ONE]),
        set(at('b'), [TWO]),
        set(at('c'), [ONE]),
        set(at('d'), ['192.0.2.2'], 'A'),
      ],
      absent: [{ name: at('d'), type: 'AAAA' }],
    }),
  },
]

/** What every provider does with every RRset: one row, one transition. */
export const TRANSITIONS: readonly Row[] = ROWS.map((row) => ({ ...row, build: sorted(row.build) }))

/** Expected states are compared as canonical sets. */
function sorted(build: Row['build']): Row['build'] {
  return (at, zone) => {
    const transition = build(at, zone)
    const sort = (sets: readonly RRset[]) =>
      sets.map((one) => ({ ...one, values: [...one.values].sort() }))
    return { ...transition, from: sort(transition.from), to: sort(transition.to) }
  }
}
