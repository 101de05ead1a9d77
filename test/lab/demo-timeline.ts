import type { ProgramEvent } from './program-events.ts'

/** Who did something, as shown in the demo's first column. */
export type Actor = 'router' | 'agent' | 'cloud' | 'client'

/** One line of the demo's story; several alike in a row become one. */
export interface TimelineLine {
  readonly actor: Actor
  /** When it first happened, in milliseconds since the epoch. */
  readonly at: number
  readonly what: string
  /** The objects it happened to, in order. */
  readonly targets: readonly string[]
  readonly isFault: boolean
}

/** What the steps of the agent mean to someone who has never seen it. */
const STEPS: Readonly<Record<string, string>> = {
  'firewall-set': 'sets its packet filter chain below',
  'proxy-set': 'lets ndppd answer for',
  'neighbour-enable': 'lets the kernel answer on',
  'neighbour-add': 'lets the kernel answer for',
  'neighbour-remove': 'no longer lets the kernel answer for',
  'address-add': 'adds the new address to',
  'route-add': 'routes',
  'route-move': 'moves the route of',
  'address-deprecate': 'deprecates the old address of',
  'uplink-deprecate': 'deprecates its own old address',
  'address-remove': 'removes the old address of',
  'route-remove': 'no longer routes',
}

const FAULTS = new Set(['hold', 'denied', 'refused', 'report-unconfirmed'])

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

/** A step's target without what the line already says: the container's name, or the subnet. */
function shortTarget(target: string): string {
  return target.split(' ')[0] ?? target
}

function describeAgent(event: string, fields: ProgramEvent['fields']): [string, string[]] | null {
  switch (event) {
    case 'renumber':
      return [`decides: ${text(fields.cause)} renumbering to ${text(fields.to)}`, []]
    case 'step': {
      const what = STEPS[text(fields.step)] ?? text(fields.step)
      const isDone = fields.outcome === 'done'
      return [isDone ? what : `FAILED: ${what}`, [shortTarget(text(fields.target))]]
    }
    case 'made':
      return [`containers answer at both addresses, made in ${text(fields.ms)} ms`, []]
    case 'report-sent':
      return ['posts its signed report', []]
    case 'receipt':
      return [`has verified the receipt: log entry ${text(fields.entry)}`, []]
    case 'hold':
      return [`holds: ${text(fields.reason)}`, []]
    case 'report-unconfirmed':
      return [`could not confirm its report: ${text(fields.reason)}`, []]
    case 'refused':
      return [`was refused: ${text(fields.detail)}`, []]
    default:
      return null
  }
}

function describeCloud(event: string, fields: ProgramEvent['fields']): [string, string[]] | null {
  switch (event) {
    case 'report':
      return [`has checked the report and logged it: entry ${text(fields.index)}`, []]
    case 'dns':
      return [`DNS at ${text(fields.provider)}: ${text(fields.outcome)}`, [text(fields.name)]]
    case 'applied':
      return [`has logged what became of it: entry ${text(fields.index)}`, []]
    case 'denied':
      return [`denies the report: ${text(fields.code)} ${text(fields.detail)}`, []]
    default:
      return null
  }
}

/** Tells an event of the agent or the cloud as a line; `undefined` when it is no part of the story. */
export function describeProgramEvent(
  program: 'agent' | 'cloud',
  { event, time, fields }: ProgramEvent,
): TimelineLine | undefined {
  const told = program === 'agent' ? describeAgent(event, fields) : describeCloud(event, fields)
  if (told === null) return undefined
  const [what, targets] = told
  const isFault =
    FAULTS.has(event) ||
    (event === 'step' && fields.outcome !== 'done') ||
    (event === 'dns' && fields.outcome === 'failed')
  return { actor: program, at: time, what, targets, isFault }
}

/** Adds a line in the order of time, joining it to an equal one directly before it. */
export function addLine(
  lines: readonly TimelineLine[],
  line: TimelineLine,
): readonly TimelineLine[] {
  const later = lines.findIndex(({ at }) => at > line.at)
  const index = later === -1 ? lines.length : later
  const previous = lines[index - 1]
  if (previous?.actor === line.actor && previous.what === line.what && line.targets.length > 0) {
    const joined = { ...previous, targets: [...new Set([...previous.targets, ...line.targets])] }
    return [...lines.slice(0, index - 1), joined, ...lines.slice(index)]
  }
  return [...lines.slice(0, index), line, ...lines.slice(index)]
}
