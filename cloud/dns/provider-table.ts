import { PROVIDER_TYPES } from './provider-types.ts'

type Described = (typeof PROVIDER_TYPES)[keyof typeof PROVIDER_TYPES]

/** One kind of provider as data, for programs. Times in seconds. */
export interface ProviderRow {
  readonly type: string
  readonly title: string
  readonly tier: number
  readonly docs: string
  readonly warning: string | null
  readonly capabilities: Described['caps']
  readonly limits: readonly {
    readonly count: number
    readonly seconds: number
    readonly on: 'read' | 'write' | 'all'
    readonly per: 'credential' | 'zone'
  }[]
}

/** All kinds of providers, in the order of their names. */
export function listProviders(): readonly ProviderRow[] {
  return Object.entries(PROVIDER_TYPES)
    .map(([type, { title, tier, docs, warning, caps, limits }]) => ({
      type,
      title,
      tier,
      docs,
      warning: warning ?? null,
      capabilities: caps,
      limits: limits.map(({ count, perMs, on, perZone }) => ({
        count,
        seconds: perMs / 1000,
        on: on ?? ('all' as const),
        per: perZone === true ? ('zone' as const) : ('credential' as const),
      })),
    }))
    .sort((a, b) => (a.title < b.title ? -1 : 1))
}

/** What the columns of the table say. */
export const PROVIDER_HEADER = ['type', 'service', 'tier', 'writes', 'TTL', 'TXT', 'requests']

/** A row of the table for people. */
export function renderProvider(row: ProviderRow): readonly string[] {
  const { granularity, maxBatch, atomic, compareAndSet, ttl, txt, publish } = row.capabilities
  const unit = granularity === 'rrset' ? 'RRset' : granularity
  const many =
    maxBatch > 1 ? `up to ${maxBatch} ${unit}s${atomic ? ' at once' : ''}` : `one ${unit}`
  const writes = [
    many,
    ...(compareAndSet === 'none' ? [] : ['compare-and-set']),
    ...(publish === 'sync' ? [] : ['published later']),
  ]
  return [
    row.type,
    row.title,
    String(row.tier),
    writes.join(', '),
    `from ${ttl.min} s${ttl.only === undefined ? '' : ', in steps'}`,
    `${txt.maxBytes} bytes${txt.quotes ? '' : ', no quotes'}`,
    renderLimits(row),
  ]
}

function renderLimits({ limits }: ProviderRow): string {
  const texts = limits.map(({ count, seconds, on, per }) => {
    const what = { read: ' reads', write: ' writes', all: '' }[on]
    return `${count}${what} per ${renderSpan(seconds)}${per === 'zone' ? ' and zone' : ''}`
  })
  return texts.join('; ') || 'no limit'
}

function renderSpan(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const
  const [size, name] = units.find(([length]) => seconds % length === 0) ?? [1, 'second']
  return seconds === size ? name : `${seconds / size} ${name}s`
}
